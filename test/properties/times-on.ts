import type { Stretch } from "./wave-oracle.ts";
import type { World } from "./world.ts";

/** A time for which a line is on, in whole nanoseconds. */
export interface TimeOn {
  readonly fromNs: number;
  readonly untilNs: number;
}

/** When a line is on. Off for no time at all is not off. */
export function timesOn(made: readonly Stretch[]): TimeOn[] {
  const times: { fromNs: number; untilNs: number }[] = [];
  for (const { level, fromUs, untilUs } of made) {
    const [fromNs, untilNs] = [Math.round(fromUs * 1000), Math.round(untilUs * 1000)];
    if (level === 0) continue;
    const last = times.at(-1);
    if (last?.untilNs === fromNs) last.untilNs = untilNs;
    else times.push({ fromNs, untilNs });
  }
  return times;
}

/** When the chip saw a line on. */
export function timesSeenOn({ sim }: World, id: { readonly chip: string; readonly offset: number }): TimeOn[] {
  const changes = sim.trace(id).map(({ level, timestampNs }) => ({ level, fromUs: Number(timestampNs) / 1000 }));
  return timesOn(changes.map((change, index) => ({ ...change, untilUs: changes[index + 1]?.fromUs ?? Number.POSITIVE_INFINITY })));
}

/** Whether two lists of times are the same, but for what rounding does. */
export function sameTimes(seen: readonly TimeOn[], wanted: readonly TimeOn[]): boolean {
  const same = (a: number, b: number) => Math.abs(a - b) <= 2;
  return (
    seen.length === wanted.length &&
    seen.every(({ fromNs, untilNs }, index) => {
      const other = wanted[index];
      return other !== undefined && same(fromNs, other.fromNs) && same(untilNs, other.untilNs);
    })
  );
}
