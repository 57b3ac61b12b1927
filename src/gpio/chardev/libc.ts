import { constants } from "node:os";
import { openLibc } from "../../libc.ts";

/** include/uapi/asm-generic/fcntl.h and poll.h: the same on x86_64 and arm64. */
export const O_RDWR = 0o2;
const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;
const F_SETFL = 4;
const CLOCK_MONOTONIC = 1;

/** A call of the C library that failed. */
export class SystemCallError extends Error {
  override readonly name = "SystemCallError";

  constructor(
    readonly call: string,
    readonly errno: number,
  ) {
    super(`${call}: ${errnoName(errno)}`);
  }
}

/** `EBUSY` for 16; a number that has no name to user space, such as the kernel's own 524, as `errno 524`. */
export function errnoName(errno: number): string {
  const named = Object.entries(constants.errno).find(([, number]) => number === errno);
  return named === undefined ? `errno ${errno}` : named[0];
}

/**
 * The few calls of libc that GPIO needs. Every one blocks the thread until the kernel has answered.
 * Buffers must have been made as an ArrayBuffer with a view on it, whole, so that their address stands.
 * All throw SystemCallError.
 */
export interface Libc {
  /** open(2), with O_CLOEXEC. */
  open(path: string, flags: number): number;
  /** close(2). What it says is of no use: on Linux the descriptor is gone in any case. */
  close(fd: number): void;
  /** ioctl(2) with a struct, read or written in place. */
  ioctl(fd: number, request: number, struct: Uint8Array | Int32Array): void;
  /** read(2). @returns bytes read; 0 also when a non-blocking descriptor has none */
  read(fd: number, into: Uint8Array): number;
  /** write(2) of at most PIPE_BUF bytes to a pipe: all or nothing. */
  write(fd: number, bytes: Uint8Array): void;
  /** poll(2) on the first `count` structs pollfd. @returns how many are ready; 0 also after a signal */
  poll(pollfds: Uint8Array, count: number, timeoutMs: number): number;
  /** pipe2(2), both ends close-on-exec and non-blocking. */
  pipe(): { readonly readEnd: number; readonly writeEnd: number };
  /** fcntl(2): reads of `fd` no longer wait. */
  setNonBlocking(fd: number): void;
  /** clock_gettime(2) of CLOCK_MONOTONIC, ns. */
  monotonicNs(): bigint;
}

let opened: Libc | undefined;

/**
 * This thread's libc, opened at the first call.
 * @throws HoldfastError `NO_BACKEND` where there is no bun:ffi (Node), or where it may not work (no JIT)
 */
export function libc(): Libc {
  opened ??= openCalls();
  return opened;
}

function openCalls(): Libc {
  const { symbols, errno } = openLibc(signatures);
  const { EAGAIN, EINTR } = constants.errno;

  return {
    open: (path, flags) => checked("open", symbols.open(Buffer.from(`${path}\0`), flags | O_CLOEXEC), errno[0]),
    close: (fd) => void symbols.close(fd),
    ioctl: (fd, request, struct) => void checked("ioctl", symbols.ioctl(fd, request, struct), errno[0]),
    read: (fd, into) => checked("read", symbols.read(fd, into, into.byteLength), errno[0], EAGAIN),
    write: (fd, bytes) => void checked("write", symbols.write(fd, bytes, bytes.byteLength), errno[0]),
    poll: (pollfds, count, timeoutMs) => checked("poll", symbols.poll(pollfds, count, timeoutMs), errno[0], EINTR),
    pipe: () => {
      const ends = new Int32Array(new ArrayBuffer(8));
      checked("pipe2", symbols.pipe2(ends, O_CLOEXEC | O_NONBLOCK), errno[0]);
      const [readEnd = -1, writeEnd = -1] = ends;
      return { readEnd, writeEnd };
    },
    setNonBlocking: (fd) => void checked("fcntl", symbols.fcntl(fd, F_SETFL, O_NONBLOCK), errno[0]),
    monotonicNs: () => {
      const timespec = new BigInt64Array(new ArrayBuffer(16));
      checked("clock_gettime", symbols.clock_gettime(CLOCK_MONOTONIC, timespec), errno[0]);
      const [seconds = 0n, nanoseconds = 0n] = timespec;
      return seconds * 1_000_000_000n + nanoseconds;
    },
  };
}

/**
 * The result of a call.
 * @param benign an errno with which failing counts as a result of 0
 * @throws SystemCallError
 */
function checked(call: string, result: number, errno: number | undefined, benign?: number): number {
  if (result >= 0) return result;
  if (errno === benign) return 0;
  throw new SystemCallError(call, errno ?? 0);
}

/**
 * Variadic functions are declared with the arguments used here: Linux passes those as it does named ones. A ssize_t is
 * taken for an i32, since no read or write here is longer than that, and no BigInt is made of it.
 */
const signatures = {
  open: { args: ["ptr", "i32"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
  ioctl: { args: ["i32", "u64", "ptr"], returns: "i32" },
  read: { args: ["i32", "ptr", "u64"], returns: "i32" },
  write: { args: ["i32", "ptr", "u64"], returns: "i32" },
  poll: { args: ["ptr", "u64", "i32"], returns: "i32" },
  pipe2: { args: ["ptr", "i32"], returns: "i32" },
  fcntl: { args: ["i32", "i32", "i32"], returns: "i32" },
  clock_gettime: { args: ["i32", "ptr"], returns: "i32" },
} as const;
