import { readdirSync, readFileSync } from "node:fs";

/** What /proc/PID/stat says of a process: proc_pid_stat(5). */
export interface ProcessStat {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  /** It has ended, and its parent has not heard of it yet. */
  readonly isZombie: boolean;
  /** When it began, in ticks since the machine did: no other process has had the same number at that time. */
  readonly beganTicks: number;
}

/** Null: it has ended, or can't be seen from here. */
export function statOf(pid: number): ProcessStat | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name before the third field may have blanks and parentheses.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [state = "", parent, group] = fields;
    return { pid, parent: Number(parent), group: Number(group), isZombie: /^[ZX]/i.test(state), beganTicks: Number(fields[19]) };
  } catch {
    return null;
  }
}

/** All processes that can be seen from here. */
export function allStats(): ProcessStat[] {
  return readdirSync("/proc").flatMap((name) => (/^\d+$/.test(name) ? (statOf(Number(name)) ?? []) : []));
}
