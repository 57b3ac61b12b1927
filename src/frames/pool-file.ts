import { closeSync, constants as fsConstants, fstatSync, openSync, readSync } from "node:fs";
import { HoldfastError } from "../protocol/errors.ts";
import type { PoolLayout } from "../protocol/replies.ts";
import { readPoolHeader } from "./header.ts";
import { poolWords } from "./layout.ts";
import type { Access } from "./mapping.ts";

/** How long the file of a pool is. */
export function fileBytesOf({ payloadOffset, payloadStride, slots }: PoolLayout): number {
  return payloadOffset + slots * payloadStride;
}

/**
 * Opens the file of a pool, after a look at its header: what lies at the path may have been put there by somebody else.
 * @returns the descriptor
 * @throws HoldfastError `POOL_GONE`, `PERMISSION_DENIED`, `MEMORY_FAILED`
 */
export function openPoolFile(layout: PoolLayout, access: Access): number {
  return attempt(layout, () => {
    const flags = (access === "write" ? fsConstants.O_RDWR : fsConstants.O_RDONLY) | fsConstants.O_NOFOLLOW | fsConstants.O_NONBLOCK;
    const fd = openSync(layout.path, flags);
    try {
      check(fd, layout);
      return fd;
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  });
}

/**
 * Where the payload of a slot begins in the file.
 * @throws HoldfastError `INTERNAL` when the file has no such slot, or its slots are shorter than `bytes`
 */
export function payloadAt({ slots, bytes: capacity, payloadOffset, payloadStride, path }: PoolLayout, slot: number, bytes: number): number {
  if (Number.isInteger(slot) && slot >= 0 && slot < slots && bytes >= 0 && bytes <= capacity) return payloadOffset + slot * payloadStride;
  throw new HoldfastError("INTERNAL", `${path} has no slot ${slot} of ${bytes} bytes`, { path, slot, bytes });
}

/**
 * Does something with the file of a pool.
 * @throws HoldfastError `POOL_GONE`, `PERMISSION_DENIED`, `MEMORY_FAILED`
 */
export function attempt<T>({ pool, path }: PoolLayout, act: () => T): T {
  try {
    return act();
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT") throw new HoldfastError("POOL_GONE", `the file of pool ${pool} has gone: ${path}`, { pool, path });
    const kind = code === "EACCES" || code === "EPERM" ? "PERMISSION_DENIED" : "MEMORY_FAILED";
    throw new HoldfastError(kind, `the file of pool ${pool} can't be used: ${message}`, { pool, path }, { cause });
  }
}

/** What is thrown at who uses a pool that this program has closed. */
export function closedPool(pool: string): HoldfastError {
  return new HoldfastError("DISCONNECTED", `this program has closed pool ${pool}`, { pool });
}

function check(fd: number, layout: PoolLayout): void {
  const { size } = fstatSync(fd);
  if (size !== fileBytesOf(layout)) throw new Error(`it has ${size} bytes instead of ${fileBytesOf(layout)}`);
  const header = new Uint8Array(poolWords.end);
  readSync(fd, header, 0, header.length, 0);
  if (readPoolHeader(header)?.epoch !== layout.epoch) throw new Error("its header is another's");
}
