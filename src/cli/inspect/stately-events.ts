import type { StateDefinition } from "../../machine-definition.ts";
import { addressOf, formatAddress, parentOf, ROOT } from "../../protocol/addresses.ts";
import type { TracedTransition } from "../traced.ts";
import { type StateValue, stateValue } from "./state-value.ts";

/** The release of `@statelyai/inspect` whose events these are. */
const VERSION = "0.7.1";

/** An event as Stately Inspector takes it. What an actor is called here it is called there: its session is its address. */
export type StatelyEvent = StatelyBase &
  (
    | {
        readonly type: "@xstate.actor";
        readonly name: string;
        readonly parentId: string | undefined;
        /** The machine as JSON, as `createMachine` takes it. */
        readonly definition: string;
        readonly snapshot: Snapshot;
      }
    | { readonly type: "@xstate.event"; readonly event: { readonly type: string }; readonly sourceId: undefined }
    | { readonly type: "@xstate.snapshot"; readonly event: { readonly type: string }; readonly snapshot: Snapshot }
  );

interface StatelyBase {
  readonly sessionId: string;
  readonly rootId: string;
  /** Ms since 1970, as text. */
  readonly createdAt: string;
  readonly id: null;
  readonly _version: string;
}

interface Snapshot {
  readonly status: "active" | "done";
  /** Absent: it is no machine. */
  readonly value?: StateValue;
  readonly context: Readonly<Record<string, unknown>>;
}

/** An actor that has been found: what it is, and what it is in. @param machine null: it is none */
export function actorEvent(transition: TracedTransition, machine: StateDefinition | null, nowMs: number): StatelyEvent {
  const { address } = transition;
  return {
    ...base(address, nowMs),
    type: "@xstate.actor",
    name: address,
    parentId: parentId(address),
    definition: JSON.stringify(machine ?? { id: address }),
    snapshot: snapshotOf(transition, machine),
  };
}

/** What an actor was told, and what has become of it. */
export function transitionEvents(transition: TracedTransition, machine: StateDefinition | null, nowMs: number): readonly StatelyEvent[] {
  const event = { type: transition.event ?? "" };
  const begun = base(transition.address, nowMs);
  const become: StatelyEvent = { ...begun, type: "@xstate.snapshot", event, snapshot: snapshotOf(transition, machine) };
  return transition.event === null ? [become] : [{ ...begun, type: "@xstate.event", event, sourceId: undefined }, become];
}

function base(address: string, nowMs: number): StatelyBase {
  return { sessionId: address, rootId: formatAddress(ROOT), createdAt: String(nowMs), id: null, _version: VERSION };
}

function snapshotOf({ state, from, data }: TracedTransition, machine: StateDefinition | null): Snapshot {
  const isGone = state === "gone";
  const status = isGone ? "done" : "active";
  if (machine === null) return { status, context: { state, ...data } };
  // What is there no more is shown in the state that it was in: its machine has no other.
  return { status, value: stateValue(machine, isGone && from !== null ? from : state), context: data };
}

function parentId(address: string): string | undefined {
  const parent = parentOf(addressOf(address));
  return parent === null ? undefined : formatAddress(parent);
}
