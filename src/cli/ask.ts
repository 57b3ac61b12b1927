import type { Command } from "commander";
import { eventOf, FIELD } from "./actor-event.ts";
import { ADDRESS, duration, examples } from "./arguments.ts";
import { printJson } from "./print.ts";
import { withClient } from "./session.ts";

interface AskFlags {
  readonly json?: string;
  readonly timeout?: number;
}

/** `holdfast ask`. */
export function addAsk(program: Command): void {
  const ask = program
    .command("ask")
    .summary("Send an actor an event, and print its answer")
    .description(
      "Send an actor an event, and print what it answers as one line of JSON; nothing, if it answers nothing. Of pins, pools, processes and the " +
        "supervisor that is the reply of the protocol to the operation.",
    )
    .argument("<address>", ADDRESS)
    .argument("<event>", "which event")
    .argument("[field...]", FIELD)
    .option("--json <fields>", "all fields, as a JSON object")
    .option("--timeout <duration>", "how long to wait for the answer (default: 5s)", duration)
    .action((address: string, type: string, words: string[], { json, timeout: timeoutMs }: AskFlags, command: Command) => {
      const event = eventOf(type, words, json, command);
      return withClient(command, async (client) => {
        const answer = await client.ask(address, event, timeoutMs === undefined ? {} : { timeoutMs });
        if (answer !== undefined) await printJson(answer);
      });
    });
  examples(ask, {
    "holdfast ask actor/door position": "what the machine replies",
    "holdfast ask pin/GPIO4 read | jq .level": "what holdfast read tells",
    "holdfast ask actor/door calibrate --timeout 1m": "one that takes its time",
  });
}
