import { setup } from "xstate";

/** What the supervisor is told. */
export type SupervisorEvent =
  | { readonly type: "started" }
  /** Asks for the end: once for a soft one, once more for a hard one. */
  | { readonly type: "shutdown"; readonly hard?: boolean | undefined }
  /** No process and no user's actor runs any more. */
  | { readonly type: "ended" }
  /** No process and no user's actor runs, no line is held any more, and there is no pool. */
  | { readonly type: "drained" };

/** The root: it takes work while it runs; before it stops it ends every process and every user's actor, then gives every line back and ends every pool. */
export const supervisorMachine = setup({
  types: { context: {} as { readonly drainMs: number }, events: {} as SupervisorEvent, input: {} as { readonly drainMs: number } },
  actions: {
    /** Ends every process and every user's actor softly, and starts none; `ended` answers. */
    endPrograms: () => {},
    /** Closes every pin softly, and ends every pool when its frames have been delivered and released; `drained` answers. */
    closeAll: () => {},
    /** Ends every process and every user's actor, closes every pin and ends every pool at once; `drained` answers. */
    abortAll: () => {},
  },
  guards: { hard: ({ event }) => event.type === "shutdown" && event.hard === true },
  delays: { drainDeadline: ({ context }) => context.drainMs },
}).createMachine({
  id: "supervisor",
  context: ({ input }) => input,
  initial: "starting",
  states: {
    starting: { on: { started: "running", shutdown: "stopped" } },
    running: { on: { shutdown: [{ guard: "hard", target: "draining.hard" }, { target: "draining" }] } },
    draining: {
      initial: "soft",
      states: {
        soft: {
          initial: "ending",
          states: {
            // Programs may still need pins and frames to end well.
            ending: { entry: "endPrograms", on: { ended: "closing" } },
            closing: { entry: "closeAll" },
          },
          after: { drainDeadline: "hard" },
          on: { shutdown: "hard" },
        },
        hard: { entry: "abortAll" },
      },
      on: { drained: "stopped" },
    },
    stopped: { type: "final" },
  },
});
