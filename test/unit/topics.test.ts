import { expect, spyOn, test } from "bun:test";
import { type ScriptedClient, World } from "../../src/index-testing.ts";
import type { EventOf } from "../../src/protocol/replies.ts";
import { levelsOf } from "../../src/protocol/topics.ts";
import { FilterTree } from "../../src/supervisor/topics/filter-tree.ts";

/** What a client has been told, in short: `door=open`, with what else there is to say. */
function told({ events }: ScriptedClient): string[] {
  return events
    .filter((event): event is EventOf<"message"> => event.ev === "message")
    .map(({ topic, value, retained, lost }) => {
      const said = value === undefined ? topic : `${topic}=${value}`;
      return [said, ...(retained ? ["retained"] : []), ...(lost > 0 ? [`lost ${lost}`] : [])].join(" ");
    });
}

function publish(client: ScriptedClient, topic: string, value?: unknown, retain?: boolean): number {
  return client.ask({ op: "topic.publish", topic, value, retain }).body.subscribers;
}

test("whoever has subscribed is told, the publisher too, with who has said it and when", async () => {
  const world = new World();
  const [door, panel] = [world.join("door"), world.join("panel")];
  const { sub } = panel.ask({ op: "topic.subscribe", topic: "door/+/state" }).body;
  door.ask({ op: "topic.subscribe", topic: "door/#" });
  await world.pass(5);
  expect(publish(door, "door/front/state", { open: true, angle: 12.5 })).toBe(2);
  expect(publish(door, "door/front")).toBe(1);
  expect(panel.events).toEqual([
    {
      sub,
      ev: "message",
      topic: "door/front/state",
      value: { open: true, angle: 12.5 },
      retained: false,
      timestampNs: 1_005_000_000n,
      by: "door",
      lost: 0,
    },
  ]);
  expect(door.events).toHaveLength(2);
  expect(door.events[1]).not.toHaveProperty("value");
  expect(world.supervisor.status().counters).toMatchObject({ messagesPublished: 2, messagesTold: 3 });
});

test("a topic keeps the last value that was published with retain, for those who come later, also when its publisher has gone", async () => {
  const world = new World();
  const door = world.join("door");
  publish(door, "door", "open", true);
  publish(door, "light", "on", true);
  publish(door, "door", "ajar", true);
  publish(door, "door", "rattles");
  door.leave();
  const panel = world.join("panel");
  expect(panel.ask({ op: "topic.subscribe", topic: "#" }).body).toMatchObject({ retained: 2 });
  await world.settle();
  expect(told(panel)).toEqual(["light=on retained", "door=ajar retained"]);
  expect(panel.ask({ op: "topics" }).body.topics).toMatchObject([
    { topic: "light", bytes: 3, by: "door", subscribers: 1 },
    { topic: "door", bytes: 5, by: "door", subscribers: 1 },
  ]);
});

test("a message without a value that is to be retained takes the value away, and is told; null is a value", async () => {
  const world = new World();
  const door = world.join("door");
  const panel = world.join("panel");
  publish(door, "door", "open", true);
  panel.ask({ op: "topic.subscribe", topic: "door" });
  await world.settle();
  publish(door, "door", undefined, true);
  expect(door.ask({ op: "topics" }).body.topics).toEqual([]);
  publish(door, "door", null, true);
  expect(door.ask({ op: "topics" }).body.topics).toMatchObject([{ topic: "door", bytes: 1 }]);
  expect(told(panel)).toEqual(["door=open retained", "door", "door=null"]);
});

test("what is published behind a subscription, before its kept values have been told, comes behind them", async () => {
  const world = new World();
  const door = world.join("door");
  publish(door, "door", "open", true);
  door.ask({ op: "topic.subscribe", topic: "door" });
  publish(door, "door", "ajar");
  await world.settle();
  expect(told(door)).toEqual(["door=open retained", "door=ajar"]);
});

test("who ends a subscription is told nothing more, not even what was to come first", async () => {
  const world = new World();
  const door = world.join("door");
  publish(door, "door", "open", true);
  const { sub } = door.ask({ op: "topic.subscribe", topic: "door" }).body;
  expect(door.ask({ op: "unwatch", sub }).outcome).toBe("ok");
  await world.settle();
  expect(publish(door, "door", "ajar")).toBe(0);
  expect(told(door)).toEqual([]);
});

