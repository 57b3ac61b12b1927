import type { Segment, Wave } from "../../actors/wave.ts";
import type { Level } from "../protocol/requests.ts";

/** The frequency of software PWM, in Hz: above what the eye sees as flicker, and as fast as timers of 1 ms can carry. */
const PWM_HZ = 100;
const PWM_PERIOD_US = 1_000_000 / PWM_HZ;

/** What a line has to do at an instant. `level` null: the wave is over. `dueUs` is when the score must be asked next. */
export interface Reading {
  readonly level: Level | null;
  readonly dueUs: number;
  readonly skipped: number;
}

/**
 * A wave laid out in time: says for any instant, asked in order, which level is due and until when. All instants follow
 * from the start, so that lateness never adds up. An endless wave that is late by whole cycles skips to its phase; a counted
 * one never loses a cycle: what is left of it runs that much later.
 */
export class WaveScore {
  readonly #wave: Wave;
  readonly #cycleMs: number;
  /** When each segment ends, in ms from the start of its cycle. */
  readonly #segmentEndsMs: readonly number[];
  /** When the wave began; moves on when a counted wave has to run late. */
  #originUs: number;
  #cycle = 0;
  #segment = 0;
  #period = 0;
  readonly plannedEndUs: number;

  constructor(wave: Wave, startUs: number) {
    this.#wave = wave;
    let sumMs = 0;
    this.#segmentEndsMs = wave.segments.map(({ ms }) => (sumMs += ms));
    this.#cycleMs = sumMs;
    this.#originUs = startUs;
    this.plannedEndUs = this.endUs;
  }

  /** When the wave is over, in µs; Infinity: never. */
  get endUs(): number {
    return this.#originUs + this.#wave.totalMs * 1000;
  }

  at(nowUs: number): Reading {
    const skipped = this.#moveTo(nowUs);
    const { endUs } = this;
    if (nowUs >= endUs) return { level: null, dueUs: endUs, skipped };
    const segment = this.#wave.segments[this.#segment];
    if (this.#cycle >= this.#wave.cycles || segment === undefined) return { level: 0, dueUs: endUs, skipped };
    const segmentEndUs = Math.min(this.#segmentEndUs(this.#cycle, this.#segment), endUs);
    if (segment.fromDuty === segment.toDuty && (segment.fromDuty === 0 || segment.fromDuty === 1)) {
      return { level: segment.fromDuty, dueUs: segmentEndUs, skipped };
    }
    return this.#modulate(segment, nowUs, segmentEndUs, skipped);
  }

  /** Finds the segment of an instant. @returns how many cycles were passed over */
  #moveTo(nowUs: number): number {
    const { cycles } = this.#wave;
    let skipped = 0;
    while (this.#cycle < cycles) {
      const segmentEndUs = this.#segmentEndUs(this.#cycle, this.#segment);
      if (nowUs < segmentEndUs || segmentEndUs >= this.endUs) break;
      const [nextCycle, nextSegment] = this.#following();
      if (cycles === Number.POSITIVE_INFINITY) {
        skipped += this.#skipCycles(Math.min(nowUs, this.endUs));
      } else if (nextCycle < cycles && nowUs >= Math.min(this.#segmentEndUs(nextCycle, nextSegment), this.endUs)) {
        // The next segment would be missed whole: it is played now, and what follows it that much later.
        this.#originUs += nowUs - segmentEndUs;
      }
      [this.#cycle, this.#segment] = this.#following();
      this.#period = 0;
    }
    return skipped;
  }

  /** Leaves out the cycles that are over already, but for the last: that one is walked through. */
  #skipCycles(nowUs: number): number {
    const reached = Math.floor((nowUs - this.#originUs) / (this.#cycleMs * 1000));
    const skipped = Math.max(0, reached - this.#cycle - 1);
    this.#cycle += skipped;
    return skipped;
  }

  /** PWM within a segment: each period begins on, for as long as the duty in its middle says. */
  #modulate(segment: Segment, nowUs: number, segmentEndUs: number, skippedCycles: number): Reading {
    const segmentStartUs = this.#segmentStartUs();
    const period = this.#periodAt(nowUs, segmentStartUs);
    const skipped = skippedCycles + Math.max(0, period - this.#period - 1);
    this.#period = period;
    const nextUs = segmentStartUs + (period + 1) * PWM_PERIOD_US;
    const onUntilUs = segmentStartUs + (period + this.#dutyAt(period, segment)) * PWM_PERIOD_US;
    const on = nowUs < onUntilUs;
    const dueUs = on ? Math.min(onUntilUs, nextUs) : nextUs;
    return { level: on ? 1 : 0, dueUs: Math.min(dueUs, segmentEndUs), skipped };
  }

  /** Which period of a segment an instant is in. One that is due has begun, whatever the division makes of the last bit. */
  #periodAt(nowUs: number, segmentStartUs: number): number {
    const period = Math.floor((nowUs - segmentStartUs) / PWM_PERIOD_US);
    return nowUs >= segmentStartUs + (period + 1) * PWM_PERIOD_US ? period + 1 : period;
  }

  #dutyAt(period: number, { fromDuty, toDuty, ms }: Segment): number {
    const way = ms === Number.POSITIVE_INFINITY ? 0 : Math.min(1, ((period + 0.5) * PWM_PERIOD_US) / (ms * 1000));
    return fromDuty + (toDuty - fromDuty) * way;
  }

  #following(): [cycle: number, segment: number] {
    return this.#segment + 1 < this.#wave.segments.length ? [this.#cycle, this.#segment + 1] : [this.#cycle + 1, 0];
  }

  #segmentEndUs(cycle: number, segment: number): number {
    const last = segment === this.#wave.segments.length - 1;
    if (last) return this.#originUs + (cycle + 1) * this.#cycleMs * 1000;
    return this.#cycleStartUs(cycle) + (this.#segmentEndsMs[segment] ?? 0) * 1000;
  }

  #segmentStartUs(): number {
    return this.#cycleStartUs(this.#cycle) + (this.#segmentEndsMs[this.#segment - 1] ?? 0) * 1000;
  }

  #cycleStartUs(cycle: number): number {
    return cycle === 0 ? this.#originUs : this.#originUs + cycle * this.#cycleMs * 1000;
  }
}
