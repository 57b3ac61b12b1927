import type { Command } from "commander";
import { HoldfastError } from "../protocol/errors.ts";
import type { EventOf } from "../protocol/replies.ts";
import { ADDRESS, count, examples } from "./arguments.ts";
import { print, printJson } from "./print.ts";
import { withClient } from "./session.ts";
import { showEvents } from "./show-events.ts";
import { tracedFields, transitionLine } from "./traced.ts";

interface ObserveFlags {
  readonly count?: number;
  readonly json?: true;
}

/** `holdfast observe`. */
export function addObserve(program: Command): void {
  const observe = program
    .command("observe")
    .summary("Print what an actor does as it happens")
    .description(
      "Print the state that an actor is in, and then each transition, one a line: seconds since boot, its address, the state before and the one " +
        "now, the event that it was for, and what its kind has to show. Ends with Ctrl-C (exit status 130, as every program that a signal ends) " +
        "or after -n lines (0).",
    )
    .argument("<address>", ADDRESS)
    .option("-n, --count <n>", "end after so many lines", count)
    .option("--json", "print each as one line of JSON")
    .action(act);
  examples(observe, {
    "holdfast observe actor/door": "a machine of your own",
    "holdfast observe pin/GPIO17 --json | jq .data": "what an output does, whoever drives it",
    "holdfast observe process/algo -n 1": "how it is now",
  });
}

function act(address: string, { count: most, json }: ObserveFlags, command: Command): Promise<void> {
  return withClient(command, async (client) => {
    const stream = await client.observeActor(address);
    const show = (event: EventOf<"transition">) => (json ? printJson(tracedFields(event)) : print(transitionLine(event, true)));
    await showEvents([stream], most, show, new HoldfastError("DISCONNECTED", "the observation has ended"));
  });
}
