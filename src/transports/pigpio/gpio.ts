import { Watchdog } from "../../clock/watchdog.ts";
import { HoldfastError } from "../../protocol/errors.ts";
import type { Bias, Level } from "../../protocol/requests.ts";
import { LastWord } from "./last-word.ts";
import { Modulation } from "./modulation.ts";
import { Refusal } from "./refusal.ts";
import { readAnyLevel, Seat, type Surroundings, type User } from "./seat.ts";

/** Modes of a GPIO (pigpio.h, PI_INPUT and PI_OUTPUT). The others, up to `MAX_MODE`, are functions of the chip other than GPIO. */
const INPUT = 0;
const OUTPUT = 1;
const MAX_MODE = 7;

/** What each number asks of the pull resistor (pigpio.h, PI_PUD_OFF and so on). */
const pulls: readonly Bias[] = ["disabled", "pull-down", "pull-up"];

/** See pigpio.h: PI_MAX_BUSY_DELAY, PI_MAX_STEADY, PI_MAX_WDOG_TIMEOUT. */
const MAX_TRIGGER_US = 100;
const MAX_FILTER_US = 300_000;
const MAX_WATCHDOG_MS = 60_000;

/** Who is told what happens at the GPIOs. */
export interface GpioListener {
  /** @param timestampNs on CLOCK_MONOTONIC, ns */
  edge(gpio: number, level: Level, timestampNs: bigint): void;
  /** No edge has come for the time of the GPIO's watchdog. */
  silent(gpio: number): void;
}

/**
 * One GPIO as pigpio programs know it: what they have set stays set when they go. What several ask at once is done in the order in which it came.
 * Every method throws `Refusal`, or what the supervisor says.
 */
export class Gpio {
  readonly #number: number;
  readonly #around: Surroundings;
  readonly #listener: GpioListener;
  readonly #seat: Seat;
  readonly #modulation: Modulation;
  readonly #pull = new LastWord<Bias>();
  readonly #filterUs = new LastWord<number>();
  #turns: Promise<unknown> = Promise.resolve();
  /** What the line drives when it becomes an output. */
  #latch: Level = 0;
  #watchdog: Watchdog | null = null;
  /** When the last edge came, or the watchdog was set or has told. */
  #heardUs = 0;

