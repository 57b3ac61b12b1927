import { RealClock } from "../../src/clock/real.ts";
import { percentile } from "../medians.ts";

/** The frames that one consumer has taken. */
export interface Seen {
  readonly frames: number;
  /** Without those of the warm-up, as all that follows. */
  readonly perSecond: number;
  /** From publishing to taking. */
  readonly p50Us: number;
  readonly p99Us: number;
}

/** What happens before is not counted: memory is touched for the first time, and caches are cold. */
const WARM_UP_US = 200_000;

/** CLOCK_MONOTONIC, the same in every process and language. */
export const clock = new RealClock();

/** Its time. */
export function nowUs(): number {
  return clock.nowUs();
}

/** Yields as often as a frame is due, for `runMs` in all; with a pace of 0, at once. */
export async function* pace(runMs: number, paceMs: number): AsyncGenerator<void> {
  const endUs = nowUs() + runMs * 1000;
  for (let dueUs = nowUs() + paceMs * 1000; nowUs() < endUs; dueUs += paceMs * 1000) {
    if (paceMs > 0) await Bun.sleep((dueUs - nowUs()) / 1000);
    yield;
  }
}

/** Notes when frames come. */
export class Watcher {
  readonly #atUs: number[] = [];
  readonly #latencyUs: number[] = [];

  /** Call it when the first and the last byte have been read. */
  frame(publishedUs: number): void {
    const atUs = nowUs();
    this.#atUs.push(atUs);
    this.#latencyUs.push(atUs - publishedUs);
  }

  get seen(): Seen {
    const warmUs = (this.#atUs[0] ?? 0) + WARM_UP_US;
    const first = this.#atUs.findIndex((atUs) => atUs >= warmUs);
    const atUs = first === -1 ? [] : this.#atUs.slice(first);
    const latencyUs = this.#latencyUs.slice(first);
    if (atUs.length < 2) throw new Error(`a consumer has seen ${this.#atUs.length} frames only`);
    return {
      frames: this.#atUs.length,
      perSecond: ((atUs.length - 1) / ((atUs.at(-1) as number) - (atUs[0] as number))) * 1e6,
      p50Us: percentile(latencyUs, 0.5),
      p99Us: percentile(latencyUs, 0.99),
    };
  }
}

/** What a consumer does with a frame here: it reads the first and the last byte. */
export function touch(payload: Uint8Array): number {
  return (payload[0] as number) + (payload[payload.length - 1] as number);
}
