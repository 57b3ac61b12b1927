/**
 * What is in the frames: the first bytes of every cache line say which producer wrote the frame, and which of its frames it is. So it
 * can be seen which frame is in a slot, and whether all of it is one frame. `peer.c` has the same.
 */

/** Which frame it is, as its `meta` announces it. */
export interface Identity {
  readonly producer: number;
  /** Counts the frames of the producer. */
  readonly number: number;
}

/** What a reader finds: the frame announced; another one, whole (`wrong`); or lines of several (`torn`). */
export type Found = "right" | "wrong" | "torn";

/** Bytes that a processor's cores exchange in one piece. */
export const LINE_BYTES = 64;

const WORDS_A_LINE = LINE_BYTES / Uint32Array.BYTES_PER_ELEMENT;

/** Stored where no frame is to be made of it. */
export const junk: Identity = { producer: 0xffff_ffff, number: 0xffff_ffff };

/** Writes lines of a frame. @param from the first one @param to the one behind the last */
export function fill(data: Uint8Array, { producer, number }: Identity, from: number, to: number): void {
  const words = wordsOf(data);
  for (let word = from * WORDS_A_LINE; word < to * WORDS_A_LINE; word += WORDS_A_LINE) {
    words[word] = producer;
    words[word + 1] = number;
  }
}

/** Looks at every line. @param announced null: the frame came without an identity */
export function look(data: Uint8Array, announced: Identity | null): Found {
  const words = wordsOf(data);
  const [producer, number] = words;
  for (let word = WORDS_A_LINE; word < words.length; word += WORDS_A_LINE) {
    if (words[word] !== producer || words[word + 1] !== number) return "torn";
  }
  return producer === announced?.producer && number === announced?.number ? "right" : "wrong";
}

/** What a frame's `meta` announces; null: no producer has published it. */
export function identityIn({ producer, number }: Readonly<Record<string, unknown>>): Identity | null {
  return typeof producer === "number" && typeof number === "number" ? { producer, number } : null;
}

function wordsOf(data: Uint8Array): Uint32Array {
  return new Uint32Array(data.buffer, data.byteOffset, data.byteLength / Uint32Array.BYTES_PER_ELEMENT);
}
