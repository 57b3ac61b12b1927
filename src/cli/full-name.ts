import type { Command } from "commander";

/** A command as it is typed: `holdfast sim set`. */
export function fullName(command: Command): string {
  return command.parent === null ? command.name() : `${fullName(command.parent)} ${command.name()}`;
}
