import type { PoolLayout, SlotState } from "../protocol/replies.ts";
import type { FrameFormat } from "./format.ts";

/** Who has a slot, as its header shows it to whoever maps the file. The supervisor's own books decide, never these words. */
export interface SlotWords {
  /** Odd while the content may change, even while a frame is in it. */
  readonly generation: number;
  readonly state: SlotState;
  /** Of the writer, or of the last one there was; 0: there was none. */
  readonly lease: number;
  /** Of the writer's process; 0: none, or not known. */
  readonly ownerPid: number;
  readonly readers: number;
}

/** A frame, as the header of its slot describes it. */
export interface FrameWords {
  readonly seq: number;
  /** Of its capture, CLOCK_MONOTONIC, ns. */
  readonly timestampNs: bigint;
  readonly publishedNs: bigint;
  /** Of the payload that are used. */
  readonly bytes: number;
}

/** The memory of one pool: one file, of which the supervisor writes the headers and its clients the payloads. */
export interface PoolMemory {
  /** Where it is, and how it is laid out. */
  readonly layout: PoolLayout;
  /** Writes who has a slot. A frame that is to be seen in it has been described before. A failure shows in `present`. */
  mirror(slot: number, words: SlotWords): void;
  /** Describes the frame that a slot is about to show: its generation is still odd. A failure shows in `present`. */
  describe(slot: number, frame: FrameWords): void;
  /** False: somebody has deleted, replaced or cut the file, or its headers can't be written; or it has been removed. */
  present(): boolean;
  /** Deletes the file, and marks it as deleted for those who have it mapped: their memory stays. Never throws. */
  remove(): void;
}

/** Where the memory of pools comes from. */
export interface SharedMemory {
  /** Of its files: a folder, or what stands for one. */
  readonly folder: string;
  /**
   * Makes the memory of a pool: all of it is there when this resolves, and none when it rejects.
   * @param name the pool's
   * @throws HoldfastError `MEMORY_FULL` with `neededBytes` and `freeBytes`; `MEMORY_FAILED`, `PERMISSION_DENIED`
   */
  reserve(name: string, slots: number, format: FrameFormat): Promise<PoolMemory>;
  /** Deletes the files that supervisors left which live no more. Never throws. @returns their paths */
  removeLeftovers(): readonly string[];
}
