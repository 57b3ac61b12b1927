import { goal, row, whole } from "../report.ts";
import { type FrameFigures, type Side, type SideFigures, sides, targetFormat } from "./figures.ts";
import type { Outcome } from "./run.ts";

/** What is to be reached. */
const targets = {
  sizeRatio: 1.2,
  twoQueuesRatio: 1,
  twoQueuesRatioOfFour: 2,
  namedRingRatio: 5,
  latencyRatio: 1.5,
  controlPerSecond: 10_000,
  supervisorUs: 60,
  killedReaderMs: 10,
};

/** The figures as a person reads them. */
export function reportFrames(figures: FrameFigures): string {
  const { python, formats, leftOut, control, killedReader } = figures;
  const present = sides.filter((side) => formats.some((each) => each.sides[side] !== undefined));
  const lacking = python !== null && !present.includes("holdfast, package");
  const both = (one: string | undefined, other: string | undefined) =>
    one === undefined ? "–" : `${one}${other === undefined ? "" : ` / ${other}`}`;
  return [
    `Frames: one producer copies an image into each; every consumer gets them all, and reads the first and the last byte of each. ${python ?? "There is no python3: what needs it is missing."}`,
    ...(lacking ? ["Python has no cbor2 here, which the package needs: apt install python3-cbor2"] : []),
    ...leftOut.map((name) => `There is no room in the shared memory for ${name}.`),
    "",
    "Frames a second, to one consumer / to four. Copies: of an image into mapped slots, the most that memory allows.",
    row("", "copies/s", ...present.map(wide)),
    ...formats.map(({ format, copiesPerSecond, sides: of }) =>
      row(format.name, whole(copiesPerSecond), ...present.map((side) => wide(both(perSecond(of[side]?.one), perSecond(of[side]?.four))))),
    ),
    "",
    "A frame every 10 ms, to one consumer: µs from publishing to taking, p50 / p99",
    row("", "", ...present.map(wide)),
    ...formats.map(({ format, sides: of }) =>
      row(format.name, "", ...present.map((side) => wide(both(us(of[side]?.paced?.p50Us), us(of[side]?.paced?.p99Us))))),
    ),
    "",
    "The supervisor's CPU, µs a frame: to one consumer / to four / that for each of the four / to one, a frame every 10 ms",
    ...formats.map(({ format, sides: of }) => row(format.name, "", ...present.filter(isOurs).map((side) => wide(supervisorUs(of[side]))))),
    "",
    ...Object.entries(control).map(
      ([ends, { small, large }]) =>
        `Control messages alone, ends in ${ends}: ${whole(small.perSecond)} frames/s, ${us(small.supervisorUs)} µs of the supervisor's CPU each; in a pool of 4K ${whole(large.perSecond)}`,
    ),
    `${killedReader.kills} readers killed while they held the last slot: another had it after ${killedReader.medianMs.toFixed(1)} ms, the middle one, and ${killedReader.longestMs.toFixed(1)} ms at the longest`,
    "",
    ...goals(figures),
  ].join("\n");
}

const WIDE = 22;

/** Side by side with others of its kind, in a row of narrower cells. */
function wide(cell: string): string {
  return cell.padStart(WIDE);
}

function isOurs(side: Side): boolean {
  return side.startsWith("holdfast");
}

function perSecond(outcome: Outcome | undefined): string | undefined {
  return outcome && whole(outcome.perSecond);
}

function us(value: number | null | undefined): string | undefined {
  return value === null || value === undefined ? undefined : whole(value);
}

function supervisorUs(side: SideFigures | undefined): string {
  const [one, four, paced] = [side?.one, side?.four, side?.paced].map((outcome) => outcome?.supervisorUs ?? Number.NaN) as [
    number,
    number,
    number,
  ];
  return `${whole(one)} / ${whole(four)} / ${whole(four / 4)} / ${whole(paced)}`;
}

function goals({ formats, control, killedReader, python }: FrameFigures): string[] {
  const target = formats.find(({ format }) => format.name === targetFormat.name)?.sides ?? {};
  const ours = target[python === null ? "holdfast, Bun" : "holdfast, Python"];
  const { "two queues": twoQueues, "named ring": namedRing } = target;
  const alone = (python === null ? control.bun : control.python) as NonNullable<typeof control.bun>;
  const ratio = (mine: number | undefined, theirs: number | undefined) => (mine ?? Number.NaN) / (theirs ?? Number.NaN);
  const atLeast = (what: string, value: number, least: number, digits: number) =>
    goal(what, value.toFixed(digits), value >= least, `at least ${least}`);
  const atMost = (what: string, value: number, most: number, digits: number) =>
    goal(what, value.toFixed(digits), value <= most, `at most ${most}`);
  const peers = [
    atLeast("frames/s / two queues'", ratio(ours?.one?.perSecond, twoQueues?.one?.perSecond), targets.twoQueuesRatio, 2),
    atLeast("the same, 4 consumers", ratio(ours?.four?.perSecond, twoQueues?.four?.perSecond), targets.twoQueuesRatioOfFour, 2),
    atLeast("frames/s / named ring's", ratio(ours?.one?.perSecond, namedRing?.one?.perSecond), targets.namedRingRatio, 2),
    atMost("latency p50 / two queues'", ratio(ours?.paced?.p50Us, twoQueues?.paced?.p50Us), targets.latencyRatio, 2),
  ];
  return [
    `${targetFormat.name}, ends in ${python === null ? "Bun" : "Python"}`,
    ...(python === null ? [] : peers),
    atMost("delivery, 4K / 640x480", ratio(alone.small.perSecond, alone.large.perSecond), targets.sizeRatio, 2),
    atLeast("control alone, frames/s", alone.small.perSecond, targets.controlPerSecond, 0),
    atMost("supervisor µs/frame", ours?.one?.supervisorUs ?? Number.NaN, targets.supervisorUs, 0),
    atMost("killed reader's slot, ms", killedReader.medianMs, targets.killedReaderMs, 1),
  ];
}
