import { type Clock, timestampNs } from "../clock/clock.ts";
import { Watchdog } from "../clock/watchdog.ts";

const NS_PER_MS = 1_000_000;

/**
 * Notices that no edge comes for so long: once, until the next edge. What counts are the edges' own timestamps: a gap between two of
 * them is told of however late they are read.
 */
export class Silence {
  readonly #silenceNs: bigint;
  readonly #tell: (timestampNs: bigint) => void;
  readonly #watchdog: Watchdog;
  /** Of the last edge, or of the beginning. */
  #lastNs: bigint;
  #told = false;

  /** @param tell is told when it has been silent for `silenceMs`: that instant, on CLOCK_MONOTONIC */
  constructor(clock: Clock, silenceMs: number, tell: (timestampNs: bigint) => void) {
    this.#silenceNs = BigInt(Math.round(silenceMs * NS_PER_MS));
    this.#tell = tell;
    this.#lastNs = timestampNs(clock);
    // A µs may have a fraction that an instant in ns has lost.
    const dueUs = () => Math.ceil(Number(this.#dueNs) / 1000);
    this.#watchdog = new Watchdog(clock, silenceMs * 1000, dueUs, () => this.#notice());
  }

  /** An edge has come. @param lost edges before it that were not seen: who knows when they were */
  edge(timestampNs: bigint, lost: number): void {
    if (!this.#told && lost === 0 && timestampNs >= this.#dueNs) this.#notice();
    if (timestampNs > this.#lastNs) this.#lastNs = timestampNs;
    this.#told = false;
    this.#watchdog.start();
  }

  stop(): void {
    this.#watchdog.stop();
  }

  get #dueNs(): bigint {
    return this.#lastNs + this.#silenceNs;
  }

  #notice(): void {
    this.#told = true;
    this.#tell(this.#dueNs);
  }
}
