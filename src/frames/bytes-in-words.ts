const steps: readonly (readonly [unit: string, bytes: number])[] = [
  ["TB", 1000 ** 4],
  ["GB", 1000 ** 3],
  ["MB", 1000 ** 2],
  ["kB", 1000],
];

/** Bytes to be read by a person: `6.2 MB`. */
export function formatBytes(bytes: number): string {
  const [unit, unitBytes] = steps.find(([, least]) => bytes >= least) ?? ["B", 1];
  return `${unitBytes === 1 ? bytes : (bytes / unitBytes).toFixed(1)} ${unit}`;
}
