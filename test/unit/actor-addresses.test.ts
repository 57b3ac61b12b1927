import { describe, expect, test } from "bun:test";
import { type ScriptedClient, World } from "../../src/index-testing.ts";
import type { EventOf } from "../../src/protocol/replies.ts";

const transitions = ({ events }: ScriptedClient, address?: string) =>
  events
    .filter((event): event is EventOf<"transition"> => event.ev === "transition")
    .filter((event) => address === undefined || event.address === address)
    .map(({ event, from, state }) => [event, from, state]);

describe("looking", () => {
  test("everything that there is has an address, and stands below what it is a part of", async () => {
    const world = new World({ processes: { algo: { command: ["algo"], autostart: false } } });
    const client = world.join("viewer");
    client.ask({ op: "open", pin: "17", direction: "out" });
    client.ask({ op: "pool.create", pool: "cam0", slots: 2, bytes: 16 });
    await world.settle();
    expect(client.ask({ op: "actors" }).body.actors.map(({ address, parent, state }) => [address, parent, state])).toEqual([
      ["supervisor", null, "running"],
      ["pin/GPIO17", "supervisor", "idle"],
      ["pool/cam0", "supervisor", "open"],
      ["pool/cam0/slot/0", "pool/cam0", "free"],
      ["pool/cam0/slot/1", "pool/cam0", "free"],
      ["process/algo", "supervisor", "stopped"],
      ["client/1", "supervisor", "connected"],
    ]);
    expect(client.ask({ op: "actors", address: "pool/cam0" }).body.actors).toHaveLength(3);
    expect(client.ask({ op: "actors", address: "pin/BOARD7" }).body.actors).toEqual([
      { address: "pin/GPIO4", kind: "pin", parent: "supervisor", state: "closed" },
    ]);
  });

  test("an address that leads nowhere is refused with those like it", () => {
    const world = new World({ processes: { algo: { command: ["algo"], autostart: false } } });
    const client = world.join("viewer");
    expect(client.ask({ op: "observe", address: "process/algi" }).error).toMatchObject({
      code: "ACTOR_UNKNOWN",
      details: { field: "address", nearest: ["process/algo"] },
    });
    expect(client.ask({ op: "trace", address: "pin/GPIO99" }).error).toMatchObject({ code: "PIN_UNKNOWN", details: { field: "address" } });
    expect(client.ask({ op: "actors", address: "door" }).error).toMatchObject({ code: "BAD_FIELD", details: { field: "address" } });
    expect(client.ask({ op: "observe" }).error).toMatchObject({ code: "MISSING_FIELD", details: { field: "pin" } });
  });

  test("an actor tells what it takes, and what machine it is", () => {
    const client = new World().join("viewer");
    const pin = client.ask({ op: "actor.describe", address: "pin/17" }).body;
    expect(pin).toMatchObject({ address: "pin/GPIO17", kind: "pin", machine: { id: "pin", states: { idle: {}, blinking: {} } } });
    const blink = pin.accepts.find(({ type }) => type === "blink")?.schema as { properties: object; required: string[] };
    expect(Object.keys(blink.properties)).toEqual(["durationMs", "mode", "ack", "onMs", "offMs", "n"]);
    expect(blink.required).toEqual(["onMs", "offMs"]);
    expect(client.ask({ op: "actor.describe", address: "client/1" }).body.accepts).toEqual([]);
  });
});

