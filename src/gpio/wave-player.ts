import type { Wave } from "../../actors/wave.ts";
import type { HoldfastError } from "../protocol/errors.ts";
import type { Levels } from "./levels.ts";

/** What the player of one line, or of a group, tells. */
export interface WaveListener {
  /** The line is driven by the wave of this command. */
  started(number: number): void;
  /** The wave of this command has had its time; it ended `lateMs` after the instant that was due. */
  ended(number: number, lateMs: number): void;
  /** The line was active for as long as it may be without a break; it is off, and the wave of this command is over. */
  limited(number: number): void;
  /** The line can't be driven any more. */
  failed(error: HoldfastError): void;
  /** The line has changed its level; `lost` changes before this one are not told of. */
  edge(level: Levels, atUs: number, lost: number): void;
  /** Cycles or PWM periods were skipped to keep in phase, because the machine was busy. */
  skipped(cycles: number): void;
}

/** How the kernel runs a thread that plays waves: before all ordinary work, or as such. */
export type WaveScheduling = "real-time" | "normal";

/** How a player begins. */
export interface PlayerSettings {
  /** The level that the line was requested with. */
  readonly initial: Levels;
  /** The longest time, in ms, that the line may be active without a break; Infinity: no limit. */
  readonly maxOnMs: number;
  /** The frequency of PWM. */
  readonly frequencyHz: number;
}

/** Plays waves on one output, or on a group of them in phase. Nothing else sets the line. */
export interface WavePlayer {
  /** The level that the line is driven to now. */
  readonly level: Levels;
  /** How long the wave still plays, in ms; 0: none plays, Infinity: it has no end. */
  readonly remainingMs: number;
  /** The frequency of PWM, in Hz, for the waves that are played from now on. */
  frequencyHz: number;
  /** The longest time that the line may be active without a break, in ms: a new one holds at once. Infinity: no limit. */
  maxOnMs: number;
  /**
   * What comes when the wave that plays has had its time. True: the line is to go off, and does so on time, whenever `ended` is
   * heard. False: it keeps its level until it is told something else, so that no gap is made.
   */
  endsOff: boolean;
  /** Whether anybody wants to hear of edges; while nobody does, they may go untold. */
  watched: boolean;
  /**
   * Plays the wave of a command in the place of what is playing. `started` is told before this returns.
   * @param endsOff what `endsOff` is from the beginning: a short wave is over before anything else can be said of it
   */
  play(number: number, wave: Wave, endsOff: boolean): void;
  /** Ends what is playing and drives a level; null leaves the line as it is. */
  rest(level: Levels | null): void;
  /** Does something to the line for which it must not be driven meanwhile, and which leaves it at its level or ends with `stop`. */
  undisturbed<T>(act: (level: Levels) => T): T;
  /** Ends all. The line is left as it is, and nothing is told any more. */
  stop(): void;
}