  constructor(number: number, around: Surroundings, listener: GpioListener) {
    this.#number = number;
    this.#around = around;
    this.#listener = listener;
    this.#seat = new Seat(`GPIO${number}`, around, {
      opened: () => this.#rest(this.#latch),
      edge: (level, timestampNs) => this.#edge(level, timestampNs),
    });
    this.#modulation = new Modulation(this.#seat);
  }

  setMode(user: User, mode: number): Promise<void> {
    return this.#inTurn(async () => {
      if (mode > MAX_MODE) throw new Refusal("BAD_MODE");
      if (mode === INPUT) await this.#takeInput(user);
      else if (mode === OUTPUT) await this.#seat.take(user, "out", this.#latch);
      else
        throw new HoldfastError(
          "LINE_UNSUPPORTED",
          `GPIO${this.#number} can be an input or an output; its other functions are the kernel's to give`,
        );
    });
  }

  /** 0: an input, or nobody's; 1: an output. */
  mode(): number {
    const direction = this.#seat.direction ?? this.#seat.info?.direction;
    return direction === "out" ? OUTPUT : INPUT;
  }

  setPull(user: User, pull: number): Promise<void> {
    return this.#inTurn(async () => {
      const bias = pulls[pull];
      if (bias === undefined) throw new Refusal("BAD_PUD");
      if (this.#seat.direction === null && this.mode() === INPUT) await this.#seat.take(user, "in");
      if (this.#seat.direction === "in") this.#agree({ bias }, bias === "disabled");
      this.#pull.say(user, bias);
    });
  }

  /** @param filterUs an edge counts when its level has lasted so long, in µs */
  setFilter(user: User, filterUs: number): Promise<void> {
    return this.#inTurn(async () => {
      if (filterUs > MAX_FILTER_US) throw new Refusal("BAD_FILTER");
      if (this.#seat.direction === "in") this.#agree({ debounceUs: filterUs }, filterUs === 0);
      this.#filterUs.say(user, filterUs);
    });
  }

  read(user: User): Promise<Level> {
    return this.#inTurn(async () => {
      if (this.#seat.direction !== null) return this.#seat.read();
      const { info } = this.#seat;
      const untouched = info === undefined && this.#pull.value === undefined;
      if (untouched || (info !== undefined && info.state !== "closing")) {
        return readAnyLevel(this.#around, this.#seat.pin, info?.settings?.activeLow ?? false);
      }
      // A closed line has no pull resistor: what an earlier program has set is to hold.
      await this.#takeInput(user);
      return this.#seat.read();
    });
  }

  write(user: User, level: number): Promise<void> {
    return this.#inTurn(async () => {
      if (level > 1) throw new Refusal("BAD_LEVEL");
      await this.#seat.take(user, "out", level as Level);
      this.#seat.write(level as Level);
      this.#rest(level as Level);
    });
  }

  /** As a bank is written: an output takes the level unless it is modulated, an input keeps it for when it is an output. */
  writeInBank(user: User, level: Level): Promise<void> {
    return this.#inTurn(async () => {
      if (this.mode() === OUTPUT) {
        await this.#seat.take(user, "out", level);
        if (!this.#modulation.runs) this.#seat.write(level);
      }
      this.#latch = level;
    });
  }

  /** @param duty of `range` */
  setDuty(user: User, duty: number): Promise<void> {
    return this.#inTurn(async () => {
      this.#modulation.assertDuty(duty);
      await this.#seat.take(user, "out");
      this.#modulation.setDuty(duty);
      this.#latch = 0;
    });
  }

  duty(): number {
    if (this.mode() !== OUTPUT) throw new Refusal("NOT_PWM_GPIO");
    return this.#modulation.duty;
  }

  /** @returns how many steps the duty has at its frequency, as pigpiod says */
  setRange(user: User, range: number): Promise<number> {
    return this.#inTurn(async () => {
      this.#modulation.assertRange(range);
      const ran = await this.#takePwm(user);
      this.#modulation.setRange(range, ran);
      if (ran && !this.#modulation.runs) this.#latch = 0;
      return this.#modulation.realRange;
    });
  }

  get range(): number {
    return this.#modulation.range;
  }

  get realRange(): number {
    return this.#modulation.realRange;
  }

  /** @returns the frequency that it has now, in Hz */
  setFrequency(user: User, hz: number): Promise<number> {
    return this.#inTurn(async () => {
      this.#modulation.setFrequency(hz, await this.#takePwm(user));
      return this.#modulation.frequencyHz;
    });
  }

  get frequencyHz(): number {
    return this.#modulation.frequencyHz;
  }

  setServo(user: User, pulseUs: number): Promise<void> {
    return this.#inTurn(async () => {
      this.#modulation.assertPulse(pulseUs);
      await this.#seat.take(user, "out");
      this.#modulation.setPulse(pulseUs);
      this.#latch = 0;
    });
  }

  servo(): number {
    if (this.mode() !== OUTPUT) throw new Refusal("NOT_SERVO_GPIO");
    return this.#modulation.pulseUs;
  }

  /** A pulse of one level, then the other one. An input has no pulse: it keeps the other level for when it is an output. */
  trigger(user: User, pulseUs: number, level: number): Promise<void> {
    return this.#inTurn(async () => {
      if (level > 1) throw new Refusal("BAD_LEVEL");
      if (pulseUs === 0 || pulseUs > MAX_TRIGGER_US) throw new Refusal("BAD_PULSELEN");
      const after = (1 - level) as Level;
      if (this.mode() === OUTPUT) {
        await this.#seat.take(user, "out", after);
        this.#seat.write(level as Level, pulseUs / 1000);
        this.#seat.writeNext(after);
      }
      this.#rest(after);
    });
  }

  /** @param timeoutMs 0: there is none */
  setWatchdog(timeoutMs: number): void {
    if (timeoutMs > MAX_WATCHDOG_MS) throw new Refusal("BAD_WDOG_TIMEOUT");
    this.#watchdog?.stop();
    this.#watchdog = null;
    if (timeoutMs === 0) return;
    const { clock } = this.#around;
    this.#heardUs = clock.nowUs();
    const watchdog = new Watchdog(
      clock,
      timeoutMs * 1000,
      () => this.#heardUs + timeoutMs * 1000,
      () => {
        this.#heardUs = clock.nowUs();
        watchdog.start();
        this.#listener.silent(this.#number);
      },
    );
    this.#watchdog = watchdog;
  }

  /** Tells of edges from now on. @returns the level before them */
  watch(user: User): Promise<Level> {
    return this.#inTurn(async () => {
      if (this.mode() === OUTPUT) await this.#seat.take(user, "out", this.#latch);
      else await this.#takeInput(user);
      return this.#seat.watch();
    });
  }

  unwatch(): Promise<void> {
    return this.#inTurn(async () => this.#seat.unwatch());
  }

  /** A program has gone. What it has set stays, but others that are still there have the last word on pull resistor and filter. */
  leave(user: User): Promise<void> {
    return this.#inTurn(async () => {
      this.#pull.forget(user);
      this.#filterUs.forget(user);
      const used = this.#seat.leave(user);
      if (this.#seat.direction === "in") this.#tune();
      if (used && this.#seat.direction === null && this.mode() === INPUT) this.#rest(0);
    });
  }

  /** Nothing is told any more. Resolves when all that was asked is done. */
  stop(): Promise<void> {
    this.#watchdog?.stop();
    return this.#inTurn(async () => {});
  }

  async #takeInput(user: User): Promise<void> {
    await this.#seat.take(user, "in");
    this.#rest(this.#latch);
    this.#tune();
  }

  /** Sets an input as programs have asked for. */
  #tune(): void {
    const bias = this.#pull.value;
    const debounceUs = this.#filterUs.value;
    if (bias !== undefined) this.#agree({ bias }, bias === "disabled");
    if (debounceUs !== undefined) this.#agree({ debounceUs }, debounceUs === 0);
  }

  /**
   * Sets an input, unless another client holds it, too, and this asks for nothing in particular: programs say so of every pin before they say what they want.
   * @param nothing whether it does
   */
  #agree(settings: { readonly bias?: Bias; readonly debounceUs?: number }, nothing: boolean): void {
    try {
      this.#seat.set(settings);
    } catch (error) {
      if (!nothing || HoldfastError.from(error).code !== "PIN_BUSY") throw error;
    }
  }

  /** A program changes the PWM that runs. @returns false: none does */
  async #takePwm(user: User): Promise<boolean> {
    if (this.mode() !== OUTPUT || !this.#modulation.runsPwm) return false;
    await this.#seat.take(user, "out");
    return true;
  }

  /** The line has a steady level, or none. */
  #rest(level: Level): void {
    this.#modulation.end();
    this.#latch = level;
  }

  #edge(level: Level, timestampNs: bigint): void {
    this.#heardUs = Math.max(this.#heardUs, Number(timestampNs) / 1000);
    this.#watchdog?.start();
    this.#listener.edge(this.#number, level, timestampNs);
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const done = this.#turns.then(act);
    this.#turns = done.catch(() => {});
    return done;
  }
}
