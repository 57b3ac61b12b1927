import type { Crew } from "./crew.ts";
import type { Faults } from "./faults.ts";
import type { NurseryReport } from "./nursery.ts";

/** A run that is over. */
export interface Outcome {
  readonly seconds: number;
  readonly faults: Faults;
  readonly crew: Crew;
  readonly native: NurseryReport;
}

/**
 * What a minute does at the least. Two cores with three times the work that they can do reach five times as much of what chance brings, and
 * more when they are alone; what is rare is due every 15 s. With less the test is broken, or nearly everything stands still.
 */
const leastAMinute = {
  "native peers killed while writing": 20,
  "native peers killed while reading": 40,
  "processes stopped": 20,
  "processes killed while they were stopped and had a slot": 5,
  "kills of the supervisor": 2,
  "stops of the supervisor": 2,
  "pools removed": 2,
  "files deleted": 2,
  "slots written to behind the end of the connection": 3,
  "slots of killed readers seen to come back": 50,
  "slots of killed writers seen to come back": 30,
  "frames published": 500,
  "frames read": 1000,
  "frames revoked": 50,
  "frames that the test held while their pool or supervisor went": 2,
} as const;

/**
 * A killed process has nothing any more in the answers that are asked for after its end, but for so many, in 99 of 100 cases. Counted in answers
 * and not in ms, because a slow machine is no defect; docs/frames.md has the times of one machine.
 */
const MOST_ANSWERS_LATE = 10;

/** What a run has not done though it should have. */
export function omissions({ seconds, faults, crew, native }: Outcome): string[] {
  const { done, reclaimMs, killedWhileStopped, witnessed } = faults;
  const reached: Readonly<Record<keyof typeof leastAMinute, number>> = {
    "native peers killed while writing": native.killedWhile["writing"] ?? 0,
    "native peers killed while reading": native.killedWhile["reading"] ?? 0,
    "processes stopped": done.stopNative + done.stopLibrary,
    "processes killed while they were stopped and had a slot": killedWhileStopped,
    "kills of the supervisor": done.killSupervisor,
    "stops of the supervisor": done.stopSupervisor,
    "pools removed": done.removePool,
    "files deleted": done.deleteFile,
    "slots written to behind the end of the connection": native.ghosts,
    "slots of killed readers seen to come back": reclaimMs.reader.length,
    "slots of killed writers seen to come back": reclaimMs.writer.length,
    "frames published": native.published + crew.totals.published,
    "frames read": native.read + crew.totals.read,
    "frames revoked": native.revoked + crew.totals.revoked,
    "frames that the test held while their pool or supervisor went": witnessed,
  };
  return (Object.keys(reached) as (keyof typeof reached)[]).flatMap((what) => {
    const least = Math.floor((leastAMinute[what] * seconds) / 60);
    return reached[what] < least ? [`${what}: ${reached[what]}, not ${least} or more`] : [];
  });
}

/** The same, and who was kept waiting by the dead. */
export function shortfalls(outcome: Outcome): string[] {
  const tooLate = (["reader", "writer"] as const).flatMap((role) => {
    const late = at(outcome.faults.answersLate[role], 0.99);
    return late > MOST_ANSWERS_LATE ? [`slots of ${role}s that had ended were shown as theirs in ${late} answers more`] : [];
  });
  return [...omissions(outcome), ...tooLate];
}

/** A run for a person. */
export function summary({ faults, crew: { totals, longestStallMs }, native }: Outcome): string {
  const { done, reclaimMs, answersLate, killedWhileStopped, witnessed } = faults;
  return [
    `faults: ${counts(done)}`,
    `native peers: ${native.born} born, killed while ${counts(native.killedWhile)}; ${native.published} frames published, ${native.read} read and right, ${native.revoked} revoked, ${native.ghosts} slots written to behind the end of the connection`,
    `library peers: ${totals.killed} killed; ${totals.published} frames published, ${totals.read} read and right, ${totals.revoked} revoked, ${totals.held} held when the supervisor went`,
    `the test itself held ${witnessed} frames while their pool or supervisor went`,
    `from SIGKILL to the slot being free: readers ${spread(reclaimMs.reader, " ms")}; writers ${spread(reclaimMs.writer, " ms")}; ${killedWhileStopped} were stopped before`,
    `answers that showed a slot as held by one who had ended: readers ${spread(answersLate.reader)}; writers ${spread(answersLate.writer)}`,
    `longest without a frame: ${longestStallMs.others.toFixed(0)} ms, ${longestStallMs.pool.toFixed(0)} ms with the pool away, ${longestStallMs.supervisor.toFixed(0)} ms with the supervisor away`,
  ].join("\n");
}

function counts(of: Readonly<Record<string, number>>): string {
  return Object.entries(of)
    .map(([name, count]) => `${name} ${count}`)
    .join(", ");
}

function spread(values: readonly number[], unit = ""): string {
  const digits = unit === "" ? 0 : 1;
  const [middle, most, all] = [0.5, 0.99, 1].map((share) => `${at(values, share).toFixed(digits)}${unit}`);
  return `${values.length} times, p50 ${middle}, p99 ${most}, max ${all}`;
}

/** What so great a share of the values do not exceed; 0: there are none. */
function at(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}
