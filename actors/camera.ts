import { setup } from "xstate";
import type { ErrorValue } from "../src/protocol/errors.ts";

/** What a camera is to do. */
export interface CameraInput {
  /** How long the first frame may take, in ms, once its worker runs. */
  readonly startMs: number;
}

/** What a camera knows beside its state. */
export interface CameraContext extends CameraInput {
  /** Why it failed the last time; null: it has not, since somebody started it. */
  readonly fault: ErrorValue | null;
  /** Somebody has paused it. A worker that is started again is not to publish either. */
  readonly isPaused: boolean;
}

/** What a camera is told. Its *worker* is the process that captures, and is started again by its own machine (`supervised.ts`). */
export type CameraEvent =
  | { readonly type: "start" }
  /** Hard: without the grace. */
  | { readonly type: "stop"; readonly hard?: boolean | undefined }
  /** Its pool is there. */
  | { readonly type: "prepared" }
  /** Its pool can't be had. */
  | { readonly type: "refused"; readonly fault: ErrorValue }
  /** Its worker is about to be started, by whatever. */
  | { readonly type: "spawning" }
  /** The worker's program runs. */
  | { readonly type: "spawned" }
  /** The first frame of this worker has been published. */
  | { readonly type: "frame" }
  /** The worker publishes nothing any more, as it was told. */
  | { readonly type: "paused" }
  /** The worker publishes again, as it was told. */
  | { readonly type: "resumed" }
  /** The worker has found what no other attempt will mend. */
  | { readonly type: "doomed"; readonly fault: ErrorValue }
  /** The worker ends, or something of it has ended. Null: as it should. */
  | { readonly type: "ending"; readonly fault: ErrorValue | null }
  /** Nothing is left of the worker, and it is started again after a pause. */
  | { readonly type: "retrying" }
  /** Nothing is left of it, and it is not started again. */
  | { readonly type: "ended" }
  /** The same, because it has failed. */
  | { readonly type: "failed"; readonly fault: ErrorValue };

const camera = setup({
  types: { context: {} as CameraContext, events: {} as CameraEvent, input: {} as CameraInput },
  actions: {
    /** Makes the pool, unless that is under way; `prepared` or `refused` answers. */
    prepare: () => {},
    /** Removes the pool, if there is one. */
    discard: () => {},
    /** Has the worker started. */
    begin: () => {},
    /** Has the worker ended. */
    end: () => {},
    kill: () => {},
    /** The worker has not brought a frame in time. */
    giveUp: () => {},
  },
  guards: {
    isHard: ({ event }) => event.type === "stop" && event.hard === true,
  },
  delays: { start: ({ context }) => context.startMs },
});

const forget = camera.assign({ fault: null, isPaused: false });
const pause = camera.assign({ isPaused: true });
const resume = camera.assign({ isPaused: false });
const note = camera.assign(({ event, context }) => ("fault" in event ? { fault: event.fault ?? context.fault } : {}));

/** The worker is there, or on its way. */
const atWork = {
  ending: { target: "#camera.stopping.ended", actions: note },
  ended: "#camera.stopped",
  failed: { target: "#camera.failed", actions: note },
  doomed: { target: "#camera.stopping.doomed", actions: [note, "end"] },
  stop: "#camera.stopping.asked",
} as const;

/** The worker does what it is to do. */
const firstSign = { frame: "#camera.capturing", paused: { target: "#camera.paused", actions: pause } } as const;

const anew = { target: "#camera.stopping.again", actions: [forget, "begin"] } as const;

/**
 * A camera: a pool, and the worker that fills it. Pure: it makes and ends both only through the actions that are provided. Whenever it is neither
 * `starting` nor `capturing` nor `stopping`, no worker publishes.
 */
export const cameraMachine = camera.createMachine({
  id: "camera",
  context: ({ input }) => ({ ...input, fault: null, isPaused: false }),
  initial: "stopped",
  states: {
    stopped: { entry: "discard", on: { start: { target: "starting", actions: forget } } },
    starting: {
      initial: "preparing",
      states: {
        preparing: {
          entry: "prepare",
          on: {
            prepared: { target: "spawning", actions: "begin" },
            refused: { target: "#camera.failed", actions: note },
            stop: "#camera.stopping.preparing",
          },
        },
        spawning: { on: { ...atWork, ...firstSign, spawned: "waiting" } },
        waiting: { after: { start: { actions: "giveUp" } }, on: { ...atWork, ...firstSign } },
      },
    },
    capturing: { on: { ...atWork, paused: { target: "paused", actions: pause } } },
    paused: { on: { ...atWork, resumed: { target: "capturing", actions: resume } } },
    stopping: {
      initial: "asked",
      states: {
        /** The pool is still being made. */
        preparing: {
          on: {
            prepared: "#camera.stopped",
            refused: "#camera.stopped",
            start: { target: "#camera.starting", actions: forget },
          },
        },
        asked: {
          entry: camera.enqueueActions(({ check, enqueue }) => enqueue(check("isHard") ? "kill" : "end")),
          on: {
            ended: "#camera.stopped",
            failed: "#camera.stopped",
            start: anew,
            stop: { guard: "isHard", actions: "kill" },
          },
        },
        /** It is started as soon as nothing is left of the worker that was. */
        again: {
          on: {
            spawning: "#camera.starting.spawning",
            failed: { target: "#camera.failed", actions: note },
            ended: "#camera.stopped",
            stop: "asked",
          },
        },
        /** The worker has ended by itself; what it has left behind has yet to. */
        ended: {
          on: {
            retrying: "#camera.backoff",
            ended: "#camera.stopped",
            failed: "#camera.failed",
            doomed: { target: "doomed", actions: [note, "end"] },
            start: anew,
            stop: "asked",
          },
        },
        doomed: {
          on: {
            ended: "#camera.failed",
            failed: "#camera.failed",
            start: anew,
            stop: "asked",
          },
        },
      },
    },
    backoff: {
      on: {
        spawning: "starting.spawning",
        failed: { target: "failed", actions: note },
        start: anew,
        stop: "stopping.asked",
      },
    },
    failed: { entry: "discard", on: { start: { target: "starting", actions: forget }, stop: "stopped" } },
  },
});
