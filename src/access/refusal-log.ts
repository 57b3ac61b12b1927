import type { HoldfastError } from "../protocol/errors.ts";

/** So many refusals are told in each stretch of time. */
const TOLD = 10;
const STRETCH_MS = 10_000;

/** Where refusals are told. */
interface Log {
  warn(fields: object, message: string): void;
}

/**
 * Tells the log who was refused what, and by which rule. Whoever asks again and again does not fill it: what is not told is counted, and the
 * next one that is says how many there were.
 */
export class RefusalLog {
  readonly #log: Log;
  readonly #nowMs: () => number;
  #sinceMs = Number.NEGATIVE_INFINITY;
  #told = 0;
  #untold = 0;

  /** @param nowMs the time, from any beginning */
  constructor(log: Log, nowMs: () => number) {
    this.#log = log;
    this.#nowMs = nowMs;
  }

  /** @param who as fields of the log @param message of the log */
  tell(who: object, { code, message: reason, details }: HoldfastError, message: string): void {
    const nowMs = this.#nowMs();
    if (nowMs - this.#sinceMs >= STRETCH_MS) {
      this.#sinceMs = nowMs;
      this.#told = 0;
    }
    if (this.#told >= TOLD) {
      this.#untold += 1;
      return;
    }
    this.#told += 1;
    this.#log.warn({ ...who, ...details, code, reason, ...(this.#untold > 0 && { untold: this.#untold }) }, message);
    this.#untold = 0;
  }
}
