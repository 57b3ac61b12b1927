import type { Level } from "../../../protocol/requests.ts";
import type { Levels } from "../../levels.ts";

const COUNT_BYTES = 8;
const ENTRY_BYTES = 8;

/**
 * A line that is nothing but memory: what it is driven to is kept with the time, so that waves can be measured with no more effort
 * than reading the clock. Whoever plays a wave writes; what is beyond the room for it is counted only.
 */
export class DriveRecord {
  readonly memory: SharedArrayBuffer;
  readonly #count: Int32Array;
  /** In µs; negative: to inactive. */
  readonly #entries: Float64Array;

  /** @param memory of the same record in another thread, or how many entries there is to be room for */
  constructor(memory: SharedArrayBuffer | number) {
    this.memory = typeof memory === "number" ? new SharedArrayBuffer(COUNT_BYTES + memory * ENTRY_BYTES) : memory;
    this.#count = new Int32Array(this.memory, 0, 1);
    this.#entries = new Float64Array(this.memory, COUNT_BYTES);
  }

  /** Keeps that the line was driven; of a group, whether any of its lines is active. */
  put(levels: Levels, atUs: number): void {
    const index = Atomics.load(this.#count, 0);
    this.#entries[index] = levels === 0 ? -atUs : atUs;
    Atomics.store(this.#count, 0, index + 1);
  }

  /** Takes out all that is there. Only while nobody writes. */
  take(): { readonly level: Level; readonly atUs: number }[] {
    const entries = this.#entries.subarray(0, Atomics.exchange(this.#count, 0, 0));
    return Array.from(entries, (signedUs) => ({ level: signedUs > 0 ? 1 : 0, atUs: Math.abs(signedUs) }));
  }
}
