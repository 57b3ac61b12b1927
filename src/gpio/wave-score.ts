import type { Segment, Wave } from "../../actors/wave.ts";
import { type Driven, type Levels, levelsOf } from "./levels.ts";

/**
 * A wave laid out in time: a cursor that is moved to an instant, in order, and then stands for what is due there. All
 * instants follow from the start, so that lateness never adds up. An endless wave that is late by whole cycles skips to
 * its phase; a counted one never loses a cycle: what is left of it runs that much later. Moving makes no garbage.
 */
export class WaveScore {
  readonly #wave: Wave;
  readonly #periodUs: number;
  readonly #takesDuty: boolean;
  readonly #cycleMs: number;
  /** When each segment ends, in ms from the start of its cycle. */
  readonly #segmentEndsMs: Float64Array;
  /** What the lines are driven to in each segment, where that is on. */
  readonly #segmentLevels: readonly Levels[];
  /** When the wave began; moves on when a counted wave has to run late. */
  #originUs: number;
  #cycle = 0;
  #segment = 0;
  #period = 0;
  /** When the wave should be over, in µs, if it never ran late. */
  readonly plannedEndUs: number;
  /** What the lines are to be driven to. Of no meaning once the wave is over. */
  driven: Driven = 0;
  /** The wave has had its time. */
  over = false;
  /** When there is something new to do, in µs. */
  dueUs: number;
  /** Cycles and periods of PWM that were passed over in the last move, unplayed. */
  skipped = 0;

  /**
   * @param startUs when the wave begins
   * @param periodUs the period of PWM; on a line that takes a duty how long each one of a fade holds
   * @param takesDuty whether the line makes PWM itself; on any other it is made of levels
   */
  constructor(wave: Wave, startUs: number, periodUs: number, takesDuty: boolean) {
    this.#wave = wave;
    this.#periodUs = periodUs;
    this.#takesDuty = takesDuty;
    let sumMs = 0;
    this.#segmentEndsMs = Float64Array.from(wave.segments, ({ ms }) => (sumMs += ms));
    this.#segmentLevels = wave.segments.map(({ levels }) => (levels === undefined ? 1 : levelsOf(levels)));
    this.#cycleMs = sumMs;
    this.#originUs = startUs;
    this.plannedEndUs = this.endUs;
    this.dueUs = startUs;
  }

  /** When the wave is over, in µs; Infinity: never. */
  get endUs(): number {
    return this.#originUs + this.#wave.totalMs * 1000;
  }

  /** Moves the cursor to an instant, which is not before the last one. */
  moveTo(nowUs: number): void {
    this.skipped = 0;
    this.#findSegment(nowUs);
    const { endUs } = this;
    this.dueUs = endUs;
    this.over = nowUs >= endUs;
    if (this.over) return;
    const segment = this.#wave.segments[this.#segment];
    this.driven = 0;
    if (this.#cycle >= this.#wave.cycles || segment === undefined) return;
    this.dueUs = Math.min(this.#segmentEndUs(), endUs);
    const { fromDuty, toDuty } = segment;
    if (fromDuty === toDuty && (fromDuty === 0 || fromDuty === 1)) this.driven = fromDuty && (this.#segmentLevels[this.#segment] ?? 1);
    else if (!this.#takesDuty) this.#modulate(segment, nowUs);
    else if (fromDuty === toDuty) this.driven = fromDuty;
    else this.#fade(segment, nowUs);
  }

  #findSegment(nowUs: number): void {
    const { cycles } = this.#wave;
    while (this.#cycle < cycles) {
      const segmentEndUs = this.#segmentEndUs();
      if (nowUs < segmentEndUs || segmentEndUs >= this.endUs) return;
      if (cycles === Number.POSITIVE_INFINITY) this.#skipCycles(Math.min(nowUs, this.endUs));
      this.#follow();
      // A counted wave's next segment would be missed whole: it is played now, and what follows it that much later.
      if (cycles !== Number.POSITIVE_INFINITY && this.#cycle < cycles && nowUs >= Math.min(this.#segmentEndUs(), this.endUs)) {
        this.#originUs += nowUs - segmentEndUs;
      }
    }
  }

  /** Leaves out the cycles that are over already, but for the last: that one is walked through. */
  #skipCycles(nowUs: number): void {
    const reached = Math.floor((nowUs - this.#originUs) / (this.#cycleMs * 1000));
    const skipped = Math.max(0, reached - this.#cycle - 1);
    this.#cycle += skipped;
    this.skipped += skipped;
  }

  /** PWM within a segment: each period begins on, for as long as the duty in its middle says. One whose time on is over is passed over. */
  #modulate(segment: Segment, nowUs: number): void {
    const startUs = this.#segmentStartUs();
    const period = this.#periodAt(nowUs, startUs);
    const nextUs = startUs + (period + 1) * this.#periodUs;
    const onUntilUs = Math.min(nextUs, startUs + (period + this.#dutyAt(period, segment)) * this.#periodUs);
    this.driven = nowUs < onUntilUs ? 1 : 0;
    if (period > this.#period) {
      const missed = this.driven === 0 && onUntilUs > startUs + period * this.#periodUs;
      this.skipped += period - this.#period - (missed ? 0 : 1);
      this.#period = period;
    }
    this.dueUs = Math.min(this.driven === 1 ? onUntilUs : nextUs, this.dueUs);
  }

  /** A fade of a line that takes a duty: each period has the one in its middle. */
  #fade(segment: Segment, nowUs: number): void {
    const startUs = this.#segmentStartUs();
    const period = this.#periodAt(nowUs, startUs);
    this.driven = this.#dutyAt(period, segment);
    this.skipped += Math.max(0, period - this.#period - 1);
    this.#period = period;
    this.dueUs = Math.min(startUs + (period + 1) * this.#periodUs, this.dueUs);
  }

  /** Which period of a segment an instant is in. One that is due has begun, whatever the division makes of the last bit. */
  #periodAt(nowUs: number, segmentStartUs: number): number {
    const period = Math.floor((nowUs - segmentStartUs) / this.#periodUs);
    return nowUs >= segmentStartUs + (period + 1) * this.#periodUs ? period + 1 : period;
  }

  #dutyAt(period: number, { fromDuty, toDuty, ms }: Segment): number {
    const way = ms === Number.POSITIVE_INFINITY ? 0 : Math.min(1, ((period + 0.5) * this.#periodUs) / (ms * 1000));
    return fromDuty + (toDuty - fromDuty) * way;
  }

  #follow(): void {
    this.#period = 0;
    this.#segment += 1;
    if (this.#segment < this.#wave.segments.length) return;
    this.#segment = 0;
    this.#cycle += 1;
  }

  #segmentEndUs(): number {
    const last = this.#segment === this.#wave.segments.length - 1;
    if (last) return this.#originUs + (this.#cycle + 1) * this.#cycleMs * 1000;
    return this.#cycleStartUs() + (this.#segmentEndsMs[this.#segment] ?? 0) * 1000;
  }

  #segmentStartUs(): number {
    return this.#cycleStartUs() + (this.#segmentEndsMs[this.#segment - 1] ?? 0) * 1000;
  }

  #cycleStartUs(): number {
    return this.#cycle === 0 ? this.#originUs : this.#originUs + this.#cycle * this.#cycleMs * 1000;
  }
}
