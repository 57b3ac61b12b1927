import { HoldfastError } from "../protocol/errors.ts";

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
  const message = `pool ${pool} needs ${megabytes(neededBytes)} of shared memory and ${has} ${megabytes(freeBytes)} free${remedy}`;
  return new HoldfastError("MEMORY_FULL", message, { ...shortage });
}

/** `37.3 MB`. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
