import { readFileSync, statSync } from "node:fs";
import type { ProcessIdentity } from "./header.ts";

/** What has become of a process; `unknown`: it can't be told from here. */
export type Fate = "lives" | "ended" | "unknown";

/** Who this process is. @throws what the file system says where there is no /proc */
export function ownIdentity(): ProcessIdentity {
  return { pid: process.pid, start: startOf(readFileSync("/proc/self/stat", "utf8")), pidNamespace: ownPidNamespace() };
}

/** What has become of the process that a file names. */
export function fateOf({ pid, start, pidNamespace }: ProcessIdentity): Fate {
  if (pid <= 0 || pidNamespace !== ownPidNamespace()) return "unknown";
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return "ended";
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return startOf(stat) === start && !isZombie(stat) ? "lives" : "ended";
  } catch {
    // With hidepid, /proc does not show the processes of others.
    return "unknown";
  }
}

/** The fields of /proc/PID/stat from the third on: the name before them may have blanks and parentheses. */
function fieldsOf(stat: string): string[] {
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

/** Of a /proc/PID/stat, its 22nd field: when the process began, in clock ticks since boot. */
export function startOf(stat: string): bigint {
  return BigInt(fieldsOf(stat)[19] ?? 0);
}

/** A zombie has ended, though its parent has not heard of it yet. */
function isZombie(stat: string): boolean {
  return /^[ZX]/i.test(fieldsOf(stat)[0] ?? "");
}

/** 0 where the kernel has been built without namespaces: there all processes see the same. */
function ownPidNamespace(): bigint {
  return statSync("/proc/self/ns/pid", { bigint: true, throwIfNoEntry: false })?.ino ?? 0n;
}
