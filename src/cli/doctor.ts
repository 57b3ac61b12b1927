import type { Command } from "commander";
import { examples } from "./arguments.ts";

/** `holdfast doctor`. */
export function addDoctor(program: Command): void {
  const doctor = program
    .command("doctor")
    .summary("Find out what keeps holdfast from working")
    .action(() => {});
  examples(doctor, { "holdfast doctor": "x" });
}
