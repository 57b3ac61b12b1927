import { join } from "node:path";
import { median, medians, percentile } from "../medians.ts";
import { Companion } from "./companion.ts";
import { gpiozero, threadInC } from "./peers.ts";
import { type Errors, errorsOf, type Played, type Shape, shapes, square } from "./shapes.ts";
import type { Play, Recording } from "./supervisor.ts";

/** Who plays: holdfast's thread and one in C, each without and with real-time scheduling, and gpiozero's. */
export const players = ["holdfast", "C", "holdfast, FIFO", "C, FIFO", "gpiozero"] as const;
/** Who plays. */
export type Player = (typeof players)[number];

/** By how much edges were off, in µs: the middle of the rounds. */
export interface EdgeFigures {
  readonly p50Us: number;
  readonly p99Us: number;
  readonly maxUs: number;
  /** By how much the time from one edge to the next was off, which knows of no drift. */
  readonly intervalP50Us: number;
  readonly leftOutPercent: number;
}

/** One wave, by all who can play it here. */
export type ShapeFigures = { readonly shape: Shape } & { readonly [P in Player]?: EdgeFigures };

/** What became of the phase in a long run. */
export interface DriftFigures {
  readonly periods: number;
  /** The error of the last tenth of the edges, less that of the first tenth, in µs. */
  readonly driftUs: number;
}

/** What the waves have come to. */
export interface WaveFigures {
  /** Null: it could not be had, and its columns are missing. */
  readonly gpiozero: string | null;
  readonly idle: readonly ShapeFigures[];
  readonly loaded: readonly ShapeFigures[];
  /** Commands that the supervisor has handled meanwhile. */
  readonly commandsPerSecond: number;
  readonly drift: { readonly holdfast: DriftFigures; readonly gpiozero: DriftFigures | null };
}

const ROUNDS = 3;
const RUN_MS = 2000;
/** Not counted: code is compiled, and caches are filled. */
const WARM_UP_MS = 1000;
const LOAD_PER_SECOND = 20_000;
const DRIFT_PERIODS = 10_000;

type PlayOnce = (shape: Shape, forMs: number) => Promise<Errors>;
type Present = ReadonlyMap<Player, PlayOnce>;

/** @param folder for what is made, for as long as it is measured @param tell told what is measured now */
export async function measureWaves(folder: string, tell: (what: string) => void): Promise<WaveFigures> {
  const socket = join(folder, "waves.sock");
  const [inC, blinking] = [await threadInC(folder), await gpiozero()];
  const supervisor = new Companion("supervisor.ts", socket);
  try {
    const present = new Map<Player, PlayOnce>();
    const ours = (realTime: boolean) => async (shape: Shape, forMs: number) => {
      const recording = await supervisor.tell<Recording>({ shape, forMs, realTime } satisfies Play);
      return { ...errorsOf(shape, recording.played, true), realTime: recording.realTime };
    };
    const theirs = (play: (shape: Shape, forMs: number) => Promise<Played>) => async (shape: Shape, forMs: number) =>
      errorsOf(shape, await play(shape, forMs), false);
    await ours(false)(square, WARM_UP_MS);
    const { realTime } = await ours(true)(square, WARM_UP_MS);
    present.set("holdfast", ours(false));
    if (inC !== null) present.set("C", theirs(inC.normal));
    if (realTime) present.set("holdfast, FIFO", ours(true));
    if (inC !== null && inC.realTime !== null) present.set("C, FIFO", theirs(inC.realTime));
    if (blinking !== null) present.set("gpiozero", theirs(blinking.play));

    const idle = await measureShapes(present, (shape) => tell(shape.name));
    const load = new Companion("load.ts", socket, String(LOAD_PER_SECOND));
    try {
      await Bun.sleep(WARM_UP_MS);
      const [before, began] = [await load.tell<number>("count"), performance.now()];
      const loaded = await measureShapes(present, (shape) => tell(`${shape.name}, with commands`));
      const commandsPerSecond = (((await load.tell<number>("count")) - before) / (performance.now() - began)) * 1000;
      await load.end();
      tell("drift");
      const driftMs = (DRIFT_PERIODS * square.periodUs) / 1000;
      const drift = {
        holdfast: driftOf(await ours(false)(square, driftMs)),
        gpiozero: blinking === null ? null : driftOf(await theirs(blinking.play)(square, driftMs)),
      };
      return { gpiozero: blinking?.version ?? null, idle, loaded, commandsPerSecond, drift };
    } finally {
      await load.end();
    }
  } finally {
    await supervisor.end();
  }
}

/** Every wave by every player in turn, several times, so that what else the machine does meets all. */
async function measureShapes(present: Present, tell: (shape: Shape) => void): Promise<ShapeFigures[]> {
  const rounds = new Map(shapes.map((shape) => [shape, new Map<Player, EdgeFigures[]>()]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [shape, byPlayer] of rounds) {
      tell(shape);
      for (const [player, play] of present) {
        const figures = figuresOf(await play(shape, RUN_MS));
        byPlayer.set(player, [...(byPlayer.get(player) ?? []), figures]);
      }
    }
  }
  return [...rounds].map(([shape, byPlayer]) => ({
    shape,
    ...Object.fromEntries([...byPlayer].map(([player, figures]) => [player, medians(figures)])),
  }));
}

function figuresOf({ errorsUs, intervalErrorsUs, leftOutPercent }: Errors): EdgeFigures {
  return {
    p50Us: median(errorsUs),
    p99Us: percentile(errorsUs, 0.99),
    maxUs: percentile(errorsUs, 1),
    intervalP50Us: median(intervalErrorsUs),
    leftOutPercent,
  };
}

/** By the edges that were most in time: none is early, and what is late for another reason is not drift. */
function driftOf({ errorsUs }: Errors): DriftFigures {
  const tenth = Math.floor(errorsUs.length / 10);
  const phaseUs = (edges: readonly number[]) => percentile(edges, 0.1);
  return { periods: Math.round(errorsUs.length / 2), driftUs: phaseUs(errorsUs.slice(-tenth)) - phaseUs(errorsUs.slice(0, tenth)) };
}
