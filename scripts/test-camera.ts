/**
 * Runs the tests of cameras with Debian's own ffmpeg and OpenCV: `bun scripts/test-camera.ts [options of bun test]`.
 * Installs the packages of Debian that this machine lacks.
 */
import { join } from "node:path";
import { install } from "./kernel/debian.ts";

const root = join(import.meta.dir, "..");

await install("ffmpeg", "python3", "python3-numpy", "python3-opencv");
const tests = Bun.spawn([process.execPath, "test", ...process.argv.slice(2), "test/camera/"], {
  cwd: root,
  stdio: ["inherit", "inherit", "inherit"],
});
process.exitCode = await tests.exited;
