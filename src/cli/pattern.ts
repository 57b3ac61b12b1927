import type { Command } from "commander";
import { count, type Step, steps } from "./arguments.ts";
import { give, type OutputFlags, outputCommand } from "./output-pin.ts";

interface PatternFlags extends OutputFlags {
  readonly count?: number;
}

/** `holdfast pattern`. */
export function addPattern(program: Command): void {
  outputCommand(program, "pattern", "Play levels, each for its time", {
    "holdfast pattern 17 1:100ms 0:50ms 1:300ms 0:1s": "a short flash, a long one, a pause, until the next command",
    "holdfast pattern 17 1:100ms 0:50ms -n 4 --done": "the two steps four times, then off; wait for the end",
    "holdfast pattern 5+6+13+19 1000:5ms 0100:5ms 0010:5ms 0001:5ms": "turn a stepper motor",
  })
    .argument("<step...>", "LEVEL:DURATION, the level 0 or 1: 1:100ms; of a group also a level for each line: 10:100ms", steps)
    .option("-n, --count <n>", "how often (default: until the next command)", count)
    .action((pin: string, given: Step[], { count: n, ...flags }: PatternFlags, command: Command) =>
      give("pattern", pin, { steps: given, n }, flags, command),
    );
}
