/**
 * Tests the executable on a real kernel: `bun scripts/test-kernel.ts GUEST [options of bun test]`. A machine is started whose kernel
 * has simulated GPIO chips; in it Bun runs the tests of test/kernel/ beside dist/holdfast-linux-*. Ends with their status.
 */
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import lock from "../package-lock.json";
import { boot } from "./kernel/boot.ts";
import type { Arch } from "./kernel/debian.ts";
import { guests, moduleFiles } from "./kernel/guests.ts";
import { folder, type GuestFile } from "./kernel/initramfs.ts";
import { userLand } from "./kernel/user-land.ts";

/** The longest that all tests may take. An emulated machine on a busy one is slow. */
const LIMIT_MS = 15 * 60_000;

const REPORT_OPTION = "--reporter-outfile=";
const root = join(import.meta.dir, "..");

/** What the tests need: the executable, themselves, our sources, the packages that these import, and Bun. */
function testFiles(arch: Arch, command: string): [string, GuestFile][] {
  const at = (path: string) => join("holdfast", path);
  const packages = Object.entries(lock.packages)
    .filter(([path, about]) => path !== "" && !("dev" in about) && existsSync(join(root, path)))
    .map(([path]) => path);
  const own = readdirSync(root).filter((name) => /\.(json|toml)$/.test(name) && statSync(join(root, name)).isFile());
  return [
    ["init", { from: join(root, "scripts", "kernel", "init"), mode: 0o755 }],
    ["command", { text: command }],
    ["etc/passwd", { text: "root:x:0:0:root:/root:/bin/sh\n" }],
    ["etc/group", { text: "root:x:0:\n" }],
    ["bin/bun", { from: process.execPath }],
    [at("dist/holdfast"), { from: join(root, "dist", `holdfast-linux-${arch}`) }],
    ...["actors", "src", "test", ...packages].flatMap((path) => folder(at(path), join(root, path))),
    ...own.map((name): [string, GuestFile] => [at(name), { from: join(root, name) }]),
  ];
}

/** A word as a shell takes it. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

const [name = "", ...given] = process.argv.slice(2);
const guest = guests[name];
if (guest === undefined) throw new Error(`no guest is called "${name}"; there is ${Object.keys(guests).join(", ")}`);
const machine = await guest.prepare();
// The report is written in the guest and carried out of it.
const options = given.map((option) => (option.startsWith(REPORT_OPTION) ? `${REPORT_OPTION}/report.xml` : option));
const variables = process.stdout.isTTY ? "FORCE_COLOR=1" : "NO_COLOR=1";
const command = `TMPDIR=/tmp ${variables} bun test ${options.map(quoted).join(" ")} test/kernel/\n`;
const files = [...(await userLand(guest.arch)), ...moduleFiles(machine.modules), ...testFiles(guest.arch, command)];
const { status, report } = await boot(machine, new Map(files), LIMIT_MS);
const reportPath = given.find((option) => option.startsWith(REPORT_OPTION))?.slice(REPORT_OPTION.length);
if (reportPath !== undefined) {
  mkdirSync(dirname(reportPath), { recursive: true });
  writeFileSync(reportPath, report);
}
process.exitCode = status;
