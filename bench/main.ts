/** `bun bench/main.ts [--json]`: measures dist/holdfast, beside an echo over the same kind of socket. docs/performance.md explains the figures. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "../src/client/connect.ts";
import type { BlinkingFigures } from "./blinking.ts";
import type { LoadFigures } from "./load.ts";
import { frameBytes, type MessageFigures } from "./message.ts";
import { median, memory } from "./proc.ts";
import { report } from "./report.ts";

/** All that is measured. */
export interface Figures {
  readonly machine: string;
  /** Frames of a command and its reply; the echo's have the size of the longer one. */
  readonly frameBytes: { readonly request: number; readonly reply: number };
  readonly holdfast: readonly LoadFigures[];
  readonly echo: readonly LoadFigures[];
  /** From exec to the first reply, page cache warm. */
  readonly readyMs: number;
  readonly idleMb: number;
  /** What is left when no more commands come. */
  readonly afterLoadMb: number;
  readonly blinking: BlinkingFigures;
  readonly message: MessageFigures;
}

const executable = join(import.meta.dir, "..", "dist", "holdfast");

/** How often each side is measured, in turns, so that what else the machine does meets both. */
const ROUNDS = 3;
const STARTS = 15;
/** From here on memory is as it stays. */
const SETTLING_MS = 5000;

/** Runs a script of this folder to its end and takes the JSON that it prints. */
async function run<T>(script: string, ...args: readonly string[]): Promise<T> {
  const env = { ...process.env, NODE_ENV: "production" };
  const child = Bun.spawn([process.execPath, join(import.meta.dir, script), ...args], { env, stdout: "pipe", stderr: "inherit" });
  const text = await child.stdout.text();
  if ((await child.exited) !== 0) throw new Error(`${script} has failed`);
  return JSON.parse(text);
}

/** A supervisor, from its exec to its first reply. */
async function start(socket: string): Promise<{ readonly child: Bun.Subprocess; readonly readyMs: number }> {
  const began = performance.now();
  const child = Bun.spawn([executable, "serve", "--backend", "sim", "--socket", socket, "--log-level", "silent"], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  for (;;) {
    try {
      const client = await connect({ socket, name: "bench" });
      const readyMs = performance.now() - began;
      await client.close();
      return { child, readyMs };
    } catch {
      if (child.exitCode !== null) throw new Error("the supervisor has ended at once");
      await Bun.sleep(1);
    }
  }
}

async function stop(child: Bun.Subprocess): Promise<void> {
  child.kill();
  await child.exited;
}

/** Of several rounds the median of each figure. */
function middle(rounds: readonly (readonly LoadFigures[])[]): LoadFigures[] {
  return (rounds[0] ?? []).map((first, index) => {
    const names = Object.keys(first) as (keyof LoadFigures)[];
    return Object.fromEntries(
      names.map((name) => [name, median(rounds.map((round) => round[index]?.[name] ?? Number.NaN))]),
    ) as unknown as LoadFigures;
  });
}

async function measure(folder: string): Promise<Figures> {
  const socket = join(folder, "holdfast.sock");
  const echoSocket = join(folder, "echo.sock");
  const starts: number[] = [];
  for (let round = 0; round <= STARTS; round++) {
    const { child, readyMs } = await start(socket);
    // The first one may have to read the file from the disk.
    if (round > 0) starts.push(readyMs);
    await stop(child);
  }

  const { child: supervisor } = await start(socket);
  const echo = Bun.spawn([process.execPath, join(import.meta.dir, "echo.ts"), echoSocket], { stdio: ["ignore", "ignore", "inherit"] });
  try {
    await Bun.sleep(SETTLING_MS);
    const idleMb = memory(supervisor.pid).residentMb;
    while (!existsSync(echoSocket)) await Bun.sleep(1);
    const holdfastRounds: LoadFigures[][] = [];
    const echoRounds: LoadFigures[][] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const longest = String(Math.max(frameBytes.request, frameBytes.reply));
      echoRounds.push(await run("load.ts", "echo", echoSocket, String(echo.pid), longest));
      holdfastRounds.push(await run("load.ts", "holdfast", socket, String(supervisor.pid), longest));
    }
    await Bun.sleep(SETTLING_MS);
    const [processor] = cpus();
    return {
      machine: `${cpus().length} × ${processor?.model.trim()}, Linux ${process.arch}, Bun ${Bun.version}`,
      frameBytes,
      holdfast: middle(holdfastRounds),
      echo: middle(echoRounds),
      readyMs: median(starts),
      idleMb,
      afterLoadMb: memory(supervisor.pid).residentMb,
      blinking: await run("blinking.ts"),
      message: await run("message.ts"),
    };
  } finally {
    await stop(supervisor);
    await stop(echo);
  }
}

if (!existsSync(executable)) throw new Error("there is no dist/holdfast: run `make build` first");
const folder = mkdtempSync(join(tmpdir(), "holdfast-bench-"));
try {
  const figures = await measure(folder);
  console.log(process.argv.includes("--json") ? JSON.stringify(figures, null, 2) : report(figures));
} finally {
  rmSync(folder, { recursive: true });
}
