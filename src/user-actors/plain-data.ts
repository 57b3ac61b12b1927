/** Deeper than this nobody looks, and no message is nested. */
const DEEPEST = 6;

/**
 * More than this nobody looks at, and all of it is copied at every change: an entry of a list or map counts as one, a text as its characters, and
 * bytes as what they are. So a frame, or a map that leads back to itself, does not hold up the actor that has it.
 */
const MOST = 65_536;

/**
 * What of a value is plain data, so that a message can carry it: numbers, texts, bytes, lists and maps. Everything else (functions, objects of
 * classes, what is nested too deep, what throws when it is read, what is too much) is left out, in lists it is null.
 */
export function plainData(value: unknown): unknown {
  return new PlainCopy().of(value, 0);
}

/** The same of a map. What is none is an empty one. */
export function plainMap(value: unknown): Record<string, unknown> {
  const map = plainData(value);
  return typeof map === "object" && map !== null && !Array.isArray(map) && !(map instanceof Uint8Array)
    ? (map as Record<string, unknown>)
    : {};
}

/** A copy, and how much more of it there may be. */
class PlainCopy {
  #room = MOST;

  of(value: unknown, depth: number): unknown {
    switch (typeof value) {
      case "string":
        return this.#has(value.length) ? value : undefined;
      case "boolean":
      case "bigint":
        return value;
      case "number":
        return Number.isFinite(value) ? value : undefined;
      case "object":
        return value === null ? null : this.#ofObject(value, depth);
      default:
        return undefined;
    }
  }

  #ofObject(value: object, depth: number): unknown {
    if (depth === DEEPEST) return undefined;
    try {
      if (value instanceof Uint8Array) return this.#has(value.length) ? new Uint8Array(value) : undefined;
      if (Array.isArray(value)) return this.#has(value.length) ? value.map((item) => this.of(item, depth + 1) ?? null) : undefined;
      return isMap(value) ? this.#entries(value, depth) : undefined;
    } catch {
      // A getter, or a proxy, has thrown. Who looks is no failure of the actor.
      return undefined;
    }
  }

  #entries(map: object, depth: number): Record<string, unknown> | undefined {
    const keys = Object.keys(map);
    if (!this.#has(keys.length)) return undefined;
    const entries = keys
      .map((key) => [key, this.of((map as Record<string, unknown>)[key], depth + 1)] as const)
      .filter(([key, item]) => item !== undefined && key !== "__proto__");
    return Object.fromEntries(entries);
  }

  /** Takes of the room, if there is enough. */
  #has(size: number): boolean {
    if (size > this.#room) return false;
    this.#room -= size;
    return true;
  }
}

function isMap(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
