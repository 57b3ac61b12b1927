import { readFileSync } from "node:fs";
import { openLibc } from "../libc.ts";
import type { Alarm, Clock } from "./clock.ts";

/** A timer beyond 2³¹−1 ms fires at once, so long waits are made of pieces. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

const CLOCK_MONOTONIC = 1;

/**
 * What to add to `performance.now()` (µs since the process began) to get CLOCK_MONOTONIC (µs since boot).
 * Node's hrtime reads that clock; Bun's counts from the start of the process, so there libc is asked.
 */
function monotonicOffsetUs(): number {
  const monotonicUs = process.versions.bun === undefined ? Number(process.hrtime.bigint()) / 1000 : askKernelUs();
  return monotonicUs - performance.now() * 1000;
}

/** clock_gettime(2) or, where libc cannot be called, the kernel's uptime, to 10 ms: no kernel's edges are seen there to compare with. */
function askKernelUs(): number {
  try {
    const { symbols } = openLibc({ clock_gettime: { args: ["i32", "ptr"], returns: "i32" } });
    const timespec = new BigInt64Array(new ArrayBuffer(16));
    symbols.clock_gettime(CLOCK_MONOTONIC, timespec);
    return Number(timespec[0]) * 1e6 + Number(timespec[1]) / 1000;
  } catch {
    return Number.parseFloat(readFileSync("/proc/uptime", "utf8")) * 1e6;
  }
}

/** The clock of this machine. */
export class RealClock implements Clock {
  readonly #offsetUs = monotonicOffsetUs();

  nowUs(): number {
    return performance.now() * 1000 + this.#offsetUs;
  }

  at(dueUs: number, task: () => void): Alarm {
    let timer: ReturnType<typeof setTimeout>;
    const arm = () => {
      // Timers run on whole milliseconds: rounding up is what makes them never early.
      const ms = Math.max(0, Math.ceil((dueUs - this.nowUs()) / 1000));
      timer = setTimeout(() => (this.nowUs() < dueUs ? arm() : task()), Math.min(ms, LONGEST_TIMER_MS));
    };
    arm();
    return { cancel: () => clearTimeout(timer) };
  }
}
