import type { TimeCalls } from "./calls.ts";

/** The most that the thread is awake too early, in µs: where the kernel takes longer than that to wake it up, waiting awake costs more than it gives. */
const MOST_US = 50;
/** Of the time to a deadline, the part that may be waited awake: for the rest the thread leaves the processor to others. */
const AWAKE_SHARE = 1 / 8;
/** By how much, in µs, one awakening changes what is expected of the next. In balance it is enough nine times of ten. */
const [MORE_US, LESS_US] = [0.9, 0.1];

/**
 * Wakes the thread up at deadlines. The kernel takes some microseconds for that, so it is asked to be that much earlier, by what it has
 * taken lately; the rest the thread waits awake, and then needs nothing of the kernel's to go on.
 */
export class Alarm {
  readonly #calls: TimeCalls;
  readonly #bell: Int32Array;
  #leadUs = 0;

  /** @param bell whose first word changes when the thread has something else to see to */
  constructor(calls: TimeCalls, bell: Int32Array) {
    this.#calls = calls;
    this.#bell = bell;
  }

  /** Waits until `dueUs`, which may be Infinity, unless the bell is not as it was `seen` any more. May return for no reason. */
  wait(seen: number, dueUs: number): void {
    const nowUs = this.#calls.nowUs();
    if (nowUs >= dueUs) return;
    const wakeUs = dueUs - Math.min(this.#leadUs, (dueUs - nowUs) * AWAKE_SHARE);
    this.#calls.wait(this.#bell, seen, wakeUs);
    const awakeUs = this.#calls.nowUs();
    if (awakeUs < wakeUs) return;
    this.#leadUs = Math.min(MOST_US, Math.max(0, this.#leadUs + (awakeUs - wakeUs > this.#leadUs ? MORE_US : -LESS_US)));
    while (this.#calls.nowUs() < dueUs && Atomics.load(this.#bell, 0) === seen);
  }
}
