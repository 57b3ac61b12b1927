import { levelAt } from "../gpio/levels.ts";
import type { NamedPin } from "../gpio/named-pin.ts";
import type { NamedLine } from "../gpio/pin-names.ts";
import type { EventOf } from "../protocol/replies.ts";
import type { Pin } from "./pin.ts";
import { toldIfSteady } from "./told-levels.ts";

/** What a pin does, for those who observe it. */
export type Doings = Pick<EventOf<"state">, "state" | "level" | "levels" | "value" | "command" | "by">;

/**
 * What a line or a group does.
 * @param pin the open one that it is, or is a part of
 */
export function doingsOf({ lines }: NamedPin, pin: Pin | undefined): Doings {
  const [first] = lines as [NamedLine];
  const isPart = pin !== undefined && pin.named.lines.length > lines.length;
  const command = pin?.tenant.command ?? null;
  const levels = pin?.tenant.level ?? null;
  return {
    state: pin?.state ?? "closed",
    ...toldIfSteady(isPart && levels !== null ? levelAt(levels, pin.indexOf(first)) : levels, lines.length),
    value: pin?.tenant.value ?? null,
    command: command?.number ?? null,
    by: command?.by.name ?? null,
  };
}
