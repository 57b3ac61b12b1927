import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  areSame,
  commonLevel,
  eachLevel,
  highWord,
  levelAt,
  levelsOf,
  levelsOfLines,
  levelsOfWords,
  lowWord,
  withLevel,
} from "../../src/gpio/levels.ts";
import type { Level } from "../../src/protocol/requests.ts";
import { property } from "../properties/property.ts";

const level = fc.constantFrom<Level>(0, 1);
const each = fc.oneof(
  fc.array(level, { minLength: 1, maxLength: 64 }),
  fc.tuple(level, fc.integer({ min: 1, max: 64 })).map(([one, count]) => Array.from({ length: count }, () => one)),
);

property("the levels of any lines come out as they went in, also by way of words", each, (lines) => {
  const levels = levelsOf(lines);
  expect(eachLevel(levels, lines.length)).toEqual(lines);
  expect(lines.map((_, index) => levelAt(levels, index))).toEqual(lines);
  expect(levelsOfWords(lowWord(levels), highWord(levels))).toEqual(levels);
  // The kernel's bits, and whatever is beyond them.
  expect(levelsOfLines(lowWord(levels), highWord(levels), lines.length)).toEqual(levels);
});

property("lines that agree have one level, and are the same as any others that do", fc.tuple(each, each), ([one, other]) => {
  const agree = one.every((line) => line === one[0]);
  expect(commonLevel(levelsOf(one))).toBe(agree ? (one[0] as Level) : null);
  const same = one.map((_, index) => other[index % other.length] as Level);
  expect(areSame(levelsOf(one), levelsOf(same))).toBe(Bun.deepEquals(one, same));
});

property("one line may change, and the others stay", fc.tuple(each, fc.nat(), level), ([lines, at, to]) => {
  const index = at % lines.length;
  expect(eachLevel(withLevel(levelsOf(lines), index, to, lines.length), lines.length)).toEqual(lines.with(index, to));
});

test("all is all, of 32 lines, of 33 and of 64", () => {
  for (const count of [1, 31, 32, 33, 63, 64]) expect(levelsOf(Array.from({ length: count }, () => 1 as const))).toBe(1);
});
