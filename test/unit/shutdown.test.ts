import { expect, test } from "bun:test";
import { World } from "../../src/index-testing.ts";

test("a shutdown drains: what was accepted runs, nothing is opened any more, and then every line is given back", async () => {
  const world = new World();
  const client = world.join("worker");
  client.ask({ op: "open", pin: "GPIO17", direction: "out" });
  client.ask({ op: "open", pin: "GPIO27", direction: "in" });
  client.ask({ op: "watch", pin: "GPIO27" });
  const running = client.ask({ op: "on", pin: "GPIO17", durationMs: 100, ack: "done" });
  expect(client.ask({ op: "shutdown" }).outcome).toBe("ok");
  expect(world.supervisor.state).toBe("draining");
  expect(client.ask({ op: "open", pin: "GPIO22", direction: "out" }).outcome).toBe("SHUTTING_DOWN");
  expect(client.ask({ op: "on", pin: "GPIO17" }).outcome).toBe("PIN_CLOSING");
  expect(client.events).toEqual([{ sub: 1, ev: "end", reason: "CLOSED" }]);
  await world.pass(100);
  expect([running.body.outcome, world.supervisor.state, world.stopped]).toEqual(["done", "stopped", true]);
});

test("a second shutdown does not wait", async () => {
  const world = new World();
  const client = world.join("worker");
  client.ask({ op: "open", pin: "GPIO17", direction: "out" });
  const running = client.ask({ op: "on", pin: "GPIO17", durationMs: 60_000, ack: "done" });
  client.ask({ op: "shutdown" });
  client.ask({ op: "shutdown" });
  await world.settle();
  expect(running.body).toMatchObject({ outcome: "cancelled", reason: "CLOSED" });
  expect(world.stopped).toBe(true);
});

test("draining has a deadline", async () => {
  const world = new World({ drainMs: 500 });
  const client = world.join("worker");
  client.ask({ op: "open", pin: "GPIO17", direction: "out" });
  client.ask({ op: "on", pin: "GPIO17", durationMs: 60_000 });
  client.ask({ op: "shutdown" });
  await world.pass(499);
  expect(world.stopped).toBe(false);
  await world.pass(1);
  expect(world.stopped).toBe(true);
  expect(world.clock.pending).toBe(0);
});

test("a pin that can't be closed, by a defect, keeps no other open, and the supervisor from nothing", async () => {
  const world = new World();
  const client = world.join("worker");
  for (const pin of ["GPIO17", "GPIO27"]) client.ask({ op: "open", pin, direction: "out", initial: 1 });
  const [broken] = world.supervisor.pins.open;
  Object.defineProperty(broken, "shut", {
    value: () => {
      throw new Error("planted");
    },
  });
  world.supervisor.shutdown();
  await world.settle();
  expect([world.stopped, world.sim.level({ chip: "sim:0", offset: 27 })]).toEqual([true, 0]);
  expect(world.defects).toEqual([expect.stringContaining("a pin can't be closed")]);
});

test("an unowned pin does not outlive the supervisor", async () => {
  const world = new World();
  const shell = world.join("shell");
  shell.ask({ op: "open", pin: "GPIO17", direction: "out", onDisconnect: "stay" });
  shell.ask({ op: "on", pin: "GPIO17" });
  shell.leave();
  world.supervisor.shutdown();
  await world.settle();
  expect(world.stopped).toBe(true);
  expect(world.sim.uses({ chip: "sim:0", offset: 17 })).toEqual({ requests: 1, releases: 1 });
});

test("an open that waits for a closing pin opens nothing once the supervisor shuts down", async () => {
  const world = new World();
  const [holder, waiting] = [world.join("holder"), world.join("waiting")];
  holder.ask({ op: "open", pin: "GPIO17", direction: "out" });
  holder.ask({ op: "on", pin: "GPIO17", durationMs: 100 });
  holder.ask({ op: "close", pin: "GPIO17" });
  const open = waiting.ask({ op: "open", pin: "GPIO17", direction: "out", waitMs: 1000 });
  world.supervisor.shutdown(true);
  await world.settle();
  expect([open.outcome, world.stopped]).toEqual(["SHUTTING_DOWN", true]);
});
