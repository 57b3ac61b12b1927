import type { Command } from "commander";
import { eventOf, FIELD } from "./actor-event.ts";
import { ADDRESS, examples } from "./arguments.ts";
import { withClient } from "./session.ts";

/** `holdfast send`. */
export function addSend(program: Command): void {
  const send = program
    .command("send")
    .summary("Send an actor an event")
    .description(
      "Send an actor an event, and wait until it has taken it. Which events it takes, and with which fields: holdfast graph ADDRESS --json. Of pins, " +
        "pools, processes and the supervisor they are the operations of the protocol; a pin takes them from who holds it.",
    )
    .argument("<address>", ADDRESS)
    .argument("<event>", "which event")
    .argument("[field...]", FIELD)
    .option("--json <fields>", "all fields, as a JSON object")
    .action((address: string, type: string, words: string[], { json }: { readonly json?: string }, command: Command) => {
      const event = eventOf(type, words, json, command);
      return withClient(command, (client) => client.send(address, event));
    });
  examples(send, {
    "holdfast send actor/door open": "an event without fields",
    "holdfast send actor/door speed mmPerS=20 gently=true": "a number, and a truth value",
    'holdfast send actor/door say --json \'{"text": "17"}\'': "a text that looks like a number",
    "holdfast send process/algo restart": "what holdfast process restart does",
  });
}
