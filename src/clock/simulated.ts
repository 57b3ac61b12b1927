import type { Alarm, Clock } from "./clock.ts";

interface PendingAlarm extends Alarm {
  readonly dueUs: number;
  readonly order: number;
  readonly task: () => void;
}

/**
 * A clock that moves only when told to, from one due time to the next, so that a task which sets a new alarm within
 * the span sees it run within the span. Tasks of the same instant run in the order in which they were set.
 */
export class SimulatedClock implements Clock {
  #nowUs: number;
  #order = 0;
  readonly #pending = new Set<PendingAlarm>();

  /** @param startUs the first reading, in µs */
  constructor(startUs = 1_000_000) {
    this.#nowUs = startUs;
  }

  nowUs(): number {
    return this.#nowUs;
  }

  at(dueUs: number, task: () => void): Alarm {
    const alarm: PendingAlarm = { dueUs, order: this.#order++, task, cancel: () => this.#pending.delete(alarm) };
    this.#pending.add(alarm);
    return alarm;
  }

  /** Tasks that are still to run. */
  get pending(): number {
    return this.#pending.size;
  }

  /** When the next task is due, in µs; null: none. */
  get nextDueUs(): number | null {
    return this.#next()?.dueUs ?? null;
  }

  /** Moves on by `ms`, running all that falls due on the way. */
  advanceMs(ms: number): void {
    const untilUs = this.#nowUs + ms * 1000;
    for (let next = this.#next(); next !== undefined && next.dueUs <= untilUs; next = this.#next()) {
      this.#run(next);
    }
    this.#nowUs = Math.max(this.#nowUs, untilUs);
  }

  /**
   * Moves on until no task is pending, or `ms` have passed.
   * @returns whether nothing is pending any more
   */
  runOut(ms: number): boolean {
    const untilUs = this.#nowUs + ms * 1000;
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      if (next.dueUs > untilUs) {
        this.#nowUs = untilUs;
        return false;
      }
      this.#run(next);
    }
    return true;
  }

  /** Stalls: time passes and nothing runs, as when the machine is busy; what fell due runs late, at the next move. */
  stallMs(ms: number): void {
    this.#nowUs += ms * 1000;
  }

  #run(alarm: PendingAlarm): void {
    this.#pending.delete(alarm);
    this.#nowUs = Math.max(this.#nowUs, alarm.dueUs);
    alarm.task();
  }

  #next(): PendingAlarm | undefined {
    let first: PendingAlarm | undefined;
    for (const alarm of this.#pending) {
      if (first === undefined || alarm.dueUs < first.dueUs || (alarm.dueUs === first.dueUs && alarm.order < first.order)) first = alarm;
    }
    return first;
  }
}
