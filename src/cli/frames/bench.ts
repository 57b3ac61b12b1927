import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { Readable, Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import { addressInWords } from "../../client/address.ts";
import type { HoldfastClient } from "../../client/client.ts";
import type { FramePool } from "../../client/frame-pool.ts";
import { timestampNs } from "../../clock/clock.ts";
import { RealClock } from "../../clock/real.ts";
import { formatBytes } from "../../frames/bytes-in-words.ts";
import { type ErrorCode, errorCodes, HoldfastError } from "../../protocol/errors.ts";
import { counted, print, printJson } from "../print.ts";
import { withClient } from "../session.ts";
import type { PictureSize } from "../sizes.ts";
import type { Orphaned, TapSummary } from "./tap.ts";

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
  return withClient(command, async (client, address) => {
    const socket = addressInWords(address);
    const measured =
      name === undefined ? await inOwnPool(client, socket, flags) : await measure(client, socket, await client.pool(name), flags, "end");
    await (flags.json ? printJson(measured) : print(describe(measured)));
  });
}

/** However this process ends, its consumers outlive it by a moment, and see to what it leaves. */
async function inOwnPool(client: HoldfastClient, socket: string, flags: BenchFlags): Promise<Measured> {
  const { consumers, format: fourcc, size } = flags;
  const slots = consumers * (DEPTH + 1) + 2;
  const pool = await client.createPool(`bench-${process.pid}`, { slots, fourcc, ...size });
  try {
    return await measure(client, socket, pool, flags, "remove-pool");
  } finally {
    await pool.remove();
  }
}

async function measure(
  client: HoldfastClient,
  socket: string,
  pool: FramePool,
  { consumers, count }: BenchFlags,
  orphaned: Orphaned,
): Promise<Measured> {
  const before = await consumersOf(client, pool);
  const taps = Array.from({ length: consumers }, () => new Tap(socket, pool.name, count, orphaned));
  try {
    while ((await consumersOf(client, pool)) < before + consumers) {
      const early = taps.find(({ hasEnded }) => hasEnded);
      if (early !== undefined) await early.summary;
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
    await frame.publish({ timestampNs: timestampNs(clock), next: left > 1 });
  }
}

async function consumersOf(client: HoldfastClient, pool: FramePool): Promise<number> {
  const info = (await client.pools()).find((each) => each.pool === pool.name);
  if (info === undefined) throw new HoldfastError("POOL_GONE", `pool ${pool.name} has been removed`, { pool: pool.name });
  return info.groups.reduce((sum, { consumers }) => sum + consumers.length, 0);
}

/** What a consumer has said that has ended before its time: an error is written `CODE: sentence.` */
function ended(err: string): HoldfastError {
  const [, code = "", sentence = ""] = /^([A-Z_]+): (.*)\.$/m.exec(err) ?? [];
  if (Object.hasOwn(errorCodes, code)) return new HoldfastError(code as ErrorCode, sentence);
  return new HoldfastError("DISCONNECTED", `a consumer has ended before its time${err === "" ? "" : `: ${err.trim()}`}`);
}

/** A consumer: `holdfast frames tap` in a process of its own, beyond the reach of the terminal's signals. Its stdin ends with this process. */
class Tap {
  readonly #process: ChildProcessByStdio<Writable, Readable, Readable>;
  /** @throws HoldfastError that of the consumer when it has ended without */
  readonly summary: Promise<TapSummary>;

  constructor(socket: string, pool: string, count: number, orphaned: Orphaned) {
    const tap = ["--socket", socket, "frames", "tap", pool, "--policy", "block", "--depth", String(DEPTH), "--deadline", DEADLINE];
    const ending = ["-n", String(count), "--orphaned", orphaned, "--summary", "--json"];
    const [program = process.execPath, ...args] = [...thisProgram(), ...tap, ...ending];
    this.#process = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"], detached: true });
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
    const { stdout, stderr } = this.#process;
    const [out, err, [status]] = await Promise.all([text(stdout), text(stderr), once(this.#process, "exit")]);
    if (status !== 0) throw ended(err);
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
    `${counted(frames, "frame")} of ${formatBytes(slotBytes)} (${fourcc}) to ${counted(consumers, "consumer")}, not written to`,
    `frames      ${fps.toFixed(0)} a second`,
    `latency     p50 ${latencyMs.p50.toFixed(3)} ms, p99 ${latencyMs.p99.toFixed(3)} ms from publishing to delivery`,
    `supervisor  ${cost}`,
  ].join("\n");
}
