import { createRequire } from "node:module";
import { HoldfastError } from "./protocol/errors.ts";

type Ffi = typeof import("bun:ffi");
type Signatures = Parameters<Ffi["dlopen"]>[1];

/**
 * Calls of the C library by their signatures, and what reads memory. Each caller opens its own few.
 * @throws HoldfastError `NO_BACKEND` where there is no bun:ffi (Node), or where it may not work (no JIT)
 */
export function openLibc<const S extends Signatures>(
  signatures: S,
): { symbols: ReturnType<typeof open<S>>; read: Ffi["read"]; toArrayBuffer: Ffi["toArrayBuffer"] } {
  if (process.versions.bun === undefined) {
    throw new HoldfastError("NO_BACKEND", "The kernel is called through Bun's FFI, which Node does not have: choose another backend.");
  }
  const ffi = createRequire(import.meta.url)("bun:ffi") as Ffi;
  try {
    return { symbols: open(ffi, signatures), read: ffi.read, toArrayBuffer: ffi.toArrayBuffer };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new HoldfastError("NO_BACKEND", `The kernel cannot be reached through libc: ${reason}`, {}, { cause });
  }
}

function open<S extends Signatures>({ dlopen }: Ffi, signatures: S) {
  return dlopen("libc.so.6", signatures).symbols;
}
