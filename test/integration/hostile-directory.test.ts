import { expect } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import manifest from "../../package.json";
import { executable, type Stage, story } from "./processes.ts";

/** Runs the executable in a directory with nothing but what the test puts there. */
function run(
  directory: string,
  env: Record<string, string>,
  ...args: readonly string[]
): { status: number; stdout: string; stderr: string } {
  // One that waits for ever, because it reads a pipe that nobody writes to, is killed.
  const { exitCode, stdout, stderr } = Bun.spawnSync([executable, ...args], { cwd: directory, env, stdin: "ignore", timeout: 20_000 });
  return { status: exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
}

function hostile(stage: Stage, name: string): string {
  const directory = join(stage.folder, name);
  mkdirSync(directory);
  return directory;
}

story("the executable takes neither code nor settings from the directory it is started in", async (stage) => {
  const directory = hostile(stage, "traps");
  writeFileSync(join(directory, "trap.ts"), "console.log('preloaded'); process.exit(99);");
  writeFileSync(join(directory, "bunfig.toml"), 'preload = ["./trap.ts"]\n');
  writeFileSync(join(directory, ".env"), "BUN_OPTIONS=--preload=./trap.ts\nHOLDFAST_SOCKET=/nowhere\n");
  writeFileSync(join(directory, "package.json"), "not JSON");
  writeFileSync(join(directory, "tsconfig.json"), "not JSON");
  expect(run(directory, {}, "--version")).toEqual({ status: 0, stdout: `holdfast ${manifest.version}\n`, stderr: "" });
});

story("it opens nothing in the directory it is started in", async (stage) => {
  const directory = hostile(stage, "pipes");
  const names = [
    ".env",
    ".env.local",
    ".env.production",
    ".env.development",
    "bunfig.toml",
    "package.json",
    "tsconfig.json",
    "bun.lock",
    ".npmrc",
  ];
  // Who opens a pipe to read it waits for a writer, and none comes.
  expect(Bun.spawnSync(["mkfifo", ...names.map((name) => join(directory, name)), join(directory, "node_modules")]).success).toBe(true);
  expect(run(directory, {}, "--version")).toEqual({ status: 0, stdout: `holdfast ${manifest.version}\n`, stderr: "" });
  await stage.serve();
  const { status, stderr } = run(directory, { HOLDFAST_SOCKET: stage.socket }, "status");
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
});

story("it needs no PATH, no home, no node_modules and no other file", async (stage) => {
  await stage.serve();
  const directory = hostile(stage, "empty");
  const env = { PATH: "", HOLDFAST_SOCKET: stage.socket };
  expect(run(directory, env, "on", "17")).toEqual({ status: 0, stdout: "", stderr: "" });
  expect(run(directory, env, "read", "17").stdout).toContain("1");
});
