import type { z } from "zod";
import { HoldfastError } from "./errors.ts";
import { issueInWords } from "./issue-in-words.ts";

/** A key as TOML writes it: `pool.cam0.slots`, `pin."gpio-expander:3"`. @param path its names */
export function keyOf(path: readonly string[]): string {
  return path.map((name) => (/^[A-Za-z0-9_-]+$/.test(name) ? name : quoted(name))).join(".");
}

/** JSON has the same escapes, but needs none for DEL. */
function quoted(name: string): string {
  return JSON.stringify(name).replaceAll("\x7f", "\\u007f");
}

/**
 * Whether a value is what the configuration may say under a key. What comes from a program has been checked by no parser.
 * @param path of the key that says it: `["pin", "GPIO17"]`
 * @throws HoldfastError `BAD_CONFIG` with the `key`
 */
export function assertConfig(schema: z.ZodType, value: unknown, at: readonly string[]): void {
  const [issue] = schema.safeParse(value).error?.issues ?? [];
  if (issue === undefined) return;
  const isUnknown = issue.code === "unrecognized_keys";
  const path = [...at, ...issue.path.map(String), ...(isUnknown ? issue.keys.slice(0, 1) : [])];
  throw badConfig(keyOf(path), isUnknown ? "there is no such key" : issueInWords(issue, "a table"));
}

/** A mistake in the configuration. @param key that has it, as `keyOf` writes it */
export function badConfig(key: string, message: string): HoldfastError {
  return new HoldfastError("BAD_CONFIG", `${key}: ${message}`, { key });
}