describe("sending", () => {
  test("an event is the operation of its name, and asking answers its reply", async () => {
    const world = new World();
    const client = world.join("owner");
    client.ask({ op: "open", pin: "GPIO17", direction: "out" });
    expect(client.ask({ op: "actor.send", address: "pin/GPIO17", event: { type: "on", durationMs: 5 } }).body).toEqual({});
    const answer = client.ask({ op: "actor.ask", address: "pin/17", event: { type: "off", durationMs: 5, ack: "done" } });
    expect(answer.outcome).toBe("pending");
    await world.pass(10);
    expect(answer.body).toEqual({ reply: { state: "idle", queued: 0, command: 2, outcome: "done", lateMs: 0 } });
  });

  test("an event that is none, or is wrong, is refused with what is taken, and nothing happens", () => {
    const client = new World().join("owner");
    client.ask({ op: "open", pin: "GPIO17", direction: "out" });
    const send = (event: { type: string }) => client.ask({ op: "actor.send", address: "pin/GPIO17", event }).error;
    expect(send({ type: "open" })).toMatchObject({ code: "EVENT_UNKNOWN", details: { field: "event.type" } });
    expect(send({ type: "constructor" })?.code).toBe("EVENT_UNKNOWN");
    expect(send({ type: "on", durationms: 5 } as never)).toMatchObject({
      code: "EVENT_INVALID",
      details: { field: "event.durationms", accepts: ["durationMs", "mode", "ack"] },
    });
    for (const field of ["pin", "id", "op"]) {
      expect(send({ type: "on", [field]: "GPIO4" })).toMatchObject({ code: "EVENT_INVALID", details: { field: `event.${field}` } });
    }
    expect(send({ type: "blink", onMs: 0, offMs: 1 } as never)?.details.field).toBe("event.onMs");
    expect(client.ask({ op: "read", pin: "GPIO17" }).body.state).toBe("idle");
  });

  test("who asks for longer than it says is told so, and what it has asked is still done", async () => {
    const world = new World();
    const client = world.join("owner");
    client.ask({ op: "open", pin: "GPIO17", direction: "out" });
    const answer = client.ask({ op: "actor.ask", address: "pin/17", event: { type: "on", durationMs: 50, ack: "done" }, timeoutMs: 20 });
    await world.pass(30);
    expect(answer.error).toMatchObject({ code: "ASK_TIMEOUT", details: { timeoutMs: 20 } });
    expect(client.client.pending).toBe(1);
    expect(client.ask({ op: "read", pin: "GPIO17" }).body.state).toBe("on");
    await world.pass(30);
    expect(client.client.pending).toBe(0);
  });
});

describe("following", () => {
  test("who observes an actor is told what it is found in, and then each transition", async () => {
    const world = new World();
    const [observer, owner] = [world.join("observer"), world.join("owner")];
    expect(observer.ask({ op: "observe", address: "pin/BOARD11" }).body).toEqual({ sub: 1, state: "closed" });
    await world.settle();
    owner.ask({ op: "open", pin: "GPIO17", direction: "out" });
    owner.ask({ op: "on", pin: "GPIO17", durationMs: 10 });
    owner.ask({ op: "close", pin: "GPIO17" });
    await world.pass(20);
    expect(transitions(observer)).toEqual([
      [null, null, "closed"],
      ["open", "closed", "idle"],
      ["on", "idle", "on"],
      ["close", "on", "closing"],
      ["released", "closing", "closed"],
    ]);
    expect(observer.events[2]).toMatchObject({ address: "pin/GPIO17", data: { level: 1, value: 1, command: 1, by: "owner" } });
  });

  test("a slot that somebody still reads is gone with its pool, and is not heard of when it has been read", async () => {
    const world = new World();
    const [observer, producer, consumer] = [world.join("observer"), world.join("producer"), world.join("consumer")];
    observer.ask({ op: "trace", address: "supervisor" });
    producer.ask({ op: "pool.create", pool: "cam0", slots: 4, bytes: 16 });
    await world.settle();
    consumer.ask({ op: "frames.subscribe", pool: "cam0" });
    const { lease } = producer.ask({ op: "slot.acquire", pool: "cam0" }).body;
    producer.ask({ op: "slot.publish", lease, bytes: 1 });
    await world.settle();
    producer.ask({ op: "pool.remove", pool: "cam0" });
    consumer.leave();
    await world.settle();
    expect(transitions(observer, "pool/cam0/slot/0").at(-1)).toEqual(["remove", "reading", "gone"]);
  });

  test("a trace tells of all that comes and goes, and of the edges of pins", async () => {
    const world = new World();
    const [observer, owner] = [world.join("observer"), world.join("owner")];
    observer.ask({ op: "trace" });
    owner.ask({ op: "open", pin: "GPIO17", direction: "out" });
    owner.ask({ op: "blink", pin: "GPIO17", onMs: 5, offMs: 5, n: 2 });
    owner.ask({ op: "pool.create", pool: "cam0", slots: 2, bytes: 16 });
    await world.pass(30);
    const lease = owner.ask({ op: "slot.acquire", pool: "cam0" }).body.lease;
    owner.ask({ op: "slot.abort", lease });
    owner.ask({ op: "pool.remove", pool: "cam0" });
    owner.leave();
    await world.pass(30);
    expect(transitions(observer, "pool/cam0/slot/0")).toEqual([
      [null, null, "free"],
      ["acquire", "free", "writing"],
      ["abort", "writing", "free"],
      ["remove", "free", "gone"],
    ]);
    expect(transitions(observer, "client/2")).toEqual([
      [null, null, "connected"],
      ["end", "connected", "leaving"],
      ["settled", "leaving", "gone"],
    ]);
    const edges = observer.events.filter((event) => event.ev === "edge");
    expect(edges.map(({ pin, level, seq }) => [pin, level, seq])).toEqual([
      ["GPIO17", 1, 1],
      ["GPIO17", 0, 2],
      ["GPIO17", 1, 3],
      ["GPIO17", 0, 4],
    ]);
    observer.ask({ op: "unwatch", sub: 1 });
    expect(world.defects).toEqual([]);
  });
});

