import { decode, encode, LENGTH_BYTES } from "../../protocol/codec.ts";
import { HoldfastError } from "../../protocol/errors.ts";
import type { Data } from "./addressed.ts";

/** As deep as data may be within a message that its receiver takes. */
const limits = { messageBytes: Number.POSITIVE_INFINITY, messageDepth: 60 };

/** The longest value, in bytes of a message: as much as may wait for a client. */
const MOST_BYTES = 1024 * 1024;

/**
 * A value of a user's actor as its receiver will have it, and a copy: in a thread there may be more than messages carry.
 * @throws HoldfastError `BAD_FIELD`, `BAD_CBOR`, `LIMIT_DEPTH`, `LIMIT_MESSAGE`
 */
export function carried(value: unknown): unknown {
  const message = encode({ value }).subarray(LENGTH_BYTES);
  if (message.length > MOST_BYTES)
    throw new HoldfastError("LIMIT_MESSAGE", `it has ${message.length} bytes, and at most ${MOST_BYTES} are passed on`, {
      limit: MOST_BYTES,
    });
  return decode(message, limits)["value"];
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
