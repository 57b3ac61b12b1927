import { setup } from "xstate";
import type { ErrorValue } from "../src/protocol/errors.ts";

/** When what has ended by itself is started again. */
export type RestartPolicy = "always" | "on-failure" | "never";

/** How a process came to its end. */
export type ProcessEnd =
  | { readonly reason: "exited"; readonly status: number }
  | { readonly reason: "killed"; readonly signal: string }
  /** It was ended, because it had sent nothing for too long. */
  | { readonly reason: "silent" }
  /** It could not be started at all. */
  | { readonly reason: "unstartable"; readonly message: string };

/** How a user's actor came to its end. */
export type UserActorEnd =
  /** Its machine has reached a final state. */
  | { readonly reason: "done" }
  | { readonly reason: "failed"; readonly error: ErrorValue }
  /** It was ended, because its thread's event loop stood still for too long. */
  | { readonly reason: "blocked" }
  /** What its file says is no actor. */
  | { readonly reason: "unstartable"; readonly message: string };

/** What is to run, and what is done about its end. */
export interface SupervisedInput {
  readonly restart: RestartPolicy;
  /** How its end is called when no sign of life comes. */
  readonly silence: { readonly reason: "silent" } | { readonly reason: "blocked" };
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

/** What is known of it beside its state. */
export interface SupervisedContext extends SupervisedInput {
  /** When it was started again by itself within the window, in ms. */
  readonly restarts: readonly number[];
  /** The pause that it is in, or was in last, in ms. */
  readonly pauseMs: number;
  /** How it ended last by itself; null: it has not, since somebody started it. */
  readonly end: ProcessEnd | UserActorEnd | null;
}

/** What it is told. */
export type SupervisedEvent =
  | { readonly type: "start" }
  | { readonly type: "restart" }
  /** Hard: without the grace. */
  | { readonly type: "stop"; readonly hard?: boolean | undefined }
  /** All that it is to be started after is there. */
  | { readonly type: "cleared" }
  /** It has been started, and runs unless it must be heard first. */
  | { readonly type: "spawned" }
  | { readonly type: "unstartable"; readonly message: string }
  /** The first sign of life has come. */
  | { readonly type: "heard" }
  /** No sign of life has come for too long. */
  | { readonly type: "silent" }
  /** It has ended itself. What it has started may still be there. */
  | { readonly type: "exited"; readonly end: ProcessEnd | UserActorEnd }
  /** The same, and it would at every start. */
  | { readonly type: "broken"; readonly end: ProcessEnd | UserActorEnd }
  /** Something else holds for it from now on. */
  | { readonly type: "configured"; readonly input: Partial<SupervisedInput> }
  /** Nothing is left of it. @param chance from 0 to 1 */
  | { readonly type: "gone"; readonly nowMs: number; readonly chance: number };

/** Half of a pause is chance, so that those which failed together do not come back together. */
const CERTAIN_SHARE = 0.5;

const supervised = setup({
  types: { context: {} as SupervisedContext, events: {} as SupervisedEvent, input: {} as SupervisedInput },
  actions: {
    /** Starts it; `spawned` or `unstartable` answers. */
    spawn: () => {},
    /** Asks it and all that it has started to end; `gone` answers when they have. */
    terminate: () => {},
    /** Ends them at once. */
    kill: () => {},
  },
  guards: {
    speaks: ({ context }) => context.speaks,
    isMute: ({ context }) => !context.speaks,
    // Whose event loop stands still hears nothing.
    isHard: ({ context, event }) =>
      (event.type === "stop" && event.hard === true) || (event.type === "silent" && context.silence.reason === "blocked"),
    mayRestart: ({ context, event }) => isToRestart(context) && recent(context, event).length < context.restartLimit,
    isDone: ({ context }) => !isToRestart(context) && isWell(context.end),
  },
  delays: {
    start: ({ context }) => context.startMs,
    grace: ({ context }) => context.graceMs,
    pause: ({ context }) => context.pauseMs,
  },
});

const forget = supervised.assign({ restarts: [], end: null });
const fall = supervised.assign({ end: ({ context }) => context.silence });
const adopt = supervised.assign(({ event }) => (event.type === "configured" ? event.input : {}));
const note = supervised.assign(({ event }) => {
  if (event.type === "unstartable") return { end: { reason: "unstartable", message: event.message } as const };
  return event.type === "exited" || event.type === "broken" ? { end: event.end } : {};
});

/** One more restart, and the pause before it. */
const count = supervised.assign(({ context, event }) => {
  if (event.type !== "gone") return {};
  const before = recent(context, event);
  const longestMs = Math.min(context.maxBackoffMs, context.backoffMs * 2 ** before.length);
  const pauseMs = longestMs * (CERTAIN_SHARE + (1 - CERTAIN_SHARE) * event.chance);
  return { restarts: [...before, event.nowMs], pauseMs };
});

const renew = { target: "waiting", actions: forget } as const;

/**
 * What runs on its own, and is started again when it fails: a program in its process, a user's actor in its thread. Pure: it starts and
 * ends that only through the actions that are provided.
 */
export const supervisedMachine = supervised.createMachine({
  id: "supervised",
  context: ({ input }) => ({ ...input, restarts: [], pauseMs: 0, end: null }),
  initial: "stopped",
  on: { configured: { actions: adopt } },
  states: {
    stopped: { on: { start: renew, restart: renew } },
    waiting: { on: { cleared: "starting", stop: "stopped" } },
    starting: {
      entry: "spawn",
      after: { start: { guard: "speaks", target: "stopping.ended", actions: fall } },
      on: {
        spawned: { guard: "isMute", target: "running" },
        heard: "running",
        silent: { target: "stopping.ended", actions: fall },
        unstartable: { target: "failed", actions: note },
        exited: { target: "stopping.ended", actions: note },
        broken: { target: "stopping.broken", actions: note },
        stop: "stopping.asked",
        restart: { target: "stopping.again", actions: forget },
      },
    },
    running: {
      on: {
        silent: { target: "stopping.ended", actions: fall },
        exited: { target: "stopping.ended", actions: note },
        broken: { target: "stopping.broken", actions: note },
        stop: "stopping.asked",
        restart: { target: "stopping.again", actions: forget },
      },
    },
    stopping: {
      entry: supervised.enqueueActions(({ check, enqueue }) => enqueue(check("isHard") ? "kill" : "terminate")),
      after: { grace: { actions: "kill" } },
      initial: "asked",
      states: {
        asked: {
          on: {
            gone: "#supervised.stopped",
            unstartable: "#supervised.stopped",
            start: { target: "again", actions: forget },
            restart: { target: "again", actions: forget },
            stop: { guard: "isHard", actions: "kill" },
          },
        },
        again: {
          on: {
            gone: "#supervised.waiting",
            unstartable: "#supervised.waiting",
            stop: [{ guard: "isHard", target: "asked", actions: "kill" }, { target: "asked" }],
          },
        },
        ended: {
          on: {
            gone: [
              { guard: "mayRestart", target: "#supervised.backoff", actions: count },
              { guard: "isDone", target: "#supervised.done" },
              { target: "#supervised.failed" },
            ],
            unstartable: "#supervised.failed",
            start: { target: "again", actions: forget },
            restart: { target: "again", actions: forget },
            stop: [{ guard: "isHard", target: "asked", actions: "kill" }, { target: "asked" }],
          },
        },
        broken: {
          on: {
            gone: "#supervised.failed",
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
function isToRestart({ restart, end }: SupervisedContext): boolean {
  return restart === "always" || (restart === "on-failure" && !isWell(end));
}

function isWell(end: SupervisedContext["end"]): boolean {
  return end?.reason === "done" || (end?.reason === "exited" && end.status === 0);
}

/** Restarts that count. */
function recent({ restarts, restartWindowMs }: SupervisedContext, event: SupervisedEvent): readonly number[] {
  if (event.type !== "gone") return restarts;
  return restarts.filter((atMs) => atMs > event.nowMs - restartWindowMs);
}
