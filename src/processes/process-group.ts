import { readdirSync, readFileSync } from "node:fs";

/** What /proc/PID/stat says of a process: proc_pid_stat(5). */
interface Member {
  readonly group: number;
  /** It has ended, and its parent has not heard of it yet. */
  readonly isZombie: boolean;
}

/** The group of a process; null: it has ended, or can't be seen from here. */
export function groupOf(pid: number): number | null {
  return memberOf(pid)?.group ?? null;
}

/** Whether anybody of a group lives. Zombies don't: where no init takes care of them they stay for ever. */
export function groupLives(group: number): boolean {
  if (!signalGroup(group, 0)) return false;
  const members = readdirSync("/proc").flatMap((name) => (/^\d+$/.test(name) ? (memberOf(Number(name)) ?? []) : []));
  const own = members.filter((member) => member.group === group);
  // With hidepid, /proc does not show the processes of others.
  return own.length === 0 || own.some(({ isZombie }) => !isZombie);
}

/**
 * Sends a signal to everybody of a group.
 * @param signal 0: none, and only whether there is anybody is found out
 * @returns whether there was anybody
 */
export function signalGroup(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-group, signal);
    return true;
  } catch (error) {
    // EPERM: there are some, and they belong to another user.
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

/** Null: it has ended, or can't be seen from here. */
function memberOf(pid: number): Member | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name before the third field may have blanks and parentheses.
    const [state = "", , group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { group: Number(group), isZombie: /^[ZX]/i.test(state) };
  } catch {
    return null;
  }
}
