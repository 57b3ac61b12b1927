import type { Command } from "commander";
import { count, durationOption } from "./arguments.ts";
import { give, type OutputFlags, outputCommand } from "./output-pin.ts";

interface BlinkFlags extends OutputFlags {
  readonly on: number;
  readonly off: number;
  readonly count?: number;
}

/** `holdfast blink`. */
export function addBlink(program: Command): void {
  outputCommand(program, "blink", "Blink a pin", {
    "holdfast blink 17": "a second on, a second off, until the next command",
    "holdfast blink 17 --on 100ms --off 400ms -n 5": "five flashes, then off",
    "holdfast blink 17 --on 100ms --off 400ms -n 5 --for 3s --done": "the same, off until three seconds are over; wait for that",
  })
    .addOption(durationOption("--on <duration>", "how long it is on in each cycle", "1s"))
    .addOption(durationOption("--off <duration>", "how long it is off in each cycle", "1s"))
    .option("-n, --count <n>", "how many cycles (default: until the next command)", count)
    .action((pin: string, { on: onMs, off: offMs, count: n, ...flags }: BlinkFlags, command: Command) =>
      give("blink", pin, { onMs, offMs, n }, flags, command),
    );
}
