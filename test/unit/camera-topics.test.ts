import { expect, test } from "bun:test";
import { type ScriptedClient, World } from "../../src/index-testing.ts";
import { type CameraStage, cameraTable, capturing, stageOf } from "./camera-stage.ts";

/** What a client has been told on a topic. */
function told({ events }: ScriptedClient, topic: string): unknown[] {
  return events.flatMap((event) => (event.ev === "message" && event.topic === topic ? [event.value] : []));
}

/** Somebody who is told of everything. */
function listenerOf({ world }: Pick<CameraStage, "world">): ScriptedClient {
  const listener = world.join("listener");
  listener.ask({ op: "topic.subscribe", topic: "#" });
  return listener;
}

const set = (client: ScriptedClient, value: unknown, camera = "front") =>
  client.ask({ op: "topic.publish", topic: `camera/${camera}/set`, value });

/** All that a client may have a right to, but none of it. */
const nothing = { rules: ["panel"], read: [], watch: [], command: [], frames: [], publish: [], subscribe: [], actors: [], admin: false };

test("an event that is published on a camera's topic does what it does otherwise, and what has come of it is told when it has happened", async () => {
  const stage = await capturing();
  const { world, info, first } = stage;
  const listener = listenerOf(stage);
  const panel = world.join("panel");
  expect(set(panel, "pause").body).toEqual({ subscribers: 1 });
  await world.settle();
  expect([first.orders.map(({ type }) => type), told(listener, "camera/front/done")]).toEqual([["pause"], []]);
  first.report({ order: first.orders[0]?.order });
  await world.settle();
  expect(told(listener, "camera/front/done")).toEqual([{ type: "pause", by: "panel", ok: true }]);
  expect(info().state).toBe("paused");
  set(panel, { type: "fps", fps: 5 });
  await world.settle();
  first.report({ order: first.orders[1]?.order });
  await world.settle();
  expect([told(listener, "camera/front/done").length, info().fps]).toEqual([2, 5]);
});

test("it is done to the end when its publisher has gone", async () => {
  const stage = await capturing({ save: { folder: "/srv" } });
  const { world, worker } = stage;
  const listener = listenerOf(stage);
  const passer = world.join("passer");
  set(passer, "snapshot");
  passer.leave();
  await world.settle();
  await world.pass(0);
  const process = worker("front", "snapshot");
  process.report({ state: "running" });
  await world.settle();
  const snapshot = { file: "/srv/front.jpg", bytes: 10, seq: 3, timestampNs: 5n };
  process.report({ order: process.orders[0]?.order, snapshot });
  await world.settle();
  expect(told(listener, "camera/front/done")).toEqual([{ type: "snapshot", by: "passer", ok: true, ...snapshot }]);
});

test("what can't be done, or is no event, is told with the error of the operation", async () => {
  const stage = await capturing();
  const { world } = stage;
  const listener = listenerOf(stage);
  const panel = world.join("panel");
  for (const value of ["dance", { type: "preview" }, { type: "pause", camera: "back" }, 7, undefined, { type: "save", on: true }])
    set(panel, value);
  await world.settle();
  const errors = told(listener, "camera/front/done") as { type: string | null; ok: boolean; error: { code: string; field: string } }[];
  expect(errors.map(({ type, ok, error: { code, field } }) => [type, ok, code, field]).sort()).toEqual(
    [
      ["dance", false, "EVENT_UNKNOWN", "event.type"],
      ["preview", false, "EVENT_INVALID", "event.on"],
      ["pause", false, "EVENT_INVALID", "event.camera"],
      [null, false, "EVENT_INVALID", "value"],
      [null, false, "EVENT_INVALID", "value"],
      ["save", false, "BAD_CONFIG", "camera"],
    ].sort(),
  );
});

