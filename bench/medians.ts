/** The value below which this share of the values lies. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** The one in the middle. */
export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** Of several rounds the median of each figure that is a number; what else they hold is that of the first. */
export function medians<Figures extends object>(rounds: readonly Figures[]): Figures {
  const [first] = rounds;
  if (first === undefined) throw new Error("nothing was measured");
  const middle = (name: string) => median(rounds.map((round) => (round as Readonly<Record<string, number>>)[name] ?? Number.NaN));
  return Object.fromEntries(
    Object.entries(first).map(([name, value]) => [name, typeof value === "number" ? middle(name) : value]),
  ) as Figures;
}

/** The same of rounds that each have several rows: of each row. */
export function rowMedians<Row extends object>(rounds: readonly (readonly Row[])[]): Row[] {
  return (rounds[0] ?? []).map((_, row) => medians(rounds.map((round) => round[row] as Row)));
}
