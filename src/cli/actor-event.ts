import type { Command } from "commander";
import type { ActorEvent } from "../protocol/requests.ts";

/** What `--help` says of the fields of an event. */
export const FIELD = "field=value: numbers, true, false, null and other JSON are such values, all else is text";

/**
 * An event as it was typed.
 * @param words each `field=value`
 * @param json its fields as JSON, in the place of words
 */
export function eventOf(type: string, words: readonly string[], json: string | undefined, command: Command): ActorEvent {
  if (json === undefined) return { ...Object.fromEntries(words.map((word) => fieldOf(word, command))), type };
  if (words.length > 0) command.error("error: the fields are written one by one, or all with --json");
  return { ...parsedFields(json, command), type };
}

function fieldOf(word: string, command: Command): [field: string, value: unknown] {
  const [, field = "", text = ""] = /^([^=]+)=(.*)$/s.exec(word) ?? command.error(`error: a field is written field=value, not ${word}`);
  if (field === "type") command.error("error: which event it is stands before its fields");
  try {
    return [field, JSON.parse(text)];
  } catch {
    return [field, text];
  }
}

function parsedFields(json: string, command: Command): Record<string, unknown> {
  try {
    const fields = JSON.parse(json) as unknown;
    if (typeof fields === "object" && fields !== null && !Array.isArray(fields)) return fields as Record<string, unknown>;
  } catch (error) {
    command.error(`error: --json is no JSON: ${(error as Error).message}`);
  }
  return command.error('error: --json takes an object: {"mmPerS": 20}');
}
