import { Encoder } from "cbor-x/index-no-eval";
import { decodeMap, type Message } from "./cbor-decoder.ts";
import { HoldfastError } from "./errors.ts";
import type { Limits } from "./limits.ts";

export type { Message };

/** Bytes of the length that goes before every message: unsigned, big-endian. */
export const LENGTH_BYTES = 4;

/**
 * A message as one frame: its length and its CBOR map (RFC 8949). The frame is a buffer of its own that nothing else writes to, so it
 * may wait in a queue, be sent to several peers, or be joined with others to one write.
 * A property that is `undefined` is left out. Integers become CBOR integers as far as a number is exact (2^53), other numbers floats;
 * a `bigint` must fit 64 bits. Text is made well-formed: a lone surrogate becomes U+FFFD, a leading byte order mark is dropped.
 * @throws HoldfastError `BAD_FIELD` with the `field` that no message can carry (a function, a Date, a bigint beyond 64 bits);
 *   `LIMIT_DEPTH` when it is nested beyond what any receiver takes, as a cycle is
 */
export function encode(message: object): Uint8Array {
  const body = encoder.encode(sendable(message, "", 0));
  const { length } = body;
  const frame = new Uint8Array(LENGTH_BYTES + length);
  frame[0] = length >>> 24;
  frame[1] = length >>> 16;
  frame[2] = length >>> 8;
  frame[3] = length;
  frame.set(body, LENGTH_BYTES);
  return frame;
}

/**
 * The message that a frame carries, without the length. Nothing of the result aliases `bytes`.
 * Every integer width is taken; a `…Ns` field is an unsigned integer and becomes a `bigint`, any other integer lies within ±(2^53 − 1).
 * @throws HoldfastError `BAD_CBOR` when the bytes are not one map in the protocol's profile (docs/protocol.md), with the `offset` and the
 *   `field`; `LIMIT_DEPTH`; `LIMIT_MESSAGE`
 */
export function decode(bytes: Uint8Array, limits: Pick<Limits, "messageBytes" | "messageDepth">): Message {
  assertFits(bytes.length, limits.messageBytes);
  return decodeMap(bytes, limits.messageDepth);
}

/** @param bytes of CBOR @throws HoldfastError `LIMIT_MESSAGE` */
export function assertFits(bytes: number, limit: number): void {
  if (bytes > limit) throw new HoldfastError("LIMIT_MESSAGE", `a message has at most ${limit} bytes, not ${bytes}`, { limit });
}

const encoder = new Encoder({ useRecords: false, variableMapSize: true, tagUint8Array: false });

/** Deepest nesting that is encoded: no receiver takes more, and a cycle must end. */
const DEEPEST_SENT = 64;
/** The largest argument of a CBOR integer; a negative one is −1 minus its argument (RFC 8949, section 3.1). */
const LARGEST_SENT = 2n ** 64n - 1n;
const BYTE_ORDER_MARK = 0xfeff;
/** From here on cbor-x would encode an integer as a float. */
const SHORT_INTEGERS = 2 ** 32;

/** The value as cbor-x encodes it rightly: itself when it is so already, which is nearly always. */
function sendable(value: unknown, field: string, depth: number): unknown {
  if (isPlain(value)) return value;
  switch (typeof value) {
    case "string":
      return sendableText(value);
    case "number":
      return Number.isSafeInteger(value) ? BigInt(value) : value;
    case "boolean":
      return value;
    case "bigint":
      if (value <= LARGEST_SENT && value >= -1n - LARGEST_SENT) return value;
      throw unsendable(field, "an integer beyond 64 bits");
    case "object":
      if (value === null) return value;
      if (depth === DEEPEST_SENT)
        throw new HoldfastError("LIMIT_DEPTH", `a message is nested at most ${DEEPEST_SENT} levels deep`, { field });
      if (Array.isArray(value)) return sendableArray(value, field, depth);
      return value instanceof Uint8Array ? value : sendableMap(value, field, depth);
    default:
      throw unsendable(field, `a value of type ${typeof value}`);
  }
}

/** Nearly every value of nearly every message: what needs no second look. */
function isPlain(value: unknown): boolean {
  if (typeof value === "string") return value.isWellFormed() && value.charCodeAt(0) !== BYTE_ORDER_MARK;
  if (typeof value === "number") return value < SHORT_INTEGERS && value >= -SHORT_INTEGERS;
  return typeof value === "boolean" || value === null;
}

function sendableText(value: string): string {
  return value.toWellFormed().replace(/^\ufeff+/, "");
}

function sendableArray(items: readonly unknown[], field: string, depth: number): readonly unknown[] {
  let changed: unknown[] | undefined;
  for (let i = 0; i < items.length; i++) {
    const item = sendable(items[i], field, depth + 1);
    if (item === items[i]) continue;
    changed ??= [...items];
    changed[i] = item;
  }
  return changed ?? items;
}

function sendableMap(map: object, field: string, depth: number): object {
  const prototype = Object.getPrototypeOf(map);
  if (prototype !== Object.prototype && prototype !== null) throw unsendable(field, `a ${prototype.constructor?.name ?? "class"}`);
  let changed: Message | undefined;
  for (const key in map) {
    const item = (map as Message)[key];
    if (key === "__proto__") throw unsendable(key, "a field of this name");
    if (changed === undefined && isPlain(item) && isPlain(key)) continue;
    const sent = item === undefined ? undefined : sendable(item, key, depth + 1);
    const name = isPlain(key) ? key : sendableText(key);
    if (changed === undefined) {
      if (sent === item && sent !== undefined && name === key) continue;
      changed = before(map, key);
    }
    if (sent !== undefined) changed[name] = sent;
  }
  return changed ?? map;
}

/** The entries of a map that come before `stop`. */
function before(map: object, stop: string): Message {
  const entries: Message = {};
  for (const key in map) {
    if (key === stop) break;
    entries[key] = (map as Message)[key];
  }
  return entries;
}

function unsendable(field: string, what: string): HoldfastError {
  return new HoldfastError(
    "BAD_FIELD",
    `a message cannot carry ${what}${field === "" ? "" : ` in "${field}"`}`,
    field === "" ? {} : { field },
  );
}
