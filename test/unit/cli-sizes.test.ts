import { describe, expect, test } from "bun:test";
import { parseBytes, parsePictureSize } from "../../src/cli/sizes.ts";
import { formatBytes } from "../../src/frames/bytes-in-words.ts";

describe("a number of bytes on the command line", () => {
  const good: [text: string, bytes: number][] = [
    ["65536", 65_536],
    ["12B", 12],
    ["64KiB", 65_536],
    ["1.5MB", 1_500_000],
    ["0.5MiB", 524_288],
    ["1GiB", 2 ** 30],
    ["2kB", 2000],
    ["2KB", 2000],
  ];
  for (const [text, bytes] of good) test(`${text} is ${bytes}`, () => expect(parseBytes(text)).toBe(bytes));

  const bad: [text: string, why: string][] = [
    ["0", "It must be from 1 byte to 1.1 GB."],
    ["2GiB", "It must be from 1 byte to 1.1 GB."],
    ["1.5B", "It must be a whole number of bytes."],
    ["-1", "A size is written 65536, 64KiB, 1.5MB or 1GiB."],
    ["64 KiB", "A size is written 65536, 64KiB, 1.5MB or 1GiB."],
    ["64kib", "A size is written 65536, 64KiB, 1.5MB or 1GiB."],
    ["", "A size is written 65536, 64KiB, 1.5MB or 1GiB."],
  ];
  for (const [text, why] of bad) test(`"${text}": ${why}`, () => expect(() => parseBytes(text)).toThrow(new RangeError(why)));
});

describe("the size of a picture on the command line", () => {
  test("is width and height", () => {
    expect(parsePictureSize("1920x1080")).toEqual({ width: 1920, height: 1080 });
    expect(parsePictureSize("1920×1080")).toEqual({ width: 1920, height: 1080 });
  });
  for (const text of ["", "1920", "1920x", "x1080", "1920x1080x3", "-1x5", "1.5x2"]) {
    test(`"${text}" is none`, () => expect(() => parsePictureSize(text)).toThrow("It is written WIDTHxHEIGHT"));
  }
  for (const text of ["0x5", "5x0", "32769x5"]) {
    test(`"${text}" is too small or too large`, () => expect(() => parsePictureSize(text)).toThrow("from 1 to 32768 pixels"));
  }
});

test("bytes are shown so that a person can compare them", () => {
  expect([0, 999, 1000, 6_220_800, 2 ** 30, 1.1e12].map(formatBytes)).toEqual(["0 B", "999 B", "1.0 kB", "6.2 MB", "1.1 GB", "1.1 TB"]);
});
