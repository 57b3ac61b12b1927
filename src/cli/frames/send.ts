import type { Command } from "commander";
import type { FramePool } from "../../client/frame-pool.ts";
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

/** Fills a slot. Returns the bytes that are used; 0: there are no more frames. */
type Fill = (data: Uint8Array, number: number) => number | Promise<number>;

/**
 * Publishes the frames of a file, of stdin, or of the test pattern.
 * @throws HoldfastError, FileFailed
 */
export function sendFrames(name: string, path: string | undefined, flags: SendFlags, command: Command): Promise<void> {
  return withClient(command, async (client) => {
    const pool = await client.pool(name);
    if (path === undefined) {
      await publish(pool, testPattern(pool.layout), { fps: PATTERN_FPS, ...flags });
    } else {
      await using frames = await openRawFrames(path, pool.layout);
      await publish(pool, (data) => frames.next(data), flags);
    }
  });
}

async function publish(pool: FramePool, fill: Fill, { fps, count = Number.POSITIVE_INFINITY }: SendFlags): Promise<void> {
  const clock = new RealClock();
  const pace = fps === undefined ? null : new Pace(clock, 1_000_000 / fps);
  for (let number = 1; number <= count; number++) {
    await pace?.next();
    using frame = await slotOf(pool);
    const timestampNs = BigInt(Math.round(clock.nowUs() * 1000));
    const bytes = await fill(frame.data, number);
    if (bytes === 0) return await frame.abort();
    await frame.publish({ bytes, timestampNs });
  }
}

/** A slot, for which it waits: every frame is sent. */
async function slotOf(pool: FramePool) {
  try {
    return await pool.produce({ waitMs: PATIENCE_MS });
  } catch (error) {
    if (!(error instanceof HoldfastError && error.code === "SLOT_NONE")) throw error;
    throw new HoldfastError("SLOT_NONE", `${error.message} for ${PATIENCE_MS / 1000} s`, error.details, { cause: error });
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
