import { LENGTH_BYTES } from "./codec.ts";
import { HoldfastError } from "./errors.ts";
import type { Limits } from "./limits.ts";

/**
 * Finds the frames in a stream of bytes, however it is cut into chunks: a 4-byte big-endian length and that many bytes each.
 * Keeps at most one unfinished message, and no more of it than has arrived (rounded up to twice that).
 */
export class FrameReader {
  readonly #limits: Pick<Limits, "messageBytes">;
  #lengthBytes = 0;
  #length = 0;
  #filled = 0;
  #body = new Uint8Array(0);
  #broken: HoldfastError | undefined;

  /** @param limits `messageBytes`: longest message, in bytes of CBOR, without its length */
  constructor(limits: Pick<Limits, "messageBytes">) {
    this.#limits = limits;
  }

  /**
   * Gives `receive` every message that is complete with this chunk, without its length, in order.
   * A message is a view on the chunk or a buffer of its own: valid as long as the caller leaves the chunk alone.
   * What `receive` throws passes through, and the rest of the chunk is lost.
   * @throws HoldfastError `BAD_LENGTH` (zero) or `LIMIT_MESSAGE` (beyond the limit), after the messages before it; where the next frame
   *   begins is then unknown, so every later call throws the same
   */
  read(chunk: Uint8Array, receive: (message: Uint8Array) => void): void {
    if (this.#broken !== undefined) throw this.#broken;
    let at = 0;
    while (at < chunk.length) {
      if (this.#lengthBytes < LENGTH_BYTES) {
        this.#length = this.#length * 256 + (chunk[at++] as number);
        if (++this.#lengthBytes === LENGTH_BYTES) this.#checkLength();
        continue;
      }
      const part = chunk.subarray(at, at + this.#length - this.#filled);
      at += part.length;
      const message = part.length === this.#length ? part : this.#append(part);
      if (message === undefined) return;
      this.#lengthBytes = this.#length = this.#filled = 0;
      receive(message);
    }
  }

  #checkLength(): void {
    const limit = this.#limits.messageBytes;
    if (this.#length > 0 && this.#length <= limit) return;
    this.#broken =
      this.#length === 0
        ? new HoldfastError("BAD_LENGTH", "a frame of no bytes: a message is at least one CBOR map")
        : new HoldfastError("LIMIT_MESSAGE", `a message has at most ${limit} bytes; this frame announces ${this.#length}`, { limit });
    throw this.#broken;
  }

  /** Keeps a part of a message; gives the message when it is whole. */
  #append(part: Uint8Array): Uint8Array | undefined {
    const filled = this.#filled + part.length;
    if (filled > this.#body.length) {
      const grown = new Uint8Array(Math.min(this.#length, Math.max(filled, 2 * this.#body.length)));
      grown.set(this.#body.subarray(0, this.#filled));
      this.#body = grown;
    }
    this.#body.set(part, this.#filled);
    this.#filled = filled;
    if (filled < this.#length) return undefined;
    const message = this.#body.subarray(0, filled);
    this.#body = new Uint8Array(0);
    return message;
  }
}
