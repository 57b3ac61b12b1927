import { HoldfastError } from "../../protocol/errors.ts";
import type { RemoteioRequest } from "./request.ts";

/** The pin is created. */
export const CREATED = "!";
/** The command is accepted. */
export const ACCEPTED = "! command on execution-queue";

/** Longest reply, in characters. remoteio's client takes 1024 bytes for one reply, whatever is in them. */
const MAX_REPLY_LENGTH = 250;

/** Which word of a request became which field of ours. The bounds of those that are seconds are told in ms. */
const wordOf: Readonly<Record<string, string>> = { durationMs: "time_ms", onMs: "arg1 (in ms)", offMs: "arg2 (in ms)", value: "arg1" };

/** The pin is not created, or closed. It is the one reply with `?` that remoteio's client does not raise. */
export function ignored(command: string): string {
  return `? command ignored: ${command}`;
}

/** Nothing has been done, and why not. remoteio's client raises it as it is. */
export function refusal({ pin, command }: RemoteioRequest, error: unknown): string {
  const what = command === "create" ? "Led creation failure" : `${printable(command)} refused`;
  return `? ${printable(pin)} ${what}: ${explained(error)}`.slice(0, MAX_REPLY_LENGTH);
}

/** A reply that says that a request is not a request, and that none is read any more. The third generation's client heeds `??` alone. */
export function farewell(error: unknown): string {
  return `?? ${explained(error)}`.slice(0, MAX_REPLY_LENGTH);
}

/** An error in the client's own words: it has never heard of our fields. */
function explained(error: unknown): string {
  const { code, message, details } = HoldfastError.from(error);
  const { field = "" } = details;
  const word = wordOf[field];
  return word === undefined
    ? `${code}: ${message}`
    : `${code}: ${word} ${message.slice(message.lastIndexOf(`${field}: `) + field.length + 2)}`;
}

/** What a client has said, short enough to be repeated, and without what would move a terminal's cursor. */
function printable(word: string): string {
  return word.slice(0, 16).replace(/[^\x21-\x7e]/g, "?");
}
