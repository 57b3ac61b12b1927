import assert from "node:assert/strict";
import fc from "fast-check";
import { assign, setup } from "xstate";
import {
  disconnects,
  pinSteps,
  play,
  type Scene,
  type SimulatedActor,
  scripts,
  simulate,
  slotSteps,
  slowClients,
  step,
  topicSteps,
  World,
} from "../../src/index-testing.ts";
import { defineActor } from "../../src/user-actors/define-actor.ts";
import { property } from "./property.ts";

/** An actor with something of everything: it answers edges with waves, counts them, and goes on when a wave has been played. */
const answering = defineActor({
  name: "answering",
  pins: { lamp: { out: "GPIO17" }, horn: { out: "GPIO27", mode: "nowait" }, sensor: { in: "GPIO4", debounceUs: 500 } },
  topics: { count: { publish: "answering/count" } },
  machine: ({ pins, topics, types }) =>
    setup({ types: { ...types, context: {} as { edges: number } } }).createMachine({
      context: { edges: 0 },
      initial: "idle",
      states: {
        idle: { on: { "sensor.rising": { target: "lit", actions: assign({ edges: ({ context }) => context.edges + 1 }) } } },
        lit: {
          entry: [
            pins.lamp.blink({ onMs: 7, offMs: 3, n: 3, ack: "done" }),
            topics.count.publish(({ context }) => context.edges, { retain: true }),
          ],
          on: { "lamp.done": "loud", "sensor.falling": { actions: pins.horn.pulse({ fadeInMs: 5, fadeOutMs: 5, n: 1 }) } },
        },
        loud: { entry: pins.horn.on(), exit: pins.horn.off(), after: { 20: "idle" } },
      },
    }),
});

/** The same actor twice: in a world with others, and alone. */
interface Twins extends Scene {
  readonly crowded: SimulatedActor;
  readonly alone: SimulatedActor;
}

/** What goes on around both. */
const both = (words: string, run: (actor: SimulatedActor) => void | Promise<void>) =>
  step<Twins>(words, async ({ crowded, alone }) => {
    await run(crowded);
    await run(alone);
  });
const driven = fc.constantFrom<0 | 1>(0, 1).map((level) =>
  both(`outside drives the sensor to ${level}`, async (actor) => {
    actor.wire("sensor").drive(level);
    await actor.world.settle();
  }),
);
const passed = fc.integer({ min: 0, max: 40 }).map((ms) => both(`${ms} ms pass`, ({ world }) => world.pass(ms)));

const pins = ["GPIO17", "GPIO27", "GPIO4", "GPIO5"];
const others = [...pinSteps({ pins }), ...slotSteps({ pools: ["cam"] }), ...topicSteps(), disconnects(), slowClients()];

property(
  "whatever other programs do, with its pins, too, an actor is in the states, and its lines have the edges, that they would have without them",
  scripts<Twins>([...others, driven, driven, driven, passed, passed, passed], 60),
  async (script) => {
    const world = new World();
    world.join("owner").ask({ op: "pool.create", pool: "cam", slots: 4, bytes: 16 });
    const twins = { world, crowded: await simulate(answering, { world }), alone: await simulate(answering) };
    await play(script, twins, ({ crowded, alone }) => {
      assert.deepEqual(crowded.transitions, alone.transitions);
      assert.deepEqual(crowded.commands, alone.commands);
      for (const pin of ["lamp", "horn", "sensor"]) assert.deepEqual(crowded.wire(pin).edges, alone.wire(pin).edges);
    });
    assert.equal(twins.crowded.end, null);
  },
);
