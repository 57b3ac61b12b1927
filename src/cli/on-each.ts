import type { Command } from "commander";
import type { HoldfastClient } from "../client/client.ts";
import { withClient } from "./session.ts";

/** Does so with all of them. One that can't be had keeps none of the others from it. @throws AggregateError of those that could not */
export function onEach(
  command: Command,
  names: readonly string[],
  act: (client: HoldfastClient, name: string) => Promise<unknown>,
): Promise<void> {
  return withClient(command, async (client) => {
    const outcomes = await Promise.allSettled(names.map((name) => act(client, name)));
    const refused = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
    if (refused.length > 0) throw new AggregateError(refused);
  });
}
