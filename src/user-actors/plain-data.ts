/** Deeper than this nobody looks, and no message is nested. */
const DEEPEST = 6;

/**
 * What of a value is plain data, so that a message can carry it: numbers, texts, bytes, lists and maps. Everything else (functions, objects of
 * classes, what is nested too deep) is left out, in lists it is null.
 */
export function plainData(value: unknown): unknown {
  return plain(value, 0);
}

/** The same of a map. What is none is an empty one. */
export function plainMap(value: unknown): Record<string, unknown> {
  const map = plain(value, 0);
  return typeof map === "object" && map !== null && !Array.isArray(map) && !(map instanceof Uint8Array)
    ? (map as Record<string, unknown>)
    : {};
}

function plain(value: unknown, depth: number): unknown {
  switch (typeof value) {
    case "string":
    case "boolean":
    case "bigint":
      return value;
    case "number":
      return Number.isFinite(value) ? value : undefined;
    case "object":
      if (value === null) return null;
      if (depth === DEEPEST) return undefined;
      if (Array.isArray(value)) return value.map((item) => plain(item, depth + 1) ?? null);
      if (value instanceof Uint8Array) return new Uint8Array(value);
      return isMap(value) ? plainEntries(value, depth) : undefined;
    default:
      return undefined;
  }
}

function isMap(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function plainEntries(map: object, depth: number): Record<string, unknown> {
  const entries = Object.entries(map)
    .map(([key, item]) => [key, plain(item, depth + 1)] as const)
    .filter(([key, item]) => item !== undefined && key !== "__proto__");
  return Object.fromEntries(entries);
}
