import { HoldfastError } from "../src/protocol/errors.ts";

/** What a call is refused with; that it is not refused, or that it throws anything else, fails the test. */
export function refusal(call: () => unknown): HoldfastError {
  try {
    call();
  } catch (error) {
    if (error instanceof HoldfastError) return error;
    throw error;
  }
  throw new Error("the call was not refused");
}
