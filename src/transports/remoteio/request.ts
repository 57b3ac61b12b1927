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
  #words: string[] = [];
  #begun = "";

  /**
   * @param take is given every request that is complete with these bytes, in order
   * @throws HoldfastError `BAD_FIELD`, `LIMIT_MESSAGE`; where the next request begins can't be known then
   */
  read(chunk: Uint8Array, take: (request: RemoteioRequest) => void): void {
    const text = this.#begun + Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString("latin1");
    let at = 0;
    for (let end = text.indexOf(" "); end !== -1; end = text.indexOf(" ", at)) {
      this.#add(text.slice(at, end));
      at = end + 1;
      if (this.#words.length < WORDS) continue;
      const [numbering, pin, command, timeMs, arg1, arg2] = this.#words as [string, string, string, string, string, string];
      this.#words = [];
      take({ numbering, pin, command, timeMs, arg1, arg2 });
    }
    this.#begun = text.slice(at);
    if (this.#begun !== "") this.#check(this.#begun);
  }

  #add(word: string): void {
    this.#check(word);
    this.#words.push(word);
  }

  /** Each request begins with a `b` or a `g`: a word too few or too many, and all that follow, are seen at once. */
  #check(word: string): void {
    if (this.#words.length === 0 && word !== "b" && word !== "g") {
      const message = 'a request is six words, each with a space behind it, and begins with "b ", as those of remoteio in October 2024';
      throw new HoldfastError("BAD_FIELD", message, { field: "numbering" });
    }
    if (word.length > MAX_WORD_BYTES) {
      throw new HoldfastError("LIMIT_MESSAGE", `a word has ${MAX_WORD_BYTES} bytes at most`, { limit: MAX_WORD_BYTES });
    }
  }
}
