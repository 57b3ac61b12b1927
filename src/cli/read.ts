import type { Command } from "commander";
import { examples, PIN } from "./arguments.ts";
import { print, printJson } from "./print.ts";
import { withClient } from "./session.ts";

/** `holdfast read`. */
export function addRead(program: Command): void {
  const read = program
    .command("read")
    .summary("Print a pin's level")
    .description(
      "Print a pin's level now: 1 is on; of a group that of each line, read at one moment. The pin need not be open; an output may be read while another drives it.",
    )
    .argument("<pin>", PIN)
    .option("--json", "print all that is known: level, value, state and the time in ns since boot")
    .action((name: string, { json }: { readonly json?: true }, command: Command) =>
      withClient(command, async (client) => {
        const reply = await client.read(name);
        await (json ? printJson(reply) : print((reply.levels ?? [reply.level]).join("")));
      }),
    );
  examples(read, {
    "holdfast read 4": "1 or 0",
    "holdfast read GPIO5+GPIO6+GPIO13": "101: three lines at one moment",
    'test "$(holdfast read GPIO4)" = 1 && echo pressed': "in a script",
  });
}
