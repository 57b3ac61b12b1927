import { setup } from "xstate";
import type { CommandRequest, Level, Mode } from "../src/protocol/requests.ts";
import { isEndless, steady, steadyDuty, type Wave, waveOf } from "./wave.ts";

/** A command that has been accepted for a pin. */
export interface Command {
  /** Counts the commands of this pin, from 1. */
  readonly number: number;
  /** Who gave it. */
  readonly by: { readonly client: number; readonly name: string };
  readonly request: CommandRequest;
}

/** Why a command did not have its time. */
export type CancelReason = "SUPERSEDED" | "CANCELLED" | "CLOSED" | "MAX_ON" | "LINE_LOST";

/** How a command ended. */
export type Outcome =
  | { readonly outcome: "done"; readonly lateMs: number }
  | { readonly outcome: "cancelled"; readonly reason: CancelReason };

/** The command that has the line, and what it plays. */
export interface Running {
  readonly command: Command;
  readonly wave: Wave;
}

/** A command that is to have the line now. */
export interface Playing extends Running {
  /** Nothing is queued behind it. */
  readonly isLast: boolean;
}

/** What a pin knows beside its state. */
export interface PinContext {
  readonly mode: Mode;
  /** The command that has the line; null: nobody has commanded it yet, or the last command has had its time. */
  readonly running: Running | null;
  /** Accepted and not started. Not empty only while a command runs that has an end. */
  readonly queue: readonly Command[];
  /** What the line plays, or is left with when it closes. */
  readonly wave: Wave;
}

/** Which commands a cancellation means. */
export interface Cancellation {
  /** One command; absent: all. */
  readonly number?: number | undefined;
  /** Those of one client; absent: anybody's. */
  readonly client?: number | undefined;
}

/** What a pin is told. */
export type PinEvent =
  | { readonly type: "command"; readonly command: Command }
  /** The wave of this command has been played to its end. */
  | { readonly type: "ended"; readonly number: number; readonly lateMs: number }
  /** The wave of this command was stopped, and the line is off; 0: the level that it was opened with. */
  | { readonly type: "stopped"; readonly number: number; readonly reason: CancelReason }
  | { readonly type: "mode"; readonly mode: Mode }
  /** Ends commands before their time. */
  | ({ readonly type: "cancel" } & Cancellation)
  /** Soft: what has been accepted still runs. */
  | { readonly type: "close" }
  /** Hard: nothing runs any more. */
  | { readonly type: "abort"; readonly reason: CancelReason }
  /** The line has been given back. */
  | { readonly type: "released" };

/** What a pin starts with. */
export interface PinInput {
  readonly mode: Mode;
  /** The level that the line was requested with, or that of each of its lines. */
  readonly initial: Level | readonly Level[];
}

/** What the line of an open pin is seen to do. */
type Shown = "idle" | "on" | "blinking" | "pulsing";

const pin = setup({
  types: { context: {} as PinContext, events: {} as PinEvent, input: {} as PinInput },
  actions: {
    /** Plays this in the place of what is playing; null: the line rests, off. */
    play: (_, _next: Playing | null) => {},
    /** Tells whoever waits how a command ended. Every accepted command comes here exactly once. */
    acknowledge: (_, _ended: { readonly command: Command; readonly outcome: Outcome }) => {},
    /** Drives the closing level and gives the line back; `released` answers. */
    release: () => {},
  },
  guards: {
    waitsItsTurn: ({ context, event }) => event.type === "command" && waitsItsTurn(context, event.command),
    startsAs: ({ context, event }, state: Shown) => event.type === "command" && shown(begin(event.command, context.wave)) === state,
    movesOnTo: ({ context, event }, state: Shown) => {
      const turn = turnAfter(event, context, "open");
      return turn !== null && shown(turn.running) === state;
    },
    movesOn: ({ context, event }) => (turnAfter(event, context, "closing")?.running ?? null) !== null,
    drains: ({ context, event }) => turnAfter(event, context, "closing")?.running === null,
    runsToAnEnd: ({ context }) => context.running !== null && !isEndless(context.running.wave),
    wasOpenedOn: ({ context }) => steadyDuty(context.wave) !== 0,
  },
});

