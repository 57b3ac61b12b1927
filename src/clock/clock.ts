/** A task that a clock will run. */
export interface Alarm {
  /** The task will not run. Harmless when it has run already. */
  cancel(): void;
}

/** Time, injected: the real one, or a simulated one in tests. */
export interface Clock {
  /** Microseconds on CLOCK_MONOTONIC, the clock of the kernel's edge timestamps. A fraction may follow. */
  nowUs(): number;
  /** Runs `task` once, not before `dueUs` on this clock. */
  at(dueUs: number, task: () => void): Alarm;
}

/** The time of `clock` as a timestamp of the protocol, in ns. */
export function timestampNs(clock: Clock): bigint {
  return BigInt(Math.round(clock.nowUs() * 1000));
}

/** This clock as XState wants one, in ms. */
export function xstateClock(clock: Clock): { setTimeout(task: () => void, ms: number): Alarm; clearTimeout(alarm: Alarm): void } {
  return {
    setTimeout: (task, ms) => clock.at(clock.nowUs() + ms * 1000, task),
    clearTimeout: (alarm) => alarm?.cancel(),
  };
}
