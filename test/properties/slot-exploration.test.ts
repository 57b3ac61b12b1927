import { expect, test } from "bun:test";
import assert from "node:assert/strict";
import { initialTransition, transition } from "xstate";
import { type SlotEvent, slotMachine } from "../../actors/slot.ts";
import type { SlotState } from "../../src/protocol/replies.ts";

/** Most that are to have one frame, at once and over its life: three groups and the pool itself, or more readers than claims. */
const MOST = 4;

interface Seen {
  readonly state: SlotState;
  readonly claims: number;
  readonly readers: number;
}

const events: readonly SlotEvent[] = [
  { type: "acquire" },
  ...Array.from({ length: MOST }, (_, index): SlotEvent => ({ type: "publish", claims: index + 1 })),
  { type: "abort" },
  { type: "vanish" },
  { type: "ended" },
  { type: "unprovable" },
  { type: "claim" },
  { type: "take" },
  { type: "pass" },
  { type: "release" },
];

/** What docs/frames.md says of a slot; null: the event has no meaning in this state, and changes nothing. */
function specified({ state, claims, readers }: Seen, event: SlotEvent): Seen | null {
  const nobody = { claims: 0, readers: 0 };
  switch (`${state} ${event.type}`) {
    case "free acquire":
      return { state: "writing", ...nobody };
    case "writing publish":
      return { state: "ready", claims: event.type === "publish" ? event.claims : 0, readers: 0 };
    case "writing abort":
    case "quarantined abort":
    case "quarantined ended":
      return { state: "free", ...nobody };
    case "writing vanish":
      return { state: "quarantined", ...nobody };
    case "quarantined unprovable":
      return { state: "retired", ...nobody };
    case "ready claim":
    case "reading claim":
      return { state, claims: claims + 1, readers };
    case "ready take":
    case "reading take":
      return claims === 0 ? null : { state: "reading", claims: claims - 1, readers: readers + 1 };
    case "ready pass":
    case "reading pass":
      return claims === 0 ? null : framed(claims - 1, readers);
    case "reading release":
      return framed(claims, readers - 1);
    default:
      return null;
  }
}

/** A slot with a frame that so many are to have, and so many read. */
function framed(claims: number, readers: number): Seen {
  if (readers > 0) return { state: "reading", claims, readers };
  return { state: claims > 0 ? "ready" : "free", claims, readers };
}

type Snapshot = ReturnType<typeof initialTransition<typeof slotMachine>>[0];

function seen({ value, context }: Snapshot): Seen {
  const state = typeof value === "object" ? (value.writing === "granted" ? "writing" : "quarantined") : value;
  return { state: state as SlotState, claims: context.claims, readers: context.readers };
}

test("every event in every state of a slot does what is specified, or nothing, and no state has two owners", () => {
  const [initial] = initialTransition(slotMachine);
  const found = new Map([[JSON.stringify(seen(initial)), initial]]);
  const states = new Set<SlotState>();
  let edges = 0;
  for (const snapshot of found.values()) {
    const before = seen(snapshot);
    const { state, claims, readers } = before;
    states.add(state);
    assert(claims >= 0 && readers >= 0);
    assert.equal(state === "reading", readers > 0, "a slot is reading while it has readers");
    assert(state !== "ready" || claims > 0, "a frame that nobody is to have is not kept");
    assert(state === "ready" || state === "reading" || claims === 0, "only a frame that is whole has takers");
    for (const event of events) {
      const isBeyond = event.type === "claim" && claims + readers >= MOST;
      if (isBeyond) continue;
      edges++;
      const [next] = transition(slotMachine, snapshot, event);
      const after = seen(next);
      assert.deepEqual(after, specified(before, event) ?? before, `${event.type} in ${JSON.stringify(before)}`);
      if (after.state === "ready" && state !== "ready" && state !== "reading") assert.equal(event.type, "publish");
      if (after.state === "writing" && state !== "writing") assert.equal(state, "free", "only a free slot is written to");
      found.set(JSON.stringify(after), found.get(JSON.stringify(after)) ?? next);
    }
  }
  expect([...states].sort()).toEqual(["free", "quarantined", "reading", "ready", "retired", "writing"]);
  console.log(`slot: ${found.size} states, ${edges} transitions`);
});
