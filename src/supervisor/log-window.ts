import type { Alarm, Clock } from "../clock/clock.ts";

/** So many lines of one writer are logged within so many ms; the others are counted. */
const LINES = 200;
const WINDOW_MS = 1000;

/** Lets no more than so many lines of one writer into the log in a while: one that writes without end fills no disk with it. */
export class LogWindow {
  readonly #clock: Clock;
  readonly #tellOfLost: (lines: number) => void;
  #logged = 0;
  #left = 0;
  #alarm: Alarm | null = null;

  /** @param tellOfLost how many lines were left out, at the end of a window */
  constructor(clock: Clock, tellOfLost: (lines: number) => void) {
    this.#clock = clock;
    this.#tellOfLost = tellOfLost;
  }

  /** Whether one more line may be logged. */
  admits(): boolean {
    this.#alarm ??= this.#clock.at(this.#clock.nowUs() + WINDOW_MS * 1000, () => this.#renew());
    if (this.#logged === LINES) {
      this.#left += 1;
      return false;
    }
    this.#logged += 1;
    return true;
  }

  /** Nothing more comes. */
  end(): void {
    this.#alarm?.cancel();
    this.#renew();
  }

  #renew(): void {
    this.#alarm = null;
    this.#logged = 0;
    if (this.#left === 0) return;
    this.#tellOfLost(this.#left);
    this.#left = 0;
  }
}
