import { median } from "../medians.ts";
import type { Seen } from "./seen.ts";

/** One producer that copies an image into each frame, and what it meets. Every consumer gets every frame. */
export interface Run {
  /** Of an image. */
  readonly bytes: number;
  readonly slots: number;
  readonly consumers: number;
  readonly runMs: number;
  /** From one frame to the next; 0: as fast as it goes. */
  readonly paceMs: number;
}

/** What came of a run: the middle of its consumers. */
export interface Outcome {
  readonly perSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** Of the supervisor's CPU, for each frame; null: there is no supervisor. */
  readonly supervisorUs: number | null;
}

/** The middle of several consumers, or of several rounds. */
export function middle(seen: readonly Omit<Outcome, "supervisorUs">[]): Omit<Outcome, "supervisorUs"> {
  const of = (name: "perSecond" | "p50Us" | "p99Us") => median(seen.map((each) => each[name]));
  return { perSecond: of("perSecond"), p50Us: of("p50Us"), p99Us: of("p99Us") };
}

/** The middle of several rounds of one run. */
export function middleRound(rounds: readonly Outcome[]): Outcome {
  const us = rounds.map(({ supervisorUs }) => supervisorUs).filter((each) => each !== null);
  return { ...middle(rounds), supervisorUs: us.length === 0 ? null : median(us) };
}

/** What a program prints at its end, a line of JSON for each consumer. */
export function seenIn(text: string, run: Run, program: string): Seen[] {
  const lines = text.split("\n").filter((line) => line.startsWith("{"));
  if (lines.length !== run.consumers) throw new Error(`${program} has told of ${lines.length} consumers, not of ${run.consumers}`);
  return lines.map((line) => JSON.parse(line));
}
