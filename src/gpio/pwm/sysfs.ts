import {
  accessSync,
  closeSync,
  existsSync,
  constants as fsConstants,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeSync,
} from "node:fs";
import { basename, join } from "node:path";
import { onTimeNs } from "./nanoseconds.ts";

/** Where the kernel shows its PWM chips (Documentation/ABI/testing/sysfs-class-pwm). */
export const PWM_FOLDER = "/sys/class/pwm";

/** How long, in ms, udev may take to give the files of a channel that was exported just now to the group that is to have them. */
const UDEV_PATIENCE_MS = 300;
const UDEV_PAUSE_MS = 2;

/** A chip of hardware PWM. */
export interface PwmChip {
  /** Its folder in sysfs. */
  readonly path: string;
  /** `pwmchip0`. The number depends on the order in which the kernel found the chips. */
  readonly name: string;
  /** What the kernel calls its device, such as `fe20c000.pwm`: its place in the machine, which stays. Null: it has none. */
  readonly device: string | null;
  readonly channels: number;
}

/** How a channel is driven. */
export interface PwmDrive {
  readonly activeLow: boolean;
  readonly periodNs: number;
  /** 0 to 1. */
  readonly duty: number;
}

/** Writes a text into a file of sysfs. @throws the error of `node:fs`, with the kernel's `code` */
export type SysfsWrite = (path: string, text: string) => void;

/** The chips that there are now, by their numbers. */
export function pwmChips(folder = PWM_FOLDER): PwmChip[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => /^pwmchip\d+$/.test(name));
  const number = (name: string) => Number(name.slice("pwmchip".length));
  return names.sort((one, other) => number(one) - number(other)).flatMap((name) => describe(join(folder, name), name) ?? []);
}

/** Null: it has gone meanwhile. */
function describe(path: string, name: string): PwmChip | null {
  try {
    return { path, name, device: deviceOf(path), channels: Number(readFileSync(join(path, "npwm"), "utf8")) };
  } catch {
    return null;
  }
}

function deviceOf(path: string): string | null {
  try {
    return basename(readlinkSync(join(path, "device")));
  } catch {
    return null;
  }
}

/** The real one. The file must exist: nothing is ever made in sysfs. */
export const writeSysfs: SysfsWrite = (path, text) => {
  const fd = openSync(path, fsConstants.O_WRONLY | fsConstants.O_TRUNC);
  try {
    writeSync(fd, text);
  } finally {
    closeSync(fd);
  }
};

/**
 * A channel of hardware PWM, exported to user space. All writing to sysfs is here, but for the duties that the thread of the waves
 * writes into `dutyPath`. The kernel takes one value at a time, and refuses any that leaves the time on longer than the period.
 */
export class PwmChannel {
  readonly #chip: string;
  readonly #number: number;
  readonly #path: string;
  readonly #write: SysfsWrite;
  #periodNs = 0;
  /** It was to be off, and the kernel did not take that. */
  #offRefused = false;
  /** Whether it is to be active-low, when it should be enabled and the kernel did not take that; null: all is as it should be. */
  #asleep: boolean | null = null;

  /** Nothing is done yet. @param chip its folder */
  constructor(chip: string, number: number, write: SysfsWrite) {
    this.#chip = chip;
    this.#number = number;
    this.#path = join(chip, `pwm${number}`);
    this.#write = write;
  }

