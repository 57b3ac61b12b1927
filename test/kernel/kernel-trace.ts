import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Level } from "../../src/protocol/requests.ts";
import type { SimulatedChip } from "./simulated-chip.ts";

const TRACING = "/sys/kernel/tracing";

/** A level that the kernel has told the chip's driver to drive. */
export interface Driven {
  readonly level: Level;
  /** CLOCK_MONOTONIC, ms. */
  readonly atMs: number;
}

/**
 * What passes between the kernel and the drivers of its GPIO chips from now on, whole, in order and with the kernel's own clock: the
 * events of its tracepoint gpio_value. So a level counts however short it was. There is one trace at a time.
 */
export class KernelTrace implements Disposable {
  readonly #firstNumber: number;

  constructor(chip: SimulatedChip) {
    this.#firstNumber = chip.firstNumber;
    write("trace_clock", "mono");
    write("trace", "");
    write("events/gpio/gpio_value/enable", "1");
  }

  /** What a line was driven to, the same level again included. Levels are those of the wire. */
  driven(offset: number): readonly Driven[] {
    return this.#events(offset, / (\d+\.\d+): gpio_value: (\d+) set ([01])$/gm).map(([, seconds, , level]) => ({
      level: level === "1" ? 1 : 0,
      atMs: Number(seconds) * 1000,
    }));
  }

  /** The levels alone, as `0 1 0`. */
  levels(offset: number): string {
    return this.driven(offset)
      .map(({ level }) => level)
      .join(" ");
  }

  /** How many edges of a line the kernel has seen: for each, the thread of its interrupt looks which way it went. */
  edges(offset: number): number {
    return this.#events(offset, /^ *irq\/.* (\d+\.\d+): gpio_value: (\d+) get [01]$/gm).length;
  }

  /** How many events there are, of all lines and kinds. Costs less than to read them. */
  get length(): number {
    const folder = join(TRACING, "per_cpu");
    const entries = readdirSync(folder).map((cpu) => /^entries: (\d+)$/m.exec(readFileSync(join(folder, cpu, "stats"), "utf8"))?.[1]);
    return entries.reduce((sum, count) => sum + Number(count), 0);
  }

  [Symbol.dispose](): void {
    write("events/gpio/gpio_value/enable", "0");
  }

  #events(offset: number, kind: RegExp): RegExpExecArray[] {
    const number = String(this.#firstNumber + offset);
    return [...readFileSync(join(TRACING, "trace"), "utf8").matchAll(kind)].filter(([, , line]) => line === number);
  }
}

function write(file: string, text: string): void {
  writeFileSync(join(TRACING, file), text);
}
