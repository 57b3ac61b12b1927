import { HoldfastError } from "./errors.ts";
import { MAX_NAME_LENGTH } from "./limits.ts";

/**
 * Checks that bytes are one CBOR map in the protocol's profile of RFC 8949, in one pass and without building anything.
 * The decoder behind it is lax (it takes tags, duplicate keys, stray breaks, bad UTF-8), so what it must not see is refused here.
 * @param source holds the message in its first `length` bytes
 * @param maxDepth deepest nesting of maps and arrays; the message itself is the first level
 * @returns whether an integer needs another JavaScript type than its width alone tells: it has 8 bytes, or a short one is a `…Ns` field
 * @throws HoldfastError `BAD_CBOR` with the `offset` in bytes and, inside a field, its `field`; `LIMIT_DEPTH`
 */
export function checkProfile(source: Uint8Array, length: number, maxDepth: number): boolean {
  bytes = source;
  end = length;
  at = 0;
  deepest = maxDepth;
  keyCount = 0;
  pathLength = 0;
  mixedIntegers = false;
  if (length === 0 || majorType(bytes[0] as number) !== Major.map) refuse("a message is one map");
  item(0, false);
  if (at !== end) refuse("bytes follow the message");
  return mixedIntegers;
}

/** The major types of RFC 8949, section 3.1. */
const Major = { unsigned: 0, negative: 1, bytes: 2, text: 3, array: 4, map: 5, tag: 6 } as const;

// The state of the one pass that runs. Kept here, not in an object: the pass is synchronous, never re-entered, and runs for every message.
let bytes: Uint8Array = new Uint8Array(0);
let end = 0;
let at = 0;
let deepest = 0;
let textStart = 0;
let mixedIntegers = false;

/** The keys of all maps that are open, innermost last: where each starts and ends, and a hash to tell most of them apart. */
const keyStart: number[] = [];
const keyEnd: number[] = [];
const keyHash: number[] = [];
let keyCount = 0;

/** The way to the item that is read, for errors: per level a key as [start, end), or [-1, index] in an array. */
const pathStart: number[] = [];
const pathEnd: number[] = [];
let pathLength = 0;

/** Maps beyond this size compare their keys through a set: pairs of keys would grow with the square. */
const PAIRWISE_KEYS = 32;

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function majorType(initial: number): number {
  return initial >> 5;
}

/** One data item. `isNs`: it is the value of a field whose key ends in `Ns`. */
function item(depth: number, isNs: boolean): void {
  if (at >= end) refuse("it is cut short");
  const initial = bytes[at++] as number;
  const info = initial & 0x1f;
  const major = majorType(initial);
  if (major === Major.unsigned) integer(info, isNs ? Number.POSITIVE_INFINITY : Number.MAX_SAFE_INTEGER, isNs);
  else if (major === Major.text) text(info);
  else if (major === Major.map) map(argument(info), depth + 1);
  else if (major === Major.array) array(argument(info), depth + 1);
  else if (major === Major.negative) negative(info, isNs);
  else if (major === Major.bytes) skip(argument(info));
  else if (major === Major.tag) refuse("tags are not part of the protocol");
  else simpleOrFloat(info, isNs);
}

/** The argument of an initial byte: a length, a count or an integer. Beyond 2^53 it is rounded, and still far too large. */
function argument(info: number): number {
  if (info < 24) return info;
  if (info > 27) refuse(info === 31 ? "lengths must be definite" : "this initial byte is reserved");
  const size = 1 << (info - 24);
  if (size > end - at) refuse("it is cut short");
  let value = 0;
  for (const stop = at + size; at < stop; at++) value = value * 256 + (bytes[at] as number);
  return value;
}

function integer(info: number, largest: number, isNs: boolean): void {
  const value = argument(info);
  if (value > largest) refuse("this integer is beyond 2^53");
  if ((info === 27) !== isNs) mixedIntegers = true;
}

function negative(info: number, isNs: boolean): void {
  if (isNs) refuse("must not be negative");
  integer(info, Number.MAX_SAFE_INTEGER - 1, false);
}

function simpleOrFloat(info: number, isNs: boolean): void {
  if (info >= 20 && info <= 22) return;
  if (info === 23) refuse("undefined is not a value: leave the field out");
  if (info < 25) refuse("only false, true and null are simple values of the protocol");
  if (info > 27) refuse(info === 31 ? "nothing is there for a break to end" : "this initial byte is reserved");
  if (isNs) refuse("must be an integer, not a float");
  skip(1 << (info - 24));
}

function skip(count: number): void {
  if (count > end - at) refuse("it is cut short");
  at += count;
}

