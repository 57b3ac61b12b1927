import type { Wave } from "../../actors/wave.ts";
import { areSame, type Driven, isUnbroken, type Levels, levelsDriven } from "./levels.ts";
import { WaveScore } from "./wave-score.ts";

/** What a track has come to. Numbers, since threads tell each other of it in shared memory. */
export const stages = { resting: 0, playing: 1, ended: 2, limited: 3, stopped: 4 } as const;

/** One of `stages`. */
export type Stage = (typeof stages)[keyof typeof stages];

/**
 * Sets a line. What it throws comes out of `begin`, `rest` and `step`.
 * @param isSeen whether that is an edge: from one duty to another nothing happens that could be seen
 * @returns when that was, in µs
 */
export type Drive = (to: Driven, isSeen: boolean) => number;

/**
 * The wave of one line, or of a group, and the longest time that it may be active: what is to be done, and when. A group is active while any of
 * its lines is. It knows no clock and no thread: whoever has it must step it at `dueUs`, and sees in `stage` what has become of it. Stepping
 * makes no garbage.
 */
export class WaveTrack {
  readonly #drive: Drive;
  readonly #takesDuty: boolean;
  #score: WaveScore | null = null;
  /** When the line was last driven to something else. */
  #drivenUs = Number.NEGATIVE_INFINITY;
  /** What the line is driven to, as far as is known. */
  driven: Driven;
  /** False: driving the line has failed, and nobody knows what has come of it. It is driven then even to what it should have. */
  isSure = true;
  /** Since when the line has been active without a break, in µs; of no meaning while it is not. */
  activeSinceUs: number;
  /** The longest time that the line may be active without a break; Infinity: no limit. May be changed at any time. */
  maxOnUs: number;
  /** Whether the line goes off with the end of the wave, or keeps its level. */
  endsOff = false;
  stage: Stage = stages.resting;
  /** By how much the wave that has ended did so late. */
  lateMs = 0;
  /** Cycles and periods that were passed over. Whoever tells of them sets it to 0. */
  skipped = 0;

  /**
   * @param driven what the line is driven to
   * @param activeSinceUs since when, if it is active
   * @param takesDuty whether the line makes PWM itself; any other is driven to levels alone
   */
  constructor(drive: Drive, driven: Driven, activeSinceUs: number, maxOnUs: number, takesDuty = false) {
    this.#drive = drive;
    this.maxOnUs = maxOnUs;
    this.#takesDuty = takesDuty;
    this.driven = driven;
    this.activeSinceUs = activeSinceUs;
  }

  /** The levels that the line has by that. */
  get level(): Levels {
    return levelsDriven(this.driven);
  }

  /** When to step next, in µs; Infinity: never. */
  get dueUs(): number {
    return Math.min(this.#score?.dueUs ?? Number.POSITIVE_INFINITY, this.#limitUs);
  }

  /** When the wave that plays is over, in µs; -Infinity: none plays. */
  get endUs(): number {
    return this.#score?.endUs ?? Number.NEGATIVE_INFINITY;
  }

  /**
   * Plays a wave from now on, in the place of what is playing. Its time begins when its first level is driven, if that is
   * another than the line has: however long that took, the first stretch is no shorter for it.
   * @param periodUs the period of PWM, or of the duties of a fade
   * @returns when its time has begun, in µs
   */
  begin(wave: Wave, periodUs: number, nowUs: number): number {
    this.#play(new WaveScore(wave, nowUs, periodUs, this.#takesDuty), nowUs);
    const startUs = Math.max(nowUs, this.#drivenUs);
    if (startUs > nowUs) this.#play(new WaveScore(wave, startUs, periodUs, this.#takesDuty), startUs);
    return startUs;
  }

  /** Ends what is playing and drives a level; null leaves the line as it is. What is active stays so no longer than it may. */
  rest(level: Levels | null): void {
    this.#end(stages.resting);
    if (level !== null) this.#set(level);
  }

  /** Ends all, with the line as it is: nothing is due any more. */
  stop(): void {
    this.#end(stages.stopped);
  }

  /** Does what is due by now. */
  step(nowUs: number): void {
    const score = this.#score;
    const limitUs = this.#limitUs;
    if (nowUs >= limitUs && (score === null || limitUs < score.dueUs)) this.#limit();
    else if (score !== null && nowUs >= score.dueUs) this.#follow(nowUs);
  }

  /** When the line must be off at the latest. */
  get #limitUs(): number {
    const counts = isUnbroken(this.driven) && this.stage !== stages.stopped;
    return counts ? this.activeSinceUs + this.maxOnUs : Number.POSITIVE_INFINITY;
  }

  #play(score: WaveScore, nowUs: number): void {
    this.#score = score;
    this.stage = stages.playing;
    this.#follow(nowUs);
  }

  #follow(nowUs: number): void {
    const score = this.#score;
    if (score === null) return;
    score.moveTo(nowUs);
    this.skipped += score.skipped;
    if (score.over) {
      this.lateMs = Math.max(0, nowUs - score.plannedEndUs) / 1000;
      this.#end(stages.ended);
      if (this.endsOff) this.#set(0);
    } else {
      this.#set(score.driven);
    }
  }

  #limit(): void {
    // A wave that has ended has done so, even if the line has kept its level for the next one since.
    this.#end(this.stage === stages.ended ? stages.ended : stages.limited);
    this.#set(0);
  }

  #end(stage: Stage): void {
    this.#score = null;
    this.stage = stage;
  }

  #set(to: Driven): void {
    if (this.isSure && areSame(to, this.driven)) return;
    this.isSure = false;
    this.#drivenUs = this.#drive(to, !this.#takesDuty || !areSame(levelsDriven(to), this.level));
    this.isSure = true;
    if (!isUnbroken(this.driven)) this.activeSinceUs = this.#drivenUs;
    this.driven = to;
  }
}
