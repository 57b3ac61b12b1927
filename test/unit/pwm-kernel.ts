import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import type { SysfsWrite } from "../../src/gpio/pwm/sysfs.ts";

/** What a made-up chip is. */
export interface MadeUpChip {
  /** What it is called in /sys/class/pwm. */
  readonly name: string;
  readonly device: string;
  readonly channels: number;
  /** Channels that a driver of the kernel has. */
  readonly taken?: readonly number[];
  /** Its driver can't turn a channel over. */
  readonly oneWay?: boolean;
}

/** What Linux 6.12 has for a Raspberry Pi 3. */
export const pi3: MadeUpChip = { name: "pwmchip0", device: "3f20c000.pwm", channels: 2 };

/**
 * A made-up /sys/class/pwm in a folder of its own. Files alone would take any value, so what is written passes the rules of
 * Linux 6.12 first (drivers/pwm/core.c), and those of its stricter drivers: one value at a time, the period before all others, no time on beyond
 * it, no turning over while enabled. It was written by what a real kernel did, and can only be as right as that: test/raspberry-pi/
 * has the real one.
 */
export class PwmKernel {
  readonly folder = mkdtempSync(join(tmpdir(), "holdfast-pwm-"));
  /** What was written, refused or not: `pwmchip0/pwm0/period 5000000`. */
  readonly writes: string[] = [];
  /** The same without what was refused. */
  readonly taken: string[] = [];
  /** Called before each write; what it throws is what becomes of it. */
  fault: (path: string) => void = () => {};
  readonly #chips = new Map<string, MadeUpChip>();

  constructor(...chips: readonly MadeUpChip[]) {
    for (const chip of chips) this.add(chip);
  }

  add(chip: MadeUpChip): void {
    const path = join(this.folder, chip.name);
    mkdirSync(path);
    symlinkSync(`../../../${chip.device}`, join(path, "device"));
    writeFileSync(join(path, "npwm"), `${chip.channels}\n`);
    for (const name of ["export", "unexport"]) writeFileSync(join(path, name), "");
    this.#chips.set(chip.name, chip);
  }

  remove(chip: MadeUpChip): void {
    rmSync(join(this.folder, chip.name), { recursive: true });
  }

  /** Writes as `writeSysfs` does, under the kernel's rules. */
  readonly write: SysfsWrite = (path, text) => {
    const at = relative(this.folder, path);
    this.writes.push(`${at} ${text}`);
    this.fault(at);
    const [name = "", channel = "", attribute] = at.split("/");
    const chip = this.#chips.get(name);
    if (chip === undefined || !existsSync(path)) throw refusal("ENOENT");
    if (attribute !== undefined) this.#set(join(this.folder, name, channel), attribute, text, chip);
    else if (channel === "export") this.#export(chip, Number(text));
    else this.#unexport(chip, Number(text));
    this.taken.push(`${at} ${text}`);
  };

  /** What a channel is set to; null: it is not exported. */
  state(chip: MadeUpChip, channel: number) {
    const path = join(this.folder, chip.name, `pwm${channel}`);
    if (!existsSync(path)) return null;
    const { period, duty_cycle, polarity, enable } = read(path);
    return { periodNs: Number(period), onNs: Number(duty_cycle), polarity, enabled: enable === "1" };
  }

  /** Exports a channel and sets it, as another program does. */
  leave(chip: MadeUpChip, channel: number, settings: Readonly<Record<string, string>>): void {
    const at = join(this.folder, chip.name);
    this.#export(chip, channel);
    for (const [name, value] of Object.entries(settings)) this.#set(join(at, `pwm${channel}`), name, value, chip);
  }

  delete(): void {
    rmSync(this.folder, { recursive: true });
  }

  #export(chip: MadeUpChip, channel: number): void {
    const path = join(this.folder, chip.name, `pwm${channel}`);
    if (channel >= chip.channels) throw refusal("ENODEV");
    if (existsSync(path) || chip.taken?.includes(channel)) throw refusal("EBUSY");
    mkdirSync(path);
    for (const [name, value] of Object.entries({ period: "0", duty_cycle: "0", polarity: "normal", enable: "0" })) {
      writeFileSync(join(path, name), `${value}\n`);
    }
  }

  #unexport(chip: MadeUpChip, channel: number): void {
    const path = join(this.folder, chip.name, `pwm${channel}`);
    if (!existsSync(path)) throw refusal("ENODEV");
    rmSync(path, { recursive: true });
  }

  #set(path: string, attribute: string, value: string, chip: MadeUpChip): void {
    const before = read(path);
    const after = { ...before, [attribute]: value };
    if (attribute === "polarity" && chip.oneWay) throw refusal("EOPNOTSUPP");
    if (attribute === "polarity" && before.enable === "1") throw refusal("EBUSY");
    if (Number(after.period) === 0) throw refusal("EINVAL");
    // Linux asks this of an enabled channel only. Nothing is lost by never doing it.
    if (Number(after.duty_cycle) > Number(after.period)) throw refusal("EINVAL");
    writeFileSync(join(path, attribute), `${value}\n`);
  }
}

function read(path: string) {
  const value = (name: string) => readFileSync(join(path, name), "utf8").trim();
  return { period: value("period"), duty_cycle: value("duty_cycle"), polarity: value("polarity"), enable: value("enable") };
}

/** An error of `node:fs`. */
export function refusal(code: string): Error {
  return Object.assign(new Error(code), { code });
}
