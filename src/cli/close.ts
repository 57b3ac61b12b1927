import type { Command } from "commander";
import { examples, PIN } from "./arguments.ts";
import { withClient } from "./session.ts";

/** `holdfast close`. */
export function addClose(program: Command): void {
  const close = program
    .command("close")
    .summary("Give a pin back")
    .description(
      "Give back a pin that nobody holds, such as one that an earlier command left as it set it. What was commanded still runs, " +
        "then the line goes to its closing level and is released; the command waits for that. Of several pins, one that can't be closed keeps none of the others open.",
    )
    .argument("<pin...>", PIN)
    .option("--hard", "drop what runs and is queued")
    .action((names: string[], { hard = false }: { readonly hard?: boolean }, command: Command) =>
      withClient(command, async (client) => {
        const outcomes = await Promise.allSettled(names.map((pin) => client.request("close", { pin, hard })));
        const refused = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
        if (refused.length > 0) throw new AggregateError(refused);
      }),
    );
  examples(close, {
    "holdfast close 17": "off, and free for other programs",
    "holdfast close 17 22 27 --hard": "three pins, at once",
  });
}
