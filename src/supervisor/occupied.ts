import type { NamedPin } from "../gpio/named-pin.ts";
import type { NamedLine } from "../gpio/pin-names.ts";
import { HoldfastError } from "../protocol/errors.ts";
import type { Pin } from "./pin.ts";

/** A line of a pin that another open pin has: by itself, or as a part of a group. */
export interface Occupied {
  readonly line: NamedLine;
  readonly by: Pin;
}

/** Why a pin can't be opened: `PIN_BUSY`, naming the line, the group that has it, and one who holds that. */
export function occupiedError(named: NamedPin, { line, by }: Occupied): HoldfastError {
  const [hold] = by.holders;
  const isPart = by.named.lines.length > 1;
  const part = isPart ? `${line.pin} is part of ${by.name}, which` : line.pin;
  const subject = hasSameLines(named, by.named) ? `${by.name} has the same lines in another order, and` : part;
  const held = hold === undefined ? "is open and held by nobody" : `is held by ${hold.client.label}`;
  return new HoldfastError("PIN_BUSY", `${subject} ${held}`, {
    field: "pin",
    pin: named.pin,
    member: line.pin,
    group: isPart ? by.name : null,
    holder: hold?.client.name ?? null,
    client: hold?.client.number ?? null,
    pid: hold?.client.peer.pid ?? null,
  });
}

/** Why nothing can be done with a pin: `PIN_NOT_OPEN`, naming what is open of its lines, if anything is. */
export function notOpenError(named: NamedPin, occupied: Occupied | undefined): HoldfastError {
  const { pin } = named;
  const instead = occupied === undefined ? "" : whatIsOpen(named, occupied);
  return new HoldfastError("PIN_NOT_OPEN", `${pin} is not open${instead}`, {
    field: "pin",
    pin,
    ...(occupied !== undefined && { open: occupied.by.name }),
  });
}

function whatIsOpen(named: NamedPin, { line, by }: Occupied): string {
  if (named.lines.length === 1) return ` by itself: it is part of ${by.name}, which is`;
  if (hasSameLines(named, by.named)) return `: ${by.name} is, which has the same lines in another order`;
  return by.named.lines.length === 1 ? `: ${line.pin} is, by itself` : `: ${line.pin} is, as part of ${by.name}`;
}

/** Of pins that have a line in common, and so their chip. */
function hasSameLines(one: NamedPin, other: NamedPin): boolean {
  const offsets = new Set(other.lines.map(({ id }) => id.offset));
  return one.lines.length === other.lines.length && one.lines.every(({ id }) => offsets.has(id.offset));
}