const enqueue = pin.assign(({ context, event }) => (event.type === "command" ? { queue: [...context.queue, event.command] } : {}));

const setMode = pin.assign(({ event }) => (event.type === "mode" ? { mode: event.mode } : {}));

/** The command that came takes the line, at once. */
const start = pin.enqueueActions(({ context, event, enqueue: act }) => {
  if (event.type !== "command") return;
  const { command } = event;
  const superseded: Outcome = modeOf(context, command) === "nowait" ? { outcome: "cancelled", reason: "SUPERSEDED" } : doneInTime;
  for (const ended of accepted(context)) act({ type: "acknowledge", params: { command: ended, outcome: superseded } });
  const running = begin(command, context.wave);
  act({ type: "play", params: { ...running, isLast: true } });
  act.assign({ running, queue: [], wave: running.wave });
});

/** The command that had the line has ended; the next of the queue takes it, or it rests. */
const moveOn = (phase: Phase) =>
  pin.enqueueActions(({ context, event, enqueue: act }) => {
    const turn = turnAfter(event, context, phase);
    if (turn === null) return;
    for (const ended of turn.ended) act({ type: "acknowledge", params: ended });
    for (const passed of turn.passed) {
      act({ type: "play", params: { ...passed, isLast: false } });
      act({ type: "acknowledge", params: { command: passed.command, outcome: doneInTime } });
    }
    const playing = turn.running === null ? null : { ...turn.running, isLast: turn.queue.length === 0 };
    if (playing !== null || phase === "open") act({ type: "play", params: playing });
    act.assign({ running: turn.running, queue: turn.queue, wave: turn.running?.wave ?? turn.wave });
  });

/** Commands that wait are cancelled, and the one that runs goes on. */
const cancelQueued = pin.enqueueActions(({ context, event, enqueue: act }) => {
  if (event.type !== "cancel") return;
  for (const command of context.queue.filter((queued) => concerns(event, queued))) act({ type: "acknowledge", params: cancelled(command) });
  act.assign({ queue: context.queue.filter((queued) => !concerns(event, queued)) });
});

/** Every command ends here, and with it the need for the line. */
const endAll = pin.enqueueActions(({ context, event, enqueue: act }) => {
  const outcome: Outcome = event.type === "abort" ? { outcome: "cancelled", reason: event.reason } : doneInTime;
  for (const command of accepted(context)) act({ type: "acknowledge", params: { command, outcome } });
  act.assign({ running: null, queue: [] });
});

const shownStates: readonly Shown[] = ["idle", "on", "blinking", "pulsing"];
const startCommand = shownStates.map((state) => ({ guard: { type: "startsAs", params: state }, target: state, actions: start }) as const);
const moveOnOpen = shownStates.map(
  (state) => ({ guard: { type: "movesOnTo", params: state }, target: state, actions: moveOn("open") }) as const,
);
const moveOnClosing = [
  { guard: "movesOn", actions: moveOn("closing") },
  { guard: "drains", target: "releasing", actions: moveOn("closing") },
] as const;

const open = pin.createStateConfig({
  on: {
    command: [{ guard: "waitsItsTurn", actions: enqueue }, ...startCommand],
    ended: moveOnOpen,
    stopped: moveOnOpen,
    cancel: [...moveOnOpen, { actions: cancelQueued }],
    close: [
      { guard: "runsToAnEnd", target: "closing" },
      { target: "closing.releasing", actions: endAll },
    ],
    abort: { target: "closing.releasing", actions: endAll },
    mode: { actions: setMode },
  },
});

/**
 * An output line and the commands queued for it. Pure: it touches the line only through the actions that are provided,
 * and never times an edge: it says what to play, and is told when that has ended.
 */
