import { readFileSync } from "node:fs";
import type { Command } from "commander";
import type { Address } from "../client/address.ts";
import { clientAddresses } from "../client/connect.ts";
import type { Credentials } from "../client/credentials.ts";
import { FileFailed } from "./failure.ts";

/** What the command line says of the way to the supervisor, for all commands. */
export interface ConnectionFlags {
  readonly socket?: string;
  readonly connect?: string;
  readonly tokenFile?: string;
  readonly ca?: string;
}

/** Where a supervisor may be, and by what it and this command know each other. */
export interface Destination {
  readonly addresses: readonly Address[];
  readonly credentials: Credentials;
}

/**
 * Where the command line says the supervisor is, or else where clients look.
 * @throws HoldfastError `BAD_FIELD` for a URL that is none; FileFailed
 */
export function destinationOf(command: Command): Destination {
  const { socket, connect, tokenFile, ca } = command.optsWithGlobals<ConnectionFlags>();
  return {
    addresses: clientAddresses(connect, socket),
    // A token never stands on the command line itself, which everyone on the machine may read.
    credentials: { token: tokenFile && read(tokenFile).trim(), ca: ca && read(ca) },
  };
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new FileFailed(`${path} can't be read`, error);
  }
}
