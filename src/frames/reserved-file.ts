import {
  closeSync,
  fchmodSync,
  fchownSync,
  constants as fsConstants,
  fstatSync,
  lstatSync,
  openSync,
  rmSync,
  unlinkSync,
  write,
  writeSync,
} from "node:fs";
import { gpioGroup } from "../gpio-group.ts";
import type { PoolLayout } from "../protocol/replies.ts";
import { HeaderWriter, type ProcessIdentity, poolHeader, slotHeaders, slotPosition } from "./header.ts";
import { fileLayout, poolStates, poolWords } from "./layout.ts";
import type { FrameWords, PoolMemory, SlotWords } from "./memory.ts";

/** The owner and the group may map it; who only reads maps it read-only. */
const FILE_MODE = 0o660;

/** Zeros are written in pieces of this size: a millisecond or two of one thread of the pool. */
const CHUNK_BYTES = 4 * 2 ** 20;
const zeros = new Uint8Array(CHUNK_BYTES);

/**
 * The file of a pool. The supervisor writes its words and never maps it: whoever may write to the file may cut it, and touching what
 * has been cut off ends a process (SIGBUS), while write(2) only fails.
 */
export class ReservedFile implements PoolMemory {
  readonly layout: PoolLayout;
  readonly #inode: Inode;
  readonly #fileBytes: number;
  readonly #writer: HeaderWriter;
  #fd: number | null;
  #failed = false;

  private constructor(layout: PoolLayout, fd: number) {
    this.layout = layout;
    this.#fd = fd;
    this.#writer = new HeaderWriter(layout.slots, (bytes, position) => this.#write(bytes, position));
    this.#inode = fstatSync(fd, { bigint: true });
    this.#fileBytes = fileLayout(layout.slots, layout.bytes).fileBytes;
  }

  /**
   * Makes the file that a layout names, and all of its memory. On any failure nothing stays.
   * @param written is told how many bytes there are, as it goes on
   * @throws what the file system says
   */
  static async create(layout: PoolLayout, supervisor: ProcessIdentity, written: (bytes: number) => void): Promise<ReservedFile> {
    const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW } = fsConstants;
    const fd = openSync(layout.path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    try {
      // First of all: should this process be killed from here on, the next supervisor knows whose the file was.
      writeSync(fd, poolHeader(layout, supervisor), 0, poolWords.end, 0);
      const group = gpioGroup();
      if (group !== null) fchownSync(fd, 0, group);
      fchmodSync(fd, FILE_MODE);
      const file = new ReservedFile(layout, fd);
      await file.#fill(written);
      return file;
    } catch (error) {
      rmSync(layout.path, { force: true });
      closeSync(fd);
      throw error;
    }
  }

  async #fill(written: (bytes: number) => void): Promise<void> {
    const fd = this.#fd as number;
    for (let position: number = poolWords.end; position < this.#fileBytes; written(position)) {
      position += await writeZeros(fd, Math.min(CHUNK_BYTES, this.#fileBytes - position), position);
    }
    const headers = slotHeaders(this.layout);
    writeSync(fd, headers, 0, headers.byteLength, slotPosition(0));
    this.#writer.poolState(poolStates.live);
  }

  mirror(slot: number, words: SlotWords): void {
    this.#writer.mirror(slot, words);
  }

  describe(slot: number, frame: FrameWords): void {
    this.#writer.describe(slot, frame);
  }

  /** A write that fails tells of nothing but a broken file, and its clients must have another: `present` says so from now on. */
  #write(bytes: Uint8Array, position: number): void {
    if (this.#fd === null) return;
    try {
      if (writeSync(this.#fd, bytes, 0, bytes.byteLength, position) < bytes.byteLength) this.#failed = true;
    } catch {
      this.#failed = true;
    }
  }

  present(): boolean {
    if (this.#fd === null || this.#failed) return false;
    return fstatSync(this.#fd).size === this.#fileBytes && this.#isAtItsPath();
  }

  remove(): void {
    if (this.#fd === null) return;
    this.#writer.poolState(poolStates.removed);
    try {
      if (this.#isAtItsPath()) unlinkSync(this.layout.path);
    } catch {
      // Somebody was faster, or has made the folder read-only: then the next supervisor finds a leftover.
    }
    const fd = this.#fd;
    this.#fd = null;
    closeSync(fd);
  }

  #isAtItsPath(): boolean {
    try {
      const { ino, dev } = lstatSync(this.layout.path, { bigint: true });
      return ino === this.#inode.ino && dev === this.#inode.dev;
    } catch {
      return false;
    }
  }
}

interface Inode {
  readonly ino: bigint;
  readonly dev: bigint;
}

/** @returns how many were written, at least one */
function writeZeros(fd: number, bytes: number, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, zeros, 0, bytes, position, (error, written) => {
      if (error !== null) reject(error);
      else resolve(written);
    });
  });
}
