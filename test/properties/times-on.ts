import { type TimeOn, timesOn } from "../../src/testing/wire.ts";
import type { Stretch } from "./wave-oracle.ts";

/** When a line is on that does this, in µs. */
export function timesWantedOn(wanted: readonly Stretch[]): TimeOn[] {
  const inMs = (us: number) => Math.round(us * 1000) / 1e6;
  return timesOn(wanted.map(({ level, fromUs, untilUs }) => ({ level, fromMs: inMs(fromUs), untilMs: inMs(untilUs) })));
}

/** Whether two lists of times are the same, but for what rounding does to nanoseconds. */
export function sameTimes(seen: readonly TimeOn[], wanted: readonly TimeOn[]): boolean {
  const same = (a: number, b: number) => Math.abs(a - b) < 2.5e-6;
  return (
    seen.length === wanted.length &&
    seen.every(({ fromMs, untilMs }, index) => {
      const other = wanted[index];
      return other !== undefined && same(fromMs, other.fromMs) && same(untilMs, other.untilMs);
    })
  );
}
