import type { Command } from "commander";
import { give, type OutputFlags, outputCommand } from "./output-pin.ts";

/** `holdfast toggle`. */
export function addToggle(program: Command): void {
  outputCommand(program, "toggle", "Turn a pin off, or on when it is steadily off", {
    "holdfast toggle 17": "the other level, until the next command",
    "holdfast toggle 17 --for 500ms": "the other level for half a second, then off",
  }).action((pin: string, flags: OutputFlags, command: Command) => give("toggle", pin, {}, flags, command));
}
