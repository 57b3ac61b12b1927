import type { Command } from "commander";
import { examples } from "./arguments.ts";
import { withClient } from "./session.ts";

/** `holdfast reload`. */
export function addReload(program: Command): void {
  const reload = program
    .command("reload")
    .summary("Have the configuration and the actors' files read again")
    .description(
      "Have the supervisor read its configuration and the files of users' actors again, as SIGHUP does, and wait until that is done. What has not changed " +
        "goes on; where there is a mistake it is told, and all goes on as it was.",
    )
    .action((_: object, command: Command) => withClient(command, (client) => client.reload()));
  examples(reload, { "holdfast reload": "after door.ts was edited" });
}
