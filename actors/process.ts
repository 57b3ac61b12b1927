import { setup } from "xstate";

/** When a process that has ended by itself is started again. */
export type RestartPolicy = "always" | "on-failure" | "never";

/** How a process came to its end. */
export type ProcessEnd =
  | { readonly reason: "exited"; readonly status: number }
  | { readonly reason: "killed"; readonly signal: string }
  /** It was ended, because it had sent nothing for too long. */
  | { readonly reason: "silent" }
  /** It could not be started at all. */
  | { readonly reason: "unstartable"; readonly message: string };

/** What a process is to do, and what is done about its end. */
export interface ProcessInput {
  readonly restart: RestartPolicy;
  /** It runs from its first sign of life on, and not before. */
  readonly speaks: boolean;
  /** How long the first sign of life may take, in ms. */
  readonly startMs: number;
  /** From the request to end to the order, in ms. */
  readonly graceMs: number;
  /** The first pause before it is started again, and the longest, in ms. Each is twice the one before. */
  readonly backoffMs: number;
  readonly maxBackoffMs: number;
  /** So often it may be started again within the window, in ms. */
  readonly restartLimit: number;
  readonly restartWindowMs: number;
}

/** What a process knows beside its state. */
export interface ProcessContext extends ProcessInput {
  /** When it was started again by itself within the window, in ms. */
  readonly restarts: readonly number[];
  /** The pause that it is in, or was in last, in ms. */
  readonly pauseMs: number;
  /** How it ended last by itself; null: it has not, since somebody started it. */
  readonly end: ProcessEnd | null;
}

/** What a process is told. */
export type ProcessEvent =
  | { readonly type: "start" }
  | { readonly type: "restart" }
  /** Hard: without the grace. */
  | { readonly type: "stop"; readonly hard?: boolean | undefined }
  /** All that it is to be started after is there. */
  | { readonly type: "cleared" }
  /** Its program runs. */
  | { readonly type: "spawned" }
  | { readonly type: "unstartable"; readonly message: string }
  /** The first sign of life has come. */
  | { readonly type: "heard" }
  /** No sign of life has come for too long. */
  | { readonly type: "silent" }
  /** The process itself has ended. Those that it started may still be there. */
  | { readonly type: "exited"; readonly end: ProcessEnd }
  /** Nothing is left of it. @param chance from 0 to 1 */
  | { readonly type: "gone"; readonly nowMs: number; readonly chance: number };

/** Half of a pause is chance, so that processes which failed together do not come back together. */
const CERTAIN_SHARE = 0.5;

const process = setup({
  types: { context: {} as ProcessContext, events: {} as ProcessEvent, input: {} as ProcessInput },
  actions: {
    /** Starts the program; `spawned` or `unstartable` answers. */
    spawn: () => {},
    /** Asks it and all that it has started to end; `gone` answers when they have. */
    terminate: () => {},
    /** Ends them at once. */
    kill: () => {},
  },
  guards: {
    speaks: ({ context }) => context.speaks,
    isMute: ({ context }) => !context.speaks,
    isHard: ({ event }) => event.type === "stop" && event.hard === true,
    mayRestart: ({ context, event }) => isToRestart(context) && recent(context, event).length < context.restartLimit,
    isDone: ({ context }) => !isToRestart(context) && isWell(context.end),
  },
  delays: {
    start: ({ context }) => context.startMs,
    grace: ({ context }) => context.graceMs,
    pause: ({ context }) => context.pauseMs,
  },
});

const forget = process.assign({ restarts: [], end: null });
const fall = process.assign({ end: { reason: "silent" } });
const note = process.assign(({ event }) => {
  if (event.type === "unstartable") return { end: { reason: "unstartable", message: event.message } as const };
  return event.type === "exited" ? { end: event.end } : {};
});

/** One more restart, and the pause before it. */
const count = process.assign(({ context, event }) => {
  if (event.type !== "gone") return {};
  const before = recent(context, event);
  const longestMs = Math.min(context.maxBackoffMs, context.backoffMs * 2 ** before.length);
  const pauseMs = longestMs * (CERTAIN_SHARE + (1 - CERTAIN_SHARE) * event.chance);
  return { restarts: [...before, event.nowMs], pauseMs };
});

const renew = { target: "waiting", actions: forget } as const;

/**
 * A program that runs in a process of its own, and is started again when it fails. Pure: it starts and ends the program only
 * through the actions that are provided.
 */
export const processMachine = process.createMachine({
  id: "process",
  context: ({ input }) => ({ ...input, restarts: [], pauseMs: 0, end: null }),
  initial: "stopped",
  states: {
    stopped: { on: { start: renew, restart: renew } },
    waiting: { on: { cleared: "starting", stop: "stopped" } },
    starting: {
      entry: "spawn",
      after: { start: { guard: "speaks", target: "stopping.ended", actions: fall } },
      on: {
        spawned: { guard: "isMute", target: "running" },
        heard: "running",
        unstartable: { target: "failed", actions: note },
        exited: { target: "stopping.ended", actions: note },
        stop: "stopping.asked",
        restart: { target: "stopping.again", actions: forget },
      },
    },
    running: {
      on: {
        silent: { target: "stopping.ended", actions: fall },
        exited: { target: "stopping.ended", actions: note },
        stop: "stopping.asked",
        restart: { target: "stopping.again", actions: forget },
      },
    },
    stopping: {
      entry: process.enqueueActions(({ check, enqueue }) => enqueue(check("isHard") ? "kill" : "terminate")),
      after: { grace: { actions: "kill" } },
      initial: "asked",
      states: {
        asked: {
          on: {
            gone: "#process.stopped",
            unstartable: "#process.stopped",
            start: { target: "again", actions: forget },
            restart: { target: "again", actions: forget },
            stop: { guard: "isHard", actions: "kill" },
          },
        },
        again: {
          on: {
            gone: "#process.waiting",
            unstartable: "#process.waiting",
            stop: [{ guard: "isHard", target: "asked", actions: "kill" }, { target: "asked" }],
          },
        },
        ended: {
          on: {
            gone: [
              { guard: "mayRestart", target: "#process.backoff", actions: count },
              { guard: "isDone", target: "#process.done" },
              { target: "#process.failed" },
            ],
            unstartable: "#process.failed",
            start: { target: "again", actions: forget },
            restart: { target: "again", actions: forget },
            stop: [{ guard: "isHard", target: "asked", actions: "kill" }, { target: "asked" }],
          },
        },
      },
    },
    backoff: { after: { pause: "starting" }, on: { start: renew, restart: renew, stop: "stopped" } },
    done: { on: { start: renew, restart: renew, stop: "stopped" } },
    failed: { on: { start: renew, restart: renew, stop: "stopped" } },
  },
});

/** Whether its policy wants it to be started again after this end. */
function isToRestart({ restart, end }: ProcessContext): boolean {
  return restart === "always" || (restart === "on-failure" && !isWell(end));
}

function isWell(end: ProcessEnd | null): boolean {
  return end?.reason === "exited" && end.status === 0;
}

/** Restarts that count. */
function recent({ restarts, restartWindowMs }: ProcessContext, event: ProcessEvent): readonly number[] {
  if (event.type !== "gone") return restarts;
  return restarts.filter((atMs) => atMs > event.nowMs - restartWindowMs);
}
