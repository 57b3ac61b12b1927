/** Most digits of a whole number that a double holds exactly, and the end of the line. */
const LONGEST_BYTES = 17;

const [ZERO, NEWLINE] = [0x30, 0x0a];

/** Writes numbers of nanoseconds as text, one at a time and in place: no garbage is made, so that a thread that keeps time may do it. */
export class NanosecondsText {
  readonly #bytes = new Uint8Array(new ArrayBuffer(LONGEST_BYTES));
  /** The end of the same memory, by how many bytes it has. */
  readonly #endings = Array.from({ length: LONGEST_BYTES + 1 }, (_, bytes) => this.#bytes.subarray(LONGEST_BYTES - bytes));

  constructor() {
    this.#bytes[LONGEST_BYTES - 1] = NEWLINE;
  }

  /** The number in decimal, with the end of the line. It stands until the next call. @param ns a whole number, not negative */
  of(ns: number): Uint8Array {
    let at = LONGEST_BYTES - 1;
    let rest = ns;
    do {
      at -= 1;
      this.#bytes[at] = ZERO + (rest % 10);
      rest = Math.floor(rest / 10);
    } while (rest > 0 && at > 0);
    return this.#endings[LONGEST_BYTES - at] as Uint8Array;
  }
}

/** For how long of each period a duty is on. One that is not 0 is on, if only for the shortest time there is: off is another command. */
export function onTimeNs(duty: number, periodNs: number): number {
  return duty > 0 ? Math.max(1, Math.round(duty * periodNs)) : 0;
}
