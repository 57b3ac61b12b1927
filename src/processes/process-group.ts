import { allStats, statOf } from "./process-stat.ts";

/** The group of a process; null: it has ended, or can't be seen from here. */
export function groupOf(pid: number): number | null {
  return statOf(pid)?.group ?? null;
}

/** Whether anybody of a group lives. Zombies don't: where no init takes care of them they stay for ever. */
export function groupLives(group: number): boolean {
  if (!signalGroup(group, 0)) return false;
  const own = allStats().filter((member) => member.group === group);
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
