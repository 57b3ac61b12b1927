import type { Wave } from "../../actors/wave.ts";
import type { Alarm, Clock } from "../clock/clock.ts";
import { HoldfastError } from "../protocol/errors.ts";
import type { Line } from "./backend.ts";
import { type Driven, type Levels, levelsDriven } from "./levels.ts";
import type { PlayerSettings, WaveListener, WavePlayer } from "./wave-player.ts";
import { stages, WaveTrack } from "./wave-track.ts";

/** Plays waves on one output with the alarms of a clock: on the event loop, or in simulated time. A line that makes PWM itself is told its duty. */
export class ClockPlayer implements WavePlayer {
  readonly #line: Line;
  readonly #clock: Clock;
  readonly #listener: WaveListener;
  readonly #track: WaveTrack;
  #alarm: Alarm | null = null;
  #number = 0;
  frequencyHz: number;
  watched = true;

  constructor(line: Line, { initial, maxOnMs, frequencyHz }: PlayerSettings, clock: Clock, listener: WaveListener) {
    this.#line = line;
    this.#clock = clock;
    this.#listener = listener;
    this.frequencyHz = frequencyHz;
    const drive = (to: Driven, isSeen: boolean) => {
      const level = levelsDriven(to);
      if (line.pwm === undefined) line.set(level);
      else line.pwm.setDuty(Number(to));
      const atUs = clock.nowUs();
      if (isSeen) listener.edge(level, atUs, 0);
      return atUs;
    };
    this.#track = new WaveTrack(drive, initial, clock.nowUs(), maxOnMs * 1000, line.pwm !== undefined);
    this.#arm();
  }

  get level(): Levels {
    return this.#track.level;
  }

  get remainingMs(): number {
    return Math.max(0, (this.#track.endUs - this.#clock.nowUs()) / 1000);
  }

  get endsOff(): boolean {
    return this.#track.endsOff;
  }

  set endsOff(endsOff: boolean) {
    this.#track.endsOff = endsOff;
  }

  get maxOnMs(): number {
    return this.#track.maxOnUs / 1000;
  }

  set maxOnMs(ms: number) {
    this.#track.maxOnUs = ms * 1000;
    this.#arm();
  }

  play(number: number, wave: Wave, endsOff: boolean): void {
    this.#number = number;
    this.endsOff = endsOff;
    if (this.#do(() => this.#track.begin(wave, this.#periodUs(), this.#clock.nowUs()))) this.#listener.started(number);
  }

  rest(level: Levels | null): void {
    this.#number = 0;
    this.#do(() => this.#track.rest(level));
  }

  stop(): void {
    this.#alarm?.cancel();
    this.#track.stop();
  }

  undisturbed<T>(act: (level: Levels) => T): T {
    return act(this.level);
  }

  /** Of PWM by levels, or of the duties of a fade. */
  #periodUs(): number {
    const periodUs = 1_000_000 / this.frequencyHz;
    return this.#line.pwm?.setPeriod(periodUs, Number(this.#track.driven)) ?? periodUs;
  }

  /** Has the track do something, sees to what comes next, and tells what has come of it. @returns whether the line could be driven */
  #do(act: () => void): boolean {
    try {
      act();
    } catch (error) {
      this.stop();
      this.#listener.failed(HoldfastError.from(error));
      return false;
    }
    this.#arm();
    const { stage, lateMs, skipped } = this.#track;
    this.#track.skipped = 0;
    if (skipped > 0) this.#listener.skipped(skipped);
    // What is told here is told once: what comes of it may be another wave.
    if (stage !== stages.playing) this.#track.stage = stages.resting;
    if (stage === stages.ended) this.#listener.ended(this.#number, lateMs);
    if (stage === stages.limited) this.#listener.limited(this.#number);
    return true;
  }

  #arm(): void {
    this.#alarm?.cancel();
    const { dueUs } = this.#track;
    this.#alarm = dueUs === Number.POSITIVE_INFINITY ? null : this.#clock.at(dueUs, () => this.#step());
  }

  #step(): void {
    this.#do(() => this.#track.step(this.#clock.nowUs()));
  }
}
