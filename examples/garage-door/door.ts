// A garage door: a motor for each direction, an end stop at each end, and a watchdog for when neither is reached.
//
//   holdfast serve --actors .        in this folder; it needs nothing else
//   holdfast send actor/door open

import { defineActor, type Level } from "holdfast";
import { assign, not, setup } from "xstate";

/** The door takes 12 s from end to end. What takes longer is stuck. */
export const TRAVEL_MS = 15_000;
/** For how long the motors rest before one may run again. */
export const REST_MS = 500;

// The last resort, which the supervisor sees to whatever becomes of this file: no motor runs for longer.
const motor = { maxOnMs: TRAVEL_MS + 1000 } as const;
// A switch that joins its pin with ground while the door is there.
const endStop = { bias: "pull-up", activeLow: true, debounceUs: 2000 } as const;

export default defineActor({
  name: "door",
  pins: {
    up: { out: "GPIO17", ...motor },
    down: { out: "GPIO27", ...motor },
    top: { in: "GPIO22", ...endStop },
    bottom: { in: "GPIO23", ...endStop },
  },
  topics: { alarm: { publish: "garage/door/stuck" } },
  events: { open: {}, close: {}, stop: {} },
  machine: ({ pins, topics, types }) =>
    setup({
      types: { ...types, context: {} as { top: Level | null; bottom: Level | null } },
      guards: {
        isOpen: ({ context }) => context.top === 1,
        isClosed: ({ context }) => context.bottom === 1,
      },
    }).createMachine({
      context: ({ input }) => input.levels,
      on: {
        "top.rising": { actions: assign({ top: 1 }) },
        "top.falling": { actions: assign({ top: 0 }) },
        "bottom.rising": { actions: assign({ bottom: 1 }) },
        "bottom.falling": { actions: assign({ bottom: 0 }) },
      },
      initial: "ajar",
      states: {
        ajar: {
          always: [
            { guard: "isOpen", target: "open" },
            { guard: "isClosed", target: "closed" },
          ],
          on: { open: "opening", close: "closing" },
        },
        open: { always: { guard: not("isOpen"), target: "ajar" }, on: { close: "closing" } },
        closed: { always: { guard: not("isClosed"), target: "ajar" }, on: { open: "opening" } },
        // Whoever says anything to a door that moves wants it to stop.
        opening: {
          entry: pins.up.on(),
          exit: pins.up.off(),
          always: { guard: "isOpen", target: "resting" },
          on: { open: "resting", close: "resting", stop: "resting" },
          after: { [TRAVEL_MS]: "stuck" },
        },
        closing: {
          entry: pins.down.on(),
          exit: pins.down.off(),
          always: { guard: "isClosed", target: "resting" },
          on: { open: "resting", close: "resting", stop: "resting" },
          after: { [TRAVEL_MS]: "stuck" },
        },
        resting: { after: { [REST_MS]: "ajar" } },
        // Somebody has to look before it moves again.
        stuck: {
          entry: topics.alarm.publish(true, { retain: true }),
          exit: topics.alarm.publish(false, { retain: true }),
          on: { stop: "resting" },
        },
      },
    }),
});
