import { readFileSync } from "node:fs";
import { allStats, type ProcessStat, statOf } from "./process-stat.ts";

/** The variable that tells whose kin a process is. */
export const FAMILY_VARIABLE = "HOLDFAST_FAMILY";

/** What stands between the name of a family and that of one within it. */
const WITHIN = "/";

/**
 * A process and all that come of it, wherever they go: also into a group or a session of their own, and when their parents have ended. Each inherits
 * the variables of the one that has started it, and the kernel shows them (proc_pid_environ(5)). The children of one that has cleared them are known by it.
 */
export class Family {
  readonly name: string;
  /** Of the process that it begins with; null: that is not known yet. */
  #first: ProcessStat | null = null;
  /** Those that were seen the last time, each with the signals that it has been sent. */
  #known = new Map<string, Set<NodeJS.Signals>>();

  /** @param name that no other family has */
  constructor(name: string) {
    this.name = name;
  }

  /** The variables with which the first process is to be started. */
  get environment(): Readonly<Record<string, string>> {
    return { [FAMILY_VARIABLE]: this.name };
  }

  /** It begins with this process. */
  begin(pid: number): void {
    this.#first = statOf(pid);
  }

  /** Whether any of them has not ended. */
  get live(): boolean {
    return this.#look().length > 0;
  }

  /**
   * Sends a signal to all of them that have not had it: who has been started meanwhile hears of it with the next call.
   * @param except those of this group, which have heard of it
   * @returns whether there was anybody
   */
  signal(signal: NodeJS.Signals, except: number | null = null): boolean {
    const living = this.#look();
    for (const member of living) {
      const had = this.#known.get(keyOf(member));
      if (member.group === except || had === undefined || had.has(signal)) continue;
      had.add(signal);
      send(member.pid, signal);
      // One that was stopped hears of it only when it goes on.
      if (signal === "SIGTERM") send(member.pid, "SIGCONT");
    }
    return living.length > 0;
  }

  #look(): ProcessStat[] {
    const first = this.#first;
    if (first === null) return [];
    const all = allStats().filter(({ isZombie, beganTicks }) => !isZombie && beganTicks >= first.beganTicks);
    const found = new Map(all.filter((each) => this.#isOwn(each)).map((each) => [each.pid, each]));
    for (let parents = new Set(found.keys()); parents.size > 0; ) {
      const children = all.filter(({ pid, parent }) => parents.has(parent) && !found.has(pid));
      for (const child of children) found.set(child.pid, child);
      parents = new Set(children.map(({ pid }) => pid));
    }
    const living = [...found.values()];
    this.#known = new Map(living.map((each) => [keyOf(each), this.#known.get(keyOf(each)) ?? new Set()]));
    return living;
  }

  #isOwn(member: ProcessStat): boolean {
    const key = keyOf(member);
    return this.#known.has(key) || (this.#first !== null && key === keyOf(this.#first)) || isOf(this.name, member.pid);
  }
}

/** No other process has the same: numbers are given again. */
function keyOf({ pid, beganTicks }: ProcessStat): string {
  return `${pid} ${beganTicks}`;
}

/** Whether the variables of a process say that it is of a family, or of one within it. */
function isOf(family: string, pid: number): boolean {
  try {
    const variables = `\0${readFileSync(`/proc/${pid}/environ`, "latin1")}\0`;
    const own = `\0${FAMILY_VARIABLE}=${family}`;
    return variables.includes(`${own}\0`) || variables.includes(own + WITHIN);
  } catch {
    // It has ended, or belongs to another user.
    return false;
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended just now, or belongs to another user.
  }
}

let families = 0;

/** A family within the one that this process is of, or a new one. */
export function familyWithin(): Family {
  families += 1;
  return new Family(`${process.env[FAMILY_VARIABLE] ?? process.pid}${WITHIN}${families}`);
}
