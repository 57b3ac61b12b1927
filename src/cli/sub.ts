import type { Command } from "commander";
import { HoldfastError } from "../protocol/errors.ts";
import type { EventOf } from "../protocol/replies.ts";
import { count, examples } from "./arguments.ts";
import { counted, formatNs, paint, print, printable, printJson, toJson } from "./print.ts";
import { withClient } from "./session.ts";
import { showEvents } from "./show-events.ts";

type Message = EventOf<"message">;

interface SubFlags {
  readonly count?: number;
  readonly json?: true;
}

/** `holdfast sub`. */
export function addSub(program: Command): void {
  const sub = program
    .command("sub")
    .summary("Print the messages of topics as they come")
    .description(
      "Print the messages of topics, one a line: seconds since boot when it was published, the topic, the value, and how many were lost before " +
        "it if any. Text is printed as it is, bytes by their number, anything else as JSON. What topics keep comes first, marked as " +
        "retained. Ends with Ctrl-C (exit status 130, as every program that a signal ends) or after -n messages (0).",
    )
    .argument("<filter...>", "names of topics, also with wildcards: door/+/state, door/#, # for all but those that begin with $")
    .option("-n, --count <n>", "end after so many messages", count)
    .option("--json", "print each message as one line of JSON")
    .action(act);
  examples(sub, {
    "holdfast sub 'door/#'": "all about doors (quoted, for the shell)",
    "holdfast sub kitchen/+ cellar/+ --json": "two rooms, for a program",
    "holdfast sub -n 1 bell && echo somebody has rung": "wait for one message",
  });
}

function act(filters: string[], { count: most, json }: SubFlags, command: Command): Promise<void> {
  return withClient(command, async (client) => {
    const streams = await Promise.all(filters.map((filter) => client.topic(filter)));
    const show = (message: Message) => (json ? printJson(fieldsOf(message)) : print(lineOf(message)));
    await showEvents(streams, most, show, new HoldfastError("DISCONNECTED", "the subscription has ended"));
  });
}

function fieldsOf({ sub: _sub, ...fields }: Message): object {
  return fields;
}

function lineOf({ topic, value, retained, timestampNs, lost }: Message): string {
  const kept = retained ? `  ${paint(process.stdout, "dim", "retained")}` : "";
  const missed = lost === 0 ? "" : `  ${paint(process.stdout, "yellow", `lost ${lost}`)}`;
  return `${formatNs(timestampNs)}  ${printable(topic)}  ${valueInWords(value)}${kept}${missed}`.trimEnd();
}

function valueInWords(value: unknown): string {
  if (value === undefined) return "";
  if (value instanceof Uint8Array) return counted(value.length, "byte");
  return printable(typeof value === "string" ? value : toJson(value));
}
