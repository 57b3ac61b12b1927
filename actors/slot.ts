import { type ActorLogic, type EventFromLogic, type SnapshotFrom, setup } from "xstate";
import { memoised } from "./memoised.ts";

/** What a slot knows beside its state. */
export interface SlotContext {
  /** Those who are still to take the frame: groups of consumers, and the pool itself while it is the latest one, kept for who comes late. */
  readonly claims: number;
  /** Consumers that read it. */
  readonly readers: number;
}

/** What a slot is told. */
export type SlotEvent =
  /** A producer is to write to it. */
  | { readonly type: "acquire" }
  /** The frame is whole, and so many are to have it. */
  | { readonly type: "publish"; readonly claims: number }
  /** The producer gives it up, and stores nothing any more. */
  | { readonly type: "abort" }
  /** The producer has gone without a word: it may still be storing. */
  | { readonly type: "vanish" }
  /** The process of the producer that has gone has ended. */
  | { readonly type: "ended" }
  /** That process can't be seen to end. */
  | { readonly type: "unprovable" }
  /** One more is to have it. */
  | { readonly type: "claim" }
  /** A consumer of a group that was still to take it reads it. */
  | { readonly type: "take" }
  /** One of those that were still to take it is not to have it. */
  | { readonly type: "pass" }
  /** One reader is done, or has lost its lease. */
  | { readonly type: "release" };

const slot = setup({
  types: { context: {} as SlotContext, events: {} as SlotEvent },
  guards: {
    isLastClaim: ({ context }) => context.claims === 1,
    isReadByOthers: ({ context }) => context.readers > 1,
    isClaimed: ({ context }) => context.claims > 0,
  },
});

const show = slot.assign(({ event }) => (event.type === "publish" ? { claims: event.claims } : {}));
const claim = slot.assign(({ context }) => ({ claims: context.claims + 1 }));
const take = slot.assign(({ context }) => ({ claims: context.claims - 1, readers: context.readers + 1 }));
const pass = slot.assign(({ context }) => ({ claims: context.claims - 1 }));
const release = slot.assign(({ context }) => ({ readers: context.readers - 1 }));

/**
 * One frame buffer, and whose it is. At any time it has at most one writer, never a writer beside a reader, and a reader only ever
 * has what was published.
 */
export const slotMachine = slot.createMachine({
  id: "slot",
  context: { claims: 0, readers: 0 },
  initial: "free",
  states: {
    free: { on: { acquire: "writing" } },
    writing: {
      initial: "granted",
      states: {
        granted: { on: { publish: { target: "#slot.ready", actions: show }, vanish: "quarantined" } },
        quarantined: { on: { ended: "#slot.free", unprovable: "#slot.retired" } },
      },
      on: { abort: "free" },
    },
    ready: {
      on: {
        claim: { actions: claim },
        take: { target: "reading", actions: take },
        pass: [{ guard: "isLastClaim", target: "free", actions: pass }, { actions: pass }],
      },
    },
    reading: {
      on: {
        claim: { actions: claim },
        take: { guard: "isClaimed", actions: take },
        pass: { guard: "isClaimed", actions: pass },
        release: [
          { guard: "isReadByOthers", actions: release },
          { guard: "isClaimed", target: "ready", actions: release },
          { target: "free", actions: release },
        ],
      },
    },
    retired: { type: "final" },
  },
});

/** What slots run: each of them passes through the same few snapshots over and over. */
export const slotLogic: ActorLogic<SnapshotFrom<typeof slotMachine>, EventFromLogic<typeof slotMachine>> = memoised(slotMachine, (event) =>
  event.type === "publish" ? `publish ${event.claims}` : event.type,
);