test("as many topics as may keep a value; one more is refused, and nobody is told; one that keeps one already may go on", () => {
  const world = new World({ limits: { topics: 2 } });
  const door = world.join("door");
  door.ask({ op: "topic.subscribe", topic: "#" });
  for (const topic of ["a", "b", "a"]) publish(door, topic, 1, true);
  expect(door.ask({ op: "topic.publish", topic: "c", value: 1, retain: true }).error).toMatchObject({
    code: "LIMIT_TOPICS",
    details: { limit: 2 },
  });
  publish(door, "c", undefined, true);
  publish(door, "a", undefined, true);
  publish(door, "c", 2, true);
  expect(told(door)).toEqual(["a=1", "b=1", "a=1", "c", "a", "c=2"]);
});

test("who lists topics has nothing encoded that they keep", () => {
  const world = new World();
  const door = world.join("door");
  let looks = 0;
  const value = Object.defineProperty({}, "angle", { enumerable: true, get: () => ++looks });
  publish(door, "door", value, true);
  const before = looks;
  for (let round = 0; round < 3; round++) expect(door.ask({ op: "topics" }).body.topics).toHaveLength(1);
  expect(looks).toBe(before);
});

test("long messages to a slow client are lost before there are many of them; kept values are not", async () => {
  const world = new World({ limits: { backlogBytes: 1000 } });
  const [camera, panel] = [world.join("camera"), world.join("panel")];
  const picture = new Uint8Array(300);
  for (const topic of ["1", "2", "3", "4", "5"]) publish(camera, topic, picture, true);
  panel.ready = false;
  panel.ask({ op: "topic.subscribe", topic: "#" });
  for (let time = 0; time < 10; time++) publish(camera, "live", picture);
  panel.catchUp();
  // The oldest go first, whatever they are.
  expect(panel.events.map((event) => "topic" in event && [event.topic, event.lost])).toEqual([
    ["live", 13],
    ["live", 0],
  ]);
  publish(camera, "live", new Uint8Array(5000));
  expect(panel.events).toHaveLength(3);
});

test("what a request says wrongly of a topic is named", () => {
  const client = new World().join("client");
  const refused = (fields: { topic: string; value?: unknown }) => client.ask({ op: "topic.publish", ...fields }).error?.message;
  expect(refused({ topic: "" })).toBe("topic.publish: topic: must not be empty");
  expect(refused({ topic: "door/+" })).toBe("topic.publish: topic: must not hold + or #, which are for filters");
  expect(refused({ topic: "door\n" })).toBe("topic.publish: topic: must not hold control characters");
  expect(refused({ topic: "a/".repeat(40) })).toBe("topic.publish: topic: must have at most 32 levels");
  expect(refused({ topic: "a".repeat(257) })).toBe("topic.publish: topic: must have at most 256 characters");
  expect(refused({ topic: "a", value: { deep: [Number.NaN] } })).toBe("topic.publish: value: must not hold NaN or an infinity");
  for (const topic of ["door+", "#/door", "a#"]) {
    expect(client.ask({ op: "topic.subscribe", topic }).error).toMatchObject({ code: "BAD_FIELD", details: { field: "topic" } });
  }
});

test("topics go on while the supervisor drains, so that programs can tell each other that they end", async () => {
  const world = new World();
  const [door, panel] = [world.join("door"), world.join("panel")];
  panel.ask({ op: "topic.subscribe", topic: "#" });
  door.ask({ op: "open", pin: "GPIO17", direction: "out" });
  door.ask({ op: "on", pin: "GPIO17", durationMs: 50 });
  world.supervisor.shutdown();
  publish(door, "door", "ends");
  expect(told(panel)).toEqual(["door=ends"]);
  await world.pass(50);
  expect(world.stopped).toBe(true);
});

test("subscriptions to other topics cost a publish nothing", () => {
  const steps = (others: number) => {
    const tree = new FilterTree<number>();
    for (let number = 0; number < others; number++) tree.add(levelsOf(`room/${number}/+/#`), number);
    tree.add(levelsOf("door/+"), -1);
    using looks = spyOn(Map.prototype, "get");
    expect(tree.fitting(levelsOf("door/front"))).toEqual([-1]);
    return looks.mock.calls.length;
  };
  expect(steps(1000)).toBe(steps(0));
});
