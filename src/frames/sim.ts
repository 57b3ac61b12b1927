import assert from "node:assert/strict";
import { type ErrorCode, HoldfastError } from "../protocol/errors.ts";
import type { PoolLayout } from "../protocol/replies.ts";
import type { FrameFormat } from "./format.ts";
import { memoryFull } from "./full.ts";
import { HeaderWriter, poolHeader, readPoolHeader, readSlotHeader, slotHeaders, slotPosition } from "./header.ts";
import { fileLayout, poolLayout, poolStates } from "./layout.ts";
import type { FrameWords, PoolMemory, SharedMemory, SlotWords } from "./memory.ts";

/** Of whom the simulated headers say that they made them. */
const supervisor = { pid: 1, start: 0n, pidNamespace: 0n };

/** What `reserve` may be made to fail with. */
export type MemoryFault = Extract<ErrorCode, "MEMORY_FULL" | "MEMORY_FAILED" | "PERMISSION_DENIED">;

/**
 * Shared memory that is simulated: headers are kept in the layout of the real files, payloads are only counted. Epochs are 1, 2, 3, …
 * What fails, what takes time and who deletes files is in the caller's hands.
 */
export class SimSharedMemory implements SharedMemory {
  readonly folder = "sim";
  readonly #files: Files = new Map();
  /** Of files too that have been deleted, until they are let go. */
  readonly #memories = new Set<SimPoolMemory>();
  readonly #leftovers: string[];
  readonly #sizeBytes: number;
  readonly #faults: MemoryFault[] = [];
  readonly #holds: Promise<void>[] = [];
  #epoch = 0;

  /**
   * @param freeBytes room for files; default: no end of it
   * @param leftovers paths of files that a dead supervisor has left
   */
  constructor({ freeBytes = Number.POSITIVE_INFINITY, leftovers = [] }: { freeBytes?: number; leftovers?: readonly string[] } = {}) {
    this.#sizeBytes = freeBytes;
    this.#leftovers = [...leftovers];
  }

  /** Of the files that there are. */
  get paths(): readonly string[] {
    return [...this.#leftovers, ...this.#files.keys()];
  }

  /** Room that is left. */
  get freeBytes(): number {
    let free = this.#sizeBytes;
    for (const { fileBytes } of this.#memories) free -= fileBytes;
    return free;
  }

  async reserve(name: string, slots: number, format: FrameFormat): Promise<PoolMemory> {
    await this.#holds.shift();
    const { fileBytes: neededBytes } = fileLayout(slots, format.bytes);
    const { freeBytes, folder } = this;
    const fault = this.#faults.shift();
    if (neededBytes > freeBytes || fault === "MEMORY_FULL") throw memoryFull({ pool: name, neededBytes, freeBytes, folder });
    if (fault !== undefined)
      throw new HoldfastError(fault, `simulated: ${folder} does not take the file of pool ${name}`, { path: folder });
    const layout = poolLayout(name, folder, ++this.#epoch, slots, format);
    const memory = new SimPoolMemory(layout, neededBytes, this.#files, () => this.#memories.delete(memory));
    this.#memories.add(memory);
    this.#files.set(layout.path, memory);
    return memory;
  }

  removeLeftovers(): readonly string[] {
    return this.#leftovers.splice(0);
  }

  /** The next `reserve` fails; several calls make several fail, in turn. */
  failNext(code: MemoryFault): void {
    this.#faults.push(code);
  }

  /** The next `reserve` goes on only when the function that this returns is called. */
  holdNext(): () => void {
    let goOn = () => {};
    this.#holds.push(
      new Promise((resolve) => {
        goOn = resolve;
      }),
    );
    return goOn;
  }

  /** Somebody deletes a file: its path is gone, its memory stays. */
  vanish(path: string): void {
    assert(this.#files.delete(path), `there is no ${path}`);
  }

  /** The memory whose file is at a path. */
  memoryAt(path: string): SimPoolMemory {
    const memory = this.#files.get(path);
    assert(memory !== undefined, `there is no ${path}`);
    return memory;
  }
}

type Files = Map<string, SimPoolMemory>;

/** The memory of a simulated pool, of which the headers can be read. */
export class SimPoolMemory implements PoolMemory {
  readonly layout: PoolLayout;
  readonly fileBytes: number;
  /** The file from its start to the end of the headers. */
  readonly headers: Uint8Array<ArrayBuffer>;
  readonly #files: Files;
  readonly #letGo: () => void;
  readonly #writer: HeaderWriter;
  #removed = false;

  /** Made by `SimSharedMemory.reserve`. */
  constructor(layout: PoolLayout, fileBytes: number, files: Files, letGo: () => void) {
    this.layout = layout;
    this.fileBytes = fileBytes;
    this.#files = files;
    this.#letGo = letGo;
    this.headers = new Uint8Array(slotPosition(layout.slots));
    this.headers.set(poolHeader(layout, supervisor));
    this.headers.set(slotHeaders(layout), slotPosition(0));
    this.#writer = new HeaderWriter(layout.slots, (bytes, position) => {
      if (!this.#removed) this.headers.set(bytes, position);
    });
    this.#writer.poolState(poolStates.live);
  }

  mirror(slot: number, words: SlotWords): void {
    this.#writer.mirror(slot, words);
  }

  describe(slot: number, frame: FrameWords): void {
    this.#writer.describe(slot, frame);
  }

  present(): boolean {
    return this.#files.get(this.layout.path) === this;
  }

  remove(): void {
    this.#writer.poolState(poolStates.removed);
    this.#removed = true;
    if (this.present()) this.#files.delete(this.layout.path);
    this.#letGo();
  }

  /** What the header of a slot says. */
  words(slot: number): SlotWords & FrameWords {
    return readSlotHeader(this.headers, slot);
  }

  /** What the pool's header says: one of `poolStates`. */
  get state(): number {
    return readPoolHeader(this.headers)?.state ?? poolStates.making;
  }
}
