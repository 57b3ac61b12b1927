import { expect, test } from "bun:test";
import { HoldfastClient } from "../../src/client/client.ts";
import { EventStream } from "../../src/client/event-stream.ts";
import type { Dial, Link } from "../../src/client/link.ts";
import { World } from "../../src/index-testing.ts";
import type { EventOf } from "../../src/protocol/replies.ts";
import type { Supervisor } from "../../src/supervisor/supervisor.ts";
import { inProcess } from "../../src/transports/in-process.ts";

/** A way to a supervisor that a test can cut. */
function cuttable(supervisor: Supervisor): { readonly dial: Dial; cut(): Promise<void> } {
  let link: Link | null = null;
  const dial: Dial = async (listener) => {
    link = await inProcess(supervisor, "app")(listener);
    return link;
  };
  return { dial, cut: async () => link?.close() };
}

/** Lets the client's pauses pass, which are real ones. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

test("a connection that is not greeted is closed", async () => {
  let closed = 0;
  const refusing: Dial = async ({ message }) => ({
    send: (request) => {
      const { id } = request as { readonly id: number };
      queueMicrotask(() => message({ id, ok: false, error: { code: "BAD_PROTOCOL", message: "another version" } }));
    },
    close: async () => void closed++,
    abandon: () => {},
  });
  await expect(HoldfastClient.over(refusing)).rejects.toMatchObject({ code: "BAD_PROTOCOL" });
  expect(closed).toBe(1);
});

test("a pin that still closes for the lost connection is opened again when it has closed, as it was set last", async () => {
  const world = new World();
  const { dial, cut } = cuttable(world.supervisor);
  const states: string[] = [];
  const client = await HoldfastClient.over(dial, { reconnect: true, onConnection: (state) => states.push(state) });
  const led = await client.output(17, { bias: "pull-up" });
  await led.configure({ activeLow: true });
  await led.setMode("nowait");
  await led.on({ durationMs: 30_000 });
  await cut();
  await until(() => world.supervisor.pins.open[0]?.waiting === 2);
  expect(states).toEqual(["lost"]);
  world.clock.advanceMs(30_000);
  await until(() => states.includes("back"));
  expect(world.shown("GPIO17")).toMatchObject({ state: "idle", mode: "nowait", settings: { activeLow: true, bias: "pull-up" } });
  expect((await led.on()).command).toBe(1);
});

test("what the program observes while the rest is still being restored is subscribed to once", async () => {
  const world = new World();
  const { dial, cut } = cuttable(world.supervisor);
  const states: string[] = [];
  const client = await HoldfastClient.over(dial, { reconnect: true, onConnection: (state) => states.push(state) });
  await client.observe(4);
  const led = await client.output(17);
  await led.on({ durationMs: 30_000 });
  await cut();
  await until(() => world.supervisor.pins.open[0]?.waiting === 2);
  await client.observe(27);
  world.clock.advanceMs(30_000);
  await until(() => states.includes("back"));
  expect((await client.status()).clients.map(({ subscriptions }) => subscriptions)).toEqual([2]);
});

test("a subscription to topics goes on, and is told what they keep again", async () => {
  const world = new World();
  const { dial, cut } = cuttable(world.supervisor);
  const states: string[] = [];
  const client = await HoldfastClient.over(dial, { reconnect: true, onConnection: (state) => states.push(state) });
  const door = world.join("door");
  const doors = await client.topic("door/#");
  const next = async () => {
    const { value } = await doors.next();
    return [value?.topic, value?.value, value?.retained];
  };
  await client.publish("door", "open", { retain: true });
  await client.publish("door/bell");
  expect([await next(), await next()]).toEqual([
    ["door", "open", false],
    ["door/bell", undefined, false],
  ]);
  await cut();
  await until(() => states.includes("back"));
  expect(await next()).toEqual(["door", "open", true]);
  expect(door.ask({ op: "topic.publish", topic: "door", value: "ajar" }).body.subscribers).toBe(1);
  expect(await next()).toEqual(["door", "ajar", false]);
});

test("a pin that has turned is opened again in its new direction", async () => {
  const world = new World();
  const { dial, cut } = cuttable(world.supervisor);
  const states: string[] = [];
  const client = await HoldfastClient.over(dial, { reconnect: true, onConnection: (state) => states.push(state) });
  const pin = await client.output(17, { bias: "pull-up", closeLevel: "on", mode: "nowait", initial: 1 });
  await pin.configure({ direction: "in", debounceUs: 50 });
  await cut();
  await until(() => states.includes("back"));
  expect(world.shown("GPIO17")).toMatchObject({ direction: "in", settings: { bias: "pull-up", debounceUs: 50 } });
});

test("a pin that stayed open is taken up again, wherever its commands have brought it", async () => {
  const world = new World();
  const { dial, cut } = cuttable(world.supervisor);
  const states: string[] = [];
  const client = await HoldfastClient.over(dial, { reconnect: true, onConnection: (state) => states.push(state) });
  const led = await client.output(17, { initial: 1, onDisconnect: "stay" });
  await led.off();
  await cut();
  await until(() => states.includes("back"));
  expect((await led.on()).command).toBe(2);
});

test("a program is told which pin it holds no more, and what it throws then keeps nobody from being connected", async () => {
  const world = new World();
  const { dial, cut } = cuttable(world.supervisor);
  const told: unknown[] = [];
  const warnings: string[] = [];
  const warned = ({ message }: Error) => warnings.push(message);
  process.on("warning", warned);
  const client = await HoldfastClient.over(dial, {
    reconnect: true,
    onConnection: (state) => {
      told.push(state);
      throw new Error(`the program fails at ${state}`);
    },
    onGivenUp: (pin, { code }) => told.push([pin, code]),
  });
  await client.output(17);
  await client.output(27);
  await cut();
  world.join("rival").ask({ op: "open", pin: "GPIO17", direction: "out" });
  await until(() => told.includes("back"));
  expect(told).toEqual(["lost", ["GPIO17", "PIN_BUSY"], "back"]);
  expect(world.supervisor.status().clients.map(({ name, pins }) => [name, pins])).toContainEqual([expect.any(String), ["GPIO27"]]);
  await until(() => warnings.length === 2);
  process.off("warning", warned);
  expect(warnings).toEqual(["the program fails at lost", "the program fails at back"]);
});

test("a stream that its reader has left tells nothing more", async () => {
  const stream = new EventStream<EventOf<"edge">>(() => {});
  for (const seq of [1, 2]) stream.push({ sub: 1, ev: "edge", pin: "GPIO17", level: 1, timestampNs: 0n, seq, lost: 0 });
  expect((await stream.next()).value?.seq).toBe(1);
  await stream.return();
  expect(await stream.next()).toEqual({ done: true, value: undefined });
});
