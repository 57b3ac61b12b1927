import { setup } from "xstate";

/** What a client is told. */
export type ClientEvent =
  /** The connection is over, however it ended. */
  | { readonly type: "end" }
  /** The last pin that it held has been closed, kept unowned, or is held by others. */
  | { readonly type: "settled" };

/** Whoever sends requests: a connection, an embedding app, an actor. What it has queued outlives its connection. */
export const clientMachine = setup({
  types: { events: {} as ClientEvent },
  actions: {
    /** Ends its subscriptions and lets go of its pins, each as it was told to; `settled` answers. */
    letGo: () => {},
  },
}).createMachine({
  id: "client",
  initial: "connected",
  states: {
    connected: { on: { end: "leaving" } },
    leaving: { entry: "letGo", on: { settled: "gone" } },
    gone: { type: "final" },
  },
});
