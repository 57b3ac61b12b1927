import { statfsSync } from "node:fs";
import { join } from "node:path";
import { connect } from "../../src/client/connect.ts";
import { startSupervisor, stop } from "../supervisor.ts";
import { type Format, formatNamed, formats } from "./formats.ts";
import { type Ends, type Measured, runHoldfast, slotsFor } from "./holdfast-run.ts";
import { type KilledReaderFigures, killReaders } from "./killed-reader.ts";
import { environment, hasPackage, python, pythonVersion } from "./python.ts";
import { middle, middleRound, type Outcome, type Run, seenIn } from "./run.ts";

/** Who is measured: holdfast with three kinds of ends, and what it is compared with. */
export const sides = ["holdfast, Python", "holdfast, package", "holdfast, Bun", "two queues", "named ring", "pixels sent"] as const;
/** Who is measured. */
export type Side = (typeof sides)[number];

/** Those that need Python. */
const pythons: readonly Side[] = ["holdfast, Python", "holdfast, package", "two queues", "named ring"];

/** What one side does with frames of one format; what it is not measured with is not there. */
export interface SideFigures {
  /** As fast as it goes, to one consumer and to four that get every frame. */
  readonly one?: Outcome;
  readonly four?: Outcome;
  /** A frame every 10 ms, to one consumer. */
  readonly paced?: Outcome;
}

/** All that is measured with one format. */
export interface FormatFigures {
  readonly format: Format;
  /** Copies of an image into mapped slots, a second. */
  readonly copiesPerSecond: number;
  readonly sides: { readonly [S in Side]?: SideFigures };
}

/** What the frames have come to. */
export interface FrameFigures {
  /** Of the Python that the comparison runs on; null: there is none, and its rows are missing. */
  readonly python: string | null;
  readonly formats: readonly FormatFigures[];
  /** Formats for which the shared memory has no room. */
  readonly leftOut: readonly string[];
  /** Nobody touches a pixel. */
  readonly control: { readonly [E in Ends]?: { readonly small: Outcome; readonly large: Outcome } };
  readonly killedReader: KilledReaderFigures;
}

/** The format on which targets are set. It is measured in several rounds, each side in turn, so that what else the machine does meets all. */
export const targetFormat = formatNamed("1080p YU12");
/** The smallest and the largest that a frame's cost is compared of. */
const [small, large] = [formatNamed("640x480 YU12"), formatNamed("4K YU12")];

const ROUNDS = 3;
const RUN_MS = 800;
const PACED_RUN_MS = 1000;
const PACE_MS = 10;
const SHARED_MEMORY = "/dev/shm";
/** Of the other pools. */
const PEER_SLOTS = 6;

const saturated = (consumers: number) => ({ consumers, runMs: RUN_MS, paceMs: 0 });
const paced = { consumers: 1, runMs: PACED_RUN_MS, paceMs: PACE_MS };

/** Runs a program of this folder to its end, and takes what it prints. */
async function printed(...command: readonly string[]): Promise<string> {
  const child = Bun.spawn([...command], { env: environment, stdin: "ignore", stdout: "pipe", stderr: "inherit" });
  const text = await child.stdout.text();
  if ((await child.exited) !== 0) throw new Error(`${command[1]} has failed`);
  return text;
}

async function runPeer(program: readonly string[], format: Format, run: Omit<Run, "bytes" | "slots">): Promise<Outcome> {
  const told: Run = { ...run, bytes: format.bytes, slots: PEER_SLOTS };
  const text = await printed(...program, JSON.stringify(told));
  return { ...middle(seenIn(text, told, program.at(-1) as string)), supervisorUs: null };
}

const bun = (script: string) => [process.execPath, join(import.meta.dir, script)];

type RunOnce = (format: Format, run: Omit<Run, "bytes" | "slots">) => Promise<Outcome>;

function runnerOf(side: Side, measured: Measured): RunOnce {
  switch (side) {
    case "holdfast, Python":
      return (format, run) => runHoldfast(measured, "python", format, run);
    case "holdfast, package":
      return (format, run) => runHoldfast(measured, "package", format, run);
    case "holdfast, Bun":
      return (format, run) => runHoldfast(measured, "bun", format, run);
    case "two queues":
      return (format, run) => runPeer(python("two_queues.py"), format, run);
    case "named ring":
      return (format, run) => runPeer(python("named_ring.py"), format, run);
    case "pixels sent":
      return (format, run) => runPeer(bun("socket-pixels.ts"), format, run);
  }
}

