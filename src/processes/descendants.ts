import { allStats, type ProcessStat, statOf } from "./process-stat.ts";

/** Those that a process has started, and those that these have, as they were once: when one of them ends, nobody knows any more whose they were. */
export class Descendants {
  readonly #known: readonly ProcessStat[];

  /** @param pid of the process whose they are */
  constructor(pid: number) {
    const all = allStats();
    const known: ProcessStat[] = [];
    for (let parents = new Set([pid]); parents.size > 0; ) {
      const children = all.filter(({ parent }) => parents.has(parent));
      known.push(...children);
      parents = new Set(children.map((child) => child.pid));
    }
    this.#known = known;
  }

  /** Whether any of them has not ended. */
  get live(): boolean {
    return this.#living().length > 0;
  }

  signal(signal: NodeJS.Signals): void {
    for (const { pid } of this.#living()) {
      try {
        process.kill(pid, signal);
      } catch {
        // It has ended just now, or belongs to another user.
      }
    }
  }

  #living(): ProcessStat[] {
    return this.#known.filter(({ pid, beganTicks }) => {
      const now = statOf(pid);
      return now !== null && now.beganTicks === beganTicks && !now.isZombie;
    });
  }
}
