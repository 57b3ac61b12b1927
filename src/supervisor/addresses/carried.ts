import { decode, encode, LENGTH_BYTES } from "../../protocol/codec.ts";
import type { Data } from "./addressed.ts";

/** As deep as data may be within a message that its receiver takes. */
const limits = { messageBytes: Number.POSITIVE_INFINITY, messageDepth: 60 };

/**
 * A value of a user's actor as its receiver will have it, and a copy: in a thread there may be more than messages carry.
 * @throws HoldfastError `BAD_FIELD`, `BAD_CBOR`, `LIMIT_DEPTH`
 */
export function carried(value: unknown): unknown {
  return decode(encode({ value }).subarray(LENGTH_BYTES), limits)["value"];
}

/** The fields that can be carried. */
export function carriedFields(data: Data): Data {
  return Object.fromEntries(
    Object.entries(data).flatMap(([name, value]) => {
      try {
        // Under its own name, for that says what its numbers are.
        return Object.entries(decode(encode({ [name]: value }).subarray(LENGTH_BYTES), limits));
      } catch {
        return [];
      }
    }),
  );
}
