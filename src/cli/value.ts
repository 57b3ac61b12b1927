import type { Command } from "commander";
import { duty } from "./arguments.ts";
import { give, type OutputFlags, outputCommand } from "./output-pin.ts";

/** `holdfast value`. */
export function addValue(program: Command): void {
  outputCommand(program, "value", "Drive a pin at a duty between off and on", {
    "holdfast value 17 0.5": "half the brightness",
    "holdfast value 17 20% --for 10s": "a fifth of it for ten seconds, then off",
  })
    .argument("<duty>", "0 to 1, or 0% to 100%", duty)
    .action((pin: string, value: number, flags: OutputFlags, command: Command) => give("value", pin, { value }, flags, command));
}
