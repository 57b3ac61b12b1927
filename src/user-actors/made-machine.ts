import type { AnyStateMachine, AnyStateNode } from "xstate";
import { HoldfastError } from "../protocol/errors.ts";
import type { ActorDefinition } from "./define-actor.ts";

/**
 * The machine of an actor. What it names is there: XState passes over an action or a delay that is not, without a word.
 * @throws HoldfastError `BAD_ACTOR`
 */
export function madeMachine(definition: ActorDefinition): AnyStateMachine {
  const machine: unknown = definition.makeMachine();
  if (!isMachine(machine)) throw new HoldfastError("BAD_ACTOR", "machine: must return what `createMachine` does", { field: "machine" });
  assertNamesAreThere(machine, machine.root);
  return machine;
}

/** Under Node a user's file may have a copy of XState of its own, and so other classes. */
function isMachine(value: unknown): value is AnyStateMachine {
  return typeof value === "object" && value !== null && "root" in value && "implementations" in value;
}

function assertNamesAreThere(machine: AnyStateMachine, node: AnyStateNode): void {
  const { actions, guards, delays, actors } = machine.implementations;
  const transitions = [...[...node.transitions.values()].flat(), ...(node.always ?? [])];
  const named: [kind: string, used: readonly unknown[], there: object][] = [
    ["action", [node.entry, node.exit, transitions.map((transition) => transition.actions)].flat(2), actions],
    ["guard", transitions.map(({ guard }) => guard), guards],
    ["delay", node.after.map(({ delay }) => delay), delays],
    // Those that are not named in `setup` have a name that XState has made.
    ["actor", node.invoke.map(({ src }) => src).filter((src) => !String(src).startsWith("xstate.invoke.")), actors],
  ];
  for (const [kind, used, there] of named) {
    const missing = used.map(nameIn).find((name) => name !== null && !Object.hasOwn(there, name));
    if (missing !== undefined)
      throw new HoldfastError("BAD_ACTOR", `the state ${node.id} names ${kind} "${missing}", and there is none`, { field: "machine" });
  }
  for (const state of Object.values(node.states)) assertNamesAreThere(machine, state);
}

/** What something is named by, as `"ring"` or `{ type: "ring", params }`; null: it is the thing itself. */
function nameIn(used: unknown): string | null {
  if (typeof used === "string") return used;
  return typeof used === "object" && used !== null && "type" in used ? String(used.type) : null;
}
