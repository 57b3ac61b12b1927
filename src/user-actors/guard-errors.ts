import type { AnyStateMachine, AnyStateNode } from "xstate";

/** A guard as XState keeps it, once it has a place in a machine. */
type Guard = ((...args: unknown[]) => unknown) & { check?: (...args: unknown[]) => unknown };
interface Guarded {
  guard?: unknown;
}

/**
 * What guards have thrown. XState puts an error of its own in the place of each, which says nothing of where it was; this keeps the true one.
 */
export class GuardErrors {
  #last: unknown;

  /** @param machine whose guards are replaced by ones that do as they did */
  constructor(machine: AnyStateMachine) {
    for (const node of nodesOf(machine.root)) {
      for (const guarded of [...node.transitions.values()].flat() as Guarded[]) this.#listen(guarded);
      for (const guarded of (node.always ?? []) as Guarded[]) this.#listen(guarded);
    }
    const guards = machine.implementations.guards as Record<string, unknown>;
    for (const [name, guard] of Object.entries(guards)) if (typeof guard === "function") guards[name] = this.#heard(guard as Guard);
  }

  /** What was thrown, if this is what XState has made of it. */
  trueCause(thrown: unknown): unknown {
    const isMade = thrown instanceof Error && thrown.message.startsWith("Unable to evaluate guard") && this.#last !== undefined;
    return isMade ? this.#last : thrown;
  }

  #listen(guarded: Guarded): void {
    if (typeof guarded.guard === "function") guarded.guard = this.#heard(guarded.guard as Guard);
  }

  #heard(guard: Guard): Guard {
    const keep = <A extends unknown[]>(act: (...args: A) => unknown) =>
      ((...args: A) => {
        try {
          return act(...args);
        } catch (error) {
          this.#last = error;
          throw error;
        }
      }) as Guard;
    // `and`, `or` and `not` have others within them, and are asked by `check`.
    return guard.check === undefined ? keep(guard) : Object.assign(keep(guard), guard, { check: keep(guard.check) });
  }
}

function nodesOf(node: AnyStateNode): AnyStateNode[] {
  return [node, ...Object.values(node.states).flatMap(nodesOf)];
}
