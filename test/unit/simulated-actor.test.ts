import { describe, expect, test } from "bun:test";
import { setup } from "xstate";
import { simulate, World } from "../../src/index-testing.ts";
import { defineActor } from "../../src/user-actors/define-actor.ts";

/** A lamp that is lit for a while by its button, and tells for how long. */
const lamp = defineActor({
  name: "lamp",
  pins: { light: { out: "GPIO17" }, button: { in: "GPIO4", bias: "pull-up", activeLow: true } },
  events: { press: {}, howLong: {}, fail: {} },
  machine: ({ pins, types, reply }) =>
    setup({ types }).createMachine({
      initial: "dark",
      on: {
        howLong: { actions: reply(200) },
        fail: {
          actions: () => {
            throw new Error("planted");
          },
        },
      },
      states: {
        dark: { on: { "button.rising": "lit", press: "lit" } },
        lit: { entry: pins.light.on(), exit: pins.light.off(), after: { 200: "dark" } },
      },
    }),
});

describe("a simulated actor", () => {
  test("does in simulated time what it does in a supervisor, and what it commanded is told", async () => {
    const actor = await simulate(lamp);
    expect(actor.state).toBe("dark");
    await actor.world.pass(50);
    actor.wire("button").script([{ level: 0, ms: 20 }]);
    await actor.world.pass(1000);
    expect(actor.wire("light").timesOn).toEqual([{ fromMs: 50, untilMs: 250 }]);
    expect(actor.commands).toEqual([
      { type: "light.on", atMs: 50 },
      { type: "light.off", atMs: 250 },
    ]);
    expect(actor.transitions).toEqual([
      { event: null, state: "dark", atMs: 0 },
      { event: "button.rising", state: "lit", atMs: 50 },
      { event: expect.stringContaining("after"), state: "dark", atMs: 250 },
    ]);
  });

  test("takes the events that it accepts, answers, and refuses all others", async () => {
    const actor = await simulate(lamp);
    actor.send({ type: "press" });
    expect(actor.state).toBe("lit");
    expect(await actor.ask({ type: "howLong" })).toBe(200);
    expect(() => actor.send({ type: "pres" })).toThrow(expect.objectContaining({ code: "EVENT_UNKNOWN" }));
    expect(actor.description?.accepts.map(({ type }) => type)).toEqual(["press", "howLong", "fail"]);
  });

  test("that fails says why, and its pins are given back", async () => {
    const actor = await simulate(lamp);
    actor.send({ type: "press" });
    expect(() => actor.send({ type: "fail" })).toThrow(expect.objectContaining({ code: "ACTOR_FAILED" }));
    await actor.world.settle();
    expect(actor.end).toMatchObject({ reason: "failed", error: { message: expect.stringContaining("planted") } });
    expect(actor.wire("light").level).toBe(0);
    expect(actor.world.status().pins).toEqual([]);
  });

  test("that can't be started says why", async () => {
    const world = new World();
    world.join("other").ask({ op: "open", pin: "GPIO17", direction: "out" });
    await expect(simulate(lamp, { world })).rejects.toMatchObject({ code: "PIN_BUSY" });
  });

  test("ends when it is stopped, and its pins with it", async () => {
    const actor = await simulate(lamp);
    actor.send({ type: "press" });
    await actor.stop();
    expect([actor.wire("light").level, actor.world.status().pins]).toEqual([0, []]);
    expect(() => actor.send({ type: "press" })).toThrow(expect.objectContaining({ code: "ACTOR_NOT_RUNNING" }));
  });

  test("knows its pins by its own names for them", async () => {
    const actor = await simulate(lamp);
    expect(actor.wire("light")).toBe(actor.world.wire("GPIO17"));
    expect(() => actor.wire("lihgt")).toThrow("light, button");
  });
});
