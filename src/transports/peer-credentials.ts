import type { Socket } from "node:net";
import { openLibc } from "../libc.ts";

const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
/** struct ucred: pid, uid, gid, each 32 bits (unix(7)). */
const UCRED_BYTES = 12;

/** The process and user at the other end of a connection. */
export interface PeerCredentials {
  readonly pid: number | null;
  readonly uid: number | null;
}

type GetSockOpt = (fd: number, level: number, option: number, value: Uint8Array, length: Uint32Array) => number;

let getsockopt: GetSockOpt | null | undefined;

/** Null where libc cannot be called: in Node, or without the JIT. */
function loadGetsockopt(): GetSockOpt | null {
  try {
    const { symbols } = openLibc({ getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" } });
    return symbols.getsockopt as GetSockOpt;
  } catch {
    return null;
  }
}

/** Who is at the other end of a Unix socket (SO_PEERCRED, socket(7)); nulls where the platform does not tell. */
export function peerCredentials(socket: Socket): PeerCredentials {
  if (getsockopt === undefined) getsockopt = loadGetsockopt();
  const fd = (socket as { _handle?: { fd?: number } })._handle?.fd;
  if (getsockopt === null || fd === undefined || fd < 0) return { pid: null, uid: null };
  const ucred = new Uint8Array(new ArrayBuffer(UCRED_BYTES));
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, ucred, new Uint32Array([UCRED_BYTES])) !== 0) return { pid: null, uid: null };
  const [pid, uid] = new Uint32Array(ucred.buffer);
  return { pid: pid ?? null, uid: uid ?? null };
}
