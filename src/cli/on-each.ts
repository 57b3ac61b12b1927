import type { Command } from "commander";
import type { HoldfastClient } from "../client/client.ts";
import { examples } from "./arguments.ts";
import { withClient } from "./session.ts";

/** A command that does something with each of those that it is given by name. */
export interface OnEach {
  /** What it is called. */
  readonly act: string;
  readonly summary: string;
  readonly description: string;
  /** What `--hard` does; absent: there is no such option. */
  readonly hard?: string;
  readonly perform: (client: HoldfastClient, name: string, options: { readonly hard?: boolean }) => Promise<unknown>;
  readonly examples: Readonly<Record<string, string>>;
}

/**
 * Adds such a command. One that can't be had keeps none of the others from it; it fails with an AggregateError of those that could not.
 * @param named what `--help` says of the names
 */
export function addOnEach(parent: Command, named: string, { act, summary, description, hard, perform, examples: shown }: OnEach): void {
  const command = parent.command(act).summary(summary).description(description).argument("<name...>", named);
  if (hard !== undefined) command.option("--hard", hard);
  command.action((names: string[], options: { readonly hard?: boolean }) =>
    withClient(command, async (client) => {
      const outcomes = await Promise.allSettled(names.map((name) => perform(client, name, options)));
      const refused = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
      if (refused.length > 0) throw new AggregateError(refused);
    }),
  );
  examples(command, shown);
}
