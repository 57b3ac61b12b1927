import type { StateValue } from "xstate";

/** A state as one text: `shut`, `moving.up`, and of parallel states all of them, with commas between. A machine without states is `running`. */
export function stateName(value: StateValue): string {
  return names(value).join(", ") || "running";
}

function names(value: StateValue): string[] {
  if (typeof value === "string") return [value];
  return Object.entries(value).flatMap(([parent, child]) => {
    const below = child === undefined ? [] : names(child);
    return below.length === 0 ? [parent] : below.map((name) => `${parent}.${name}`);
  });
}
