import { describe, expect, test } from "bun:test";
import { createSupervisor, SimBackend, SimulatedClock } from "../../src/index.ts";
import { World } from "../../src/index-testing.ts";

const gpio17 = { chip: "sim:0", offset: 17 };

/** A world with a client that has GPIO17 on, and wants to be heard of every 100 ms. */
function beating(more: object = {}) {
  const world = new World();
  const client = world.join("robot");
  client.ask({ op: "open", pin: "GPIO17", direction: "out", heartbeatMs: 100, ...more });
  client.ask({ op: "on", pin: "GPIO17" });
  return { world, client };
}

describe("a client that has asked for a heartbeat", () => {
  test("loses the pin when it sends nothing for so long", async () => {
    const { world, client } = beating();
    await world.pass(99.999);
    expect(world.sim.level(gpio17)).toBe(1);
    expect(world.shown("GPIO17")?.holders).toMatchObject([{ name: "robot", heartbeatMs: 100 }]);
    await world.pass(0.001);
    expect([world.sim.level(gpio17), world.shown("GPIO17")]).toEqual([0, undefined]);
    expect(world.supervisor.status()).toMatchObject({ counters: { holdsLost: 1 }, clients: [{ state: "connected", pins: [] }] });
    expect(client.ask({ op: "on", pin: "17" }).error).toMatchObject({
      code: "HOLD_LOST",
      message: "this client was silent for more than 100 ms and holds GPIO17 no more; open it again",
      details: { field: "pin", pin: "GPIO17", heartbeatMs: 100 },
    });
  });

  test("keeps it for as long as it sends anything at all", async () => {
    const { world, client } = beating();
    for (const sign of [{ op: "ping" }, { op: "read", pin: "GPIO4" }, { op: "on", pin: "GPIO99" }, { op: "ping" }] as const) {
      await world.pass(90);
      client.ask(sign);
    }
    expect(world.sim.level(gpio17)).toBe(1);
  });

  test("keeps it by no message that is no request", async () => {
    const { world, client } = beating();
    await world.pass(90);
    expect(client.ask({ op: "ping", really: true } as never).outcome).toBe("UNKNOWN_FIELD");
    await world.pass(10);
    expect(world.sim.level(gpio17)).toBe(0);
  });

  test("loses what was opened to stay, too", async () => {
    const { world } = beating({ onDisconnect: "stay" });
    await world.pass(100);
    expect(world.shown("GPIO17")).toBeUndefined();
  });

  test("has its timed commands run to their end, as those of a client that has gone, and nobody may hold the pin before", async () => {
    const { world, client } = beating();
    client.ask({ op: "on", pin: "GPIO17", durationMs: 500 });
    await world.pass(100);
    expect(world.shown("GPIO17")).toMatchObject({ state: "closing", holders: [] });
    expect(client.ask({ op: "off", pin: "GPIO17" }).outcome).toBe("HOLD_LOST");
    expect(client.ask({ op: "open", pin: "GPIO17", direction: "out" }).outcome).toBe("PIN_CLOSING");
    const hard = client.ask({ op: "close", pin: "GPIO17", hard: true });
    await world.settle();
    expect([hard.outcome, world.sim.level(gpio17)]).toEqual(["ok", 0]);
  });

  test("does not take a shared pin from the others", async () => {
    const { world } = beating({ share: true });
    const other = world.join("other");
    other.ask({ op: "open", pin: "GPIO17", direction: "out", share: true });
    await world.pass(1000);
    expect(world.shown("GPIO17")).toMatchObject({ state: "on", holders: [{ name: "other", heartbeatMs: null }] });
    expect(other.ask({ op: "off", pin: "GPIO17" }).outcome).toBe("ok");
  });

  test("loses no other pin with it", async () => {
    const { world, client } = beating();
    client.ask({ op: "open", pin: "GPIO27", direction: "out", initial: 1, heartbeatMs: 300 });
    client.ask({ op: "open", pin: "GPIO22", direction: "out" });
    await world.pass(100);
    expect(world.supervisor.status().pins.map(({ pin }) => pin)).toEqual(["GPIO27", "GPIO22"]);
    await world.pass(200);
    expect(world.supervisor.status().pins.map(({ pin }) => pin)).toEqual(["GPIO22"]);
  });

  test("may open the pin again, and is told nothing of the old hold any more", async () => {
    const { world, client } = beating();
    await world.pass(100);
    expect(client.ask({ op: "open", pin: "BOARD11", direction: "out" }).outcome).toBe("ok");
    expect(client.ask({ op: "on", pin: "GPIO17" }).outcome).toBe("ok");
    client.ask({ op: "close", pin: "GPIO17" });
    await world.pass(1000);
    expect(client.ask({ op: "on", pin: "GPIO17" }).outcome).toBe("PIN_NOT_OPEN");
  });

  test("hears why its watch has ended", async () => {
    const world = new World();
    const client = world.join("watcher");
    client.ask({ op: "open", pin: "GPIO4", direction: "in", heartbeatMs: 50 });
    client.ask({ op: "watch", pin: "GPIO4" });
    await world.pass(50);
    expect(client.events).toEqual([{ sub: 1, ev: "end", reason: "HOLD_LOST" }]);
  });

  test("has its time from when it gets the pin, however long it has waited for that", async () => {
    const world = new World();
    const [first, second] = [world.join("first"), world.join("second")];
    first.ask({ op: "open", pin: "GPIO17", direction: "out" });
    first.ask({ op: "on", pin: "GPIO17", durationMs: 500 });
    first.leave();
    second.ask({ op: "open", pin: "GPIO17", direction: "out", heartbeatMs: 100, waitMs: 1000 });
    await world.pass(599);
    expect(world.shown("GPIO17")?.holders).toMatchObject([{ name: "second" }]);
    await world.pass(1);
    expect(world.shown("GPIO17")).toBeUndefined();
  });

  test("is not blamed for a supervisor that was too busy to hear it", async () => {
    const { world, client } = beating();
    world.clock.stallMs(400);
    await world.pass(1);
    expect(world.sim.level(gpio17)).toBe(1);
    client.ask({ op: "ping" });
    await world.pass(99);
    expect(world.sim.level(gpio17)).toBe(1);
    await world.pass(300);
    expect(world.sim.level(gpio17)).toBe(0);
  });

  test("is missed as soon as ever after that, however long the supervisor was busy", async () => {
    const { world } = beating();
    world.clock.stallMs(3_600_000);
    await world.pass(100);
    expect(world.sim.level(gpio17)).toBe(0);
  });
});

test("the library sends no sign of life by itself; a pin that was lost by silence is closed without a complaint", async () => {
  const clock = new SimulatedClock();
  const backend = new SimBackend({ clock });
  await using supervisor = await createSupervisor({ backend, clock });
  const client = await supervisor.client();
  await using motor = await client.output("GPIO17", { heartbeatMs: 100 });
  await motor.on();
  for (let beat = 0; beat < 5; beat++) {
    clock.advanceMs(90);
    await client.ping();
  }
  expect(backend.level(gpio17)).toBe(1);
  clock.advanceMs(100);
  expect(backend.level(gpio17)).toBe(0);
  await expect(motor.on()).rejects.toMatchObject({ code: "HOLD_LOST" });
});
