import { type ErrorValue, HoldfastError } from "../protocol/errors.ts";
import { placeOf } from "./error-place.ts";
import { plainMap } from "./plain-data.ts";

/** Why an actor has failed, with the place in its files where that is known, and the `stack`. */
export function failureOf(thrown: unknown, actor: string): ErrorValue {
  const place = placeOf(thrown);
  if (thrown instanceof HoldfastError) return { ...plainMap(thrown.details), code: thrown.code, message: thrown.message, actor, ...place };
  const message = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  const stack = thrown instanceof Error && thrown.stack !== undefined ? { stack: thrown.stack } : {};
  return { code: "ACTOR_FAILED", message, actor, ...place, ...stack };
}
