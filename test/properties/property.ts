import { test } from "bun:test";
import type fc from "fast-check";
import { holds } from "../../src/index-testing.ts";

/** A property that takes longer than this hangs, in ms. */
const TIMEOUT_MS = 600_000;

/** A sentence that holds for everything that `arbitrary` makes, as a test. */
export function property<T>(name: string, arbitrary: fc.Arbitrary<T>, check: (value: T) => void | Promise<void>, runs?: number) {
  test(name, () => holds(arbitrary, check, runs === undefined ? {} : { runs }), TIMEOUT_MS);
}
