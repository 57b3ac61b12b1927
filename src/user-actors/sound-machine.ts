import type { AnyStateMachine, AnyStateNode } from "xstate";
import { HoldfastError } from "../protocol/errors.ts";

/**
 * What `machine` of a definition has returned: it may have forgotten to, or its machine names what is not there. XState passes over a missing
 * action or delay without a word.
 * @throws HoldfastError `BAD_ACTOR`
 */
export function soundMachine(made: AnyStateMachine | undefined): AnyStateMachine {
  if (typeof made?.getTransitionData !== "function") throw unsound("must return what setup({ types }).createMachine({ … }) makes");
  assertNamesAreThere(made, made.root);
  return made;
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
    if (missing !== undefined) throw unsound(`the state ${node.id} names ${kind} "${missing}", and there is none`);
  }
  for (const state of Object.values(node.states)) assertNamesAreThere(machine, state);
}

/** What something is named by, as `"ring"` or `{ type: "ring", params }`; null: it is the thing itself. */
function nameIn(used: unknown): string | null {
  if (typeof used === "string") return used;
  return typeof used === "object" && used !== null && "type" in used ? String(used.type) : null;
}

function unsound(words: string): HoldfastError {
  return new HoldfastError("BAD_ACTOR", `defineActor: machine: ${words}`, { field: "machine" });
}
