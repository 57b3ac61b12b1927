import { expect, test } from "bun:test";
import { World } from "../../src/index-testing.ts";

test("a pin queues so many commands and no more; what replaces them needs no room", () => {
  const world = new World({ limits: { queuedCommands: 2 } });
  const client = world.join("eager");
  client.ask({ op: "open", pin: "GPIO17", direction: "out" });
  const give = () => client.ask({ op: "on", pin: "BOARD11", durationMs: 10 });
  expect([give(), give(), give()].map(({ outcome }) => outcome)).toEqual(["ok", "ok", "ok"]);
  expect(give().error).toMatchObject({ code: "LIMIT_QUEUE", details: { pin: "GPIO17", limit: 2 } });
  expect(world.shown("GPIO17")).toMatchObject({ command: 1, queued: 2 });
  expect(client.ask({ op: "off", pin: "GPIO17", mode: "nowait" }).body).toEqual({ state: "idle", queued: 0, command: 4 });
});

test("a client has so many subscriptions and no more, and one that ends makes room", () => {
  const world = new World({ limits: { subscriptions: 2 } });
  const client = world.join("curious");
  const observe = () => client.ask({ op: "observe", pin: "GPIO17" });
  expect([observe(), observe(), observe()].map(({ outcome }) => outcome)).toEqual(["ok", "ok", "LIMIT_SUBSCRIPTIONS"]);
  client.ask({ op: "unwatch", sub: 1 });
  expect(observe().body).toEqual({ sub: 3, state: "closed" });
});

test("so many clients are served and no more, and one that goes makes room", () => {
  const world = new World({ limits: { clients: 2 } });
  const [first] = [world.join("first"), world.join("second")];
  expect(() => world.join("third")).toThrow("the supervisor serves 2 clients at most");
  first?.leave();
  expect(world.join("third").number).toBe(3);
});

test("a client waits for so many answers and no more", async () => {
  const world = new World({ limits: { pendingRequests: 2 } });
  const client = world.join("impatient");
  client.ask({ op: "open", pin: "GPIO17", direction: "out" });
  const give = () => client.ask({ op: "on", pin: "GPIO17", durationMs: 10, ack: "done" });
  const given = [give(), give(), give()];
  expect(given[2]?.outcome).toBe("LIMIT_PENDING");
  await world.pass(20);
  expect(given.map(({ outcome }) => outcome)).toEqual(["ok", "ok", "LIMIT_PENDING"]);
  expect(give().outcome).toBe("pending");
});

test("a client waits for so many pools to be made or opened and no more", async () => {
  const world = new World({ limits: { pendingRequests: 2 } });
  const client = world.join("impatient");
  const goOn = world.memory.holdNext();
  const made = client.ask({ op: "pool.create", pool: "cam0", slots: 2, bytes: 100 });
  await world.settle();
  const others = ["cam1", "cam2"].map((pool) => client.ask({ op: "pool.create", pool, slots: 2, bytes: 100 }));
  expect(others.map(({ outcome }) => outcome)).toEqual(["pending", "LIMIT_PENDING"]);
  expect(client.ask({ op: "pool.open", pool: "cam0" }).outcome).toBe("LIMIT_PENDING");
  goOn();
  await world.settle();
  expect([made, ...others].map(({ outcome }) => outcome)).toEqual(["ok", "ok", "LIMIT_PENDING"]);
  const opened = [1, 2, 3].map(() => client.ask({ op: "pool.open", pool: "cam0" }));
  await world.settle();
  expect(opened.map(({ outcome }) => outcome)).toEqual(["ok", "ok", "LIMIT_PENDING"]);
});

test("a client that waits for as many answers as it may can stop its pin all the same", () => {
  const world = new World({ limits: { pendingRequests: 1 } });
  const client = world.join("impatient");
  client.ask({ op: "open", pin: "GPIO17", direction: "out" });
  client.ask({ op: "on", pin: "GPIO17", durationMs: 1000, ack: "done" });
  expect(client.ask({ op: "close", pin: "GPIO17" }).outcome).toBe("LIMIT_PENDING");
  expect(client.ask({ op: "read", pin: "GPIO17" }).outcome).toBe("ok");
  expect(client.ask({ op: "off", pin: "GPIO17", mode: "nowait" }).outcome).toBe("ok");
  expect(client.ask({ op: "cancel", pin: "GPIO17" }).outcome).toBe("ok");
});

test("a line that may be active for so long goes off, and the command that had it is told why", async () => {
  const world = new World({ limits: { maxOnMs: 50 } });
  const client = world.join("heater");
  client.ask({ op: "open", pin: "GPIO17", direction: "out" });
  await world.pass(10);
  client.ask({ op: "on", pin: "GPIO17", durationMs: 30 });
  const second = client.ask({ op: "on", pin: "GPIO17", ack: "done" });
  await world.pass(100);
  expect(second.body).toMatchObject({ outcome: "cancelled", reason: "MAX_ON", state: "idle" });
  expect(world.sim.trace({ chip: "sim:0", offset: 17 }).map(({ timestampNs }) => timestampNs)).toEqual([1_010_000_000n, 1_060_000_000n]);
});

test("where lines may be active for so long only, none is left on when it closes", () => {
  const world = new World({ limits: { maxOnMs: 50 } });
  const client = world.join("heater");
  const open = (closeLevel: "off" | "on" | "keep") => client.ask({ op: "open", pin: "GPIO17", direction: "out", closeLevel });
  expect([open("on"), open("keep"), open("off")].map(({ outcome }) => outcome)).toEqual(["LIMIT_ON", "LIMIT_ON", "ok"]);
  expect(client.ask({ op: "configure", pin: "GPIO17", closeLevel: "on" }).outcome).toBe("LIMIT_ON");
  expect(world.shown("GPIO17")).toMatchObject({ settings: { closeLevel: "off" } });
});

test("a client that has gone asks for nothing", () => {
  const world = new World();
  const client = world.join("ghost");
  client.leave();
  expect(client.ask({ op: "open", pin: "GPIO17", direction: "out" }).outcome).toBe("DISCONNECTED");
});
