import type { z } from "zod";

const nouns: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  bigint: "an integer",
  boolean: "true or false",
  array: "a list",
  tuple: "a list",
  Uint8Array: "bytes",
  null: "null",
};

/** What zod says where a schema has no words of its own. */
const UNSAID = "Invalid input";

/**
 * What a value must be that a schema refuses. What a schema says in words of its own stays.
 * @param map what a map is called where the value was written
 */
export function issueInWords(issue: z.core.$ZodIssue, map = "a map"): string {
  switch (issue.code) {
    case "invalid_type":
      return `must be ${nounOf(issue, map)}`;
    case "too_small":
      if (issue.origin === "string" && issue.minimum === 1) return "must not be empty";
      return bounded(issue.origin, issue.exact ? "exactly" : issue.inclusive === false ? "more than" : "at least", issue.minimum);
    case "too_big":
      return bounded(issue.origin, issue.exact ? "exactly" : issue.inclusive === false ? "less than" : "at most", issue.maximum);
    case "invalid_value":
      return `must be ${listed(issue.values.map(inQuotes))}`;
    case "invalid_union": {
      if (issue.message !== UNSAID) return issue.message;
      const meant = issue.errors.flatMap(([first]) => first ?? []).find(isOfTheRightKind);
      if (meant !== undefined) return issueInWords(meant, map);
      const values = choices(issue).map(inQuotes);
      return values.length > 0 ? `must be ${listed(values)}` : kindsInWords(issue, map);
    }
    default:
      return issue.message;
  }
}

/** Whether a schema has taken the kind of value for its own, and found fault with what is in it. */
function isOfTheRightKind({ code, path }: z.core.$ZodIssue): boolean {
  return path.length > 0 || code === "too_small" || code === "too_big";
}

/** The values that may stand where none of several schemas fits. */
function choices(issue: z.core.$ZodIssue): z.core.util.Primitive[] {
  if (issue.code === "invalid_union") return issue.errors.flat().flatMap(choices);
  return issue.code === "invalid_value" ? issue.values : [];
}

function bounded(origin: string, how: string, bound: number | bigint): string {
  const things = origin === "string" ? "character" : origin === "array" ? "item" : null;
  return things === null ? `must be ${how} ${bound}` : `must have ${how} ${bound} ${things}${bound === 1 ? "" : "s"}`;
}

function nounOf({ expected }: z.core.$ZodIssueInvalidType, map: string): string {
  return nouns[expected] ?? map;
}

/** Where several schemas take values of different kinds, and none takes this one's. */
function kindsInWords(issue: z.core.$ZodIssueInvalidUnion, map: string): string {
  const expected = issue.errors.flat().filter((each) => each.code === "invalid_type");
  return expected.length === 0 ? issue.message : `must be ${listed([...new Set(expected.map((each) => nounOf(each, map)))])}`;
}

function inQuotes(value: unknown): string {
  return typeof value === "string" ? `"${value}"` : String(value);
}

/** `a, b or c`. */
function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}