  /** Takes the time on, in ns of each period. */
  get dutyPath(): string {
    return join(this.#path, "duty_cycle");
  }

  get periodNs(): number {
    return this.#periodNs;
  }

  /**
   * Exports the channel and drives it. One that is exported already is taken over as it is: whether by a supervisor that was killed or by
   * another program, nothing tells.
   * @throws the error of `node:fs`; the channel is then as it was, but for what had been set already
   */
  open(drive: PwmDrive): void {
    const isNew = !existsSync(this.#path);
    if (isNew) this.#write(join(this.#chip, "export"), String(this.#number));
    try {
      if (isNew) this.#awaitUdev();
      this.#begin(drive);
    } catch (error) {
      if (isNew) this.#unexport();
      throw error;
    }
  }

  /**
   * Turns the channel over, with its duty. It is disabled meanwhile: many drivers ask for that.
   * @throws the error of `node:fs`; the channel is then as it was, or, if that is refused too, disabled until its next duty or wave
   */
  setPolarity(activeLow: boolean): void {
    if (this.#asleep === null && !this.#mustTurn(activeLow)) return;
    const before = this.#asleep ?? !activeLow;
    this.#set("enable", 0);
    try {
      this.#asleep = activeLow;
      this.#wake();
    } catch (error) {
      this.#asleep = before;
      try {
        this.#wake();
      } catch {
        // Whoever drives it next tries again, and hears of it.
      }
      throw error;
    }
  }

  /** Sets the period, and the time on so that the duty stays. @param duty that the channel has now @throws the error of `node:fs` */
  setPeriod(periodNs: number, duty: number): void {
    this.#wake();
    if (periodNs !== this.#periodNs) this.#apply(periodNs, onTimeNs(duty, periodNs), onTimeNs(duty, this.#periodNs));
  }

  /** @throws the error of `node:fs` */
  setDuty(duty: number): void {
    this.#offRefused = duty === 0;
    this.#wake();
    this.#set("duty_cycle", onTimeNs(duty, this.#periodNs));
    this.#offRefused = false;
  }

  /** The time on in each period, as the kernel knows it. @throws the error of `node:fs` */
  get onNs(): number {
    return Number(this.#read("duty_cycle"));
  }

  /**
   * Gives the channel back. One that is off, or could not be driven off, is disabled; one that is on is left so, and what it does then is up
   * to the driver. Never throws.
   */
  close(): void {
    try {
      if (this.#offRefused || this.onNs === 0) this.#set("enable", 0);
    } catch {
      // It may have gone with its chip.
    }
    this.#unexport();
  }

  /** What is right already is left alone, so that a channel that runs goes on without a gap. */
  #begin({ activeLow, periodNs, duty }: PwmDrive): void {
    const turns = this.#mustTurn(activeLow);
    if (turns && this.#read("enable") === "1") this.#set("enable", 0);
    this.#periodNs = Number(this.#read("period"));
    this.#apply(periodNs, onTimeNs(duty, periodNs), this.onNs);
    // Some drivers refuse all that comes before the period.
    if (turns) this.#set("polarity", polarityOf(activeLow));
    if (this.#read("enable") !== "1") this.#set("enable", 1);
  }

  /** Enables the channel where that has been refused, and never with the wrong polarity. */
  #wake(): void {
    const activeLow = this.#asleep;
    if (activeLow === null) return;
    if (this.#mustTurn(activeLow)) this.#set("polarity", polarityOf(activeLow));
    this.#set("enable", 1);
    this.#asleep = null;
  }

  #mustTurn(activeLow: boolean): boolean {
    return this.#read("polarity") !== polarityOf(activeLow);
  }

  /** In the order in which the time on is never longer than the period. */
  #apply(periodNs: number, onNs: number, onNowNs: number): void {
    if (periodNs < onNowNs) this.#set("duty_cycle", onNs);
    if (periodNs !== this.#periodNs) this.#set("period", periodNs);
    this.#periodNs = periodNs;
    if (periodNs >= onNowNs) this.#set("duty_cycle", onNs);
  }

  /**
   * udev gives the files of a new channel to their group a moment after the export. Blocks until then: a moment that only
   * an open has, of a supervisor that is not root. Afterwards the first write says what is wrong.
   */
  #awaitUdev(): void {
    const deadlineMs = performance.now() + UDEV_PATIENCE_MS;
    while (!this.#isWritable() && performance.now() < deadlineMs) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, UDEV_PAUSE_MS);
    }
  }

  #isWritable(): boolean {
    try {
      for (const name of ["period", "duty_cycle", "polarity", "enable"]) accessSync(join(this.#path, name), fsConstants.W_OK);
      return true;
    } catch {
      return false;
    }
  }

  #unexport(): void {
    try {
      this.#write(join(this.#chip, "unexport"), String(this.#number));
    } catch {
      // It is not ours any more, whatever the reason.
    }
  }

  #read(name: string): string {
    return readFileSync(join(this.#path, name), "utf8").trim();
  }

  #set(name: string, value: string | number): void {
    this.#write(join(this.#path, name), String(value));
  }
}

function polarityOf(activeLow: boolean): string {
  return activeLow ? "inversed" : "normal";
}
