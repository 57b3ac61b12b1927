import { join } from "node:path";
import type { HoldfastClient } from "../../src/index.ts";
import { threadsCpuUs } from "../proc.ts";
import type { Format } from "./formats.ts";
import { environment, python } from "./python.ts";
import { middle, type Outcome, type Run, seenIn } from "./run.ts";

/** What its ends are told of a run. */
export interface HoldfastRun extends Run {
  readonly socket: string;
  readonly pool: string;
  readonly path: string;
  readonly payloadOffset: number;
  readonly payloadStride: number;
  /** Whether the producer copies and the consumers look; false: control messages only. */
  readonly touch: boolean;
  /** How long a consumer may keep the producer waiting. */
  readonly deadlineMs: number;
}

/** With what a pool's producer and consumers are written: the TypeScript client, the least Python that will do, the Python package. */
export type Ends = "bun" | "python" | "package";

/** A supervisor that is measured. */
export interface Measured {
  readonly client: HoldfastClient;
  readonly socket: string;
  readonly pid: number;
}

const DEADLINE_MS = 5000;
const POOL = "bench";

/** Frames that wait for each consumer, with policy block. */
const DEPTH = 2;

/** As few slots as a pool of so many consumers may have: for each its depth and what it holds, one for the writer, one for the latest. */
export function slotsFor(consumers: number): number {
  return consumers * (DEPTH + 1) + 2;
}

/** Runs it through a pool of its own; every consumer is a group that misses nothing. */
export async function runHoldfast(
  { client, socket, pid }: Measured,
  ends: Ends,
  format: Format,
  run: Omit<Run, "bytes" | "slots">,
  { touch = true } = {},
): Promise<Outcome> {
  const { fourcc, width, height } = format;
  const slots = slotsFor(run.consumers);
  const layout = await client.request("pool.create", { pool: POOL, slots, fourcc, width, height });
  try {
    const { path, bytes, payloadOffset, payloadStride } = layout;
    const told: HoldfastRun = {
      ...run,
      socket,
      pool: POOL,
      path,
      bytes,
      slots,
      payloadOffset,
      payloadStride,
      touch,
      deadlineMs: DEADLINE_MS,
    };
    const consumers = Array.from({ length: run.consumers }, () => start(ends, "consumer", told));
    const groups = async () => (await client.request("pools", {})).pools[0]?.groups.length;
    while ((await groups()) !== run.consumers) {
      if (consumers.some(({ exitCode }) => exitCode !== null)) throw new Error(`a consumer in ${ends} has ended at once`);
      await Bun.sleep(5);
    }
    const before = threadsCpuUs(pid);
    await start(ends, "producer", told).exited;
    const seen = (await Promise.all(consumers.map(({ stdout }) => stdout.text()))).flatMap((text) =>
      seenIn(text, { ...told, consumers: 1 }, ends),
    );
    const frames = Math.max(...seen.map((each) => each.frames));
    return { ...middle(seen), supervisorUs: (threadsCpuUs(pid) - before) / frames };
  } finally {
    await client.request("pool.remove", { pool: POOL });
  }
}

const programs: Readonly<Record<Ends, readonly string[]>> = {
  bun: [process.execPath, join(import.meta.dir, "holdfast-ends.ts")],
  python: python("least.py"),
  package: python("package.py"),
};

function start(ends: Ends, role: "producer" | "consumer", run: HoldfastRun): Bun.Subprocess<"ignore", "pipe", "inherit"> {
  return Bun.spawn([...programs[ends], role, JSON.stringify(run)], {
    env: environment,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
}
