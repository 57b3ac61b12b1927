import type { Command } from "commander";
import type { HoldfastClient } from "../client/client.ts";
import { connectToFirst } from "../client/connect.ts";
import { clientSocketPaths } from "../client/socket-path.ts";

/** The socket that the command line names, or else those where clients look. */
export function socketsOf(command: Command): readonly string[] {
  const { socket } = command.optsWithGlobals<{ readonly socket?: string }>();
  return socket === undefined ? clientSocketPaths() : [socket];
}

/** A command as it is typed: `holdfast sim set`. */
export function fullName(command: Command): string {
  return command.parent === null ? command.name() : `${fullName(command.parent)} ${command.name()}`;
}

/**
 * Does the work of a command as a client, named after the command, and lets go of what it holds in the end. When that has
 * resolved, the supervisor has let go of it too: what the shell starts next finds the pin free.
 */
export async function withClient<T>(command: Command, work: (client: HoldfastClient, socket: string) => Promise<T>): Promise<T> {
  const { client, socket } = await connectToFirst(socketsOf(command), { name: fullName(command) });
  try {
    return await work(client, socket);
  } finally {
    await client.close();
  }
}