describe("a follower", () => {
  test("who is slow loses the oldest transitions, never the newest, and is told how many", async () => {
    const world = new World({ limits: { backlogEvents: 3 } });
    const [observer, owner] = [world.join("observer"), world.join("owner")];
    owner.ask({ op: "open", pin: "GPIO17", direction: "out" });
    observer.ask({ op: "observe", address: "pin/GPIO17" });
    await world.settle();
    observer.ready = false;
    for (const op of ["on", "off", "on", "off", "on"] as const) owner.ask({ op, pin: "GPIO17" });
    observer.catchUp();
    expect(transitions(observer)).toEqual([
      [null, null, "idle"],
      ["on", "idle", "on"],
      ["off", "on", "idle"],
      ["on", "idle", "on"],
    ]);
    expect((observer.events as EventOf<"transition">[]).map(({ lost }) => lost)).toEqual([0, 2, 0, 0]);
  });

  test("of a line hears what the group does that it is a part of; one who follows all hears of the group", async () => {
    const world = new World();
    const [observer, tracer, owner] = [world.join("observer"), world.join("tracer"), world.join("owner")];
    observer.ask({ op: "observe", address: "pin/GPIO17" });
    tracer.ask({ op: "trace" });
    owner.ask({ op: "open", pin: "GPIO4+GPIO17", direction: "out" });
    owner.ask({ op: "write", pin: "GPIO4+GPIO17", levels: [0, 1] });
    await world.settle();
    expect(observer.events.at(-1)).toMatchObject({ address: "pin/GPIO17", state: "on", data: { level: 1 } });
    expect(transitions(tracer, "pin/GPIO17")).toEqual([]);
    expect(transitions(tracer, "pin/GPIO4+GPIO17").map(([event]) => event)).toEqual(["open", "write"]);
    expect(tracer.events.filter((event) => event.ev === "edge").map(({ member, level }) => [member, level])).toEqual([["GPIO17", 1]]);
  });

  test("is told of the edges of inputs, and goes on when another one stops", async () => {
    const world = new World();
    const [first, second, owner] = [world.join("first"), world.join("second"), world.join("owner")];
    owner.ask({ op: "open", pin: "GPIO4", direction: "in" });
    for (const tracer of [first, second]) tracer.ask({ op: "trace", address: "pin/GPIO4" });
    world.wire("GPIO4").drive(1);
    first.ask({ op: "unwatch", sub: 1 });
    world.wire("GPIO4").drive(0);
    await world.settle();
    const levels = ({ events }: ScriptedClient) => events.flatMap((event) => (event.ev === "edge" ? [event.level] : []));
    expect([levels(first), levels(second)]).toEqual([[1], [1, 0]]);
  });
});

test("a program follows and sends by the methods of its client", async () => {
  const world = new World();
  const client = await world.connect({ name: "program" });
  const relay = await client.output("GPIO17");
  const [observed, traced] = [await client.observeActor("pin/17"), await client.trace("pin/17")];
  await client.send("pin/GPIO17", { type: "on" });
  expect(await client.ask("pin/GPIO17", { type: "read" })).toMatchObject({ level: 1 });
  await expect(client.ask("pin/GPIO17", { type: "fly" })).rejects.toMatchObject({ code: "EVENT_UNKNOWN" });
  const states: string[] = [];
  for await (const { state } of observed) if (states.push(state) === 2) break;
  expect(states).toEqual(["idle", "on"]);
  const seen: string[] = [];
  for await (const event of traced) if (seen.push(event.ev) === 3) break;
  expect(seen.sort()).toEqual(["edge", "transition", "transition"]);
  expect((await client.actors("pin/GPIO17")).map(({ state }) => state)).toEqual(["on"]);
  expect((await client.describeActor("pin/GPIO17")).accepts.map(({ type }) => type)).toContain("blink");
  await relay.close();
  await client.close();
});
