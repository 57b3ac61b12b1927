import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import type { HoldfastClient } from "../../client/client.ts";
import type { FramePool } from "../../client/frame-pool.ts";
import type { WritableFrame } from "../../client/writable-frame.ts";
import { timestampNs } from "../../clock/clock.ts";
import { RealClock } from "../../clock/real.ts";
import { HoldfastError } from "../../protocol/errors.ts";
import { withClient } from "../session.ts";
import { openRawFrames } from "./raw-frames.ts";
import { testPattern } from "./test-pattern.ts";

/** What `holdfast frames send` is told. */
export interface SendFlags {
  readonly testPattern?: true;
  readonly fps?: number;
  readonly count?: number;
}

/** How often the test pattern comes unless it is told, in frames a second. */
const PATTERN_FPS = 30;

/** For how long a producer goes without a slot before that is an error, in ms: a consumer with policy block may be slow. */
const PATIENCE_MS = 10_000;

/** The pause before a slot is asked for again, in ms. */
const PAUSE_MS = 10;

/** Makes a frame. Returns its bytes; 0: there are no more frames. */
type Fill = (data: Uint8Array, number: number) => number | Promise<number>;

/**
 * Publishes the frames of a file, of stdin, or of the test pattern.
 * @throws HoldfastError, FileFailed
 */
export function sendFrames(name: string, path: string | undefined, flags: SendFlags, command: Command): Promise<void> {
  return withClient(command, async (client) => {
    const pool = await client.pool(name);
    if (path === undefined) {
      await publishAll(client, pool, testPattern(pool.layout), { fps: PATTERN_FPS, ...flags });
    } else {
      await using frames = await openRawFrames(path, pool.layout);
      await publishAll(client, pool, (data) => frames.next(data), flags);
    }
  });
}

/** No slot is held while the next frame is waited for, and what has been read once can be sent again. */
async function publishAll(
  client: HoldfastClient,
  pool: FramePool,
  fill: Fill,
  { fps, count = Number.POSITIVE_INFINITY }: SendFlags,
): Promise<void> {
  const clock = new RealClock();
  const pace = fps === undefined ? null : new Pace(clock, 1_000_000 / fps);
  const data = new Uint8Array(pool.layout.bytes);
  for (let number = 1; number <= count; number++) {
    await pace?.next();
    const bytes = await fill(data, number);
    if (bytes === 0) return;
    const frame = data.subarray(0, bytes);
    while (!(await publish(pool, frame, clock))) await client.request("pool.open", { pool: pool.name });
  }
}

/** @returns false: the pool's file has gone, and the frame with it; when the pool is opened it has another */
async function publish(pool: FramePool, data: Uint8Array, clock: RealClock): Promise<boolean> {
  try {
    using frame = await slotOf(pool, clock);
    frame.data.set(data);
    await frame.publish({ bytes: data.length, timestampNs: timestampNs(clock), next: false });
    return true;
  } catch (error) {
    // Where it is the pool that has gone, the field is that.
    if (error instanceof HoldfastError && error.code === "POOL_GONE" && error.details.field !== "pool") return false;
    throw error;
  }
}

/** A slot, for which it waits: every frame is sent. A group with policy block has producers refused sooner, by its deadline. */
async function slotOf(pool: FramePool, clock: RealClock): Promise<WritableFrame> {
  const sinceUs = clock.nowUs();
  for (;;) {
    const waitedMs = (clock.nowUs() - sinceUs) / 1000;
    try {
      return await pool.produce({ waitMs: Math.max(1, PATIENCE_MS - waitedMs) });
    } catch (error) {
      if (!(error instanceof HoldfastError && error.code === "SLOT_NONE")) throw error;
      const seconds = (clock.nowUs() - sinceUs) / 1e6;
      if (seconds * 1000 >= PATIENCE_MS) {
        throw new HoldfastError("SLOT_NONE", `${error.message}; waited for ${seconds.toFixed(1)} s`, error.details, { cause: error });
      }
      await sleep(PAUSE_MS);
    }
  }
}

/** Instants that are evenly apart. One that comes late is not made up for. */
class Pace {
  readonly #clock: RealClock;
  readonly #periodUs: number;
  #dueUs: number;

  constructor(clock: RealClock, periodUs: number) {
    this.#clock = clock;
    this.#periodUs = periodUs;
    this.#dueUs = clock.nowUs();
  }

  async next(): Promise<void> {
    const nowUs = this.#clock.nowUs();
    if (this.#dueUs > nowUs) await new Promise<void>((resolve) => this.#clock.at(this.#dueUs, resolve));
    this.#dueUs = Math.max(this.#dueUs, nowUs - this.#periodUs) + this.#periodUs;
  }
}
