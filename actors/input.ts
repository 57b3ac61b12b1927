import { setup } from "xstate";

/** What an input line is told. */
export type InputEvent =
  | { readonly type: "close" }
  /** The line has been given back. */
  | { readonly type: "released" };

/** An input line. Its edges do not pass through here: the machine governs its life, plain code carries the stream. */
export const inputMachine = setup({
  types: { events: {} as InputEvent },
  actions: {
    /** Gives the line back; `released` answers. */
    release: () => {},
  },
}).createMachine({
  id: "input",
  initial: "watching",
  states: {
    watching: { on: { close: "closing" } },
    closing: { entry: "release", on: { released: "closed" } },
    closed: { type: "final" },
  },
});
