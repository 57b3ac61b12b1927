import type { EventOf } from "../protocol/replies.ts";
import { formatNs, paint, printable, toJson } from "./print.ts";

/** A change of an actor's state. */
export type TracedTransition = Omit<EventOf<"transition">, "sub">;

/** An edge of a pin. */
export type TracedEdge = Omit<EventOf<"edge">, "sub">;

/** What a trace tells of. */
export type Traced = TracedTransition | TracedEdge;

/** An event for a program. */
export function tracedFields(event: EventOf<"transition"> | EventOf<"edge">): Traced {
  const { sub: _, ...fields } = event;
  return fields;
}

/** A transition as a line: `12.345678900  actor/door  shut → moving  open`. @param withData also with what its kind has to show */
export function transitionLine(transition: TracedTransition, withData: boolean): string {
  const { timestampNs, address, event, from, state, data } = transition;
  const change = from === null ? state : `${from} → ${state}`;
  const shown = withData && Object.keys(data).length > 0 ? toJson(data) : null;
  return lineOf([formatNs(timestampNs), address, change, event, shown], transition.lost);
}

/** An edge as a line: `12.345678900  pin/GPIO4  rising  #7`. */
export function edgeLine({ timestampNs, pin, member, level, seq, lost }: TracedEdge): string {
  return lineOf([formatNs(timestampNs), `pin/${member ?? pin}`, level === 1 ? "rising" : "falling", `#${seq}`], lost);
}

function lineOf(words: readonly (string | null)[], lost: number): string {
  const there = words.filter((word) => word !== null).map(printable);
  return [...there, ...(lost === 0 ? [] : [paint(process.stdout, "yellow", `lost ${lost}`)])].join("  ");
}
