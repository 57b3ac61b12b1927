import { DEFAULT_PWM_STEP, nearestPwmStep, type PwmStep } from "./pwm-steps.ts";
import { Refusal } from "./refusal.ts";
import type { Seat } from "./seat.ts";

/** See pigpio.h: PI_DEFAULT_DUTYCYCLE_RANGE, PI_MIN_DUTYCYCLE_RANGE, PI_MAX_DUTYCYCLE_RANGE. */
const DEFAULT_RANGE = 255;
const MIN_RANGE = 25;
const MAX_RANGE = 40_000;

/** A servo is told its place 50 times a second, by a pulse of so many µs; 0 is none (pigpio.h, PI_MIN_SERVO_PULSEWIDTH, PI_MAX_SERVO_PULSEWIDTH). */
const SERVO_HZ = 50;
const SERVO_PERIOD_US = 1_000_000 / SERVO_HZ;
const MIN_SERVO_US = 500;
const MAX_SERVO_US = 2500;

/** The PWM and the servo pulses of one GPIO. Range and frequency are those of its PWM, whether that runs or not. */
export class Modulation {
  readonly #seat: Seat;
  #use: "pwm" | "servo" | null = null;
  /** The duty, of `range`, or the length of a servo's pulses in µs. */
  #width = 0;
  #step: PwmStep = DEFAULT_PWM_STEP;
  #range = DEFAULT_RANGE;

  constructor(seat: Seat) {
    this.#seat = seat;
  }

  /** The most that the duty may be. */
  get range(): number {
    return this.#range;
  }

  /** How many steps the duty has at this frequency, as pigpiod says. Here it has all. */
  get realRange(): number {
    return this.#step.steps;
  }

  get frequencyHz(): number {
    return this.#step.hz;
  }

  /** There are pulses. */
  get runs(): boolean {
    return this.#width > 0;
  }

  /** PWM runs, and has not been ended by another client that shares the line, or by the limit on its time. */
  get runsPwm(): boolean {
    return this.#use === "pwm" && this.#widthNow > 0;
  }

  /** @throws Refusal `NOT_PWM_GPIO` */
  get duty(): number {
    if (this.#use !== "pwm") throw new Refusal("NOT_PWM_GPIO");
    return this.#widthNow;
  }

  /** @throws Refusal `NOT_SERVO_GPIO` */
  get pulseUs(): number {
    if (this.#use !== "servo") throw new Refusal("NOT_SERVO_GPIO");
    return this.#widthNow;
  }

  /** @throws Refusal `BAD_DUTYCYCLE` */
  assertDuty(duty: number): void {
    if (duty > this.#range) throw new Refusal("BAD_DUTYCYCLE");
  }

  /** @throws Refusal `BAD_PULSEWIDTH` */
  assertPulse(us: number): void {
    if (us !== 0 && (us < MIN_SERVO_US || us > MAX_SERVO_US)) throw new Refusal("BAD_PULSEWIDTH");
  }

  /** @throws Refusal `BAD_DUTYRANGE` */
  assertRange(range: number): void {
    if (range < MIN_RANGE || range > MAX_RANGE) throw new Refusal("BAD_DUTYRANGE");
  }

  /** @throws HoldfastError as `configure` and `value` do */
  setDuty(duty: number): void {
    if (duty > 0) this.#seat.set({ frequencyHz: this.#step.hz });
    this.#seat.modulate(duty / this.#range);
    this.#use = "pwm";
    this.#width = duty;
  }

  /** @throws HoldfastError as `configure` and `value` do */
  setPulse(us: number): void {
    if (us > 0) this.#seat.set({ frequencyHz: SERVO_HZ });
    this.#seat.modulate(us / SERVO_PERIOD_US);
    this.#use = "servo";
    this.#width = us;
  }

  /**
   * The duty stays what it is, in whole steps of the new range.
   * @param runs whether PWM does, which is changed then
   * @throws HoldfastError as `value` does
   */
  setRange(range: number, runs: boolean): void {
    if (runs) {
      const duty = Math.floor((range * this.#widthNow) / this.#range);
      this.#seat.modulate(duty / range);
      this.#width = duty;
    }
    this.#range = range;
  }

  /**
   * Takes the nearest frequency that there is.
   * @param runs whether PWM does, which is changed then
   * @throws HoldfastError as `configure` and `value` do
   */
  setFrequency(hz: number, runs: boolean): void {
    const step = nearestPwmStep(hz);
    if (runs) {
      const duty = this.#widthNow / this.#range;
      this.#seat.set({ frequencyHz: step.hz });
      this.#seat.modulate(duty);
    }
    this.#step = step;
  }

  /** The line has a steady level, or none. */
  end(): void {
    this.#use = null;
    this.#width = 0;
  }

  /** The width that the line really has. */
  get #widthNow(): number {
    const full = this.#use === "servo" ? SERVO_PERIOD_US : this.#range;
    const duty = this.#width === 0 ? null : this.#seat.duty;
    return duty === null || duty === this.#width / full ? this.#width : Math.round(duty * full);
  }
}
