import { HoldfastError } from "./errors.ts";
import { MAX_NAME_LENGTH } from "./limits.ts";

/** A decoded message: `…Ns` fields are `bigint`, every other number a JS number, byte strings are copies. */
export type Message = Record<string, unknown>;

/**
 * The one CBOR map that `source` is, in the protocol's profile of RFC 8949. What the profile leaves out is refused where it stands: tags,
 * indefinite lengths, keys that are no texts or there twice, bad UTF-8. Nothing of the result aliases `source`.
 * @param maxDepth deepest nesting of maps and arrays; the message itself is the first level
 * @throws HoldfastError `BAD_CBOR` with the `offset` in bytes and, inside a field, its `field`; `LIMIT_DEPTH`
 */
export function decodeMap(source: Uint8Array, maxDepth: number): Message {
  bytes = source;
  end = source.length;
  at = 0;
  deepest = maxDepth;
  path.length = 0;
  if (end === 0 || majorType(bytes[0] as number) !== Major.map) refuse("a message is one map");
  const message = item(0, false) as Message;
  if (at !== end) refuse("bytes follow the message");
  return message;
}

/** The major types of RFC 8949, section 3.1. */
const Major = { unsigned: 0, negative: 1, bytes: 2, text: 3, array: 4, map: 5, tag: 6 } as const;

// The state of the one pass that runs. Kept here, not in an object: the pass is synchronous, never re-entered, and runs for every message.
let bytes: Uint8Array = new Uint8Array(0);
let end = 0;
let at = 0;
let deepest = 0;

/** The way to the item that is read, for errors: on each level a key, or an index in an array. */
const path: (string | number)[] = [];

/** Holds a float while it is read. */
const float = new DataView(new ArrayBuffer(8));

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Texts that come again and again: fields, operations, pins, states. Each has a place by its hash, and only the same text is taken from
 * there. Engines find the fields of such a text faster than those of one that was just made.
 */
const frequent = new Array<string>(256).fill("");
/** Longer texts are not worth a comparison. */
const FREQUENT_BYTES = 24;

function majorType(initial: number): number {
  return initial >> 5;
}

/** One data item. `isNs`: it is the value of a field whose key ends in `Ns`. */
function item(depth: number, isNs: boolean): unknown {
  if (at >= end) refuse("it is cut short");
  const initial = bytes[at++] as number;
  const info = initial & 0x1f;
  switch (majorType(initial)) {
    case Major.unsigned:
      return isNs ? nanoseconds(info) : integer(info, Number.MAX_SAFE_INTEGER);
    case Major.negative:
      return isNs ? refuse("must not be negative") : -1 - integer(info, Number.MAX_SAFE_INTEGER - 1);
    case Major.bytes:
      return new Uint8Array(bytes.subarray(skip(argument(info)), at));
    case Major.text:
      return text(info);
    case Major.array:
      return array(argument(info), depth + 1);
    case Major.map:
      return map(argument(info), depth + 1);
    case Major.tag:
      return refuse("tags are not part of the protocol");
    default:
      return simpleOrFloat(info, isNs);
  }
}

/** The argument of an initial byte: a length, a count or an integer. Beyond 2^53 it is rounded, and still far too large. */
function argument(info: number): number {
  if (info < 24) return info;
  if (info > 27) refuse(info === 31 ? "lengths must be definite" : "this initial byte is reserved");
  let value = 0;
  for (let i = skip(1 << (info - 24)); i < at; i++) value = value * 256 + (bytes[i] as number);
  return value;
}

/** Passes over bytes. @returns where they start */
function skip(count: number): number {
  if (count > end - at) refuse("it is cut short");
  at += count;
  return at - count;
}

function integer(info: number, largest: number): number {
  const value = argument(info);
  if (value > largest) refuse("this integer is beyond 2^53");
  return value;
}

function nanoseconds(info: number): bigint {
  if (info !== 27) return BigInt(argument(info));
  const high = argument(26);
  return (BigInt(high) << 32n) | BigInt(argument(26));
}

