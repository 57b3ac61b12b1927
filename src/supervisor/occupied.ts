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
export function occupiedError({ pin }: NamedPin, { line, by }: Occupied): HoldfastError {
  const [hold] = by.holders;
  const isPart = by.named.lines.length > 1;
  const part = isPart ? `${line.pin} is part of ${by.name}, which` : line.pin;
  const held = hold === undefined ? "is open and held by nobody" : `is held by ${hold.client.label}`;
  return new HoldfastError("PIN_BUSY", `${part} ${held}`, {
    field: "pin",
    pin,
    member: line.pin,
    group: isPart ? by.name : null,
    holder: hold?.client.name ?? null,
    client: hold?.client.number ?? null,
    pid: hold?.client.peer.pid ?? null,
  });
}
