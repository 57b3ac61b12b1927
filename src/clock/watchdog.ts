import type { Alarm, Clock } from "./clock.ts";

/** Tells once when nothing has been heard for so long; `start` makes it listen again. */
export class Watchdog {
  readonly #clock: Clock;
  readonly #periodUs: number;
  readonly #dueUs: () => number;
  readonly #silent: () => void;
  #alarm: Alarm | null = null;

  /**
   * Listens from now on.
   * @param periodUs for how long nothing may be heard
   * @param dueUs until when something must be heard, as far as is known now
   * @param silent is told that nothing was
   */
  constructor(clock: Clock, periodUs: number, dueUs: () => number, silent: () => void) {
    this.#clock = clock;
    this.#periodUs = periodUs;
    this.#dueUs = dueUs;
    this.#silent = silent;
    this.start();
  }

  /** Listens, unless it does so already. */
  start(): void {
    if (this.#alarm === null) this.#listen(this.#dueUs());
  }

  stop(): void {
    this.#alarm?.cancel();
    this.#alarm = null;
  }

  #listen(untilUs: number): void {
    this.#alarm = this.#clock.at(untilUs, () => {
      const nowUs = this.#clock.nowUs();
      if (this.#dueUs() > nowUs) this.#listen(this.#dueUs());
      else this.#lastCall(nowUs, nowUs - untilUs);
    });
  }

  /**
   * An alarm that is late tells of a busy machine: what has come meanwhile is not read yet, and who should be heard may have been
   * kept from speaking. That is no silence, so there is as much time again, but no more than there is ever: however long the machine
   * was busy, what has fallen silent meanwhile is missed as soon as that.
   */
  #lastCall(nowUs: number, lateUs: number): void {
    this.#alarm = this.#clock.at(nowUs + Math.min(lateUs, this.#periodUs), () => {
      if (this.#dueUs() > this.#clock.nowUs()) return this.#listen(this.#dueUs());
      this.#alarm = null;
      this.#silent();
    });
  }
}
