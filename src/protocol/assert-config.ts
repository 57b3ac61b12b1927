import type { z } from "zod";
import { HoldfastError } from "./errors.ts";
import { issueInWords } from "./issue-in-words.ts";

/**
 * Whether a value is what the configuration may say under a key. What comes from a program has been checked by no parser.
 * @param key how errors name it: `pin.GPIO17`
 * @throws HoldfastError `BAD_CONFIG` with the `key`
 */
export function assertConfig(schema: z.ZodType, value: unknown, key: string): void {
  const [issue] = schema.safeParse(value).error?.issues ?? [];
  if (issue === undefined) return;
  const isUnknown = issue.code === "unrecognized_keys";
  const path = [key, ...issue.path.map(String), ...(isUnknown ? issue.keys.slice(0, 1) : [])].join(".");
  throw badConfig(path, isUnknown ? "there is no such key" : issueInWords(issue, "a table"));
}

/** A mistake in the configuration. @param key that has it: `pin.GPIO17.pwm` */
export function badConfig(key: string, message: string): HoldfastError {
  return new HoldfastError("BAD_CONFIG", `${key}: ${message}`, { key });
}
