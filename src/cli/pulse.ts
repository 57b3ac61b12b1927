import type { Command } from "commander";
import { count, durationOption } from "./arguments.ts";
import { give, type OutputFlags, outputCommand } from "./output-pin.ts";

interface PulseFlags extends OutputFlags {
  readonly fadeIn: number;
  readonly fadeOut: number;
  readonly count?: number;
}

/** `holdfast pulse`. */
export function addPulse(program: Command): void {
  outputCommand(program, "pulse", "Fade a pin in and out", {
    "holdfast pulse 18": "a second up, a second down, until the next command",
    "holdfast pulse 18 --fade-in 200ms --fade-out 800ms -n 3": "three heartbeats, then off",
  })
    .addOption(durationOption("--fade-in <duration>", "from off to on", "1s"))
    .addOption(durationOption("--fade-out <duration>", "from on to off", "1s"))
    .option("-n, --count <n>", "how many cycles (default: until the next command)", count)
    .action((pin: string, { fadeIn: fadeInMs, fadeOut: fadeOutMs, count: n, ...flags }: PulseFlags, command: Command) =>
      give("pulse", pin, { fadeInMs, fadeOutMs, n }, flags, command),
    );
}
