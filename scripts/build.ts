/**
 * Makes the executable: `bun scripts/build.ts [x64] [arm64]`, by default for this machine.
 * Writes dist/holdfast-linux-<arch> for each, and dist/holdfast, which is the one of this machine.
 */
import { linkSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { $ } from "bun";
import { type Arch, architectures, fetchRuntime, isArch } from "./bun-runtime.ts";

const root = join(import.meta.dir, "..");
const dist = join(root, "dist");

/** Compiles for `arch` and returns the finished file. */
async function compile(arch: Arch): Promise<string> {
  const directory = mkdtempSync(join(dist, ".build-"));
  try {
    const runtime = arch === process.arch ? process.execPath : await fetchRuntime(arch, directory);
    // The name is part of the file's contents, so it is the same for every architecture and gets its suffix afterwards.
    const built = join(directory, "holdfast");
    const { exitCode, stderr } = await $`${process.execPath} build src/main.ts ${[
      "--compile",
      `--target=${architectures[arch].target}`,
      `--compile-executable-path=${runtime}`,
      `--outfile=${built}`,
      // Without it the bundle takes the development build of XState.
      "--production",
      // Bytecode halves the time to start; it defaults to CommonJS, which has no top-level await.
      "--bytecode",
      "--format=esm",
      // Stack traces in the log name our files and lines. The map is in the executable too; the file beside it is not needed.
      "--sourcemap=linked",
      // By default an executable would obey the .env and bunfig.toml (which can preload code) of the directory it is started in.
      "--no-compile-autoload-dotenv",
      "--no-compile-autoload-bunfig",
      // An import that cannot be resolved now would only be noticed on the board. Of users' files nothing is known now.
      "--allow-unresolved=",
      // Bun writes the directories of this machine in its place. Only transports of pino, which are not used, look at it.
      '--define=__dirname="/"',
    ]}`
      .cwd(root)
      .nothrow()
      .quiet();
    if (exitCode !== 0) throw new Error(`bun build: ${stderr}`);
    const bytes = readFileSync(built);
    if (bytes.includes(`${root}/`)) throw new Error(`${built} contains the path of this directory`);
    // Renamed, never overwritten in place: a running executable reads its file as it goes.
    const path = join(dist, `holdfast-linux-${arch}`);
    renameSync(built, path);
    console.log(`${path.slice(root.length + 1)}  ${(bytes.length / 1e6).toFixed(1)} MB`);
    return path;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const wanted = process.argv.length > 2 ? process.argv.slice(2) : [process.arch];
mkdirSync(dist, { recursive: true });
for (const arch of wanted) {
  if (!isArch(arch)) throw new Error(`no executable for "${arch}"; there is ${Object.keys(architectures).join(" and ")}`);
  const path = await compile(arch);
  if (arch !== process.arch) continue;
  const next = join(dist, ".holdfast");
  rmSync(next, { force: true });
  linkSync(path, next);
  renameSync(next, join(dist, "holdfast"));
}
