import { HoldfastError } from "../protocol/errors.ts";
import { MAX_LINES } from "../protocol/limits.ts";
import type { LineGroupId, LineId } from "./backend.ts";
import type { NamedLine, PinNames } from "./pin-names.ts";

/** What a name of a pin means: a line, or a group of lines of one chip that are opened as one. */
export interface NamedPin {
  /** The canonical name; that of a group has its lines' between `+`. */
  readonly pin: string;
  /** In the order in which they were named, which is that of their levels. */
  readonly lines: readonly NamedLine[];
}

const PLUS = "+";

/** A line as a pin. */
export function alone(line: NamedLine): NamedPin {
  return { pin: line.pin, lines: [line] };
}

/** How a backend is asked for it. */
export function idOf({ lines }: NamedPin): LineId | LineGroupId {
  const [first] = lines as [NamedLine];
  return lines.length === 1 ? first.id : { chip: first.id.chip, offsets: lines.map(({ id }) => id.offset) };
}

/** What it is made of, as a key of maps. */
export function pinKey({ lines }: NamedPin): string {
  return lines.map(({ id }) => lineKey(id)).join("+");
}

/** A line as a key of maps. */
export function lineKey({ chip, offset }: LineId): string {
  return `${chip}#${offset}`;
}

/**
 * The pin that `name` means: a line by any of its names, or several with `+` between them.
 * @throws HoldfastError what `PinNames.resolve` throws; `BAD_FIELD` for a group that can't be one: a line twice, lines of two chips, too many
 */
export function resolvePin(name: string, names: PinNames): NamedPin {
  const parts = split(name, names);
  if (parts.includes("")) throw new HoldfastError("BAD_FIELD", `"${name}" has nothing on one side of a ${PLUS}`, { field: "pin" });
  const lines = parts.map((part) => names.resolve(part));
  const flaw = flawOf(lines);
  if (flaw !== null) throw new HoldfastError("BAD_FIELD", flaw, { field: "pin" });
  return named(lines, names);
}

/** The same; undefined where `resolvePin` throws. */
export function findPin(name: string, names: PinNames): NamedPin | undefined {
  const only = names.find(name);
  if (only !== undefined) return alone(only);
  if (!name.includes(PLUS)) return undefined;
  const lines: NamedLine[] = [];
  for (const part of split(name, names)) {
    const line = names.find(part);
    if (line === undefined) return undefined;
    lines.push(line);
  }
  return flawOf(lines) === null ? named(lines, names) : undefined;
}

/** The names in a group's. A line's own name may have a `+` in it: the longest that there is counts. */
function split(name: string, names: PinNames): readonly string[] {
  const pieces = name.split(PLUS);
  const parts: string[] = [];
  for (let from = 0; from < pieces.length; ) {
    let until = Math.min(pieces.length, from + 1 + names.mostPluses);
    while (until > from + 1 && names.fitting(pieces.slice(from, until).join(PLUS)).length === 0) until -= 1;
    parts.push(pieces.slice(from, until).join(PLUS));
    from = until;
  }
  return parts;
}

/** Why lines can't be a group; null: they can. */
function flawOf(lines: readonly NamedLine[]): string | null {
  const [first] = lines as [NamedLine];
  if (lines.length > MAX_LINES) return `a group has ${MAX_LINES} lines at most, not ${lines.length}`;
  const twice = lines.find((line, index) => lines.indexOf(line) !== index);
  if (twice !== undefined) return `${twice.pin} is in the group twice`;
  const stranger = lines.find(({ id }) => id.chip !== first.id.chip);
  if (stranger === undefined) return null;
  return `a group is of one chip: ${first.pin} is ${first.line}, and ${stranger.pin} is ${stranger.line}`;
}

function named(lines: readonly NamedLine[], names: PinNames): NamedPin {
  const [first] = lines as [NamedLine];
  return lines.length === 1 ? alone(first) : { pin: nameOf(lines, names), lines };
}

/** The lines' canonical names, unless together they would mean something else. */
function nameOf(lines: readonly NamedLine[], names: PinNames): string {
  const joined = lines.map(({ pin }) => pin).join(PLUS);
  const isClear = names.mostPluses === 0 || split(joined, names).every((part, index) => names.find(part) === lines[index]);
  return isClear ? joined : lines.map(({ id }) => `${id.chip}:${id.offset}`).join(PLUS);
}