function simpleOrFloat(info: number, isNs: boolean): boolean | number | null {
  switch (info) {
    case 20:
      return false;
    case 21:
      return true;
    case 22:
      return null;
    case 23:
      return refuse("undefined is not a value: leave the field out");
    case 25:
    case 26:
    case 27:
      if (isNs) refuse("must be an integer, not a float");
      return floatOf(1 << (info - 24));
    case 28:
    case 29:
    case 30:
      return refuse("this initial byte is reserved");
    case 31:
      return refuse("nothing is there for a break to end");
    default:
      return refuse("only false, true and null are simple values of the protocol");
  }
}

function floatOf(size: number): number {
  const start = skip(size);
  for (let i = 0; i < size; i++) float.setUint8(i, bytes[start + i] as number);
  return size === 8 ? float.getFloat64(0) : size === 4 ? float.getFloat32(0) : halfFloat(float.getUint16(0));
}

/** RFC 8949, appendix D. */
function halfFloat(half: number): number {
  const exponent = (half >> 10) & 0x1f;
  const mantissa = half & 0x3ff;
  const sign = half & 0x8000 ? -1 : 1;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 31) return mantissa === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (mantissa + 1024) * 2 ** (exponent - 25);
}

/** The rest of a text whose initial byte has been read. */
function text(info: number): string {
  const start = skip(argument(info));
  let hash = 0;
  let seen = 0;
  for (let i = start; i < at; i++) {
    const byte = bytes[i] as number;
    seen |= byte;
    hash = (Math.imul(hash, 31) + byte) | 0;
  }
  if (seen > 0x7f) return beyondAscii(start);
  if (at - start > FREQUENT_BYTES) return strictUtf8.decode(bytes.subarray(start, at));
  const place = hash & (frequent.length - 1);
  const known = frequent[place] as string;
  if (isText(known, start)) return known;
  const made = String.fromCharCode(...bytes.subarray(start, at));
  frequent[place] = made;
  return made;
}

/** Whether the bytes from `start` on are this text. */
function isText(known: string, start: number): boolean {
  if (known.length !== at - start) return false;
  for (let i = 0; i < known.length; i++) if (known.charCodeAt(i) !== bytes[start + i]) return false;
  return true;
}

/** A leading U+FEFF is refused because decoders drop it from some texts and keep it in others. */
function beyondAscii(start: number): string {
  let value = "";
  try {
    value = strictUtf8.decode(bytes.subarray(start, at));
  } catch {
    refuse("a text is not UTF-8");
  }
  if (value.startsWith("\ufeff")) refuse("a text must not start with a byte order mark");
  return value;
}

function array(count: number, depth: number): unknown[] {
  if (depth > deepest) tooDeep();
  if (count > end - at) refuse("it is cut short");
  const items: unknown[] = [];
  for (let index = 0; index < count; index++) {
    path[depth - 1] = index;
    items.push(item(depth, false));
  }
  path.length = depth - 1;
  return items;
}

function map(count: number, depth: number): Message {
  if (depth > deepest) tooDeep();
  if (count > (end - at) / 2) refuse("it is cut short");
  const entries: Message = {};
  for (let entry = 0; entry < count; entry++) {
    path.length = depth - 1;
    const name = key();
    path[depth - 1] = name;
    if (Object.hasOwn(entries, name)) refuse("this key is there twice");
    // An object's "__proto__" is not a field: JavaScript peers would see another name, or none.
    if (name === "__proto__") refuse("this key is reserved");
    entries[name] = item(depth, name.endsWith("Ns"));
  }
  path.length = depth - 1;
  return entries;
}

function key(): string {
  if (at >= end) refuse("it is cut short");
  const initial = bytes[at++] as number;
  if (majorType(initial) !== Major.text) refuse("keys must be texts");
  return text(initial & 0x1f);
}

/** The field that is being read as `steps.0.ms`, or nothing at the top. */
function field(): { field?: string } {
  return path.length === 0 ? {} : { field: path.map((step) => String(step).slice(0, MAX_NAME_LENGTH)).join(".") };
}

function tooDeep(): never {
  throw new HoldfastError("LIMIT_DEPTH", `a message is nested at most ${deepest} levels deep`, { ...field(), limit: deepest });
}

function refuse(why: string): never {
  const where = field();
  const subject = where.field === undefined ? "" : ` in "${where.field}"`;
  throw new HoldfastError("BAD_CBOR", `not a message of the protocol, at byte ${at}${subject}: ${why}`, { ...where, offset: at });
}
