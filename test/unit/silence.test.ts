import { describe, expect, test } from "bun:test";
import { createSupervisor, SimBackend, SimulatedClock } from "../../src/index.ts";
import { World } from "../../src/index-testing.ts";
import type { RequestOf } from "../../src/protocol/requests.ts";

const gpio4 = { chip: "sim:0", offset: 4 };

/** A world in which a client watches GPIO4; the clock shows 1 s. */
function watching(options: Partial<RequestOf<"watch">> = {}) {
  const world = new World();
  const client = world.join("watcher");
  client.ask({ op: "open", pin: "GPIO4", direction: "in" });
  client.ask({ op: "watch", pin: "GPIO4", silenceMs: 100, ...options });
  const told = () =>
    client.events.splice(0).map((event) => ("timestampNs" in event ? `${event.ev} ${Number(event.timestampNs) / 1e6 - 1000}` : event.ev));
  return { world, client, told };
}

describe("a watch that is to tell of silence", () => {
  test("tells once when no edge comes for so long, and again after the next edge", async () => {
    const { world, client, told } = watching();
    await world.pass(99);
    expect(told()).toEqual([]);
    await world.pass(1);
    expect(client.events).toEqual([{ sub: 1, ev: "silence", pin: "GPIO4", silenceMs: 100, timestampNs: 1_100_000_000n }]);
    client.events.length = 0;
    await world.pass(1000);
    world.sim.drive(gpio4, 1);
    await world.pass(60);
    world.sim.drive(gpio4, 0);
    await world.pass(150);
    expect(told()).toEqual(["edge 1100", "edge 1160", "silence 1260"]);
  });

  test("means the edges that it is told of", async () => {
    const { world, told } = watching({ edge: "rising" });
    world.sim.drive(gpio4, 1);
    await world.pass(90);
    world.sim.drive(gpio4, 0);
    await world.pass(90);
    expect(told()).toEqual(["edge 0", "silence 100"]);
  });

  test("tells nothing when it has ended", async () => {
    const { world, client, told } = watching();
    client.ask({ op: "unwatch", sub: 1 });
    client.ask({ op: "watch", pin: "GPIO4", silenceMs: 200 });
    client.ask({ op: "close", pin: "GPIO4" });
    await world.pass(1000);
    expect(told()).toEqual(["end"]);
    expect(world.clock.pending).toBe(0);
  });

  test("takes no edge that is read late for silence, and finds a gap between edges that were read late", async () => {
    const { world, told } = watching();
    await world.pass(80);
    world.clock.stallMs(10);
    world.sim.drive(gpio4, 1);
    world.clock.stallMs(150);
    world.sim.drive(gpio4, 0);
    world.clock.stallMs(30);
    await world.pass(1);
    expect(told()).toEqual(["edge 90", "silence 190", "edge 240"]);
  });

  test("gives what came while the supervisor was busy the time to be read", async () => {
    const { world, told } = watching();
    world.clock.stallMs(120);
    await world.pass(10);
    world.sim.drive(gpio4, 1);
    await world.pass(20);
    expect(told()).toEqual(["silence 100", "edge 130"]);
  });

  test("calls no gap silence in which the kernel has lost edges", async () => {
    const { world, told } = watching();
    world.sim.drive(gpio4, 1);
    world.sim.loseEdges(gpio4, 1);
    world.clock.stallMs(80);
    world.sim.drive(gpio4, 0);
    world.clock.stallMs(80);
    world.sim.drive(gpio4, 1);
    await world.pass(1);
    expect(told()).toEqual(["edge 0", "edge 160"]);
  });
});

test("the library's stream of edges tells of silence where it is asked to", async () => {
  const clock = new SimulatedClock();
  const backend = new SimBackend({ clock });
  await using supervisor = await createSupervisor({ backend, clock });
  const client = await supervisor.client();
  const sensor = await client.input("GPIO4");
  const events = await sensor.edges({ edge: "rising", silenceMs: 50 });
  backend.drive(gpio4, 1);
  clock.advanceMs(50);
  expect((await events.next()).value).toMatchObject({ ev: "edge", level: 1 });
  expect((await events.next()).value).toMatchObject({ ev: "silence", silenceMs: 50 });
});
