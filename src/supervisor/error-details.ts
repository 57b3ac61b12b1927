import { type ErrorDetails, HoldfastError } from "../protocol/errors.ts";

/** Does something; when that is refused, the error says these details too, in the place of its own of the same name. */
export function withDetails<T>(details: ErrorDetails, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    throw new HoldfastError(error.code, error.message, { ...error.details, ...details }, { cause: error.cause ?? error });
  }
}
