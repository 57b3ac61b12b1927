/**
 * `bun bench/main.ts [--json] [commands|frames|waves|remoteio|gpiozero|actors]`: measures dist/holdfast, its commands beside an echo over the same kind of socket, its
 * frames beside other pools; the thread that plays waves beside others; commands over remoteio's protocol beside its server's pattern; a LED of
 * gpiozero by each of its factories that can run here; and what users' actors cost.
 * docs/performance.md explains the figures.
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { measureActors } from "./actors/figures.ts";
import { reportActors } from "./actors/report.ts";
import type { BlinkingFigures } from "./blinking.ts";
import { measureFrames } from "./frames/figures.ts";
import { reportFrames } from "./frames/report.ts";
import { measureGpiozero } from "./gpiozero/figures.ts";
import { reportGpiozero } from "./gpiozero/report.ts";
import type { LoadFigures } from "./load.ts";
import { median, rowMedians } from "./medians.ts";
import { frameBytes, type MessageFigures } from "./message.ts";
import { memory } from "./proc.ts";
import { measureRemoteio } from "./remoteio/figures.ts";
import { reportRemoteio } from "./remoteio/report.ts";
import { report } from "./report.ts";
import { assertBuilt, startSupervisor, stop } from "./supervisor.ts";
import { measureWaves } from "./waves/figures.ts";
import { reportWaves } from "./waves/report.ts";

/** All that is measured of commands. */
export interface Figures {
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

async function measure(folder: string): Promise<Figures> {
  const socket = join(folder, "holdfast.sock");
  const echoSocket = join(folder, "echo.sock");
  const starts: number[] = [];
  for (let round = 0; round <= STARTS; round++) {
    const { child, readyMs } = await startSupervisor(socket);
    // The first one may have to read the file from the disk.
    if (round > 0) starts.push(readyMs);
    await stop(child);
  }

  const { child: supervisor } = await startSupervisor(socket);
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
    return {
      frameBytes,
      holdfast: rowMedians(holdfastRounds),
      echo: rowMedians(echoRounds),
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

const asJson = process.argv.includes("--json");
const only = process.argv.slice(2).find((argument) => !argument.startsWith("-"));
assertBuilt();
const folder = mkdtempSync(join(tmpdir(), "holdfast-bench-"));
try {
  const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, Linux ${process.arch}, Bun ${Bun.version}`;
  if (!asJson) console.log(machine);
  const tell = (what: string) => {
    if (process.stderr.isTTY) process.stderr.write(`\x1b[2K\r${what}\r`);
  };
  const part = async <Part>(name: string, measurePart: () => Promise<Part>, reportPart: (part: Part) => string) => {
    if (only !== undefined && only !== name) return undefined;
    const figures = await measurePart();
    tell("");
    if (!asJson) console.log(`\n${reportPart(figures)}`);
    return figures;
  };
  const commands = await part("commands", () => measure(folder), report);
  const frames = await part("frames", () => measureFrames(join(folder, "frames.sock"), tell), reportFrames);
  const waves = await part("waves", () => measureWaves(folder, tell), reportWaves);
  const remoteio = await part("remoteio", () => measureRemoteio(folder, tell), reportRemoteio);
  const gpiozero = await part("gpiozero", () => measureGpiozero(folder, tell), reportGpiozero);
  const actors = await part("actors", () => measureActors(folder, tell), reportActors);
  if (asJson) console.log(JSON.stringify({ machine, ...commands, frames, waves, remoteio, gpiozero, actors }, null, 2));
} finally {
  rmSync(folder, { recursive: true });
}