test("what a camera is and does is kept on its topic, until it is removed", async () => {
  const stage = await capturing({ backoffMs: 100 });
  const { world, ask, first } = stage;
  const listener = listenerOf(stage);
  await world.settle();
  const capturingNow = { state: "capturing", fps: 30, preview: "off", save: "off", fault: null };
  expect(told(listener, "camera/front/state")).toEqual([capturingNow]);
  ask({ op: "camera.preview", camera: "front", on: true });
  await world.settle();
  await world.pass(0);
  expect(told(listener, "camera/front/state").at(-1)).toEqual({ ...capturingNow, preview: "starting" });
  first.report({ error: { code: "DEVICE_GONE", message: "it is not there" } });
  first.end();
  await world.pass(0);
  expect(told(listener, "camera/front/state").at(-1)).toMatchObject({
    state: "backoff",
    fault: { code: "DEVICE_GONE", message: "it is not there" },
  });
  ask({ op: "camera.remove", camera: "front" });
  await world.pass(10);
  expect(told(listener, "camera/front/state").slice(-2)).toEqual([expect.objectContaining({ state: "stopped" }), undefined]);
  expect(ask({ op: "topics" }).body.topics).toEqual([]);
});

test("a camera that the configuration has changed goes on where it was told of, and one that is new is told of", async () => {
  const stage = await capturing();
  const { world } = stage;
  const listener = listenerOf(stage);
  const configuredCameras = { front: { ...cameraTable, fps: 5 }, back: { ...cameraTable, source: "b", autostart: false } };
  world.supervisor.reconfigured({ limits: world.supervisor.limits, configuredCameras })();
  await world.pass(10);
  expect(told(listener, "camera/front/state").at(-1)).toMatchObject({ state: "starting", fps: 5 });
  expect(told(listener, "camera/back/state")).toMatchObject([{ state: "stopped" }]);
});

test("a topic that no camera has is one as any other", async () => {
  const stage = await capturing();
  const { world } = stage;
  const listener = listenerOf(stage);
  const panel = world.join("panel");
  for (const topic of ["camera/back/set", "camera/front/set/", "camera/front", "/camera/front/set", "camera/front/done"]) {
    panel.ask({ op: "topic.publish", topic, value: "stop" });
  }
  await world.settle();
  expect(listener.events.flatMap((event) => (event.ev === "message" && !event.retained ? [event.by] : []))).toEqual(Array(5).fill("panel"));
  expect(stage.info().state).toBe("capturing");
});

test("who may not command a camera may not do so by a topic, whatever else it may publish", async () => {
  const stage = await capturing();
  const { world, info } = stage;
  const listener = listenerOf(stage);
  const access = (rights: object) => ({ access: () => ({ ...nothing, publish: "*" as const, ...rights }) });
  const stranger = world.welcome("stranger", access({ frames: ["back"] }));
  const friend = world.welcome("friend", access({ frames: ["front"] }));
  for (const type of ["stop", "pause", "remove"]) set(stranger, type);
  set(friend, "remove");
  await world.settle();
  const codes = told(listener, "camera/front/done").map((value) => (value as { error?: { code: string } }).error?.code);
  expect([codes, info().state]).toEqual([Array(4).fill("FORBIDDEN"), "capturing"]);
  expect(
    world
      .welcome("mute", { access: () => ({ ...nothing, frames: ["front"] }) })
      .ask({ op: "topic.publish", topic: "camera/front/set", value: "stop" }).outcome,
  ).toBe("FORBIDDEN");
  set(friend, "stop");
  await world.pass(10);
  expect([info().state, told(listener, "camera/front/done").at(-1)]).toEqual(["stopped", { type: "stop", by: "friend", ok: true }]);
});

test("where no more topics may keep a value, who listens is told all the same", async () => {
  const world = new World({ limits: { topics: 1 } });
  world.join("hoarder").ask({ op: "topic.publish", topic: "a", value: 1, retain: true });
  const listener = listenerOf({ world });
  world.join("operator").ask({ op: "camera.create", camera: "front", ...cameraTable, autostart: false });
  expect(told(listener, "camera/front/state")).toMatchObject([{ state: "stopped" }]);
  expect((await stageOf()).ask({ op: "topics" }).body.topics).toMatchObject([{ topic: "camera/front/state", by: "supervisor" }]);
});

test("so many commands wait at a time, and no more", async () => {
  const stage = await capturing();
  const { world } = stage;
  Object.assign(world.supervisor.limits, { pendingRequests: 3 });
  const listener = listenerOf(stage);
  const panel = world.join("panel");
  for (let i = 0; i < 5; i++) set(panel, "pause");
  await world.settle();
  const codes = told(listener, "camera/front/done").map((value) => (value as { error?: { code: string } }).error?.code);
  expect(codes).toEqual(["LIMIT_PENDING", "LIMIT_PENDING"]);
});
