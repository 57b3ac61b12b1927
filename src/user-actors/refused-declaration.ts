import { type ErrorCode, HoldfastError } from "../protocol/errors.ts";

/** What is answered to what nobody may ever ask: that is wrong in the file, and no other time makes it right. */
const wrongInTheFile: ReadonlySet<ErrorCode> = new Set(["UNKNOWN_FIELD", "MISSING_FIELD", "BAD_FIELD"]);

/** Why an actor can't have what it has declared by a name, which the error says as `declared`: `BAD_ACTOR` when that is no declaration at all. */
export function refusedDeclaration(name: string, thrown: unknown): HoldfastError {
  const { code, message, details } = HoldfastError.from(thrown);
  return new HoldfastError(wrongInTheFile.has(code) ? "BAD_ACTOR" : code, message, { ...details, declared: name }, { cause: thrown });
}
