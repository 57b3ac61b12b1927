import { describe, expect, test } from "bun:test";
import { and, assign, emit, fromPromise, raise, setup, spawnChild } from "xstate";
import { z } from "zod";
import type { ActorDescription } from "../../src/user-actors/actor-host.ts";
import { defineActor } from "../../src/user-actors/define-actor.ts";
import { ActorStage, settled } from "./actor-stage.ts";

const door = defineActor({
  name: "door",
  pins: { relay: { out: "GPIO17" }, sensor: { in: "GPIO4", bias: "pull-down" } },
  topics: { alarm: { publish: "house/alarm" }, light: { subscribe: "house/+/light" } },
  events: { open: {}, speed: { mmPerS: z.number().positive() }, count: {}, ring: { ms: z.number() }, halt: {} },
  machine: ({ pins, topics, types, reply }) =>
    setup({ types: { ...types, context: {} as { speed: number; level: 0 | 1 | null; notes: string[] } } }).createMachine({
      context: ({ input }) => ({ speed: 1, level: input.levels.sensor, notes: [] }),
      initial: "shut",
      on: {
        speed: { actions: assign({ speed: ({ event }) => event.mmPerS }) },
        count: { actions: reply(({ context }) => context.speed) },
        "light.message": { actions: topics.alarm.publish(({ event }) => [event.topic, event.value], { retain: true }) },
        "relay.*": { actions: assign({ notes: ({ context, event }) => [...context.notes, event.type] }) },
        ring: { actions: pins.relay.on(({ event }) => ({ durationMs: event.ms, ack: "done" })) },
        halt: ".halted",
      },
      states: {
        shut: { on: { open: "opening" } },
        opening: {
          entry: pins.relay.on({ durationMs: 500, ack: "done" }),
          on: { "sensor.rising": "opened", "relay.done": "late" },
        },
        opened: { after: { 1000: "shut" } },
        late: {},
        halted: { type: "final" },
      },
    }),
});

