import { HoldfastError } from "../../protocol/errors.ts";

/** One request as it stands on the wire: words, of which nothing is known yet but where they begin and end. */
export interface RemoteioRequest {
  /** `b`: by the number on the board's header; `g`: by the number of the GPIO. */
  readonly numbering: string;
  readonly pin: string;
  readonly command: string;
  readonly timeMs: string;
  readonly arg1: string;
  readonly arg2: string;
}

/** Longest word that is taken, in bytes. A number in Python's words has 24 at most, but for whole numbers beyond all use. */
const MAX_WORD_BYTES = 64;

const WORDS = 6;

/**
 * Bytes as requests of remoteio's second protocol: six words, each followed by one space, and nothing else between them. Each byte is one
 * character: what is not ASCII is wrong wherever it comes.
 */
export class RequestReader {
  #text = "";
  /** Where the next request begins. */
  #at = 0;

  /** More bytes have come. */
  add(chunk: Uint8Array): void {
    this.#text = this.#text.slice(this.#at) + latin1(chunk);
    this.#at = 0;
  }

  /** How much has come that no request has been made of. */
  get unreadBytes(): number {
    return this.#text.length - this.#at;
  }

  /**
   * The next request; null: it has not come to its end.
   * @throws HoldfastError `BAD_FIELD`, `LIMIT_MESSAGE`; where the next request begins can't be known then
   */
  next(): RemoteioRequest | null {
    const words: string[] = [];
    let at = this.#at;
    while (words.length < WORDS) {
      const end = this.#text.indexOf(" ", at);
      const word = this.#text.slice(at, end === -1 ? at + MAX_WORD_BYTES + 1 : end);
      if (end !== -1 || word !== "") check(word, words.length);
      if (end === -1) return this.#wait();
      words.push(word);
      at = end + 1;
    }
    this.#at = at;
    const [numbering, pin, command, timeMs, arg1, arg2] = words as [string, string, string, string, string, string];
    return { numbering, pin, command, timeMs, arg1, arg2 };
  }

  /** What has come of a request is copied: as a part of a long text it would keep all of that in memory. */
  #wait(): null {
    this.#text = latin1(Buffer.from(this.#text.slice(this.#at), "latin1"));
    this.#at = 0;
    return null;
  }
}

/** Each request begins with a `b` or a `g`: a word too few or too many, and all that follow, are seen at once. */
function check(word: string, index: number): void {
  if (index === 0 && word !== "b" && word !== "g") {
    const message = 'a request is six words, each with a space behind it, and begins with "b ", as those of remoteio in October 2024';
    throw new HoldfastError("BAD_FIELD", message, { field: "numbering" });
  }
  if (word.length > MAX_WORD_BYTES) {
    throw new HoldfastError("LIMIT_MESSAGE", `a word has ${MAX_WORD_BYTES} bytes at most`, { limit: MAX_WORD_BYTES });
  }
}

function latin1({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("latin1");
}
