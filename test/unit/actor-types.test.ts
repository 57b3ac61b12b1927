import { expect, test } from "bun:test";
import { assign, setup } from "xstate";
import { z } from "zod";
import { defineActor } from "../../src/user-actors/define-actor.ts";

// Each `@ts-expect-error` is a test of its own: the compiler reports one that has nothing to report.

test("the machine of an actor knows its pins, topics, pools and events", () => {
  const door = defineActor({
    name: "door",
    pins: { relay: { out: "GPIO17", closeLevel: "off" }, sensor: { in: "GPIO4", debounceUs: 5000, silenceMs: 3000 } },
    topics: { alarm: { publish: "house/alarm" }, light: { subscribe: "house/+/light" } },
    pools: { cam: { consume: "cam0", policy: "latest" } },
    events: { open: {}, speed: { mmPerS: z.number().positive(), why: z.string().optional() } },
    machine: ({ pins, topics, pools, types, reply }) =>
      setup({
        types: { ...types, context: {} as { ms: number } },
        actions: { ring: pins.relay.on({ durationMs: 5 }), tell: topics.alarm.publish(({ context }) => context.ms) },
      }).createMachine({
        context: { ms: 3 },
        initial: "shut",
        states: {
          shut: {
            entry: [pins.relay.on({ durationMs: 500 }), "ring", pins.relay.value({ value: 0.5 })],
            on: {
              open: { target: "opened", actions: reply("yes") },
              speed: {
                actions: [
                  assign({ ms: ({ event }) => event.mmPerS }),
                  pins.relay.on(({ context, event }) => ({ durationMs: context.ms + event.mmPerS, ack: "done" })),
                ],
              },
              "sensor.rising": { actions: assign({ ms: ({ event }) => Number(event.timestampNs) }) },
              "light.message": { guard: ({ event }) => event.value === 3, actions: topics.alarm.publish("x", { retain: true }) },
              "cam.frame": { actions: [({ event }) => event.frame.data.length, pools.cam.release()] },
              "relay.done": { actions: assign({ ms: ({ event }) => event.lateMs }) },
              "relay.*": { actions: reply(({ event }) => event.type) },
            },
          },
          opened: { entry: pools.cam.take(), after: { 100: { target: "shut", actions: pins.relay.off() } } },
        },
      }),
  });
  expect(door.makeMachine().events).toContain("speed");
});

test("what an actor has not declared, its machine can't name", () => {
  defineActor({
    pins: { relay: { out: "GPIO17" }, sensor: { in: "GPIO4" } },
    topics: { light: { subscribe: "house/+/light" } },
    events: { open: {}, speed: { mmPerS: z.number() } },
    machine: ({ pins, topics, pools, types }) => {
      // @ts-expect-error there is no such pin
      pins.rely;
      // @ts-expect-error an input takes no commands
      pins.sensor;
      // @ts-expect-error it is heard, not published on
      topics.light;
      // @ts-expect-error there is no pool
      pools.cam;
      // @ts-expect-error a duty is needed
      pins.relay.value();
      // @ts-expect-error there is no such argument
      pins.relay.on({ durationms: 3 });
      // @ts-expect-error it must be a number
      pins.relay.on({ durationMs: "3" });
      const { createMachine } = setup({ types });
      // @ts-expect-error there is no such event
      createMachine({ on: { opn: {} } });
      // @ts-expect-error an output has no edges
      createMachine({ on: { "relay.rising": {} } });
      // @ts-expect-error the event has no such field
      createMachine({ on: { speed: { guard: ({ event }) => event.mmPers > 3 } } });
      return createMachine({ entry: pins.relay.on({ durationMs: 3 }), on: { open: {}, speed: {}, "sensor.falling": {} } });
    },
  });
});

test("a pin, a topic and a pool have the settings of their kind, and no others", () => {
  const machine = () => setup({}).createMachine({});
  // @ts-expect-error an output has no debouncing
  defineActor({ pins: { relay: { out: "GPIO17", debounceUs: 3 } }, machine });
  // @ts-expect-error an input has no closing level
  defineActor({ pins: { sensor: { in: "GPIO17", closeLevel: "on" } }, machine });
  // @ts-expect-error there is no such policy
  defineActor({ pools: { cam: { consume: "cam0", policy: "newest" } }, machine });
  // @ts-expect-error it is published on or heard
  expect(() => defineActor({ topics: { light: { subscribe: "a", publish: "b" } }, machine })).toThrow("and not both");
  // @ts-expect-error there is no such setting
  expect(() => defineActor({ pin: {}, machine })).toThrow("no such setting");
  defineActor({ machine: ({ types }) => setup({ types }).createMachine({}) });
});
