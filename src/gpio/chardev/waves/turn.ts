/** The thread is at the line, for one step. */
const STEPPING = 1;
/** The main thread does something to the line, and gives the turn back to the wave that had it. */
const BORROWED = 2;
/** The wave whose turn it is has a number, above the two bits. It wraps, long after the wave that had it before has been forgotten. */
const SERIAL = 4;

/** How often the main thread looks before it begins to sleep: longer than a step takes, and shorter than a turn of the scheduler. */
const LOOKS = 200;
/** How long it then sleeps, in ms, between looks. */
const NAP_MS = 0.05;

/** How an attempt of the thread to step has gone. */
export type Claim = "mine" | "borrowed" | "over";

/**
 * Whose turn it is to drive a line, in one word of shared memory. A wave is handed to the thread with a serial number, and
 * the thread drives the line only between a `claim` and a `yield` of that number. The main thread takes the line back by changing the
 * number, which it can do only while the thread is not at the line; from then on the thread's claims fail. The thread never
 * waits for the main thread: with real-time priority on a machine of one core, it would wait for ever.
 */
export class Turn {
  readonly #word: Int32Array;

  /** @param word one word; it holds the turn of who else has it, in any thread */
  constructor(word: Int32Array) {
    this.#word = word;
  }

  /** The number under which the next wave may be handed to the thread. For the one who has the line. */
  get serial(): number {
    return Atomics.load(this.#word, 0) & ~(STEPPING | BORROWED);
  }

  /** The thread wants to step the wave of a serial number. Only after `mine` may it touch the line, and must then `yield`. */
  claim(serial: number): Claim {
    const found = Atomics.compareExchange(this.#word, 0, serial, serial | STEPPING);
    if (found === serial) return "mine";
    return found === (serial | BORROWED) ? "borrowed" : "over";
  }

  /** The step is done. If the line was seized meanwhile, this changes nothing. */
  yield(serial: number): void {
    Atomics.compareExchange(this.#word, 0, serial | STEPPING, serial);
  }

  /** Whether the wave of a serial number may still be stepped, now or later. */
  belongsTo(serial: number): boolean {
    return (Atomics.load(this.#word, 0) & ~(STEPPING | BORROWED)) === serial;
  }

  /** The main thread tries to take the line back. @returns false: the thread is at it just now */
  tryTake(): boolean {
    const found = Atomics.load(this.#word, 0);
    if ((found & STEPPING) !== 0) return false;
    return Atomics.compareExchange(this.#word, 0, found, next(found)) === found;
  }

  /** The main thread tries to have the line for a moment; `giveBack` ends that. @returns false: the thread is at it just now */
  tryBorrow(): boolean {
    const found = Atomics.load(this.#word, 0);
    if ((found & STEPPING) !== 0) return false;
    return Atomics.compareExchange(this.#word, 0, found, found | BORROWED) === found;
  }

  /** Ends a `tryBorrow`, if the line has not been taken for good since. */
  giveBack(): void {
    const found = Atomics.load(this.#word, 0);
    if ((found & BORROWED) !== 0) Atomics.store(this.#word, 0, found & ~BORROWED);
  }

  /** Takes the line from a thread that is no more, or hangs: what it is doing now is the last that it does to the line. */
  seize(): void {
    for (;;) {
      const found = Atomics.load(this.#word, 0);
      if (Atomics.compareExchange(this.#word, 0, found, next(found)) === found) return;
    }
  }

  /**
   * Repeats an attempt until it succeeds: a step takes as long as one call of the kernel, unless the thread is not running just now.
   * @returns false: the thread was at the line for `patienceMs`
   */
  insist(attempt: () => boolean, patienceMs: number): boolean {
    for (let look = 0; look < LOOKS; look++) if (attempt()) return true;
    const untilMs = performance.now() + patienceMs;
    while (performance.now() < untilMs) {
      Atomics.wait(this.#word, 0, Atomics.load(this.#word, 0) | STEPPING, NAP_MS);
      if (attempt()) return true;
    }
    // The whole process may have been stopped for that long.
    Atomics.wait(this.#word, 0, Atomics.load(this.#word, 0) | STEPPING, NAP_MS);
    return attempt();
  }
}

/** The word of the next serial number, with nobody at the line. */
function next(word: number): number {
  return ((word & ~(STEPPING | BORROWED)) + SERIAL) | 0;
}
