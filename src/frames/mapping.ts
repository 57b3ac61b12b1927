import { HoldfastError } from "../protocol/errors.ts";
import type { PoolLayout } from "../protocol/replies.ts";
import { CopiedFile } from "./copied-file.ts";
import { MappedFile } from "./mapped-file.ts";

/** What a program does with a pool's memory: `write` is for producers. */
export type Access = "read" | "write";

/** The payload of one slot, for as long as a frame is in the program's hands. */
export interface SlotMemory {
  /** The same view each time, until it is detached; a new one then. */
  readonly data: Uint8Array;
  /** Whether the slot still has this generation: its content is what it was. */
  intact(generation: number): boolean;
  /**
   * Makes the first `bytes` of `data` what other processes see, where they don't anyway.
   * @throws HoldfastError `MEMORY_FAILED`
   */
  flush(bytes: number): void;
  /**
   * Takes the view from whoever has kept it: its length becomes 0. The content stays, for a new view.
   * @returns false: it can't be taken, for an operation works on it (ask again when that is over) or its buffer has been transferred
   */
  detach(): boolean;
  /**
   * Ends the use of the slot's memory.
   * @returns false: the view can't be taken, as in `detach`, and whoever has it may still store into the slot; to be asked again
   */
  end(): boolean;
}

/** One file of a pool in the memory of this process. */
export interface PoolMapping {
  readonly layout: PoolLayout;
  /**
   * The first `bytes` of a slot.
   * @throws HoldfastError `INTERNAL` when the file has no such slot or its slots are shorter; `MEMORY_FAILED`; `DISCONNECTED` when it
   * is closed and no slot of it is in use
   */
  slot(slot: number, bytes: number): SlotMemory;
  /** Nobody asks for a slot any more. Memory that is in use stays. */
  close(): void;
}

/**
 * Brings the file of a pool into the memory of this process: mapped under Bun, by copies elsewhere.
 * @throws HoldfastError `POOL_GONE`, `PERMISSION_DENIED`, `MEMORY_FAILED`
 */
export function mapPool(layout: PoolLayout, access: Access): PoolMapping {
  if (process.versions.bun === undefined) return new CopiedFile(layout, access);
  try {
    return new MappedFile(layout, access);
  } catch (error) {
    // Bun has no FFI where it may not compile code (MemoryDenyWriteExecute).
    if (error instanceof HoldfastError && error.code === "NO_BACKEND") return new CopiedFile(layout, access);
    throw error;
  }
}
