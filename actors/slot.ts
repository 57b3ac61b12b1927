import { setup } from "xstate";

/** What a slot knows beside its state. */
export interface SlotContext {
  /** Odd while the content may change, even while a frame is in it; never the same again. */
  readonly generation: number;
  /** Groups of consumers that are still to take the frame. */
  readonly claims: number;
  /** Consumers that read it. */
  readonly readers: number;
  /** It is the pool's latest frame, and kept for those who come late. */
  readonly latest: boolean;
}

/** What a slot is told. */
export type SlotEvent =
  /** A producer is to write to it. */
  | { readonly type: "acquire" }
  /** The frame is whole, and so many groups are to have it. It is the latest. */
  | { readonly type: "publish"; readonly claims: number }
  /** The producer gives it up, and stores nothing any more. */
  | { readonly type: "abort" }
  /** The producer has gone without a word: it may still be storing. */
  | { readonly type: "vanish" }
  /** The process of the producer that has gone has ended. */
  | { readonly type: "ended" }
  /** That process can't be seen to end. */
  | { readonly type: "unprovable" }
  /** One more group is to have it. */
  | { readonly type: "claim" }
  /** A consumer of a group that was still to take it reads it. */
  | { readonly type: "take" }
  /** One of the groups that were still to take it is not to have it. */
  | { readonly type: "pass" }
  /** One reader is done, or has lost its lease. */
  | { readonly type: "release" }
  /** There is a newer frame, or its slot is needed. */
  | { readonly type: "age" };

const slot = setup({
  types: { context: {} as SlotContext, events: {} as SlotEvent },
  guards: {
    /** Nobody is to have the frame when this group isn't. */
    wasLastClaim: ({ context }) => context.claims === 1 && !context.latest,
    isUnclaimed: ({ context }) => context.claims === 0,
    isReadByOthers: ({ context }) => context.readers > 1,
    isWanted: ({ context }) => context.claims > 0 || context.latest,
  },
});

const grant = slot.assign(({ context: { generation } }) => ({ generation: generation + (generation % 2 === 0 ? 1 : 2) }));
const show = slot.assign(({ context, event }) => ({
  generation: context.generation + 1,
  claims: event.type === "publish" ? event.claims : 0,
  latest: true,
}));
const claim = slot.assign(({ context }) => ({ claims: context.claims + 1 }));
const take = slot.assign(({ context }) => ({ claims: context.claims - 1, readers: context.readers + 1 }));
const pass = slot.assign(({ context }) => ({ claims: context.claims - 1 }));
const release = slot.assign(({ context }) => ({ readers: context.readers - 1 }));
const age = slot.assign({ latest: false });

/**
 * One frame buffer, and whose it is. At any time it has at most one writer, never a writer beside a reader, and a reader only ever
 * has what was published.
 */
export const slotMachine = slot.createMachine({
  id: "slot",
  context: { generation: 0, claims: 0, readers: 0, latest: false },
  initial: "free",
  states: {
    free: { on: { acquire: { target: "writing", actions: grant } } },
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
        pass: [{ guard: "wasLastClaim", target: "free", actions: pass }, { actions: pass }],
        age: [{ guard: "isUnclaimed", target: "free", actions: age }, { actions: age }],
      },
    },
    reading: {
      on: {
        claim: { actions: claim },
        take: { actions: take },
        pass: { actions: pass },
        age: { actions: age },
        release: [
          { guard: "isReadByOthers", actions: release },
          { guard: "isWanted", target: "ready", actions: release },
          { target: "free", actions: release },
        ],
      },
    },
    retired: { type: "final" },
  },
});