/** The rest of a text whose initial byte has been read; leaves its start in `textStart`, `at` behind it, and gives a hash of its bytes. */
function text(info: number): number {
  const count = argument(info);
  if (count > end - at) refuse("it is cut short");
  textStart = at;
  const stop = at + count;
  let hash = count;
  let seen = 0;
  for (; at < stop; at++) {
    const byte = bytes[at] as number;
    seen |= byte;
    hash = (Math.imul(hash, 31) + byte) | 0;
  }
  if (seen > 0x7f) beyondAscii(textStart, stop);
  return hash;
}

/** Text beyond ASCII. A leading U+FEFF is refused because decoders drop it from some texts and keep it in others. */
function beyondAscii(start: number, stop: number): void {
  let value = "";
  try {
    value = strictUtf8.decode(bytes.subarray(start, stop));
  } catch {
    refuse("a text is not UTF-8");
  }
  if (value.startsWith("\ufeff")) refuse("a text must not start with a byte order mark");
}

function array(count: number, depth: number): void {
  if (depth > deepest) tooDeep();
  if (count > end - at) refuse("it is cut short");
  for (let index = 0; index < count; index++) {
    pathStart[depth - 1] = -1;
    pathEnd[depth - 1] = index;
    pathLength = depth;
    item(depth, false);
  }
  pathLength = depth - 1;
}

function map(count: number, depth: number): void {
  if (depth > deepest) tooDeep();
  if (count > (end - at) / 2) refuse("it is cut short");
  const firstKey = keyCount;
  const seen = count > PAIRWISE_KEYS ? new Set<string>() : undefined;
  for (let entry = 0; entry < count; entry++) {
    pathLength = depth - 1;
    const isNs = key(depth, firstKey, seen);
    item(depth, isNs);
  }
  keyCount = firstKey;
  pathLength = depth - 1;
}

/** A key of the map whose keys begin at `firstKey`, or are `seen`. @returns whether it ends in `Ns` */
function key(depth: number, firstKey: number, seen: Set<string> | undefined): boolean {
  if (at >= end) refuse("it is cut short");
  const initial = bytes[at++] as number;
  if (majorType(initial) !== Major.text) refuse("keys must be texts");
  const hash = text(initial & 0x1f);
  const start = textStart;
  pathStart[depth - 1] = start;
  pathEnd[depth - 1] = at;
  pathLength = depth;
  if (seen === undefined) {
    for (let earlier = firstKey; earlier < keyCount; earlier++) {
      if (keyHash[earlier] === hash && sameKey(earlier, start, at)) refuse("this key is there twice");
    }
    keyStart[keyCount] = start;
    keyEnd[keyCount] = at;
    keyHash[keyCount++] = hash;
  } else {
    const name = strictUtf8.decode(bytes.subarray(start, at));
    if (seen.has(name)) refuse("this key is there twice");
    seen.add(name);
  }
  // An object's "__proto__" is not a field: JavaScript peers would see another name, or none.
  if (at - start === 9 && bytes[start] === 0x5f && quote(start, at) === "__proto__") refuse("this key is reserved");
  return at - start >= 2 && bytes[at - 1] === 0x73 && bytes[at - 2] === 0x4e;
}

function sameKey(earlier: number, start: number, stop: number): boolean {
  const offset = (keyStart[earlier] as number) - start;
  if (keyEnd[earlier] !== stop + offset) return false;
  for (let i = start; i < stop; i++) if (bytes[i] !== bytes[i + offset]) return false;
  return true;
}

/** The start of a text, for a sentence. */
function quote(start: number, stop: number): string {
  return new TextDecoder().decode(bytes.subarray(start, Math.min(stop, start + MAX_NAME_LENGTH)));
}

/** The field that is being read as `steps.0.ms`, or nothing at the top. */
function field(): { field?: string } {
  const names = [];
  for (let level = 0; level < pathLength; level++) {
    const start = pathStart[level] as number;
    const stop = pathEnd[level] as number;
    names.push(start < 0 ? String(stop) : quote(start, stop));
  }
  return names.length === 0 ? {} : { field: names.join(".") };
}

function tooDeep(): never {
  throw new HoldfastError("LIMIT_DEPTH", `a message is nested at most ${deepest} levels deep`, { ...field(), limit: deepest });
}

function refuse(why: string): never {
  const where = field();
  const subject = where.field === undefined ? "" : ` in "${where.field}"`;
  throw new HoldfastError("BAD_CBOR", `not a message of the protocol, at byte ${at}${subject}: ${why}`, { ...where, offset: at });
}
