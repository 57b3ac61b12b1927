import { inspect } from "node:util";
import { type ErrorValue, HoldfastError } from "../protocol/errors.ts";
import { placeOf } from "./error-place.ts";
import { plainMap } from "./plain-data.ts";

/** Why an actor has failed, with the place in its files where that is known, and the `stack`. */
export function failureOf(thrown: unknown, actor: string): ErrorValue {
  const place = placeOf(thrown);
  if (thrown instanceof HoldfastError) return { ...plainMap(thrown.details), code: thrown.code, message: thrown.message, actor, ...place };
  const message = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : thrownInWords(thrown);
  const stack = thrown instanceof Error && thrown.stack !== undefined ? { stack: thrown.stack } : {};
  return { code: "ACTOR_FAILED", message, actor, ...place, ...stack };
}

/** What was thrown that is no error: a text is told as it is, and all else so that nobody takes it for one. */
export function thrownInWords(thrown: unknown): string {
  return typeof thrown === "string" ? thrown : `it has thrown ${inspect(thrown, { depth: 1, breakLength: Number.POSITIVE_INFINITY })}`;
}
