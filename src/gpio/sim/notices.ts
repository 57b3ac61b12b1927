import type { Alarm, Clock } from "../../clock/clock.ts";

/** How many notices one change may set off before the rest waits: lines wired in a circle must not hang the process. */
const MAX_NOTICES_AT_ONCE = 1000;

/** How much later a notice arrives that could not be told at once, in µs: about an interrupt and the waking of a thread. */
const LATE_US = 1;

interface Notice {
  readonly recipient: object;
  readonly tell: () => void;
}

/**
 * What lines are to be told, in the order in which it happened. It is told at the end of the outermost change, when all
 * wires have settled, so a listener that sets a line finds the world consistent, and what that sets off is told after it.
 * A line is told nothing within one of its own calls; that waits for the clock.
 */
export class Notices {
  readonly #clock: Clock;
  readonly #queue: Notice[] = [];
  #changing = false;
  #late: Alarm | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Runs `work`, which may change wires and post notices. `caller` is the line whose method this is; null: none. */
  change(caller: object | null, work: () => void): void {
    if (this.#changing) {
      work();
      return;
    }
    this.#changing = true;
    try {
      work();
      this.#tell(caller);
    } finally {
      this.#changing = false;
      if (this.#queue.length > 0) this.#tellLater();
    }
  }

  /** To be called within a change. */
  post(recipient: object, tell: () => void): void {
    this.#queue.push({ recipient, tell });
  }

  /** Tells nothing more. */
  close(): void {
    this.#queue.length = 0;
    this.#late?.cancel();
  }

  #tell(caller: object | null): void {
    for (let told = 0; told < MAX_NOTICES_AT_ONCE; told++) {
      const index = this.#queue.findIndex(({ recipient }) => recipient !== caller);
      if (index < 0) return;
      this.#queue.splice(index, 1)[0]?.tell();
    }
  }

  #tellLater(): void {
    this.#late?.cancel();
    this.#late = this.#clock.at(this.#clock.nowUs() + LATE_US, () => this.change(null, () => {}));
  }
}
