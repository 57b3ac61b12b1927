import { RealClock } from "../../src/clock/real.ts";

/** A camera gives a frame so often, in ms. */
export const FRAME_MS = 33;
/** What a consumer does with a frame takes so long, in ms. */
export const WORK_MS = 100;
/** Slots of every pool. */
export const SLOTS = 6;
/** The name of holdfast's. */
export const POOL = "demo";
/** An image of 640 × 480 pixels of 3 bytes. */
export const WIDTH = 640;
export const HEIGHT = 480;
export const FRAME_BYTES = WIDTH * HEIGHT * 3;

const CACHE_LINE_WORDS = 64 / Uint32Array.BYTES_PER_ELEMENT;

/** CLOCK_MONOTONIC, the same in every process. */
export const clock = new RealClock();

/** Its time in ms. */
export function nowMs(): number {
  return clock.nowUs() / 1000;
}

/**
 * The numbers of the frames that a camera gives within so many ms, each when it is due. A camera waits for nobody: frames that
 * come while its caller is kept are lost, and their numbers are skipped.
 */
export async function* camera(runMs: number): AsyncGenerator<{ readonly number: number; readonly last: boolean }> {
  const beganMs = nowMs();
  const frames = framesOf(runMs);
  let number = 0;
  for (;;) {
    number = Math.max(number + 1, Math.ceil((nowMs() - beganMs) / FRAME_MS));
    const last = number >= frames;
    await Bun.sleep(beganMs + number * FRAME_MS - nowMs());
    yield { number, last };
    if (last) return;
  }
}

/** How many frames the camera gives within so many ms. */
export function framesOf(runMs: number): number {
  return Math.floor(runMs / FRAME_MS);
}

/** Draws a frame: its number stands in every cache line, and everywhere else. */
export function draw(payload: Uint8Array, number: number): void {
  words(payload).fill(number);
}

/** The number of the frame in a payload; null: there are several, for another frame is being drawn over it. */
function numberIn(payload: Uint8Array): number | null {
  const lines = words(payload);
  const number = lines[0] as number;
  for (let line = 0; line < lines.length; line += CACHE_LINE_WORDS) if (lines[line] !== number) return null;
  return number;
}

function words({ buffer, byteOffset, length }: Uint8Array): Uint32Array {
  return new Uint32Array(buffer, byteOffset, length / Uint32Array.BYTES_PER_ELEMENT);
}

/** What a consumer has seen. Each frame that it took is intact, torn or wrong. */
export interface Sighting {
  readonly taken: number;
  /** Changed while it was held, or of two frames from the start. */
  readonly torn: number;
  /** Whole, and to the end; but not the frame that was announced. */
  readonly wrong: number;
  /** From publishing to taking, of every frame. */
  readonly latencyMs: readonly number[];
}

/** Looks at every frame twice, before the work and after it, and counts. */
export class Witness {
  #taken = 0;
  #torn = 0;
  #wrong = 0;
  readonly #latencyMs: number[] = [];

  /** @param announced the number that the frame is said to have @param publishedMs when that was said */
  async work(payload: Uint8Array, announced: number, publishedMs: number): Promise<void> {
    this.#latencyMs.push(nowMs() - publishedMs);
    this.#taken++;
    const before = numberIn(payload);
    await Bun.sleep(WORK_MS);
    if (before === null || numberIn(payload) !== before) this.#torn++;
    else if (before !== announced) this.#wrong++;
  }

  get sighting(): Sighting {
    return { taken: this.#taken, torn: this.#torn, wrong: this.#wrong, latencyMs: this.#latencyMs };
  }
}
