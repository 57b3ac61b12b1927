import type { Command } from "commander";
import { userActorTable } from "./actor-tables.ts";
import { examples } from "./arguments.ts";
import { addOnEach, type OnEach } from "./on-each.ts";
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
  for (const command of [start, stop, restart]) addOnEach(actor, ACTOR, command);
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

const start: OnEach = {
  act: "start",
  summary: "Start actors",
  description: "Start actors that were stopped, or have ended or failed. Each is waited for until its machine runs.",
  perform: (client, name) => client.startActor(name),
  examples: { "holdfast actor start door": "when what it needs is there again" },
};

const stop: OnEach = {
  act: "stop",
  summary: "End actors",
  description:
    "End actors, and wait until nothing of them is left. What they hold is let go of as that of any client: pins run what was accepted, and close. A " +
    "stopped actor stays so until it is started, or the supervisor is.",
  hard: "end them at once, without the grace",
  perform: (client, name, options) => client.stopActor(name, options),
  examples: { "holdfast actor stop door": "and wait until it has ended" },
};

const restart: OnEach = {
  act: "restart",
  summary: "End actors, and start them again",
  description: "End actors as `stop` does, and start them again as `start` does.",
  perform: (client, name) => client.restartActor(name),
  examples: { "holdfast actor restart door": "from its beginning" },
};
