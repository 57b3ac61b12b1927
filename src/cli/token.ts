import type { Command } from "commander";
import { digestOf, newToken } from "../access/token.ts";
import { examples } from "./arguments.ts";
import { print, printJson } from "./print.ts";

/** `holdfast token`. */
export function addToken(program: Command): void {
  const token = program
    .command("token")
    .summary("Make a token for clients on the network")
    .description(
      "Make a token by which a supervisor knows clients on the network, and print it with what its configuration says of it. The token is for the " +
        "client, in HOLDFAST_TOKEN or a file, and is nowhere else: a lost one is replaced. The configuration has its hash alone.",
    )
    .option("--json", "print the token and its hash")
    .action(({ json }: { readonly json?: true }) => {
      const made = newToken();
      const digest = digestOf(made);
      const text = `For the client:\n\n${made}\n\nFor the supervisor's configuration, with a name and the rights that you choose:\n\n[access.NAME]\ntoken = "${digest}"`;
      return json ? printJson({ token: made, digest }) : print(text);
    });
  examples(token, {
    "holdfast token": "for a person",
    "holdfast token --json | jq -r .token > panel.token": "for a program",
  });
}
