import type { Command } from "commander";
import { give, type OutputFlags, outputCommand } from "./output-pin.ts";

/** `holdfast off`. */
export function addOff(program: Command): void {
  outputCommand(program, "off", "Drive a pin off", {
    "holdfast off 17": "GPIO17 is off, whatever it did",
    "holdfast off 17 --queue --for 2s --done": "a pause of two seconds after what is queued; wait for its end",
  }).action((pin: string, flags: OutputFlags, command: Command) => give("off", pin, {}, flags, command));
}
