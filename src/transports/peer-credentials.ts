import type { Socket } from "node:net";
import { openLibc } from "../libc.ts";

const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
/** struct ucred: pid, uid, gid, each 32 bits (unix(7)). */
const UCRED_BYTES = 12;

/** The groups of a process beside its first (Linux 4.13); not in socket(7). */
const SO_PEERGROUPS = 59;
/** The most groups that a process has (NGROUPS_MAX). */
const MOST_GROUPS = 65_536;
const FEW_GROUPS = 64;

/** The process and user at the other end of a connection. */
export interface PeerCredentials {
  readonly pid: number | null;
  readonly uid: number | null;
  /** All groups of that process. */
  readonly gids: readonly number[];
}

const unknown: PeerCredentials = { pid: null, uid: null, gids: [] };

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

/** Who is at the other end of a Unix socket (SO_PEERCRED, socket(7)); nulls, and no groups, where the platform does not tell. */
export function peerCredentials(socket: Socket): PeerCredentials {
  if (getsockopt === undefined) getsockopt = loadGetsockopt();
  const fd = (socket as { _handle?: { fd?: number } })._handle?.fd;
  if (getsockopt === null || fd === undefined || fd < 0) return unknown;
  const ucred = new Uint8Array(new ArrayBuffer(UCRED_BYTES));
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, ucred, new Uint32Array([UCRED_BYTES])) !== 0) return unknown;
  const [pid, uid, gid] = new Uint32Array(ucred.buffer);
  return { pid: pid ?? null, uid: uid ?? null, gids: [...(gid === undefined ? [] : [gid]), ...groups(getsockopt, fd)] };
}

/** The kernel refuses a place that is too small for all of them. */
function groups(call: GetSockOpt, fd: number): readonly number[] {
  for (const room of [FEW_GROUPS, MOST_GROUPS]) {
    const bytes = new Uint8Array(new ArrayBuffer(room * Uint32Array.BYTES_PER_ELEMENT));
    const length = new Uint32Array([bytes.length]);
    if (call(fd, SOL_SOCKET, SO_PEERGROUPS, bytes, length) === 0)
      return [...new Uint32Array(bytes.buffer, 0, (length[0] ?? 0) / Uint32Array.BYTES_PER_ELEMENT)];
  }
  return [];
}
