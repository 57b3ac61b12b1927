import type { ActorLogic, AnyStateMachine, EventFromLogic, SnapshotFrom } from "xstate";

/**
 * A machine whose transitions are computed once each, for actors of which there are many or that are told much: XState takes
 * microseconds to find out what follows, and after the first time here it is looked up. The machine stays what says it.
 *
 * It must be a function of snapshot and event and nothing else: its context has few values, and its actions only assign.
 * @param keyOf tells events apart that lead to different snapshots
 */
export function memoised<M extends AnyStateMachine>(
  machine: M,
  keyOf: (event: EventFromLogic<M>) => string,
): ActorLogic<SnapshotFrom<M>, EventFromLogic<M>> {
  const snapshots = new Map<string, SnapshotFrom<M>>();
  const followers = new Map<SnapshotFrom<M>, Map<string, SnapshotFrom<M>>>();
  /** Snapshots that say the same are one: they are never changed. */
  const unique = (snapshot: SnapshotFrom<M>): SnapshotFrom<M> => {
    const { value, context, status } = snapshot as { readonly value: unknown; readonly context: unknown; readonly status: unknown };
    const key = JSON.stringify([value, context, status]);
    const known = snapshots.get(key);
    if (known !== undefined) return known;
    snapshots.set(key, snapshot);
    followers.set(snapshot, new Map());
    return snapshot;
  };
  return {
    getInitialSnapshot: (scope, input) => unique(machine.getInitialSnapshot(scope, input) as SnapshotFrom<M>),
    getPersistedSnapshot: (snapshot) => machine.getPersistedSnapshot(snapshot),
    transition: (snapshot, event, scope) => {
      const known = followers.get(snapshot);
      const key = keyOf(event);
      const next = known?.get(key) ?? unique(machine.transition(snapshot, event, scope) as SnapshotFrom<M>);
      known?.set(key, next);
      return next;
    },
  };
}
