import type { HoldfastError } from "../protocol/errors.ts";

/** So many refusals of one peer are told in each stretch of time, and so many of all. */
const TOLD_OF_ONE = 10;
const TOLD = 100;
const STRETCH_MS = 10_000;

/** Where refusals are told. */
interface Log {
  warn(fields: object, message: string): void;
}

/** Who was refused, as fields of the log. What these say is the same for whoever comes back after a refusal. */
export interface Refused {
  readonly transport: string;
  /** On the network. */
  readonly address?: string | null | undefined;
  /** On this machine. */
  readonly uid?: number | null | undefined;
  readonly [field: string]: unknown;
}

/**
 * Tells the log who was refused what, and by which rule. Whoever asks again and again does not fill it, nor does a crowd, and one of them does not
 * hide the others: what is not told is counted, and the next one that is says how many there were.
 */
export class RefusalLog {
  readonly #log: Log;
  readonly #nowMs: () => number;
  #sinceMs = Number.NEGATIVE_INFINITY;
  /** How many have been told of each peer in this stretch. */
  readonly #told = new Map<string, number>();
  #toldOfAll = 0;
  #untold = 0;

  /** @param nowMs the time, from any beginning */
  constructor(log: Log, nowMs: () => number) {
    this.#log = log;
    this.#nowMs = nowMs;
  }

  /** @param message of the log */
  tell(who: Refused, { code, message: reason, details }: HoldfastError, message: string): void {
    const nowMs = this.#nowMs();
    if (nowMs - this.#sinceMs >= STRETCH_MS) {
      this.#sinceMs = nowMs;
      this.#told.clear();
      this.#toldOfAll = 0;
    }
    const peer = `${who.transport} ${who.address} ${who.uid}`;
    const told = this.#told.get(peer) ?? 0;
    if (told >= TOLD_OF_ONE || this.#toldOfAll >= TOLD) {
      this.#untold += 1;
      return;
    }
    this.#told.set(peer, told + 1);
    this.#toldOfAll += 1;
    // Details may be of another client, such as the one that holds the pin: who was refused comes first, and stays.
    this.#log.warn({ ...who, ...details, ...who, code, reason, ...(this.#untold > 0 && { untold: this.#untold }) }, message);
    this.#untold = 0;
  }
}
