/**
 * Runs the tests of cameras with Debian's own ffmpeg, GStreamer and OpenCV: `bun scripts/test-camera.ts [options of bun test]`.
 * Installs the packages of Debian that this machine lacks.
 */
import { join } from "node:path";
import { install } from "./kernel/debian.ts";

/** A test that takes longer hangs: on a busy machine any takes many times as long as it needs. */
const PATIENCE_MS = 240_000;

const root = join(import.meta.dir, "..");

await install("ffmpeg", "python3", "python3-numpy", "python3-opencv");
await install("gstreamer1.0-tools", ...["base", "good", "bad", "ugly"].map((set) => `gstreamer1.0-plugins-${set}`));
await install("python3-gi", "gir1.2-gst-rtsp-server-1.0");
const tests = Bun.spawn([process.execPath, "test", `--timeout=${PATIENCE_MS}`, ...process.argv.slice(2), "test/camera/"], {
  cwd: root,
  stdio: ["inherit", "inherit", "inherit"],
});
process.exitCode = await tests.exited;
