/**
 * Runs the tests of the Python package with Debian's own Python and its libraries: `bun scripts/test-python.ts [options of pytest]`.
 * Installs the packages of Debian that this machine lacks. The package itself is installed by pip in a folder that goes again, without a network.
 */
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gpiozeroSources } from "./gpiozero-sources.ts";
import { install, run } from "./kernel/debian.ts";

const root = join(import.meta.dir, "..");

/** Debian's, whatever other Pythons there are. */
const PYTHON = "/usr/bin/python3";

await install(
  "python3",
  "python3-venv",
  "python3-pip",
  "python3-setuptools",
  "python3-wheel",
  "python3-pytest",
  "python3-pytest-timeout",
  "mypy",
  "pyflakes3",
  "openssl",
  "python3-cbor2",
  "python3-numpy",
  "python3-opencv",
  "python3-gpiozero",
  "python3-pigpio",
  "pigpio-tools",
  "libpigpiod-if2-1",
  "gtkwave",
  "sigrok-cli",
  "graphviz",
);

const folder = mkdtempSync(join(tmpdir(), "holdfast-python-"));
try {
  // A copy, for pip builds where the sources are.
  cpSync(join(root, "python"), join(folder, "python"), { recursive: true });
  cpSync(join(root, "package.json"), join(folder, "package.json"));
  const python = join(folder, "venv", "bin", "python");
  await run([PYTHON, "-m", "venv", "--system-site-packages", "--without-pip", join(folder, "venv")], folder);
  await run([python, "-m", "pip", "install", "--quiet", "--no-index", "--no-build-isolation", join(folder, "python")], folder);
  // Nothing is written beside the sources.
  const options = ["-p", "no:cacheprovider", "--timeout=300", ...process.argv.slice(2)];
  const tests = Bun.spawn([python, "-B", "-m", "pytest", ...options, "test/python"], {
    cwd: root,
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1", GPIOZERO_SOURCES: await gpiozeroSources() },
    stdio: ["inherit", "inherit", "inherit"],
  });
  process.exitCode = await tests.exited;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
