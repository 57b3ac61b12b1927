import { randomBytes } from "node:crypto";
import { resolve } from "node:path";
import { HoldfastError } from "../protocol/errors.ts";
import type { FrameFormat } from "./format.ts";
import { removeLeftovers } from "./found-files.ts";
import { memoryFull } from "./full.ts";
import { fileLayout, poolLayout } from "./layout.ts";
import type { PoolMemory, SharedMemory } from "./memory.ts";
import { ownIdentity } from "./process-identity.ts";
import { ReservedFile } from "./reserved-file.ts";
import { roomIn } from "./room.ts";

/** Where the C library keeps shared memory: a file system in memory, on every Linux. */
export const DEFAULT_FOLDER = "/dev/shm";

const EPOCH_BYTES = 6;

/** The memory of pools as files in a folder, which should be of a file system in memory. */
export class FolderSharedMemory implements SharedMemory {
  readonly folder: string;
  /** Settled when no pool is being made: each is to see what those before it have left. */
  #free: Promise<unknown> = Promise.resolve();

  constructor(folder: string = DEFAULT_FOLDER) {
    this.folder = resolve(folder);
  }

  reserve(name: string, slots: number, format: FrameFormat): Promise<PoolMemory> {
    const made = this.#free.then(() => this.#make(name, slots, format));
    this.#free = made.catch(() => {});
    return made;
  }

  removeLeftovers(): readonly string[] {
    return removeLeftovers(this.folder);
  }

  async #make(name: string, slots: number, format: FrameFormat): Promise<PoolMemory> {
    const { folder } = this;
    const { fileBytes: neededBytes } = fileLayout(slots, format.bytes);
    const shortage = { pool: name, neededBytes, folder };
    let writtenBytes = 0;
    try {
      const { freeBytes, has } = roomIn(folder);
      if (neededBytes > freeBytes) throw memoryFull({ ...shortage, freeBytes }, has);
      const layout = poolLayout(name, folder, randomBytes(EPOCH_BYTES).readUIntBE(0, EPOCH_BYTES), slots, format);
      return await ReservedFile.create(layout, ownIdentity(), (bytes) => {
        writtenBytes = bytes;
      });
    } catch (error) {
      if (error instanceof HoldfastError) throw error;
      const { code } = error as NodeJS.ErrnoException;
      // Others take room too: what could be written is what was free.
      if (code === "ENOSPC" || code === "EDQUOT") throw memoryFull({ ...shortage, freeBytes: writtenBytes });
      throw memoryFailed(error as NodeJS.ErrnoException, name, folder);
    }
  }
}

/** What can be done, by what the file system said. */
const remedies: Readonly<Record<string, string>> = {
  ENOENT: "make that folder, or name another",
  ENOTDIR: "name a folder",
  EROFS: "name a folder that can be written to",
};

/** What a pool is refused with whose file can't be made. */
export function memoryFailed(error: NodeJS.ErrnoException, pool: string, folder: string): HoldfastError {
  const { code = "", message } = error;
  const failed = `the file of pool ${pool} can't be made in ${folder}: ${message}`;
  const details = { pool, path: folder, reason: code };
  const where = "(`[frames] directory` in holdfast.toml)";
  if (code === "EACCES" || code === "EPERM") {
    return new HoldfastError("PERMISSION_DENIED", `${failed}; name a folder that this user may write to ${where}`, details, {
      cause: error,
    });
  }
  return new HoldfastError("MEMORY_FAILED", `${failed}; ${remedies[code] ?? "name another folder"} ${where}`, details, { cause: error });
}
