import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LineId } from "../../src/gpio/backend.ts";
import type { Level } from "../../src/protocol/requests.ts";

const CONFIG = "/sys/kernel/config/gpio-sim";
if (!existsSync(CONFIG)) throw new Error("this kernel has no gpio-sim: run `make test-kernel`, which boots one that has");

/** How a chip is made. */
export interface ChipOptions {
  /** What the kernel calls it. */
  readonly label?: string;
  /** How many lines it has. Line 4 is named GPIO4, and so on. */
  readonly lines?: number;
}

let made = 0;

/**
 * A chip of the kernel's own simulator, gpio-sim, seen from its outside: what other hardware would do to its lines, and what it would
 * measure on them. Nothing here goes through a GPIO device. Levels are those of the wire.
 */
export class SimulatedChip implements Disposable {
  readonly label: string;
  readonly lines: number;
  /** `gpiochip0`. */
  readonly name: string;
  readonly #config: string;
  /** The chip's folder in sysfs. */
  readonly #device: string;
  #there = true;

  constructor({ label = "test-chip", lines = 28 }: ChipOptions = {}) {
    this.label = label;
    this.lines = lines;
    this.#config = join(CONFIG, `chip-${process.pid}-${++made}`);
    const bank = join(this.#config, "bank");
    mkdirSync(this.#config);
    mkdirSync(bank);
    writeFileSync(join(bank, "num_lines"), `${lines}`);
    writeFileSync(join(bank, "label"), label);
    for (let offset = 0; offset < lines; offset++) {
      mkdirSync(join(bank, `line${offset}`));
      writeFileSync(join(bank, `line${offset}`, "name"), `GPIO${offset}`);
    }
    writeFileSync(join(this.#config, "live"), "1");
    this.name = readAttribute(join(bank, "chip_name"));
    this.#device = join("/sys/devices/platform", readAttribute(join(this.#config, "dev_name")));
  }

  /** `/dev/gpiochip0`. */
  get path(): string {
    return `/dev/${this.name}`;
  }

  line(offset: number): LineId {
    return { chip: this.path, offset };
  }

  /** The number of line 0 among all lines of the machine, as the kernel's tracer counts them. */
  get firstNumber(): number {
    const folder = join(this.#device, "gpio");
    const [chip = ""] = readdirSync(folder);
    return Number(readAttribute(join(folder, chip, "base")));
  }

  /** The level on the wire. */
  level(offset: number): Level {
    return readAttribute(this.#attribute(offset, "value")) === "1" ? 1 : 0;
  }

  /** Pulls the wire to a level: what stands when no output drives it. An input whose level changes by it has an edge. */
  drive(offset: number, level: Level): void {
    writeFileSync(this.#attribute(offset, "pull"), level === 1 ? "pull-up" : "pull-down");
  }

  /** The chip goes, whoever holds its lines. */
  remove(): void {
    if (!this.#there) return;
    this.#there = false;
    writeFileSync(join(this.#config, "live"), "0");
    const bank = join(this.#config, "bank");
    for (let offset = 0; offset < this.lines; offset++) rmdirSync(join(bank, `line${offset}`));
    rmdirSync(bank);
    rmdirSync(this.#config);
  }

  [Symbol.dispose](): void {
    this.remove();
  }

  #attribute(offset: number, name: "value" | "pull"): string {
    return join(this.#device, this.name, `sim_gpio${offset}`, name);
  }
}

function readAttribute(path: string): string {
  return readFileSync(path, "utf8").trim();
}
