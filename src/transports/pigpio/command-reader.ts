import { HoldfastError } from "../../protocol/errors.ts";

/** One command as it came: four words, of which the last is the length of what follows them. */
export interface Command {
  readonly number: number;
  readonly p1: number;
  readonly p2: number;
  /** The first word of what follows; null: it is shorter than a word. No command that is offered has more. */
  readonly extension: number | null;
}

const WORD_BYTES = 4;
const HEADER_BYTES = 4 * WORD_BYTES;

/** What pigpiod takes behind a command, in bytes; it closes the connection of one that announces more (command.h, CMD_MAX_EXTENSION). */
export const EXTENSION_LIMIT_BYTES = 65_536;

/**
 * Bytes as they come, in pieces of any size, as commands. Whatever their lengths say, no more is kept than one command's header and the first word behind it.
 * Words are little-endian, as they are on the boards that pigpio was made for.
 */
export class CommandReader {
  readonly #bytes = new Uint8Array(HEADER_BYTES + WORD_BYTES);
  readonly #words = new DataView(this.#bytes.buffer);
  #kept = 0;
  /** What is still to come of this command and not kept. */
  #toSkip = 0;

  /**
   * @param take is given each command that is whole now
   * @throws HoldfastError `LIMIT_MESSAGE`: where the next command begins can't be known; the ones before it have been taken
   */
  read(chunk: Uint8Array, take: (command: Command) => void): void {
    for (let at = 0; at < chunk.length; ) {
      const missing = this.#toKeep - this.#kept;
      if (missing > 0) {
        const piece = chunk.subarray(at, at + missing);
        this.#bytes.set(piece, this.#kept);
        this.#kept += piece.length;
        at += piece.length;
        if (this.#kept === HEADER_BYTES && piece.length > 0) this.#announce();
      } else {
        const skipped = Math.min(this.#toSkip, chunk.length - at);
        this.#toSkip -= skipped;
        at += skipped;
      }
      if (this.#kept >= this.#toKeep && this.#toSkip === 0) take(this.#command());
    }
  }

  /** How long what follows the header is, as far as the header has come. */
  get #extensionBytes(): number {
    return this.#kept < HEADER_BYTES ? 0 : this.#words.getUint32(3 * WORD_BYTES, true);
  }

  get #toKeep(): number {
    return HEADER_BYTES + Math.min(this.#extensionBytes, WORD_BYTES);
  }

  /** The header is there. */
  #announce(): void {
    const bytes = this.#extensionBytes;
    if (bytes >= EXTENSION_LIMIT_BYTES) {
      throw new HoldfastError("LIMIT_MESSAGE", `a command announces ${bytes} bytes behind it; there may be ${EXTENSION_LIMIT_BYTES - 1}`, {
        limit: EXTENSION_LIMIT_BYTES - 1,
      });
    }
    this.#toSkip = Math.max(0, bytes - WORD_BYTES);
  }

  #command(): Command {
    const [number, p1, p2] = [0, 1, 2].map((word) => this.#words.getUint32(word * WORD_BYTES, true)) as [number, number, number];
    const extension = this.#extensionBytes < WORD_BYTES ? null : this.#words.getUint32(HEADER_BYTES, true);
    this.#kept = 0;
    return { number, p1, p2, extension };
  }
}

/** The reply to a command: its own words, and the result in place of the length. A result over 2³¹ is a word without a sign. */
export function encodeReply({ number, p1, p2 }: Command, result: number): Uint8Array {
  const words = new DataView(new ArrayBuffer(HEADER_BYTES));
  for (const [word, value] of [number, p1, p2, result].entries()) words.setUint32(word * WORD_BYTES, value, true);
  return new Uint8Array(words.buffer);
}
