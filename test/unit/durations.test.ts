import { describe, expect, test } from "bun:test";
import { formatSpan, parseDuration } from "../../src/cli/durations.ts";

describe("a duration on the command line", () => {
  const good: [text: string, ms: number][] = [
    ["250ms", 250],
    ["2s", 2000],
    ["1.5m", 90_000],
    ["1.5min", 90_000],
    ["1h", 3_600_000],
    ["100us", 0.1],
    ["100µs", 0.1],
    [".5s", 500],
    ["1.005s", 1005],
    ["0.3ms", 0.3],
    ["1us", 0.001],
    ["87600h", 315_360_000_000],
  ];
  for (const [text, ms] of good) {
    test(`${text} is ${ms} ms`, () => {
      expect(parseDuration(text)).toBe(ms);
    });
  }

  const bad: [text: string, why: string][] = [
    ["250", "It needs a unit: 250ms or 250s?"],
    ["0s", "It must be 1us or longer."],
    ["0.4us", "It must be 1us or longer."],
    ["87601h", "It must be ten years or shorter."],
    ["-1s", "A duration is written 250ms, 2s, 1.5m, 1h or 100us."],
    ["1e3s", "A duration is written 250ms, 2s, 1.5m, 1h or 100us."],
    ["2 s", "A duration is written 250ms, 2s, 1.5m, 1h or 100us."],
    ["2S", "A duration is written 250ms, 2s, 1.5m, 1h or 100us."],
    ["constructors", "A duration is written 250ms, 2s, 1.5m, 1h or 100us."],
    ["1constructor", "A duration is written 250ms, 2s, 1.5m, 1h or 100us."],
    ["Infinity", "A duration is written 250ms, 2s, 1.5m, 1h or 100us."],
    ["", "A duration is written 250ms, 2s, 1.5m, 1h or 100us."],
    [".s", "A duration is written 250ms, 2s, 1.5m, 1h or 100us."],
  ];
  for (const [text, why] of bad) {
    test(`"${text}" is refused: ${why}`, () => {
      expect(() => parseDuration(text)).toThrow(new RangeError(why));
    });
  }
});

describe("a span of time for a person", () => {
  const spans: [ms: number, text: string][] = [
    [0.4, "0 ms"],
    [850.9, "850 ms"],
    [12_999, "12 s"],
    [60_000, "1 min"],
    [7_200_000, "2 h"],
    [300_000_000, "3 d"],
  ];
  for (const [ms, text] of spans) {
    test(`${ms} ms is ${text}`, () => {
      expect(formatSpan(ms)).toBe(text);
    });
  }
});
