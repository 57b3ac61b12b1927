import { expect, test } from "bun:test";
import { type ScriptedClient, World } from "../../src/index-testing.ts";
import type { EventOf } from "../../src/protocol/replies.ts";

const seen = ({ events }: ScriptedClient) =>
  (events as EventOf<"state">[]).map(({ state, level, value, command, by }) => [state, level, value, command, by]);

test("who observes a pin is told what it does, and then each change of state or command, whoever holds it", async () => {
  const world = new World();
  const [observer, owner] = [world.join("observer"), world.join("owner")];
  owner.ask({ op: "open", pin: "GPIO17", direction: "out" });
  expect(observer.ask({ op: "observe", pin: "GPIO17" }).body).toEqual({ sub: 1, state: "idle" });
  await world.settle();
  owner.ask({ op: "blink", pin: "GPIO17", onMs: 10, offMs: 10, n: 2 });
  owner.ask({ op: "on", pin: "GPIO17" });
  await world.pass(100);
  expect(seen(observer)).toEqual([
    ["idle", 0, 0, null, null],
    // A wave has no level worth telling; its edges are for those who watch.
    ["blinking", null, null, 1, "owner"],
    ["on", 1, 1, 2, "owner"],
  ]);
});

test("an observation outlives close and open: it belongs to the name", async () => {
  const world = new World();
  const [observer, owner] = [world.join("observer"), world.join("owner")];
  observer.ask({ op: "observe", pin: "BOARD11" });
  await world.settle();
  owner.ask({ op: "open", pin: "GPIO17", direction: "out" });
  owner.ask({ op: "on", pin: "GPIO17", durationMs: 10 });
  owner.ask({ op: "close", pin: "GPIO17" });
  await world.pass(20);
  owner.ask({ op: "open", pin: "GPIO17", direction: "in" });
  expect(seen(observer).map(([state]) => state)).toEqual(["closed", "idle", "on", "closing", "closed", "watching"]);
});

test("another client's open of an input whose level has changed is nothing to tell of", async () => {
  const world = new World();
  const [observer, first, second] = [world.join("observer"), world.join("first"), world.join("second")];
  first.ask({ op: "open", pin: "GPIO17", direction: "in" });
  observer.ask({ op: "observe", pin: "GPIO17" });
  await world.settle();
  world.sim.drive({ chip: "sim:0", offset: 17 }, 1);
  second.ask({ op: "open", pin: "GPIO17", direction: "in" });
  expect(seen(observer)).toEqual([["watching", 0, null, null, null]]);
});

test("a watch ends with the hold on the pin, and says so", async () => {
  const world = new World();
  const client = world.join("watcher");
  client.ask({ op: "open", pin: "GPIO17", direction: "in" });
  client.ask({ op: "watch", pin: "GPIO17" });
  client.ask({ op: "close", pin: "GPIO17" });
  expect(client.events).toEqual([{ sub: 1, ev: "end", reason: "CLOSED" }]);
  expect(client.ask({ op: "unwatch", sub: 1 }).outcome).toBe("SUB_UNKNOWN");
});

test("the last word of a watch reaches a slow client after all that waited", async () => {
  const world = new World();
  const client = world.join("slow");
  client.ask({ op: "open", pin: "GPIO17", direction: "out" });
  client.ask({ op: "watch", pin: "GPIO17" });
  client.ready = false;
  client.ask({ op: "on", pin: "GPIO17" });
  client.ask({ op: "close", pin: "GPIO17" });
  expect(client.events).toEqual([]);
  client.catchUp();
  expect(client.events.map(({ ev }) => ev)).toEqual(["edge", "end"]);
});

test("a pattern that is over before its time has no steady value", async () => {
  const world = new World();
  const client = world.join("signal");
  client.ask({ op: "open", pin: "GPIO17", direction: "out" });
  client.ask({ op: "pattern", pin: "GPIO17", steps: [{ level: 1, ms: 10 }], n: 1, durationMs: 30 });
  expect(client.ask({ op: "read", pin: "GPIO17" }).body).toMatchObject({ level: 1, value: null });
  await world.pass(20);
  expect(client.ask({ op: "read", pin: "GPIO17" }).body).toMatchObject({ level: 0, value: null, state: "blinking" });
});