/** One format through all sides, so many times. */
async function measureFormat(format: Format, present: readonly Side[], rounds: number, measured: Measured): Promise<FormatFigures> {
  const outcomes = new Map<Side, Record<keyof SideFigures, Outcome[]>>(present.map((side) => [side, { one: [], four: [], paced: [] }]));
  for (let round = 0; round < rounds; round++) {
    for (const [side, { one, four, paced: inTime }] of outcomes) {
      const once = runnerOf(side, measured);
      const run = async (outcomesOfRun: Outcome[], what: Omit<Run, "bytes" | "slots">) => {
        // One run that fails is left out; the others still tell something.
        await once(format, what).then(
          (outcome) => outcomesOfRun.push(outcome),
          (error) => console.error(`${format.name}, ${side}: ${error.message}`),
        );
      };
      await run(one, saturated(1));
      if (side !== "named ring" && side !== "pixels sent") await run(four, saturated(4));
      await run(inTime, paced);
    }
  }
  const figuresOf = (each: Record<keyof SideFigures, Outcome[]>) =>
    Object.fromEntries(
      Object.entries(each)
        .filter(([, all]) => all.length > 0)
        .map(([name, all]) => [name, middleRound(all)]),
    );
  return {
    format,
    copiesPerSecond: JSON.parse(await printed(...bun("memcpy.ts"), String(format.bytes), String(slotsFor(1)))),
    sides: Object.fromEntries([...outcomes].map(([side, each]) => [side, figuresOf(each)])),
  };
}

/** Control messages alone, in the smallest and the largest pool in turn. */
async function measureControl(ends: Ends, measured: Measured): Promise<{ readonly small: Outcome; readonly large: Outcome }> {
  const rounds: { readonly small: Outcome; readonly large: Outcome }[] = [];
  const run = (format: Format) => runHoldfast(measured, ends, format, saturated(1), { touch: false });
  for (let round = 0; round < ROUNDS; round++) rounds.push({ small: await run(small), large: await run(large) });
  return { small: middleRound(rounds.map((each) => each.small)), large: middleRound(rounds.map((each) => each.large)) };
}

/** What fits into the shared memory, with room to spare: the two-queue pool needs one of its own for each consumer. */
function fits({ bytes }: Format): boolean {
  const { bavail, bsize } = statfsSync(SHARED_MEMORY);
  return 4 * PEER_SLOTS * bytes < 0.8 * bavail * bsize;
}

/** @param socket where a supervisor of the measurement's own is to serve @param tell told what is measured now */
export async function measureFrames(socket: string, tell: (what: string) => void): Promise<FrameFigures> {
  const version = await pythonVersion();
  const missing: readonly Side[] = version === null ? pythons : (await hasPackage()) ? [] : ["holdfast, package"];
  const present = sides.filter((side) => !missing.includes(side));
  /** With the package only frames are measured. */
  const allEnds: readonly Ends[] = version === null ? ["bun"] : ["python", "bun"];
  const { child } = await startSupervisor(socket);
  const client = await connect({ socket, name: "bench" });
  const measured: Measured = { client, socket, pid: child.pid };
  try {
    const fitting = formats.filter(fits);
    const leftOut = formats.filter((format) => !fitting.includes(format)).map(({ name }) => name);
    // The first frames of a supervisor's life are slow: its code is not compiled yet.
    for (const ends of allEnds) await runHoldfast(measured, ends, small, saturated(1));
    const all: FormatFigures[] = [];
    for (const format of fitting) {
      tell(format.name);
      all.push(await measureFormat(format, present, format === targetFormat ? ROUNDS : 1, measured));
    }
    tell("control messages alone");
    const control: { [E in Ends]?: { readonly small: Outcome; readonly large: Outcome } } = {};
    for (const ends of allEnds) control[ends] = await measureControl(ends, measured);
    tell("killed readers");
    const killedReader = await killReaders(measured);
    return {
      python: version,
      formats: all,
      leftOut,
      control,
      killedReader,
    };
  } finally {
    await client.close();
    await stop(child);
  }
}
