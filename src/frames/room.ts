import { readFileSync, statfsSync } from "node:fs";
import { dirname, join } from "node:path";

/** What bounds the files in a folder. */
export interface Room {
  /** How a sentence begins that says it: `/dev/shm has`. */
  readonly has: string;
  readonly freeBytes: number;
}

/** File systems whose files are memory (linux/magic.h). */
const TMPFS_MAGIC = 0x01021994;
const RAMFS_MAGIC = 0x858458f6;

/** What pools leave of the memory to the rest of the machine, or of the service: with none, the kernel ends processes. */
const KEPT_BYTES = 32 * 2 ** 20;

const CGROUPS = "/sys/fs/cgroup";

/**
 * The tightest of what bounds the files in a folder: the file system, the memory of the machine, and what the service may have of it.
 * @throws what statfs(2) says
 */
export function roomIn(folder: string): Room {
  const { type, bsize, bavail, blocks } = statfsSync(folder);
  // ramfs, and tmpfs without a size, say 0: they have no bound of their own.
  const own = { has: `${folder} has`, freeBytes: blocks === 0 ? Number.POSITIVE_INFINITY : bavail * bsize };
  const isMemory = type === TMPFS_MAGIC || type === RAMFS_MAGIC;
  const rooms = isMemory ? [own, machineRoom(), ...serviceRooms()] : [own];
  return rooms.reduce((tightest, room) => (room.freeBytes < tightest.freeBytes ? room : tightest));
}

function machineRoom(): Room {
  return { has: "this machine has", freeBytes: Math.max(0, availableBytes(readOrEmpty("/proc/meminfo")) - KEPT_BYTES) };
}

/** What can be had without swapping (proc_meminfo(5), MemAvailable); Infinity where it isn't said. */
export function availableBytes(meminfo: string): number {
  const kib = /^MemAvailable:\s+(\d+) kB$/m.exec(meminfo)?.[1];
  return kib === undefined ? Number.POSITIVE_INFINITY : Number(kib) * 1024;
}

/** The bounds of this process's control group and of those that it is in: systemd's MemoryMax=, Docker's --memory. */
function serviceRooms(): Room[] {
  const group = /^0::(\/.*)$/m.exec(readOrEmpty("/proc/self/cgroup"))?.[1];
  if (group === undefined) return [];
  const rooms: Room[] = [];
  for (let path = group; ; path = dirname(path)) {
    const [max, current, stat] = ["memory.max", "memory.current", "memory.stat"].map((name) => readOrEmpty(join(CGROUPS, path, name)));
    const freeBytes = groupFreeBytes(max ?? "", current ?? "", stat ?? "");
    rooms.push({ has: `the control group ${path}, by its memory.max, has`, freeBytes: Math.max(0, freeBytes - KEPT_BYTES) });
    if (path === "/") return rooms;
  }
}

/** What a control group may still have; the cache of files is given back for it. Infinity: it has no bound. */
export function groupFreeBytes(max: string, current: string, stat: string): number {
  if (!/^\d+/.test(max) || !/^\d+/.test(current)) return Number.POSITIVE_INFINITY;
  const cached = [...stat.matchAll(/^(?:in)?active_file (\d+)$/gm)].reduce((sum, [, bytes]) => sum + Number(bytes), 0);
  return Number.parseInt(max, 10) - Number.parseInt(current, 10) + cached;
}

/** Not every kernel has every file. */
function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
