import type { Command } from "commander";
import type { StateDefinition } from "../machine-definition.ts";
import { HoldfastError } from "../protocol/errors.ts";
import { ADDRESS, examples } from "./arguments.ts";
import { chartOf } from "./graph/chart.ts";
import { toDot } from "./graph/dot.ts";
import { toMermaid } from "./graph/mermaid.ts";
import { print, printJson } from "./print.ts";
import { withClient } from "./session.ts";

interface GraphFlags {
  readonly dot?: true;
  readonly json?: true;
}

/** `holdfast graph`. */
export function addGraph(program: Command): void {
  const graph = program
    .command("graph")
    .summary("Print an actor's machine as a diagram")
    .description(
      "Print the machine of an actor as a state diagram of Mermaid, which Markdown on many sites shows, or as a graph of Graphviz. Names stand for " +
        "what a machine has as functions.",
    )
    .argument("<address>", ADDRESS)
    .option("--dot", "for Graphviz")
    .option(
      "--json",
      "print the machine as XState's createMachine takes it, and the events that the actor takes, with their fields as JSON Schema",
    )
    .action(act);
  examples(graph, {
    "holdfast graph actor/door": "to be put between ```mermaid and ```",
    "holdfast graph actor/door --dot | dot -Tsvg >door.svg": "a picture",
    "holdfast graph process/algo --json | jq .accepts": "which events it takes",
  });
}

function act(address: string, { dot, json }: GraphFlags, command: Command): Promise<void> {
  if (dot && json) command.error("error: either --dot or --json");
  return withClient(command, async (client) => {
    const described = await client.describeActor(address);
    if (json) return printJson(described);
    const { address: canonical, kind, machine } = described;
    if (machine === null && kind === "actor")
      throw new HoldfastError("ACTOR_NOT_RUNNING", `${canonical} has not run, and its machine is not known`);
    if (machine === null) throw new HoldfastError("BAD_FIELD", `${canonical} is no machine; its slots are`, { field: "address" });
    const chart = chartOf(machine as unknown as StateDefinition);
    await print((dot ? toDot(chart) : toMermaid(chart)).trimEnd());
  });
}
