import type { Command } from "commander";
import type { Level } from "../protocol/requests.ts";
import { levels } from "./arguments.ts";
import { give, type OutputFlags, outputCommand } from "./output-pin.ts";

/** `holdfast write`. */
export function addWrite(program: Command): void {
  outputCommand(program, "write", "Drive each line of a group to its own level, all at once", {
    "holdfast write GPIO17+GPIO27+GPIO22 101": "GPIO17 and GPIO22 are on, GPIO27 is off, from one moment on",
    "holdfast write 17+27 11 --for 3s": "both on for three seconds, then off",
  })
    .argument("<levels>", "a 0 or 1 for each line, in the order of the names: 101", levels)
    .action((pin: string, given: Level[], flags: OutputFlags, command: Command) => give("write", pin, { levels: given }, flags, command));
}