describe("an actor that runs", () => {
  test("commands its outputs, and hears its inputs and its own commands", async () => {
    await using stage = await ActorStage.open();
    const { actor, told } = await stage.start(door);
    expect(told.states).toEqual(["shut"]);
    actor.send({ type: "open" });
    await settled();
    expect(await stage.level("GPIO17")).toBe(1);
    await stage.world.simSet("GPIO4", 1);
    await settled();
    expect(actor.state).toBe("opened");
    await stage.pass(1000);
    expect(actor.state).toBe("shut");
    expect(actor.snapshot().data["notes"]).toEqual(["relay.done"]);
    expect(told.transitions.map(({ event, from, state }) => [event, from, state])).toEqual([
      [null, null, "shut"],
      ["open", "shut", "opening"],
      ["sensor.rising", "opening", "opened"],
      ["xstate.after.1000.(machine).opened", "opened", "shut"],
    ]);
  });

  test("is a client like any other: its pins are leased under its name, and close softly when it stops", async () => {
    await using stage = await ActorStage.open();
    const { actor, told } = await stage.start(door);
    await expect(stage.world.output("GPIO17")).rejects.toMatchObject({ code: "PIN_BUSY", details: { holder: "door" } });
    actor.send({ type: "ring", ms: 100 });
    actor.stop();
    await settled();
    expect([told.end, told.isGone]).toEqual([null, true]);
    expect(await stage.level("GPIO17")).toBe(1);
    await stage.pass(100);
    expect((await stage.world.read("GPIO17")).state).toBe("closed");
    expect(() => actor.send({ type: "open" })).toThrow("door does not run");
  });

  test("knows what its inputs were when it began", async () => {
    await using stage = await ActorStage.open();
    await stage.world.simSet("GPIO4", 1);
    const { actor } = await stage.start(door);
    expect(actor.snapshot().data["level"]).toBe(1);
  });

  test("does what the machines command that its own invokes and spawns", async () => {
    await using stage = await ActorStage.open();
    const definition = defineActor({
      pins: { lamp: { out: "GPIO17" }, horn: { out: "GPIO27" } },
      events: { alarm: {} },
      machine: ({ pins, types }) => {
        const shine = setup({}).createMachine({ entry: pins.lamp.on() });
        const blare = setup({}).createMachine({
          initial: "soon",
          states: { soon: { after: { 10: "now" } }, now: { entry: pins.horn.on() } },
        });
        return setup({ types, actors: { shine, blare } }).createMachine({
          initial: "calm",
          states: { calm: { on: { alarm: "alarmed" } }, alarmed: { entry: spawnChild("blare"), invoke: { src: "shine" } } },
        });
      },
    });
    const { actor } = await stage.start(definition);
    actor.send({ type: "alarm" });
    await settled();
    expect([await stage.level("GPIO17"), await stage.level("GPIO27")]).toEqual([1, 0]);
    await stage.pass(10);
    expect([await stage.level("GPIO17"), await stage.level("GPIO27")]).toEqual([1, 1]);
  });

  test("hears topics and publishes on others", async () => {
    await using stage = await ActorStage.open();
    await stage.start(door);
    const alarms = await stage.world.topic("house/alarm");
    await stage.world.publish("house/hall/light", { lux: 3 });
    expect((await alarms.next()).value).toMatchObject({ value: ["house/hall/light", { lux: 3 }], by: "door" });
  });

  test("takes the events of its author's schemas, and says which, and what is wrong with others", async () => {
    await using stage = await ActorStage.open();
    const { actor } = await stage.start(door);
    const refused = (event: { type: string; [field: string]: unknown }) => {
      try {
        actor.send(event);
      } catch (error) {
        return error;
      }
      throw new Error("it was taken");
    };
    const accepts = ["open", "speed", "count", "ring", "halt"];
    expect(refused({ type: "opn" })).toMatchObject({ code: "EVENT_UNKNOWN", details: { field: "event.type", accepts } });
    expect(refused({ type: "sensor.rising" })).toMatchObject({ code: "EVENT_UNKNOWN" });
    expect(refused({ type: "speed" })).toMatchObject({ code: "EVENT_INVALID", details: { field: "event.mmPerS", accepts: ["mmPerS"] } });
    expect(refused({ type: "speed", mmPerS: -1 })).toMatchObject({ code: "EVENT_INVALID", details: { field: "event.mmPerS" } });
    expect(refused({ type: "open", mmPerS: 1 })).toMatchObject({ code: "EVENT_INVALID", details: { field: "event.mmPerS", accepts: [] } });
    expect(actor.state).toBe("shut");
  });

  test("says in words what is wrong with a field, whatever schema it has", async () => {
    await using stage = await ActorStage.open();
    const { number, string } = z;
    const schemas: [schema: z.ZodType, value: unknown, said: string][] = [
      [number().positive(), 0, "must be more than 0"],
      [number().lt(5), 5, "must be less than 5"],
      [number().min(3), 2, "must be at least 3"],
      [string().length(3), "ab", "must have exactly 3 characters"],
      [z.array(number()).length(1), [1, 2], "must have exactly 1 item"],
      [z.tuple([number()]), 3, "must be a list"],
      [z.union([string(), number()]), true, "must be text or a number"],
      [z.union([z.literal("a"), number()]), true, 'must be "a"'],
      [z.discriminatedUnion("kind", [z.object({ kind: z.literal("a") })]), { kind: "b" }, "Invalid discriminator value. Expected 'a'"],
    ];
    const events = Object.fromEntries(schemas.map(([field], index) => [`event${index}`, { field }]));
    const { actor } = await stage.start(defineActor({ events, machine: () => setup({}).createMachine({}) }));
    for (const [index, [, value, said]] of schemas.entries()) {
      expect(() => actor.send({ type: `event${index}`, field: value })).toThrow(said);
    }
  });

  test("refuses what its author's own check throws at, or answers only later", async () => {
    await using stage = await ActorStage.open();
    const throws = z.number().refine(() => {
      throw null;
    });
    const later = z.number().refine(async () => true);
    const machine = () => setup({}).createMachine({});
    const { actor, told } = await stage.start(
      defineActor({ name: "odd", events: { throws: { n: throws }, later: { n: later } }, machine }),
    );
    for (const type of ["throws", "later"]) expect(() => actor.send({ type, n: 1 })).toThrow(`the schema of ${type} can't tell`);
    expect(told.end).toBeNull();
  });

  test("describes its machine and what it accepts", async () => {
    await using stage = await ActorStage.open();
    const { told } = await stage.start(door);
    const { machine, accepts } = told.description as ActorDescription;
    expect(Object.keys(machine["states"] as object)).toEqual(["shut", "opening", "opened", "late", "halted"]);
    expect(accepts[1]).toEqual({
      type: "speed",
      schema: {
        type: "object",
        properties: { mmPerS: { type: "number", exclusiveMinimum: 0 } },
        required: ["mmPerS"],
        additionalProperties: false,
      },
    });
  });

  test("is done when its machine is in a final state, of which it tells", async () => {
    await using stage = await ActorStage.open();
    const { actor, told } = await stage.start(door);
    actor.send({ type: "halt" });
    expect(told.states).toEqual(["shut", "halted"]);
    expect(told.end).toEqual({ reason: "done" });
    await settled();
    expect(told.isGone).toBe(true);
  });

  test("tells of its context while it is observed, and of changes of that alone", async () => {
    await using stage = await ActorStage.open();
    const { actor, told } = await stage.start(door);
    actor.send({ type: "speed", mmPerS: 2 });
    expect(told.transitions.length).toBe(1);
    actor.observed(true);
    actor.send({ type: "speed", mmPerS: 3 });
    expect(told.transitions.at(-1)).toEqual({ event: "speed", from: "shut", state: "shut", data: { speed: 3, level: 0, notes: [] } });
  });
});