export const pinMachine = pin.createMachine({
  id: "pin",
  context: ({ input }) => ({ mode: input.mode, running: null, queue: [], wave: steady(input.initial) }),
  initial: "opened",
  states: {
    opened: { always: [{ guard: "wasOpenedOn", target: "on" }, { target: "idle" }] },
    idle: open,
    on: open,
    blinking: open,
    pulsing: open,
    closing: {
      initial: "draining",
      states: {
        draining: {
          on: {
            ended: moveOnClosing,
            stopped: moveOnClosing,
            cancel: [...moveOnClosing, { actions: cancelQueued }],
            abort: { target: "releasing", actions: endAll },
          },
        },
        releasing: { entry: "release", on: { released: "#pin.closed" } },
      },
    },
    closed: { type: "final" },
  },
});

type Phase = "open" | "closing";

/** What the end of a command leads to. */
interface Turn {
  readonly ended: readonly { readonly command: Command; readonly outcome: Outcome }[];
  /** Commands that hold the line only until the next one: each is driven, and done at once. */
  readonly passed: readonly Running[];
  readonly running: Running | null;
  readonly queue: readonly Command[];
  readonly wave: Wave;
}

const doneInTime: Outcome = { outcome: "done", lateMs: 0 };

/** The turn that an event brings about; null: the command that has the line keeps it. */
function turnAfter(event: PinEvent, { running, queue, wave }: PinContext, phase: Phase): Turn | null {
  if (running === null) return event.type === "stopped" && event.number === 0 ? nextTurn([], queue, steady(0), phase) : null;
  const { command } = running;
  switch (event.type) {
    case "ended":
      if (event.number !== command.number) return null;
      return nextTurn([{ command, outcome: { outcome: "done", lateMs: event.lateMs } }], queue, wave, phase);
    case "stopped":
      if (event.number !== command.number) return null;
      return nextTurn([{ command, outcome: { outcome: "cancelled", reason: event.reason } }], queue, steady(0), phase);
    case "cancel": {
      if (!concerns(event, command)) return null;
      const dropped = queue.filter((queued) => concerns(event, queued));
      const kept = queue.filter((queued) => !concerns(event, queued));
      return nextTurn([command, ...dropped].map(cancelled), kept, wave, phase);
    }
    default:
      return null;
  }
}

/** Takes commands from the queue until one has the line to itself: one that ends, or an open pin's last. */
function nextTurn(ended: Turn["ended"], queue: readonly Command[], before: Wave, phase: Phase): Turn {
  const passed: Running[] = [];
  let wave = before;
  for (const [index, command] of queue.entries()) {
    const running = begin(command, wave);
    const rest = queue.slice(index + 1);
    const holdsOnlyUntilNext = isEndless(running.wave) && (rest.length > 0 || phase === "closing");
    if (!holdsOnlyUntilNext) return { ended, passed, running, queue: rest, wave: running.wave };
    passed.push(running);
    wave = running.wave;
  }
  return { ended, passed, running: null, queue: [], wave: passed.at(-1)?.wave ?? steady(0) };
}

function begin(command: Command, before: Wave): Running {
  return { command, wave: waveOf(command.request, before) };
}

/** In mode `wait`, a command that has an end keeps those that come after it waiting. */
function waitsItsTurn(context: PinContext, command: Command): boolean {
  return modeOf(context, command) === "wait" && context.running !== null && !isEndless(context.running.wave);
}

function modeOf(context: PinContext, { request }: Command): Mode {
  return request.mode ?? context.mode;
}

function shown(running: Running | null): Shown {
  if (running === null) return "idle";
  switch (running.command.request.op) {
    case "blink":
    case "pattern":
      return "blinking";
    case "pulse":
      return "pulsing";
    default:
      return steadyDuty(running.wave) === 0 ? "idle" : "on";
  }
}

/** The commands of a pin that have not ended, in the order in which they were accepted. */
function accepted({ running, queue }: PinContext): readonly Command[] {
  return running === null ? queue : [running.command, ...queue];
}

/** Whether a cancellation means this command. */
export function concerns({ number, client }: Cancellation, command: Command): boolean {
  return (number === undefined || number === command.number) && (client === undefined || client === command.by.client);
}

function cancelled(command: Command): { command: Command; outcome: Outcome } {
  return { command, outcome: { outcome: "cancelled", reason: "CANCELLED" } };
}
