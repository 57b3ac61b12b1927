import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import type { HoldfastClient } from "../../client/client.ts";
import type { FramePool } from "../../client/frame-pool.ts";
import { RealClock } from "../../clock/real.ts";
import { HoldfastError } from "../../protocol/errors.ts";
import { print, printJson } from "../print.ts";
import { withClient } from "../session.ts";
import { formatBytes, type PictureSize } from "../sizes.ts";
import type { TapSummary } from "./tap.ts";

/** What `holdfast frames bench` is told. */
export interface BenchFlags {
  readonly consumers: number;
  readonly count: number;
  readonly format: string;
  readonly size: PictureSize;
  readonly json?: true;
}

/** Frames that may wait for each consumer: enough that nobody waits for the other's turn of the processor. */
const DEPTH = 2;

/** How long a consumer may keep the producer waiting. */
const DEADLINE = "10s";

/** How often it is looked whether the consumers are there, in ms. */
const LOOK_MS = 20;

/** proc_pid_stat(5) counts the processor's time in these, in µs, on every Linux that we know. */
const TICK_US = 10_000;

/** What has been measured. */
interface Measured {
  readonly pool: string;
  readonly fourcc: string;
  readonly slotBytes: number;
  readonly frames: number;
  readonly consumers: number;
  readonly fps: number;
  /** From publishing to delivery, over all consumers. */
  readonly latencyMs: { readonly p50: number; readonly p99: number };
  /** Of the processor, in the supervisor; null: it can't be seen from here. */
  readonly supervisorUsPerFrame: number | null;
}

/**
 * Measures what a frame costs beside its pixels: this process publishes frames that it does not write to, consumers in processes of
 * their own take each of them and give it back.
 * @throws HoldfastError
 */
export function benchFrames(name: string | undefined, flags: BenchFlags, command: Command): Promise<void> {
  return withClient(command, async (client, socket) => {
    const measured =
      name === undefined ? await inOwnPool(client, socket, flags) : await measure(client, socket, await client.pool(name), flags);
    await (flags.json ? printJson(measured) : print(describe(measured)));
  });
}

async function inOwnPool(client: HoldfastClient, socket: string, flags: BenchFlags): Promise<Measured> {
  const { consumers, format: fourcc, size } = flags;
  const slots = consumers * (DEPTH + 1) + 2;
  const pool = await client.createPool(`bench-${process.pid}`, { slots, fourcc, ...size });
  const interrupted = (signal: NodeJS.Signals) => void pool.remove().finally(() => process.kill(process.pid, signal));
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, interrupted);
  try {
    return await measure(client, socket, pool, flags);
  } finally {
    await pool.remove();
  }
}

async function measure(client: HoldfastClient, socket: string, pool: FramePool, { consumers, count }: BenchFlags): Promise<Measured> {
  const before = await consumersOf(client, pool);
  const taps = Array.from({ length: consumers }, () => new Tap(socket, pool.name, count));
  try {
    while ((await consumersOf(client, pool)) < before + consumers) {
      if (taps.some(({ hasEnded }) => hasEnded)) throw ended();
      await sleep(LOOK_MS);
    }
    const { pid } = await client.status();
    const [cpuBefore, start] = [processorUs(pid), performance.now()];
    await publish(pool, count);
    const summaries = await Promise.all(taps.map((tap) => tap.summary));
    const [cpuAfter, ms] = [processorUs(pid), performance.now() - start];
    const worst = (ages: readonly (number | null)[]) => Math.max(...ages.map((age) => age ?? 0));
    return {
      pool: pool.name,
      fourcc: pool.layout.fourcc,
      slotBytes: pool.layout.bytes,
      frames: count,
      consumers,
      fps: (count * 1000) / ms,
      latencyMs: { p50: worst(summaries.map(({ ageMs }) => ageMs.p50)), p99: worst(summaries.map(({ ageMs }) => ageMs.p99)) },
      supervisorUsPerFrame: cpuBefore === null || cpuAfter === null ? null : (cpuAfter - cpuBefore) / count,
    };
  } finally {
    for (const tap of taps) tap.end();
  }
}

async function publish(pool: FramePool, count: number): Promise<void> {
  const clock = new RealClock();
  for (let left = count; left > 0; left--) {
    using frame = await pool.produce();
    await frame.publish({ timestampNs: BigInt(Math.round(clock.nowUs() * 1000)) });
  }
}

async function consumersOf(client: HoldfastClient, pool: FramePool): Promise<number> {
  const info = (await client.pools()).find((each) => each.pool === pool.name);
  if (info === undefined) throw new HoldfastError("POOL_GONE", `pool ${pool.name} has been removed`, { pool: pool.name });
  return info.groups.reduce((sum, { consumers }) => sum + consumers.length, 0);
}

const ended = () => new HoldfastError("DISCONNECTED", "a consumer has ended before its time");

/** A consumer: `holdfast frames tap` in a process of its own. What it complains of comes on our stderr. */
class Tap {
  readonly #process: ChildProcessByStdio<null, Readable, null>;
  /** @throws HoldfastError `DISCONNECTED` when it has ended without */
  readonly summary: Promise<TapSummary>;

  constructor(socket: string, pool: string, count: number) {
    const tap = ["--socket", socket, "frames", "tap", pool, "--policy", "block", "--depth", String(DEPTH), "--deadline", DEADLINE];
    const [program = process.execPath, ...args] = [...thisProgram(), ...tap, "-n", String(count), "--summary", "--json"];
    this.#process = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
    this.summary = this.#read();
    // Who waits for it sees the failure; before that, nobody does.
    this.summary.catch(() => {});
  }

  get hasEnded(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  end(): void {
    if (!this.hasEnded) this.#process.kill("SIGKILL");
  }

  async #read(): Promise<TapSummary> {
    const [out, [status]] = await Promise.all([text(this.#process.stdout), once(this.#process, "exit")]);
    if (status !== 0) throw ended();
    return JSON.parse(out);
  }
}

/** How this program is started again: the executable alone, or Bun and our sources. */
function thisProgram(): string[] {
  const [, script = ""] = process.argv;
  return script.startsWith("/$bunfs/") ? [process.execPath] : [process.execPath, script];
}

/** The processor's time that a process has had, in µs. */
function processorUs(pid: number): number | null {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    const [user, system] = [fields[11], fields[12]];
    return (Number(user) + Number(system)) * TICK_US;
  } catch {
    return null;
  }
}

function describe({ fourcc, slotBytes, frames, consumers, fps, latencyMs, supervisorUsPerFrame }: Measured): string {
  const cost = supervisorUsPerFrame === null ? "can't be seen from here" : `${supervisorUsPerFrame.toFixed(0)} us of CPU a frame`;
  return [
    `${frames} frames of ${formatBytes(slotBytes)} (${fourcc}) to ${consumers} consumer${consumers === 1 ? "" : "s"}, not written to`,
    `frames      ${fps.toFixed(0)} a second`,
    `latency     p50 ${latencyMs.p50.toFixed(3)} ms, p99 ${latencyMs.p99.toFixed(3)} ms from publishing to delivery`,
    `supervisor  ${cost}`,
  ].join("\n");
}
