import type { Command } from "commander";
import type { HoldfastClient } from "../client/client.ts";
import { userActorTable } from "./actor-tables.ts";
import { examples } from "./arguments.ts";
import { onEach } from "./on-each.ts";
import { print, printJson } from "./print.ts";
import { withClient } from "./session.ts";

/** What `--help` says of a user's actor. */
const ACTOR = "a user's actor, by its name: door";

/** `holdfast actor list`, `start`, `stop` and `restart`. */
export function addActor(program: Command): void {
  const actor = program
    .command("actor")
    .summary("List, start, stop and restart users' actors")
    .description(
      "List, start, stop and restart the actors that users have written. What they write is in the supervisor's log. Without a command: list.",
    );
  addList(actor);
  addAct(actor, {
    act: "start",
    summary: "Start actors",
    description: "Start actors that were stopped, or have ended or failed. Each is waited for until its machine runs.",
    example: "when what it needs is there again",
  });
  const stop = actor
    .command("stop")
    .summary("End actors")
    .description(
      "End actors, and wait until nothing of them is left. What they hold is let go of as that of any client: pins run what was accepted, and close. A " +
        "stopped actor stays so until it is started, or the supervisor is.",
    )
    .argument("<name...>", ACTOR)
    .option("--hard", "end them at once, without the grace")
    .action((names: string[], { hard = false }: { readonly hard?: boolean }, command: Command) =>
      onEach(command, names, (client, name) => client.stopActor(name, { hard })),
    );
  examples(stop, { "holdfast actor stop door": "and wait until it has ended" });
  addAct(actor, {
    act: "restart",
    summary: "End actors, and start them again",
    description: "End actors as `stop` does, and start them again as `start` does.",
    example: "from its beginning",
  });
  examples(actor, {
    "holdfast actor": "what runs, and what has failed",
    "holdfast actor restart door": "from its beginning",
    "holdfast reload": "with what has changed in its file",
  });
}

function addList(actor: Command): void {
  const list = actor
    .command("list", { isDefault: true })
    .summary("List the actors, and what has become of them")
    .description(
      "List the actors of users: what they do, since when, and how they ended last by themselves. Their machines: holdfast actors.",
    )
    .option("--json", "print all that is known, as `actors` in the reply to the protocol's `status`")
    .action(({ json }: { readonly json?: true }, command: Command) =>
      withClient(command, async (client) => {
        const { actors } = await client.status();
        await (json ? printJson({ actors }) : print(userActorTable(actors)));
      }),
    );
  examples(list, {
    "holdfast actor list": "for a person",
    "holdfast actor list --json | jq '.actors[] | select(.state == \"failed\") | .end'": "why some have failed",
  });
}

/** What brings an actor to run. */
interface Act {
  readonly act: "start" | "restart";
  readonly summary: string;
  readonly description: string;
  readonly example: string;
}

function addAct(actor: Command, { act, summary, description, example }: Act): void {
  const perform = (client: HoldfastClient, name: string) => client[`${act}Actor`](name);
  const command = actor
    .command(act)
    .summary(summary)
    .description(description)
    .argument("<name...>", ACTOR)
    .action((names: string[], _: object, acting: Command) => onEach(acting, names, perform));
  examples(command, { [`holdfast actor ${act} door`]: example });
}
