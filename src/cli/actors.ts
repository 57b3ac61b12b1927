import type { Command } from "commander";
import type { ActorInfo } from "../protocol/replies.ts";
import { ADDRESS, examples } from "./arguments.ts";
import { print, printJson, table } from "./print.ts";
import { withClient } from "./session.ts";

/** `holdfast actors`. */
export function addActors(program: Command): void {
  const actors = program
    .command("actors")
    .summary("List what there is, as a tree")
    .description(
      "List the supervisor and what it is made of, as far as you may see it: open pins, pools and their slots, processes, clients, and the actors " +
        "of users, each with the state that it is in.",
    )
    .argument("[address]", `that one, and all below it: ${ADDRESS}`)
    .option("--json", "print all that is known, as the reply to the protocol's `actors`")
    .action((address: string | undefined, { json }: { readonly json?: true }, command: Command) =>
      withClient(command, async (client) => {
        const there = await client.actors(address);
        await (json ? printJson({ actors: there }) : print(actorTree(there)));
      }),
    );
  examples(actors, {
    "holdfast actors": "all, for a person",
    "holdfast actors pool/cam0": "a pool and its slots",
    "holdfast actors --json | jq -r '.actors[] | select(.kind == \"pin\") | .address'": "the pins that are open",
  });
}

/** Actors for a person: each below the one that it is a part of. */
export function actorTree(actors: readonly ActorInfo[]): string {
  const addresses = new Set(actors.map(({ address }) => address));
  const parents = Map.groupBy(actors, ({ parent }) => (parent !== null && addresses.has(parent) ? parent : null));
  const rowsBelow = (parent: string | null, indent: string): string[][] => {
    const children = parents.get(parent) ?? [];
    return children.flatMap(({ address, state }, index) => {
      const isLast = index === children.length - 1;
      const [branch, under] = parent === null ? ["", ""] : isLast ? ["└─ ", "   "] : ["├─ ", "│  "];
      return [[`${indent}${branch}${address}`, state], ...rowsBelow(address, `${indent}${under}`)];
    });
  };
  return table(["ADDRESS", "STATE"], rowsBelow(null, ""));
}