describe("who asks an actor", () => {
  const clerk = defineActor({
    events: { now: { x: z.number() }, later: {}, settle: {}, never: {} },
    machine: ({ types, reply }) =>
      setup({ types }).createMachine({
        on: {
          now: { actions: reply(({ event }) => event.x * 2) },
          settle: { actions: [reply("settled"), reply("the one who asked first")] },
        },
      }),
  });

  test("gets what the machine replies to that event", async () => {
    await using stage = await ActorStage.open();
    const { actor } = await stage.start(clerk);
    expect(await Promise.all([actor.ask({ type: "now", x: 1 }, 10), actor.ask({ type: "now", x: 2 }, 10)])).toEqual([2, 4]);
  });

  test("may be answered later, the first one first", async () => {
    await using stage = await ActorStage.open();
    const { actor } = await stage.start(clerk);
    const [first, second] = [actor.ask({ type: "later" }, 1000), actor.ask({ type: "later" }, 1000)];
    expect(await actor.ask({ type: "settle" }, 1000)).toBe("settled");
    expect(await first).toBe("the one who asked first");
    actor.stop();
    await expect(second).rejects.toMatchObject({ code: "ACTOR_NOT_RUNNING" });
  });

  test("is told when no answer comes in time, and no other gets it then", async () => {
    await using stage = await ActorStage.open();
    const { actor } = await stage.start(clerk);
    const asked = actor.ask({ type: "never" }, 5);
    stage.clock.advanceMs(5);
    await expect(asked).rejects.toMatchObject({ code: "ASK_TIMEOUT", details: { timeoutMs: 5 } });
    const later = actor.ask({ type: "later" }, 1000);
    actor.send({ type: "settle" });
    expect(await later).toBe("settled");
  });
});

