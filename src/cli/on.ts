import type { Command } from "commander";
import { give, type OutputFlags, outputCommand } from "./output-pin.ts";

/** `holdfast on`. */
export function addOn(program: Command): void {
  outputCommand(program, "on", "Drive a pin on", {
    "holdfast on 17": "GPIO17 is on, and stays on",
    "holdfast on 17 --for 3s": "on for three seconds, then off",
    "holdfast on BOARD11 --queue --for 250ms": "the same pin, after what it still has to do",
    "holdfast on 22 --active-low --drive open-drain": "a relay that is on when the line is low",
  }).action((pin: string, flags: OutputFlags, command: Command) => give("on", pin, {}, flags, command));
}
