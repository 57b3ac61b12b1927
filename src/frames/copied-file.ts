import { closeSync, readSync, writeSync } from "node:fs";
import type { PoolLayout } from "../protocol/replies.ts";
import { slotWords } from "./layout.ts";
import type { Access, PoolMapping, SlotMemory } from "./mapping.ts";
import { attempt, closedPool, openPoolFile, payloadAt } from "./pool-file.ts";

/**
 * A pool's file where it can't be mapped (Node): a frame is copied once, from the file when it is handed to the program, to the file
 * before it is published.
 */
export class CopiedFile implements PoolMapping {
  readonly layout: PoolLayout;
  readonly #access: Access;
  readonly #fd: number;
  /** The buffer of the last frame, for the next one: a new one would cost a fault for each of its pages. */
  #spare: ArrayBuffer | null = null;
  /** Slots whose content may still have to be written. */
  #writing = 0;
  #closed = false;
  #fdClosed = false;

  /** @throws HoldfastError `POOL_GONE`, `PERMISSION_DENIED`, `MEMORY_FAILED` */
  constructor(layout: PoolLayout, access: Access) {
    this.layout = layout;
    this.#access = access;
    this.#fd = openPoolFile(layout, access);
  }

  slot(slot: number, bytes: number): SlotMemory {
    this.#assertOpen();
    const offset = payloadAt(this.layout, slot, bytes);
    const buffer = this.#spare ?? new ArrayBuffer(this.layout.bytes);
    this.#spare = null;
    const generation = this.#access === "read" ? this.#copy(slot, offset, new Uint8Array(buffer, 0, bytes)) : null;
    if (this.#access === "write") this.#writing++;
    return new CopiedSlot(this, offset, bytes, buffer, generation);
  }

  close(): void {
    this.#closed = true;
    this.#closeWhenUnused();
  }

  /** @throws HoldfastError `MEMORY_FAILED`, `DISCONNECTED` */
  write(offset: number, data: Uint8Array): void {
    this.#assertOpen();
    attempt(this.layout, () => {
      for (let done = 0; done < data.length; ) done += writeSync(this.#fd, data, done, data.length - done, offset + done);
    });
  }

  /** A slot has ended. @param buffer its own, which it leaves to the next one; null: somebody may still use it */
  ended(buffer: ArrayBuffer | null): void {
    this.#spare = buffer ?? this.#spare;
    if (this.#access === "write") this.#writing--;
    this.#closeWhenUnused();
  }

  /** @returns the slot's generation when it had been copied */
  #copy(slot: number, offset: number, data: Uint8Array): number {
    const { headerOffset, headerStride } = this.layout;
    const word = Buffer.alloc(4);
    attempt(this.layout, () => {
      for (let done = 0; done < data.length; ) {
        const read = readSync(this.#fd, data, done, data.length - done, offset + done);
        if (read === 0) throw new Error("the file has become shorter");
        done += read;
      }
      readSync(this.#fd, word, 0, word.length, headerOffset + slot * headerStride + slotWords.generation);
    });
    return word.readUInt32LE();
  }

  /** By now the descriptor's number may be another file's. */
  #assertOpen(): void {
    if (this.#fdClosed) throw closedPool(this.layout.pool);
  }

  #closeWhenUnused(): void {
    if (!this.#closed || this.#writing > 0 || this.#fdClosed) return;
    this.#fdClosed = true;
    closeSync(this.#fd);
  }
}

class CopiedSlot implements SlotMemory {
  readonly #file: CopiedFile;
  readonly #offset: number;
  readonly #bytes: number;
  /** Of the slot when its content had been copied; null: it is written. */
  readonly #generation: number | null;
  #buffer: ArrayBuffer;
  #data: Uint8Array | null = null;

  constructor(file: CopiedFile, offset: number, bytes: number, buffer: ArrayBuffer, generation: number | null) {
    this.#file = file;
    this.#offset = offset;
    this.#bytes = bytes;
    this.#buffer = buffer;
    this.#generation = generation;
  }

  get data(): Uint8Array {
    this.#data ??= new Uint8Array(this.#buffer, 0, this.#bytes);
    return this.#data;
  }

  // A copy does not change any more. It is whole when the slot was still the frame's after it.
  intact(generation: number): boolean {
    return this.#generation === generation >>> 0;
  }

  flush(bytes: number): void {
    this.#file.write(this.#offset, new Uint8Array(this.#buffer, 0, bytes));
  }

  detach(): boolean {
    if (this.#data === null) return true;
    if (this.#buffer.byteLength === 0) return false;
    const buffer = moved(this.#buffer);
    // Bun only copies what an operation under way holds where it is.
    if (this.#buffer.byteLength > 0) return false;
    this.#data = null;
    this.#buffer = buffer;
    return true;
  }

  // Whoever still has the view has not the slot, but a copy of it.
  end(): true {
    // Node does not show whether an operation goes on storing into what was given up: then the next slot gets another buffer.
    const isGivenUp = this.#generation === null && this.#data !== null;
    const isDetached = this.detach();
    this.#file.ended(isDetached && !isGivenUp ? this.#buffer : null);
    return true;
  }
}

/** The same memory in a new buffer; the old one has none any more. */
function moved(buffer: ArrayBuffer): ArrayBuffer {
  // Node 20 has no ArrayBuffer.prototype.transfer.
  return structuredClone(buffer, { transfer: [buffer] });
}