describe("an actor fails", () => {
  /** Its machine throws where the event says. */
  const faulty = defineActor({
    events: { act: {}, guard: {}, both: {}, promise: {}, command: {} },
    pins: { relay: { out: "GPIO17" } },
    machine: ({ types, pins }) =>
      setup({
        types,
        actors: {
          failing: fromPromise(async () => {
            throw new TypeError("no promise");
          }),
        },
        guards: {
          named: () => {
            throw new TypeError("no guard");
          },
        },
      }).createMachine({
        initial: "calm",
        states: {
          calm: {
            on: {
              act: {
                actions: [
                  pins.relay.on(),
                  () => {
                    throw new TypeError("no action");
                  },
                ],
              },
              guard: { guard: "named", target: "calm" },
              both: { guard: and(["named", () => true]), target: "calm" },
              promise: "waiting",
              command: { actions: pins.relay.on({ durationMs: -1 }) },
            },
          },
          waiting: { invoke: { src: "failing" } },
        },
      }),
  });

  for (const [type, message] of [
    ["act", "TypeError: no action"],
    ["guard", "TypeError: no guard"],
    ["both", "TypeError: no guard"],
    ["promise", "TypeError: no promise"],
  ] as const) {
    test(`where it throws (${type}), with the line of its file`, async () => {
      await using stage = await ActorStage.open();
      const { actor, told } = await stage.start(faulty, "faulty");
      try {
        actor.send({ type });
      } catch (error) {
        expect(error).toMatchObject({ code: "ACTOR_FAILED" });
      }
      await settled();
      expect(told.end).toMatchObject({
        reason: "failed",
        error: { code: "ACTOR_FAILED", actor: "faulty", message, file: import.meta.path },
      });
      const { error } = told.end as { error: { source?: string } };
      expect(error.source).toBe(`throw new TypeError("${message.slice(11)}");`);
      expect(told.isGone).toBe(true);
      // What the same turn had commanded was not done.
      expect((await stage.world.read("GPIO17")).state).toBe("closed");
    });
  }

  test("when a command is refused and its machine has no word for that", async () => {
    await using stage = await ActorStage.open();
    const { actor, told } = await stage.start(faulty, "faulty");
    actor.send({ type: "command" });
    await settled();
    expect(told.end).toMatchObject({ reason: "failed", error: { code: "BAD_FIELD", field: "durationMs", actor: "faulty" } });
  });

  /** Emits by hand what an event says. */
  function emitting(foresees: object = {}) {
    return defineActor({
      pins: { lamp: { out: "GPIO17" }, sensor: { in: "GPIO4" } },
      topics: { alarm: { publish: "house/alarm" }, light: { subscribe: "house/light" } },
      pools: { cam: { consume: "cam0" } },
      events: { emit: { what: z.string() } },
      machine: ({ types }) =>
        setup({ types }).createMachine({
          on: { emit: { actions: emit(({ event }) => ({ type: event.what }) as never) }, ...foresees },
        }),
    });
  }

  test("when it emits by a name that it has what is no command of that, and nothing is asked of the supervisor", async () => {
    await using stage = await ActorStage.open();
    for (const [what, said] of [
      ["lamp.shutdown", "lamp takes on, off, toggle, value, blink, pulse, pattern, write, mode, cancel"],
      ["lamp.close", "lamp takes on,"],
      ["sensor.on", "sensor takes no commands"],
      ["alarm.shout", "alarm takes publish"],
      ["light.publish", "light takes no commands"],
      ["cam.tke", "cam takes take, release"],
    ] as const) {
      const { actor, told } = await stage.start(emitting());
      actor.send({ type: "emit", what });
      await settled();
      const message = expect.stringContaining(`"${what}" is emitted, and ${said}`);
      expect(told.end).toMatchObject({ reason: "failed", error: { code: "UNKNOWN_OP", message, emitted: what } });
    }
  });

  test("not when its machine foresees that, nor when it emits by a name that is its author's own", async () => {
    await using stage = await ActorStage.open();
    const { actor, told } = await stage.start(emitting({ "lamp.failed": {} }));
    for (const what of ["lamp.close", "lamps", "bell.ring", "noise"]) actor.send({ type: "emit", what });
    await settled();
    expect(told.end).toBeNull();
    expect((await stage.world.read("GPIO17")).state).toBe("idle");
  });

  test("for good when what it declares is nothing that can be had, with the name of that", async () => {
    await using stage = await ActorStage.open();
    const machine = () => setup({}).createMachine({});
    const declared: [settings: object, name: string][] = [
      [{ pins: { lamp: { out: "GPIO17", debounceUs: 5 } } }, "lamp"],
      [{ pins: { lamp: { out: "GPIO17", lemgth: 5 } } }, "lamp"],
      [{ topics: { light: { subscribe: "house/#/light" } } }, "light"],
    ];
    for (const [settings, name] of declared) {
      const { told } = await stage.start(defineActor({ ...settings, machine }));
      expect(told.end).toMatchObject({ reason: "failed", error: { code: "BAD_ACTOR", declared: name } });
    }
  });

  test("when its machine is none, or names what is not there", async () => {
    await using stage = await ActorStage.open();
    const { createMachine } = setup({ actions: { ring: () => {} } });
    const machines: [machine: unknown, said: string][] = [
      [undefined, "machine: must return what setup({ types }).createMachine({ … }) makes"],
      [{ initial: "shut" }, "machine: must return what setup({ types }).createMachine({ … }) makes"],
      [createMachine({ id: "door", entry: "rign" as "ring" }), 'the state door names action "rign", and there is none'],
      [
        createMachine({ id: "door", initial: "shut", states: { shut: { on: { open: { guard: "mayOpen" as never } } } } }),
        'the state door.shut names guard "mayOpen"',
      ],
      [createMachine({ id: "door", after: { aWhile: { actions: "ring" } } as never }), 'the state door names delay "aWhile"'],
      [createMachine({ id: "door", invoke: { src: "lamp" } as never }), 'the state door names actor "lamp"'],
    ];
    for (const [machine, said] of machines) {
      const { told } = await stage.start(defineActor({ machine: () => machine as never }));
      expect(told.end).toMatchObject({ reason: "failed", error: { code: "BAD_ACTOR", message: expect.stringContaining(said) } });
    }
    const sound = setup({ actors: { ask: fromPromise(async () => 3) }, actions: { ring: () => {} } }).createMachine({
      entry: [{ type: "ring" }, raise({ type: "open" })],
      invoke: { src: "ask" },
      after: { 5: { actions: "ring" } },
    });
    const { told } = await stage.start(defineActor({ machine: () => sound }));
    expect(told.end).toBeNull();
  });

  test("when a pin that it needs is another's, and holds none of the others then", async () => {
    await using stage = await ActorStage.open();
    await stage.world.output("GPIO17");
    const { told } = await stage.start(door);
    expect(told.end).toMatchObject({ reason: "failed", error: { code: "PIN_BUSY", pin: "GPIO17", holder: "world" } });
    expect(told.description).toBeNull();
    await settled();
    expect((await stage.world.read("GPIO4")).state).toBe("closed");
  });

  test("and else goes on: what its machine foresees is an event", async () => {
    await using stage = await ActorStage.open();
    const { actor, told } = await stage.start(door);
    actor.send({ type: "ring", ms: -1 });
    await settled();
    expect(told.end).toBeNull();
    expect(actor.snapshot().data["notes"]).toEqual(["relay.failed"]);
  });

  test("not by the end of its supervisor", async () => {
    const stage = await ActorStage.open();
    const { told } = await stage.start(door);
    await stage[Symbol.asyncDispose]();
    await settled();
    expect(told.end).toBeNull();
  });
});
