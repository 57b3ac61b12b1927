import type { Wave } from "../../actors/wave.ts";
import type { Alarm, Clock } from "../clock/clock.ts";
import { HoldfastError } from "../protocol/errors.ts";
import type { Level } from "../protocol/requests.ts";
import type { Line } from "./backend.ts";
import { WaveScore } from "./wave-score.ts";

/** What the player of one line tells. */
export interface WaveListener {
  /** The line is driven by the wave of this command. */
  started(number: number): void;
  /** The wave of this command has had its time; it ended `lateMs` after the instant that was due. */
  ended(number: number, lateMs: number): void;
  /** The line was active for as long as it may be without a break; it is off, and the wave of this command is over. */
  limited(number: number): void;
  /** The line can't be driven any more. */
  failed(error: HoldfastError): void;
  /** The line has changed its level. */
  edge(level: Level, atUs: number): void;
  /** Cycles or PWM periods were skipped to keep in phase, because the machine was busy. */
  skipped(cycles: number): void;
}

/** Plays waves on one output, on the event loop. Nothing else sets the line. */
export class WavePlayer {
  readonly #line: Line;
  readonly #clock: Clock;
  readonly #listener: WaveListener;
  readonly #maxOnUs: number;
  #level: Level;
  #activeSinceUs: number;
  #alarm: Alarm | null = null;
  #number = 0;
  #score: WaveScore | null = null;

  /**
   * @param initial the level that the line was requested with
   * @param maxOnMs the longest time that the line may be active without a break; Infinity: no limit
   */
  constructor(line: Line, initial: Level, clock: Clock, maxOnMs: number, listener: WaveListener) {
    this.#line = line;
    this.#clock = clock;
    this.#listener = listener;
    this.#maxOnUs = maxOnMs * 1000;
    this.#level = initial;
    this.#activeSinceUs = clock.nowUs();
    this.#arm(Number.POSITIVE_INFINITY);
  }

  /** The level that the line is driven to now. */
  get level(): Level {
    return this.#level;
  }

  /** How long the wave still plays, in ms; 0: none plays, Infinity: it has no end. */
  get remainingMs(): number {
    return this.#score === null ? 0 : Math.max(0, (this.#score.endUs - this.#clock.nowUs()) / 1000);
  }

  /** Plays the wave of a command in the place of what is playing. `started` is told before this returns. */
  play(number: number, wave: Wave): void {
    this.#number = number;
    this.#score = new WaveScore(wave, this.#clock.nowUs());
    if (this.#step()) this.#listener.started(number);
  }

  /** Ends what is playing and drives a level; null leaves the line as it is. */
  rest(level: Level | null): void {
    this.#alarm?.cancel();
    this.#score = null;
    this.#number = 0;
    if (level !== null && this.#set(level)) this.#arm(Number.POSITIVE_INFINITY);
  }

  /** Ends all. The line is left as it is, and nothing is told any more. */
  stop(): void {
    this.#alarm?.cancel();
    this.#score = null;
  }

  /** Does what is due. @returns whether the line could be driven */
  #step(): boolean {
    const score = this.#score;
    if (score === null) return false;
    const nowUs = this.#clock.nowUs();
    const { level, dueUs, skipped } = score.at(nowUs);
    if (skipped > 0) this.#listener.skipped(skipped);
    if (level === null) {
      this.#score = null;
      this.#listener.ended(this.#number, Math.max(0, nowUs - score.plannedEndUs) / 1000);
      return true;
    }
    if (!this.#set(level)) return false;
    this.#arm(dueUs);
    return true;
  }

  /** Sets an alarm for what comes next: an edge, the end, or the longest time that the line may be active. */
  #arm(dueUs: number): void {
    this.#alarm?.cancel();
    const limitUs = this.#level === 1 ? this.#activeSinceUs + this.#maxOnUs : Number.POSITIVE_INFINITY;
    const nextUs = Math.min(dueUs, limitUs);
    this.#alarm =
      nextUs === Number.POSITIVE_INFINITY ? null : this.#clock.at(nextUs, nextUs < dueUs ? () => this.#limit() : () => this.#step());
  }

  #limit(): void {
    const number = this.#number;
    this.rest(0);
    this.#listener.limited(number);
  }

  #set(level: Level): boolean {
    if (level === this.#level) return true;
    try {
      this.#line.set(level);
    } catch (error) {
      this.stop();
      this.#listener.failed(HoldfastError.from(error));
      return false;
    }
    const atUs = this.#clock.nowUs();
    this.#level = level;
    if (level === 1) this.#activeSinceUs = atUs;
    this.#listener.edge(level, atUs);
    return true;
  }
}
