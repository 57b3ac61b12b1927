/** The longest line that is kept whole, in bytes. */
const MAX_LINE_BYTES = 4096;

const LINE_FEED = 0x0a;
/** Ends the lines of progress bars. */
const CARRIAGE_RETURN = 0x0d;

/**
 * What a program writes, as lines that anybody may read: bytes that are no UTF-8, and control characters, which might move a terminal's
 * cursor or hide text, become U+FFFD. Of a line that is too long the rest is counted. Empty lines are left out.
 */
export class OutputLines {
  readonly #take: (read: () => string) => void;
  #begun: Uint8Array[] = [];
  #begunBytes = 0;
  #cutBytes = 0;

  /** @param take is called with each line. Only one that it reads, before it returns, is put together: that takes longer than to find it */
  constructor(take: (read: () => string) => void) {
    this.#take = take;
  }

  push(bytes: Uint8Array): void {
    let start = 0;
    for (let at = 0; at < bytes.length; at++) {
      if (bytes[at] !== LINE_FEED && bytes[at] !== CARRIAGE_RETURN) continue;
      this.#finish(bytes, start, at);
      start = at + 1;
    }
    if (start < bytes.length) this.#keep(bytes.subarray(start));
  }

  /** No more of this line comes. */
  end(): void {
    this.#finish(new Uint8Array(), 0, 0);
  }

  /** A line ends with these bytes. */
  #finish(bytes: Uint8Array, start: number, end: number): void {
    if (start === end && this.#begunBytes === 0) return;
    this.#take(() => this.#lineWith(bytes.subarray(start, end)));
    if (this.#begunBytes === 0) return;
    this.#begun = [];
    this.#begunBytes = 0;
    this.#cutBytes = 0;
  }

  #lineWith(last: Uint8Array): string {
    this.#keep(last);
    const text = new TextDecoder().decode(Buffer.concat(this.#begun)).replace(/[^\P{Cc}\t]|\p{Bidi_Control}/gu, "\ufffd");
    return this.#cutBytes === 0 ? text : `${text} … and ${this.#cutBytes} bytes more`;
  }

  /** Copies what it keeps: who reads may use the memory again. */
  #keep(part: Uint8Array): void {
    const room = MAX_LINE_BYTES - this.#begunBytes;
    const kept = part.slice(0, room);
    this.#cutBytes += part.length - kept.length;
    this.#begunBytes += kept.length;
    if (kept.length > 0) this.#begun.push(kept);
  }
}
