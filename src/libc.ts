import { createRequire } from "node:module";
import { HoldfastError } from "./protocol/errors.ts";

type Ffi = typeof import("bun:ffi");
type Pointer = import("bun:ffi").Pointer;
type Signatures = Parameters<Ffi["dlopen"]>[1];

/** Calls of the C library, for the thread that opened it. */
export interface LibcCalls<S extends Signatures> {
  readonly symbols: ReturnType<typeof open<S>>;
  /**
   * One number: the errno of the last call. It must be the very next thing that is looked at, and by a load, in place: with every
   * function that is entered the runtime may compile or collect, and the kernel's answers to what it does for that are in here, too.
   */
  readonly errno: Int32Array;
  readonly toArrayBuffer: Ffi["toArrayBuffer"];
}

/**
 * Calls of the C library by their signatures. Each caller opens its own few.
 * @throws HoldfastError `NO_BACKEND` where there is no bun:ffi (Node), or where it may not work (no JIT)
 */
export function openLibc<const S extends Signatures>(signatures: S): LibcCalls<S> {
  if (process.versions.bun === undefined) {
    throw new HoldfastError("NO_BACKEND", "The kernel is called through Bun's FFI, which Node does not have: choose another backend.");
  }
  const ffi = createRequire(import.meta.url)("bun:ffi") as Ffi;
  try {
    const { toArrayBuffer } = ffi;
    const symbols = open(ffi, signatures);
    const errno = new Int32Array(toArrayBuffer(errnoAddress(ffi), 0, Int32Array.BYTES_PER_ELEMENT));
    return { symbols, errno, toArrayBuffer };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new HoldfastError("NO_BACKEND", `The kernel cannot be reached through libc: ${reason}`, {}, { cause });
  }
}

function open<S extends Signatures>({ dlopen }: Ffi, signatures: S) {
  return dlopen("libc.so.6", signatures).symbols;
}

/** Of this thread: each has its own. */
function errnoAddress(ffi: Ffi): Pointer {
  const address = open(ffi, { __errno_location: { args: [], returns: "ptr" } }).__errno_location();
  if (address === null) throw new Error("it has no errno");
  return address as Pointer;
}
