import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  disconnects,
  holds,
  passes,
  pinSteps,
  play,
  scripts,
  slotSteps,
  slowClients,
  stalls,
  step,
  topicSteps,
  World,
  wireSteps,
} from "../../src/index-testing.ts";

describe("a wire", () => {
  test("says when it was on, in time since the world began, and what it is now", async () => {
    const world = new World();
    const lamp = await (await world.connect()).output("GPIO17");
    await world.pass(10);
    await lamp.blink({ onMs: 5, offMs: 5, n: 2 });
    await world.pass(90);
    await lamp.on();
    const wire = world.wire("BOARD11");
    expect(wire.level).toBe(1);
    expect(wire.timesOn).toEqual([
      { fromMs: 10, untilMs: 15 },
      { fromMs: 20, untilMs: 25 },
      { fromMs: 100, untilMs: Number.POSITIVE_INFINITY },
    ]);
    expect(wire.edges.at(-1)).toEqual({ level: 1, atMs: 100 });
  });

  test("is driven as a script says, and then let go of", async () => {
    const world = new World();
    const button = await (await world.connect()).input("GPIO4", { bias: "pull-down" });
    const edges = await button.edges();
    world.wire("GPIO4").script([
      { level: 1, ms: 2 },
      { level: 0, ms: 1 },
      { level: 1, ms: 10 },
    ]);
    await world.pass(50);
    const seen = [];
    for await (const { level, timestampNs } of edges) if (seen.push([level, world.msOf(timestampNs)]) === 4) break;
    expect(seen).toEqual([
      [1, 0],
      [0, 2],
      [1, 3],
      [0, 13],
    ]);
  });

  test("moves what follows it, which may move others", async () => {
    const world = new World();
    world.wire("GPIO17").follow(({ level }) => world.wire("GPIO4").drive(level === 1 ? 0 : 1));
    const client = world.join("client");
    for (const op of ["on", "off"] as const) {
      client.ask({ op: "open", pin: "GPIO17", direction: "out" });
      client.ask({ op, pin: "GPIO17" });
      await world.pass(1);
      expect(world.wire("GPIO4").level).toBe(op === "on" ? 0 : 1);
    }
  });

  test("has every name that its pin has, and no other", () => {
    const world = new World();
    expect(world.wire("17")).toBe(world.wire("GPIO17"));
    expect(() => world.wire("GPIO99")).toThrow(expect.objectContaining({ code: "PIN_UNKNOWN" }));
  });
});

test("a seat that was vacated is taken by somebody else", async () => {
  const world = new World();
  const first = world.seat(0);
  expect(first.ask({ op: "open", pin: "GPIO17", direction: "out" }).outcome).toBe("ok");
  expect(world.seat(0)).toBe(first);
  world.vacate(0);
  expect(world.seated(0)).toBeNull();
  await world.settle();
  expect(world.seat(0)).not.toBe(first);
  expect(world.shown("GPIO17")).toBeUndefined();
});

describe("a script", () => {
  test("leaves out what does not apply, and checks behind every step", async () => {
    const done: string[] = [];
    const say = (words: string, applies = true) =>
      step<string[]>(
        words,
        (scene) => void scene.push(words),
        () => applies,
      );
    await play([say("one"), say("two", false), say("three")], done, (scene) => void scene.push("check"));
    expect(done).toEqual(["one", "check", "three", "check"]);
  });

  test("of every kind of step leaves a world in which nobody holds anything when all have gone", async () => {
    const pins = ["GPIO17", "GPIO4"];
    const steps = [...pinSteps({ pins }), ...slotSteps({ pools: ["cam"] }), ...topicSteps(), wireSteps({ pins }), passes(50), stalls(20)];
    const script = scripts([...steps, disconnects(), slowClients()], 40);
    await holds(script, async (told) => {
      const world = new World();
      world.join("owner").ask({ op: "pool.create", pool: "cam", slots: 4, bytes: 16 });
      await play(told, { world });
      for (const seat of [0, 1, 2]) world.vacate(seat);
      await world.pass(60_000);
      expect(world.status().pins.filter(({ unowned }) => !unowned)).toEqual([]);
      world.shutdown();
      await world.pass(60_000);
      expect([world.stopped, world.clock.pending]).toEqual([true, 0]);
    });
  }, 240_000);
});

test("what does not hold is told with the smallest value for which it does not, and with how to see it again", async () => {
  const attempt = holds(fc.integer({ min: 10, max: 1000 }), (value) => expect(value).toBeLessThan(10));
  await expect(attempt).rejects.toThrow(/Counterexample: \[10\].*run this test with FC_SEED=-?\d+$/s);
});
