import { HoldfastError } from "../protocol/errors.ts";
import { formatBytes } from "./bytes-in-words.ts";

/** A pool that does not fit. */
export interface Shortage {
  readonly pool: string;
  readonly neededBytes: number;
  readonly freeBytes: number;
  readonly folder: string;
}

/**
 * What a pool is refused with that does not fit.
 * @param has how the sentence says what is short of room: `/dev/shm has`, `this machine has`
 */
export function memoryFull(shortage: Shortage, has = `${shortage.folder} has`, remedy = ""): HoldfastError {
  const { pool, neededBytes, freeBytes } = shortage;
  const message = `pool ${pool} needs ${formatBytes(neededBytes)} of shared memory and ${has} ${formatBytes(freeBytes)} free${remedy}`;
  return new HoldfastError("MEMORY_FULL", message, { ...shortage });
}
