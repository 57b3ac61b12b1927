import { MAX_DURATION_MS, MIN_DURATION_MS } from "../protocol/limits.ts";

/** The sign of micro is in Unicode twice. */
const unitsMs: ReadonlyMap<string, number> = new Map([
  ["us", 0.001],
  ["\u00b5s", 0.001],
  ["\u03bcs", 0.001],
  ["ms", 1],
  ["s", 1000],
  ["m", 60_000],
  ["min", 60_000],
  ["h", 3_600_000],
]);

/** The grain of all timing is 1 µs. */
const GRAINS_PER_MS = 1000;

/**
 * `250ms`, `2s`, `1.5m`, `100us` as ms. A number without a unit is refused: whether it means seconds or ms can't be known.
 * @throws RangeError that says what a duration looks like
 */
export function parseDuration(text: string): number {
  const [, number = "", unit = ""] = /^(\d+\.?\d*|\.\d+)([a-z\u00b5\u03bc]*)$/i.exec(text) ?? [];
  const unitMs = unitsMs.get(unit);
  if (unit === "" && number !== "") throw new RangeError(`It needs a unit: ${number}ms or ${number}s?`);
  if (unitMs === undefined) throw new RangeError("A duration is written 250ms, 2s, 1.5m, 1h or 100us.");
  const ms = Math.round(Number(number) * unitMs * GRAINS_PER_MS) / GRAINS_PER_MS;
  if (ms < MIN_DURATION_MS) throw new RangeError("It must be 1us or longer.");
  if (ms > MAX_DURATION_MS) throw new RangeError("It must be ten years or shorter.");
  return ms;
}

const spans: readonly (readonly [unit: string, ms: number])[] = [
  ["d", 24 * 3_600_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1000],
];

/** How long something has been so, to be read by a person: `850 ms`, `12 s`, `3 min`, `2 d`. */
export function formatSpan(ms: number): string {
  const [unit, unitMs] = spans.find(([, spanMs]) => ms >= spanMs) ?? ["ms", 1];
  return `${Math.floor(ms / unitMs)} ${unit}`;
}
