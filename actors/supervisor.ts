import { setup } from "xstate";

/** What the supervisor is told. */
export type SupervisorEvent =
  | { readonly type: "started" }
  /** Asks for the end: once for a soft one, once more for a hard one. */
  | { readonly type: "shutdown"; readonly hard?: boolean | undefined }
  /** No process runs any more. */
  | { readonly type: "ended" }
  /** No process runs and no line is held any more, and there is no pool. */
  | { readonly type: "drained" };

/** The root: it takes work while it runs; before it stops it ends every process, then gives every line back and ends every pool. */
export const supervisorMachine = setup({
  types: { context: {} as { readonly drainMs: number }, events: {} as SupervisorEvent, input: {} as { readonly drainMs: number } },
  actions: {
    /** Ends every process softly, and starts none; `ended` answers. */
    endProcesses: () => {},
    /** Closes every pin softly, and ends every pool when its frames have been delivered and released; `drained` answers. */
    closeAll: () => {},
    /** Ends every process, closes every pin and ends every pool at once; `drained` answers. */
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
            // Processes may still need pins and frames to end well.
            ending: { entry: "endProcesses", on: { ended: "closing" } },
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
