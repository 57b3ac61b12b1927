/**
 * Tests the executable on a real kernel: `bun scripts/test-kernel.ts GUEST [options of bun test]`. A machine is started whose kernel
 * has simulated GPIO chips and a simulated camera; in it Bun runs the guest's tests beside dist/holdfast-linux-*. Ends with their status.
 */
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import lock from "../package-lock.json";
import { type Arch, fetchRuntime } from "./bun-runtime.ts";
import { boot } from "./kernel/boot.ts";
import { cached } from "./kernel/cache.ts";
import { cameraPrograms } from "./kernel/camera-programs.ts";
import { guests } from "./kernel/guests.ts";
import { folder, type GuestFile } from "./kernel/initramfs.ts";
import { nodeFiles } from "./kernel/node.ts";
import { userLand } from "./kernel/user-land.ts";

/** The longest that all tests, and that one may take. An emulated machine on a busy one is slow. */
const LIMIT_MS = 60 * 60_000;
const PATIENCE_MS = 5 * 60_000;

const REPORT_OPTION = "--reporter-outfile=";
const root = join(import.meta.dir, "..");

/** What the tests need: the executable, themselves, our sources, the packages that these import, Bun, and what else there is for them. */
async function testFiles(arch: Arch): Promise<[string, GuestFile][]> {
  const at = (path: string) => join("holdfast", path);
  const packages = Object.entries(lock.packages)
    .filter(([path, about]) => path !== "" && !("dev" in about) && existsSync(join(root, path)))
    .map(([path]) => path);
  const own = readdirSync(root).filter((name) => /\.(json|toml)$/.test(name) && statSync(join(root, name)).isFile());
  return [
    ["etc/passwd", { text: "root:x:0:0:root:/root:/bin/sh\n" }],
    ["etc/group", { text: "root:x:0:\n" }],
    ["bin/bun", { from: arch === process.arch ? process.execPath : await foreignBun(arch) }],
    [at("dist/holdfast"), { from: join(root, "dist", `holdfast-linux-${arch}`) }],
    ...["actors", "src", "test", ...packages].flatMap((path) => folder(at(path), join(root, path))),
    ...(arch === process.arch ? await ofThisMachine(at("dist/lib"), at("node_modules")) : []),
    ...own.map((name): [string, GuestFile] => [at(name), { from: join(root, name) }]),
  ];
}

/** What there is for a guest of this machine's architecture alone: Node with the library, and programs for cameras. */
async function ofThisMachine(library: string, modules: string): Promise<[string, GuestFile][]> {
  return [...folder(library, join(root, "dist", "lib")), ...(await nodeFiles(modules)), ...(await cameraPrograms())];
}

/** Bun for another architecture than this machine's. */
async function foreignBun(arch: Arch): Promise<string> {
  const folder = await cached(`bun-${arch}`, lock.packages["node_modules/bun"].version, async (folder) => {
    await fetchRuntime(arch, folder);
  });
  return join(folder, "bun");
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
const command = `TMPDIR=/tmp TEST_PATIENCE_MS=${PATIENCE_MS} ${variables} bun test --timeout=${2 * PATIENCE_MS} ${options.map(quoted).join(" ")} ${guest.tests}`;
const files = [...(await userLand(guest.arch)), ...(await testFiles(guest.arch))];
const { status, report } = await boot(machine, command, new Map(files), LIMIT_MS);
const reportPath = given.find((option) => option.startsWith(REPORT_OPTION))?.slice(REPORT_OPTION.length);
if (reportPath !== undefined) {
  mkdirSync(dirname(reportPath), { recursive: true });
  writeFileSync(reportPath, report);
}
process.exitCode = status;
