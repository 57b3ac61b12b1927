import type { Level } from "../protocol/requests.ts";

/**
 * The levels of lines that are set together: all inactive, all active, or some of each. There is one value for each case, so that
 * `=== 0` and `=== 1` mean what they do of a single line, which has no third.
 */
export type Levels = Level | MixedLevels;

/**
 * Some lines are active and others are not: bit i of `low` is line i, bit i of `high` line 32 + i. Two words, as the kernel and shared memory take them,
 * since a BigInt would make garbage with every edge.
 */
export interface MixedLevels {
  readonly low: number;
  readonly high: number;
}

/** What lines are driven to: their levels, or, of a line that makes PWM itself, its duty, which is between 0 and 1. */
export type Driven = Levels | number;

/** The levels that lines have by what they are driven to. What a line does that makes PWM nobody sees: it counts as active. */
export function levelsDriven(driven: Driven): Levels {
  if (typeof driven !== "number") return driven;
  return driven > 0 ? 1 : 0;
}

/** The largest duty whose break counts as one: a shorter one may be rounded away, by us to nanoseconds and by a chip to its own clock. */
const LARGEST_BROKEN_DUTY = 0.99;

/** Whether any line is active without a break, which PWM has in every period. */
export function isUnbroken(driven: Driven): boolean {
  return typeof driven !== "number" || driven > LARGEST_BROKEN_DUTY;
}

const WORD_BITS = 32;
const ALL_BITS = -1;

/** The word of the first 32 lines. All active is all bits: those beyond the last line mean nothing to anyone. */
export function lowWord(levels: Levels): number {
  return typeof levels === "number" ? -levels : levels.low;
}

/** The word of the lines from the 33rd on. */
export function highWord(levels: Levels): number {
  return typeof levels === "number" ? -levels : levels.high;
}

/** What two words of `lowWord` and `highWord` say. */
export function levelsOfWords(low: number, high: number): Levels {
  if (low === 0 && high === 0) return 0;
  return low === ALL_BITS && high === ALL_BITS ? 1 : { low, high };
}

/** The bits of `count` lines, as one word. @param first the first line of the word */
export function maskWord(count: number, first: 0 | 32): number {
  const bits = Math.min(WORD_BITS, Math.max(0, count - first));
  return bits === WORD_BITS ? ALL_BITS : ((1 << bits) - 1) | 0;
}

/** What two words say of `count` lines, whatever the bits beyond them are. */
export function levelsOfLines(low: number, high: number, count: number): Levels {
  const [lowMask, highMask] = [maskWord(count, 0), maskWord(count, WORD_BITS)];
  const all = (low & lowMask) === lowMask && (high & highMask) === highMask;
  return all ? 1 : levelsOfWords(low & lowMask, high & highMask);
}

/** The levels of lines one by one. */
export function levelsOf(each: readonly Level[]): Levels {
  const word = (first: number) => each.slice(first, first + WORD_BITS).reduce<number>((bits, level, index) => bits | (level << index), 0);
  return levelsOfLines(word(0), word(WORD_BITS), each.length);
}

/** The level of one line. */
export function levelAt(levels: Levels, index: number): Level {
  if (typeof levels === "number") return levels;
  return (((index < WORD_BITS ? levels.low : levels.high) >>> (index % WORD_BITS)) & 1) === 1 ? 1 : 0;
}

/** The level of each of `count` lines. */
export function eachLevel(levels: Levels, count: number): Level[] {
  return Array.from({ length: count }, (_, index) => levelAt(levels, index));
}

/** The level that all lines have; null: they differ. */
export function commonLevel(levels: Levels): Level | null {
  return typeof levels === "number" ? levels : null;
}

/** Whether the same lines are driven to the same. */
export function areSame(one: Driven, other: Driven): boolean {
  return one === other || (typeof one !== "number" && typeof other !== "number" && one.low === other.low && one.high === other.high);
}

/** The levels of `count` lines when one of them has changed. */
export function withLevel(levels: Levels, index: number, level: Level, count: number): Levels {
  return count === 1 ? level : levelsOf(eachLevel(levels, count).with(index, level));
}
