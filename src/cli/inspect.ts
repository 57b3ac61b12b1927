import type { Command } from "commander";
import type { HoldfastClient } from "../client/client.ts";
import type { StateDefinition } from "../machine-definition.ts";
import { HoldfastError } from "../protocol/errors.ts";
import { ADDRESS, examples, wholeNumber } from "./arguments.ts";
import { InspectorServer } from "./inspect/inspector-server.ts";
import { actorEvent, type StatelyEvent, transitionEvents } from "./inspect/stately-events.ts";
import { print, printJson, toJson } from "./print.ts";
import { withClient } from "./session.ts";
import type { TracedTransition } from "./traced.ts";

interface InspectFlags {
  readonly port?: number;
  readonly json?: true;
}

/** `holdfast inspect`. */
export function addInspect(program: Command): void {
  const inspect = program
    .command("inspect")
    .summary("Show all machines in Stately Inspector, in a browser")
    .description(
      "Serve a page to this machine alone that shows every machine, its state and what it is told in Stately Inspector, as it happens. The page is at an " +
        "address that nobody can guess, which is printed; it loads the inspector from stately.ai, and passes on to it, within the browser, what the machines " +
        "do. Ends with Ctrl-C.",
    )
    .argument("[address]", `that one, and all below it: ${ADDRESS}`)
    .option("--port <port>", "the port of the page (default: one that is free)", wholeNumber(1, 65_535))
    .option("--json", "print the addresses of the page and of its WebSocket as one line of JSON")
    .action(act);
  examples(inspect, {
    "holdfast inspect": "all machines; open what it prints in a browser",
    "holdfast inspect actor/door": "one of them",
    "holdfast inspect --port 8080": "so that another machine reaches it: ssh -L 8080:127.0.0.1:8080 shed.local",
  });
}

/** What whoever begins to look is told of an actor. */
interface Shown {
  readonly machine: StateDefinition | null;
  readonly latest: TracedTransition;
}

function act(address: string | undefined, { port = 0, json }: InspectFlags, command: Command): Promise<void> {
  return withClient(command, async (client) => {
    const shown = new Map<string, Shown>();
    const story = () => [...shown.values()].map(({ latest, machine }) => toJson(actorEvent(latest, machine, Date.now())));
    const trace = await client.trace(address);
    using server = new InspectorServer(port, story);
    const { url, socketUrl } = server;
    await (json ? printJson({ url, socketUrl }) : print(`Open in a browser: ${url}`));
    for await (const event of trace) {
      if (event.ev === "transition") for (const each of await tell(client, shown, event)) server.tell(toJson(each));
    }
    throw new HoldfastError("DISCONNECTED", "the trace has ended");
  });
}

async function tell(client: HoldfastClient, shown: Map<string, Shown>, latest: TracedTransition): Promise<readonly StatelyEvent[]> {
  const { address, state } = latest;
  // A pin that was closed may be opened as something else.
  const before = shown.get(address)?.latest.state === "closed" ? undefined : shown.get(address);
  const machine = before === undefined ? await machineOf(client, address) : before.machine;
  if (state === "gone") shown.delete(address);
  else shown.set(address, { machine, latest });
  const nowMs = Date.now();
  return [
    ...(before === undefined ? [actorEvent(latest, machine, nowMs)] : []),
    ...(before === undefined && latest.event === null ? [] : transitionEvents(latest, machine, nowMs)),
  ];
}

/** What an actor is; null: no machine, or it has gone meanwhile. */
async function machineOf(client: HoldfastClient, address: string): Promise<StateDefinition | null> {
  try {
    const { machine } = await client.describeActor(address);
    return machine as StateDefinition | null;
  } catch (error) {
    if (HoldfastError.from(error).code === "ACTOR_UNKNOWN") return null;
    throw error;
  }
}
