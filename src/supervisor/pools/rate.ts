import type { Clock } from "../../clock/clock.ts";

/** How many of the last events are looked at. */
const REMEMBERED = 32;

/** How far back, in µs: what was before says nothing of now. */
const WINDOW_US = 5_000_000;

/** How often something has happened of late. */
export class Rate {
  readonly #clock: Clock;
  readonly #timesUs = new Float64Array(REMEMBERED);
  #count = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** It has happened. */
  tick(): void {
    this.#timesUs[this.#count++ % REMEMBERED] = this.#clock.nowUs();
  }

  /** How often a second. */
  get perSecond(): number {
    const nowUs = this.#clock.nowUs();
    const recentUs = this.#timesUs.slice(0, this.#count).filter((timeUs) => nowUs - timeUs <= WINDOW_US);
    if (recentUs.length < 2) return 0;
    return ((recentUs.length - 1) / Math.max(1, nowUs - Math.min(...recentUs))) * 1e6;
  }
}
