import { expect, test } from "bun:test";
import type { Asked } from "../../src/index-testing.ts";
import type { SimProcess } from "../../src/processes/sim-host.ts";
import type { CameraTable } from "../../src/protocol/camera-table.ts";
import type { CameraPartName } from "../../src/protocol/requests.ts";
import { type CameraStage, cameraTable, capturing, stageOf, Worker } from "./camera-stage.ts";

test("a camera has its pool made and its worker started, and captures when the first frame is in the pool", async () => {
  const { world, info, worker } = await stageOf({ front: { slots: 5, fps: 10, source: "/dev/video7" } });
  expect(world.supervisor.pools.all()).toMatchObject([{ pool: "front", layout: { slots: 5, width: 8, height: 4, fourcc: "GREY" } }]);
  expect(world.host.living.map(({ spec }) => spec.command)).toEqual([["holdfast", "camera-worker", "capture", "front"]]);
  expect(info()).toMatchObject({ state: "starting", starts: 1, frameMs: null, fault: null });
  const first = worker();
  await first.frame();
  expect(info()).toMatchObject({ state: "capturing", pid: first.process.pid, frameMs: 0 });
});

test("its worker is told what to do when it attaches", async () => {
  const { world } = await stageOf({ front: { fps: 10, source: "/dev/video7" } });
  const [process] = world.host.living as [SimProcess];
  expect(new Worker(world, process).attach().body).toMatchObject({
    settings: { pipeline: ["program"], source: "/dev/video7", width: 8, height: 4, fps: 10, format: "GREY", paused: false },
  });
});

test("only a process of its group may say that it is its worker, and only once", async () => {
  const { world, worker, ask } = await stageOf();
  expect(ask({ op: "camera.attach", camera: "front", part: "capture" }).outcome).toBe("FORBIDDEN");
  expect(ask({ op: "camera.report", camera: "front", part: "capture", state: "paused" }).outcome).toBe("FORBIDDEN");
  const stranger = world.join("stranger", 999);
  expect(stranger.ask({ op: "camera.attach", camera: "front", part: "capture" }).outcome).toBe("FORBIDDEN");
  const { process } = worker();
  expect(new Worker(world, process).attach().outcome).toBe("FORBIDDEN");
});

test("a start is answered with the first frame, and a stop when nothing is left, the pool included", async () => {
  const { world, ask, worker, info } = await stageOf({ front: { autostart: false } }, { endsMs: 50 });
  expect([info().state, world.host.started.length, world.supervisor.pools.all().length]).toEqual(["stopped", 0, 0]);
  const started = ask({ op: "camera.start", camera: "front" });
  await world.pass(10);
  const first = worker();
  expect(started.outcome).toBe("pending");
  await first.frame();
  expect(started.body).toMatchObject({ camera: "front", state: "capturing" });
  const stopped = ask({ op: "camera.stop", camera: "front" });
  await world.pass(49);
  expect([stopped.outcome, info().state]).toEqual(["pending", "stopping"]);
  await world.pass(1);
  expect(stopped.body).toMatchObject({ state: "stopped", pid: null, fault: null });
  expect([world.host.living.length, world.supervisor.pools.all().length]).toEqual([0, 0]);
  expect(world.memory.paths).toEqual([]);
});

test("one that brings no frame for so many periods is ended, and started again after a pause", async () => {
  const { world, info, first } = await capturing({ fps: 10, stallPeriods: 30, backoffMs: 200 });
  await world.pass(2999);
  expect(info().state).toBe("capturing");
  await world.pass(1);
  expect(info()).toMatchObject({ state: "backoff", fault: { code: "CAMERA_STALLED", message: "it has brought no frame for 3000 ms" } });
  expect(first.process.signals).toEqual(["SIGTERM"]);
  await world.pass(200);
  expect(info()).toMatchObject({ state: "starting", starts: 2, fault: { code: "CAMERA_STALLED" } });
});

test("frames that come and for which there is no slot are no silence", async () => {
  const { world, info, first } = await capturing({ fps: 30 });
  for (let second = 1; second < 10; second++) {
    await world.pass(1000);
    first.report({ counters: { frames: 30 * second, skipped: 30 * second } });
  }
  expect(info()).toMatchObject({ state: "capturing", counters: { frames: 270, skipped: 270 } });
  for (let second = 0; second < 4; second++) {
    first.report({ counters: { frames: 270, skipped: 270 } });
    await world.pass(1000);
  }
  expect(info().fault).toMatchObject({ code: "CAMERA_STALLED" });
});

test("one whose first frame does not come in time is started again", async () => {
  const { world, info, ask } = await stageOf({ front: { startMs: 400, autostart: false } });
  const started = ask({ op: "camera.start", camera: "front" });
  await world.settle();
  await world.pass(400);
  expect(info().state).toBe("backoff");
  expect(started.error?.toValue()).toMatchObject({
    code: "CAMERA_STALLED",
    message: "camera front: it has brought no frame within 400 ms",
    camera: "front",
    state: "backoff",
  });
});

test("one that brings nothing but pieces of frames is told so", async () => {
  const { world, worker, info } = await stageOf({ front: { startMs: 3000, backoffMs: 100 } });
  worker().report({ counters: { frames: 0, truncated: 17 } });
  await world.pass(3000);
  expect(info().fault).toMatchObject({
    code: "CAMERA_STALLED",
    message: "it has brought no frame within 3000 ms, but 17 that are not whole",
  });
});

test("what its worker says is why it has failed; otherwise how it has ended", async () => {
  const { world, info, worker, first } = await capturing({ backoffMs: 100 });
  first.report({ error: { code: "DEVICE_GONE", message: "/dev/video0 is not there" } });
  first.end();
  await world.pass(0);
  expect(info()).toMatchObject({ state: "backoff", fault: { code: "DEVICE_GONE", message: "/dev/video0 is not there" } });
  await world.pass(100);
  worker().end(3);
  await world.pass(0);
  expect(info()).toMatchObject({
    state: "backoff",
    fault: { code: "CAMERA_FAILED", message: "its capture process has ended with status 3" },
  });
});

test("it is tried again for as long as it takes, with pauses up to the longest", async () => {
  const { world, info } = await stageOf({ front: { backoffMs: 100, maxBackoffMs: 1000 } }, { runsMs: 5, status: 1 });
  await world.pass(100_000);
  expect(info().starts).toBeGreaterThan(90);
  expect(["backoff", "starting"]).toContain(info().state);
});

test("what no other attempt mends is not tried again, until somebody starts it", async () => {
  const { world, info, worker, ask } = await stageOf();
  const first = worker();
  first.report({ error: { code: "PROGRAM_MISSING", message: "there is no ffmpeg: apt-get install ffmpeg" } });
  await world.pass(60_000);
  expect(info()).toMatchObject({ state: "failed", fault: { code: "PROGRAM_MISSING" }, pid: null });
  expect(world.supervisor.pools.all()).toEqual([]);
  const started = ask({ op: "camera.start", camera: "front" });
  await world.settle();
  await world.pass(0);
  await worker().frame();
  expect(started.body).toMatchObject({ state: "capturing", fault: null });
});

test("a file that has come to its end leaves the camera stopped, and with restart always begins anew", async () => {
  for (const [restart, state] of [
    ["on-failure", "stopped"],
    ["always", "backoff"],
  ] as const) {
    const { world, info, first } = await capturing({ restart });
    first.end(0);
    await world.pass(0);
    expect(info()).toMatchObject({ state, fault: null });
  }
});

test("a pause and a resume are answered when the worker has done so", async () => {
  const { world, ask, info, first } = await capturing();
  const paused = ask({ op: "camera.pause", camera: "front" });
  await world.settle();
  expect([paused.outcome, first.orders.map(({ type }) => type)]).toEqual(["pending", ["pause"]]);
  first.report({ order: first.orders[0]?.order });
  await world.settle();
  expect(paused.body).toMatchObject({ state: "paused" });
  const resumed = ask({ op: "camera.resume", camera: "front" });
  await world.settle();
  first.report({ order: first.orders[1]?.order });
  await world.settle();
  expect(resumed.body).toMatchObject({ state: "capturing" });
  expect(info().state).toBe("capturing");
});

test("an order that can't be done, or whose worker ends before, is answered with why not", async () => {
  const { world, ask, first } = await capturing();
  const [refused, lost] = [ask({ op: "camera.pause", camera: "front" }), ask({ op: "camera.pause", camera: "front" })];
  await world.settle();
  first.report({ order: first.orders[0]?.order, error: { code: "DEVICE_REFUSED", message: "it can't" } });
  await world.settle();
  expect([refused.outcome, lost.outcome]).toEqual(["DEVICE_REFUSED", "pending"]);
  first.end();
  await world.settle();
  expect(lost.outcome).toBe("CAMERA_FAILED");
});

test("of orders that overlap the last one holds, and each is answered when it was so", async () => {
  const { world, ask, info, first } = await capturing();
  const followed = async () => {
    first.report({ order: first.orders.at(-1)?.order });
    await world.settle();
  };
  const [paused, resumed] = [ask({ op: "camera.pause", camera: "front" }), ask({ op: "camera.resume", camera: "front" })];
  await world.settle();
  expect([paused.outcome, resumed.outcome, first.orders.map(({ type }) => type)]).toEqual(["pending", "pending", ["pause"]]);
  await followed();
  await followed();
  expect([paused.body.state, resumed.body.state, info().state]).toEqual(["paused", "capturing", "capturing"]);
  const answers = [ask({ op: "camera.fps", camera: "front", fps: 5 }), ask({ op: "camera.fps", camera: "front", fps: 30 })];
  await world.settle();
  await followed();
  await followed();
  expect([answers.map(({ body }) => body.fps), info().fps]).toEqual([[5, 30], 30]);
});

test("orders that wait behind one whose worker ends are answered, too", async () => {
  const { world, ask, first } = await capturing();
  const answers = [ask({ op: "camera.fps", camera: "front", fps: 5 }), ask({ op: "camera.pause", camera: "front" })];
  await world.settle();
  first.report({ error: { code: "DEVICE_GONE", message: "it is not there" } });
  first.end();
  await world.pass(0);
  expect(answers.map(({ outcome }) => outcome)).toEqual(["CAMERA_FAILED", "CAMERA_STOPPED"]);
});

test("one that brings more frames a second than before is missed as soon as these are", async () => {
  const { world, ask, info, first } = await capturing({ fps: 0.1 });
  ask({ op: "camera.fps", camera: "front", fps: 30 });
  await world.settle();
  await first.frame();
  first.report({ order: first.orders[0]?.order });
  await world.settle();
  await world.pass(3000);
  expect(info()).toMatchObject({ state: "backoff", fault: { code: "CAMERA_STALLED", message: "it has brought no frame for 3000 ms" } });
});

test("one that is paused needs no frames, and stays paused when it is started again", async () => {
  const { world, ask, info, worker, first } = await capturing({ backoffMs: 100 });
  ask({ op: "camera.pause", camera: "front" });
  await world.settle();
  first.report({ order: first.orders[0]?.order });
  for (let second = 0; second < 30; second++) {
    await world.pass(1000);
    first.report({ counters: { frames: 30, discarded: 30 } });
  }
  expect(info().state).toBe("paused");
  await world.pass(4000);
  expect(info().state).toBe("paused");
  await world.pass(1000);
  expect(info()).toMatchObject({ state: "backoff", fault: { code: "CAMERA_STALLED", message: "it has said nothing for 5000 ms" } });
  await world.pass(100);
  const second = worker();
  expect([first.isToPause, second.isToPause]).toEqual([false, true]);
  expect(second.report({ state: "paused" }).outcome).toBe("ok");
  expect(info().state).toBe("paused");
});

test("one that does not capture can't be paused", async () => {
  const { ask, world, first } = await capturing();
  first.report({ error: { code: "DEVICE_BUSY", message: "another program has it" } });
  first.end();
  await world.pass(0);
  const paused = ask({ op: "camera.pause", camera: "front" });
  await world.settle();
  expect(paused.outcome).toBe("DEVICE_BUSY");
  ask({ op: "camera.stop", camera: "front" });
  await world.pass(0);
  const resumed = ask({ op: "camera.resume", camera: "front" });
  await world.settle();
  expect(resumed.outcome).toBe("CAMERA_STOPPED");
});

test("its consumers keep their subscription while it is started again, and get the frames that come then", async () => {
  const { world, worker, first } = await capturing({ backoffMs: 100 });
  const consumer = world.join("consumer");
  consumer.ask({ op: "frames.subscribe", pool: "front" });
  first.end();
  await world.pass(100);
  await worker().frame();
  expect(consumer.events.map(({ ev }) => ev)).toEqual(["frame"]);
});

test("its pool can't be taken from it", async () => {
  const { ask } = await capturing();
  expect(ask({ op: "pool.remove", pool: "front" }).outcome).toBe("POOL_OWNED");
});

test("a pool that there is already keeps the camera from starting, and stays", async () => {
  const { world, ask, info } = await stageOf({ front: { autostart: false } });
  ask({ op: "pool.create", pool: "front", slots: 2, bytes: 10 });
  await world.settle();
  const started = ask({ op: "camera.start", camera: "front" });
  await world.settle();
  expect([started.outcome, info().state, world.supervisor.pools.all().length]).toEqual(["POOL_EXISTS", "failed", 1]);
});

test("one whose pool does not fit fails with the reason, and the others go on", async () => {
  const { world, ask, worker, info } = await stageOf({ front: { source: "a" }, back: { source: "b", autostart: false } });
  await worker().frame();
  world.memory.failNext("MEMORY_FULL");
  const started = ask({ op: "camera.start", camera: "back" });
  await world.settle();
  expect([started.outcome, info("back").state, info("back").fault?.code]).toEqual(["MEMORY_FULL", "failed", "MEMORY_FULL"]);
  expect([info().state, world.host.living.length]).toEqual(["capturing", 1]);
  const again = ask({ op: "camera.start", camera: "back" });
  await world.settle();
  await world.pass(0);
  await worker("back").frame();
  expect(again.body.state).toBe("capturing");
});

test("in the end cameras are ended with all that is theirs", async () => {
  const { world } = await capturing();
  world.supervisor.shutdown();
  await world.pass(100);
  expect([world.stopped, world.host.living.length, world.memory.paths]).toEqual([true, 0, []]);
});

test("another configuration ends, starts and restarts those that it concerns, and no others", async () => {
  const { world, worker } = await stageOf({ front: {}, back: { source: "b" }, side: { source: "c" } });
  for (const name of ["front", "back", "side"]) await worker(name).frame();
  const before = new Map(world.supervisor.status().cameras.map(({ camera, pid }) => [camera, pid]));
  world.supervisor.reconfigured({
    limits: world.supervisor.limits,
    configuredCameras: { front: cameraTable, back: { ...cameraTable, source: "b", fps: 5 }, top: { ...cameraTable, source: "d" } },
  })();
  await world.pass(0);
  const now = new Map(world.supervisor.status().cameras.map(({ camera, pid }) => [camera, pid]));
  expect([...now.keys()].sort()).toEqual(["back", "front", "top"]);
  expect(now.get("front")).toBe(before.get("front"));
  expect(now.get("back")).not.toBe(before.get("back"));
  expect(
    world.supervisor.pools
      .all()
      .map(({ pool }) => pool)
      .sort(),
  ).toEqual(["back", "front", "top"]);
});

test("who may use its pool may have the camera, and nobody else sees it", async () => {
  const { world } = await stageOf({ front: {}, back: { source: "b" } });
  const access = {
    rules: ["panel"],
    read: [],
    watch: [],
    command: [],
    frames: ["front"],
    publish: [],
    subscribe: [],
    actors: [],
    admin: false,
  };
  const panel = world.welcome("panel", { access: () => access });
  const seen = panel.ask({ op: "cameras" });
  expect(seen.body.cameras.map(({ camera }) => camera)).toEqual(["front"]);
  expect(panel.ask({ op: "camera.stop", camera: "back" }).outcome).toBe("FORBIDDEN");
  expect(panel.ask({ op: "camera.stop", camera: "front" }).outcome).toBe("pending");
});

test("it brings other frames a second when it is told to, also when it is started again", async () => {
  const { world, ask, info, worker, first } = await capturing({ backoffMs: 100, startMs: 9000 });
  const changed = ask({ op: "camera.fps", camera: "front", fps: 5 });
  await world.settle();
  expect(first.orders).toMatchObject([{ type: "fps", fps: 5 }]);
  // Its pipeline may need as long as at the start.
  await world.pass(8000);
  expect([info().state, changed.outcome]).toEqual(["capturing", "pending"]);
  first.report({ order: first.orders[0]?.order });
  await world.settle();
  expect(changed.body).toMatchObject({ fps: 5 });
  first.end();
  await world.pass(100);
  const { process } = worker();
  expect(process.isGone).toBe(false);
  expect(info().fps).toBe(5);
});

test("its preview and its recording are told of another pace, and one of them that fails keeps nobody waiting", async () => {
  const { world, ask, worker, first } = await capturing({ save: { folder: "/srv/video" } });
  ask({ op: "camera.preview", camera: "front", on: true });
  ask({ op: "camera.save", camera: "front", on: true });
  await world.settle();
  await world.pass(0);
  const [preview, record] = [worker("front", "preview"), worker("front", "record")];
  const changed = ask({ op: "camera.fps", camera: "front", fps: 5 });
  await world.settle();
  expect([preview.orders, record.orders]).toMatchObject([[], [{ type: "soon", fps: 5 }]]);
  first.report({ order: first.orders[0]?.order });
  await world.settle();
  expect([preview.orders, record.orders]).toMatchObject([[{ type: "fps", fps: 5 }], [{ type: "soon" }, { type: "fps", fps: 5 }]]);
  preview.report({ order: preview.orders[0]?.order });
  await world.settle();
  expect(changed.outcome).toBe("pending");
  record.end();
  await world.pass(0);
  expect(changed.body).toMatchObject({ state: "capturing", fps: 5 });
});

test("the preview of a camera that brings a frame in twenty seconds has time for two of them", async () => {
  const { world, ask, info, worker } = await capturing({ fps: 0.05 });
  const on = ask({ op: "camera.preview", camera: "front", on: true });
  await world.settle();
  const preview = worker("front", "preview");
  await world.pass(40_000);
  expect([on.outcome, info().preview.state]).toEqual(["pending", "starting"]);
  await preview.frame();
  expect(on.body.preview).toMatchObject({ state: "on" });
});

test("a preview has a process and a pool of its own, and goes with either of them", async () => {
  const { world, ask, info, worker } = await capturing({ preview: { width: 4, height: 2, fps: 2, quality: 50 } });
  const on = ask({ op: "camera.preview", camera: "front", on: true });
  await world.settle();
  await world.pass(0);
  const preview = worker("front", "preview");
  expect([on.outcome, info().preview.state]).toEqual(["pending", "starting"]);
  await preview.frame();
  expect(on.body.preview).toMatchObject({ state: "on", pid: preview.process.pid, fault: null });
  const pools = () => world.supervisor.pools.all().map(({ pool, layout: { fourcc, width } }) => `${pool} ${fourcc} ${width}`);
  expect(pools()).toEqual(["front GREY 8", "front-preview MJPG 4"]);
  const off = ask({ op: "camera.preview", camera: "front", on: false });
  await world.pass(0);
  expect([off.body.preview.state, off.body.state, pools()]).toEqual(["off", "capturing", ["front GREY 8"]]);
});

test("its parts are told what is theirs", async () => {
  const save = { folder: "/srv/video", everyNth: 30, maxBytes: 1_000_000 };
  const { world, ask } = await capturing({ preview: { width: 4, height: 2 }, save });
  ask({ op: "camera.preview", camera: "front", on: true });
  ask({ op: "camera.save", camera: "front", on: true });
  await world.settle();
  await world.pass(0);
  const settings = (part: CameraPartName) => {
    const process = world.host.living.find(({ spec }) => spec.command.at(-2) === part) as SimProcess;
    return new Worker(world, process, "front", part).attach().body.settings;
  };
  expect(settings("preview")).toMatchObject({ preview: { pool: "front-preview", width: 4, height: 2, fps: 5, quality: 75 }, save: null });
  expect(settings("record")).toMatchObject({ preview: null, save: { ...save, segmentMs: 60_000, maxAgeMs: null } });
});

test("a recording that fails does not touch the capture, and is not tried again in vain", async () => {
  const { world, ask, info, worker } = await capturing({ save: { folder: "/srv/video" } });
  const on = ask({ op: "camera.save", camera: "front", on: true });
  await world.settle();
  await world.pass(0);
  const record = worker("front", "record");
  record.report({ error: { code: "SAVE_FAILED", message: "/srv/video: no space left on device" } });
  await world.pass(0);
  expect(on.error?.toValue()).toMatchObject({ code: "SAVE_FAILED", message: "camera front, record: /srv/video: no space left on device" });
  expect(info()).toMatchObject({ state: "capturing", fault: null, save: { state: "failed", fault: { code: "SAVE_FAILED" } } });
  expect(world.defects.join()).toContain("the recording has failed: it is not started again");
});

test("a recording is on when its process says so, and goes on while the camera is started again", async () => {
  const { world, ask, info, worker, first } = await capturing({ save: { folder: "/srv/video" }, backoffMs: 100 });
  const on = ask({ op: "camera.save", camera: "front", on: true });
  await world.settle();
  await world.pass(0);
  const record = worker("front", "record");
  record.report({ state: "running", counters: { frames: 1, files: 1, bytes: 100 } });
  await world.settle();
  expect(on.body.save).toMatchObject({ state: "on", frames: 1, files: 1, bytes: 100 });
  first.end();
  await world.pass(100);
  expect([info().state, info().save.state, info().save.pid]).toEqual(["starting", "on", record.process.pid]);
  const stopped = ask({ op: "camera.stop", camera: "front" });
  await world.pass(0);
  expect(stopped.body).toMatchObject({ state: "stopped", save: { state: "off", pid: null } });
  expect(world.host.living).toEqual([]);
});

test("a camera is not stopped before what was done with its frames has ended", async () => {
  const stage = await stageOf({ front: { save: { folder: "/srv/video", autostart: true } } }, { endsMs: 50 });
  await stage.worker().frame();
  await stage.world.settle();
  await stage.world.pass(0);
  stage.worker("front", "record").report({ state: "running" });
  const stopped = stage.ask({ op: "camera.stop", camera: "front" });
  await stage.world.pass(49);
  expect([stopped.outcome, stage.info().state]).toEqual(["pending", "stopping"]);
  await stage.world.pass(1);
  expect(stopped.body.state).toBe("stopped");
});

test("nothing is saved without a folder, or previewed of a camera that is stopped", async () => {
  const { world, ask } = await stageOf({ front: { autostart: false } });
  const previewed = ask({ op: "camera.preview", camera: "front", on: true });
  await world.settle();
  expect(previewed.outcome).toBe("CAMERA_STOPPED");
  const stage = await capturing();
  const saved = stage.ask({ op: "camera.save", camera: "front", on: true });
  await stage.world.settle();
  expect(saved.outcome).toBe("BAD_CONFIG");
});

test("nothing is begun with the frames of a camera that is paused; what has begun already stays", async () => {
  const { world, ask, info, worker, first } = await capturing({ save: { folder: "/srv/video" } });
  const followed = async () => {
    await world.settle();
    first.report({ order: first.orders.at(-1)?.order });
    await world.pass(0);
  };
  ask({ op: "camera.save", camera: "front", on: true });
  await world.pass(0);
  worker("front", "record").report({ state: "running" });
  ask({ op: "camera.pause", camera: "front" });
  await followed();
  const [saved, previewed] = [
    ask({ op: "camera.save", camera: "front", on: true }),
    ask({ op: "camera.preview", camera: "front", on: true }),
  ];
  await world.pass(0);
  expect(saved.outcome).toBe("ok");
  expect(previewed.error?.toValue()).toMatchObject({ code: "CAMERA_STOPPED", message: "camera front is paused", state: "paused" });
  ask({ op: "camera.resume", camera: "front" });
  await followed();
  expect([info().state, info().preview.state, info().save.state]).toEqual(["capturing", "off", "on"]);
});

test("a camera may be made and removed while the supervisor runs, and the configuration leaves it alone", async () => {
  const { world, ask, info, worker } = await stageOf({ front: { source: "/dev/video0" } });
  expect(ask({ op: "camera.create", camera: "front", ...cameraTable }).outcome).toBe("CAMERA_EXISTS");
  expect(ask({ op: "camera.create", camera: "side", ...cameraTable, source: "/dev/video0" }).outcome).toBe("DEVICE_BUSY");
  expect(ask({ op: "camera.create", camera: "side", ...cameraTable }).body).toMatchObject({ camera: "side", state: "starting" });
  await world.settle();
  await world.pass(0);
  await worker("side").frame();
  const configuredCameras = { front: { ...cameraTable, source: "/dev/video0" } };
  world.supervisor.reconfigured({ limits: world.supervisor.limits, configuredCameras })();
  await world.pass(0);
  expect(info("side").state).toBe("capturing");
  const removed = ask({ op: "camera.remove", camera: "side" });
  await world.pass(0);
  expect(removed.outcome).toBe("ok");
  expect(ask({ op: "camera.start", camera: "side" }).outcome).toBe("CAMERA_UNKNOWN");
  expect(world.supervisor.pools.all().map(({ pool }) => pool)).toEqual(["front"]);
});

test("what can't be captured is refused when it is created, with the field; nothing is made", async () => {
  const { world, ask } = await stageOf({ front: { pipeline: "v4l2" } });
  const refused: [name: string, said: Partial<CameraTable>, code: string, field: string][] = [
    ["side", { width: 7, format: "NV12" }, "BAD_FIELD", "width"],
    ["side", { height: 7, format: "YU12" }, "BAD_FIELD", "height"],
    ["side", { width: 32_768, height: 32_768, format: "BGR3" }, "BAD_FIELD", "width"],
    ["side", { pipeline: "rpicam" }, "BAD_FIELD", "format"],
    ["side", { pipeline: "rtsp", width: 64 }, "MISSING_FIELD", "source"],
    ["side", { pipeline: ["program", "{nothing}"] }, "BAD_FIELD", "pipeline"],
    ["side", { backoffMs: 2, maxBackoffMs: 1 }, "BAD_FIELD", "backoffMs"],
    ["side", { pipeline: "v4l2", source: "0" }, "DEVICE_BUSY", "source"],
    ["front-preview", {}, "POOL_EXISTS", "camera"],
  ];
  for (const [camera, said, code, field] of refused) {
    const { error } = ask({ op: "camera.create", camera, ...cameraTable, ...said });
    expect([error?.code, error?.details["field"]]).toEqual([code, field]);
  }
  expect(world.supervisor.status().cameras.map(({ camera }) => camera)).toEqual(["front"]);
});

test("the configuration gets no device that a camera has which a client has made, and nothing changes", async () => {
  const { world, ask, info } = await stageOf({ front: { source: "/dev/video0" } });
  expect(ask({ op: "camera.create", camera: "side", ...cameraTable, source: "/dev/video2" }).outcome).toBe("ok");
  const configuredCameras = { back: { ...cameraTable, source: "/dev/video2" } };
  expect(() => world.supervisor.reconfigured({ limits: world.supervisor.limits, configuredCameras })).toThrow(
    "camera.back.source: /dev/video2 is that of camera side, which a client has made, already",
  );
  await world.settle();
  expect([info("front").state, info("side").state]).toEqual(["starting", "starting"]);
});

test("one that is configured and was removed is back with the next reading, also while it ends", async () => {
  const { world, ask, info, worker } = await stageOf({ front: {} }, { endsMs: 50 });
  await worker().frame();
  const removed = ask({ op: "camera.remove", camera: "front" });
  await world.pass(10);
  world.supervisor.reconfigured({ limits: world.supervisor.limits, configuredCameras: { front: cameraTable } })();
  expect(removed.outcome).toBe("pending");
  await world.pass(50);
  await world.settle();
  await world.pass(0);
  expect([removed.outcome, info().state, world.host.living.length]).toEqual(["ok", "starting", 1]);
});

test("there are no more cameras than there may be pools", async () => {
  const { world, ask } = await stageOf({});
  Object.assign(world.supervisor.limits, { pools: 2 });
  const outcomes = ["a", "b", "c"].map((camera) => ask({ op: "camera.create", camera, ...cameraTable, autostart: false }).outcome);
  expect(outcomes).toEqual(["ok", "ok", "LIMIT_POOLS"]);
});

test("a pause holds, and other frames a second do, when whoever has asked for them has gone", async () => {
  const { world, info, first } = await capturing();
  for (const [op, fields] of [
    ["camera.fps", { fps: 5 }],
    ["camera.pause", {}],
  ] as const) {
    const passer = world.join("passer");
    passer.ask({ op, camera: "front", ...fields } as Asked);
    await world.settle();
    passer.leave();
    first.report({ order: first.orders.at(-1)?.order });
    await world.settle();
  }
  expect(info()).toMatchObject({ state: "paused", fps: 5 });
});

test("who follows a camera is told what it was told", async () => {
  const { world, ask, worker } = await stageOf({ front: { backoffMs: 100, autostart: false } });
  const watcher = world.join("watcher");
  watcher.ask({ op: "observe", address: "camera/front" });
  ask({ op: "camera.start", camera: "front" });
  await world.settle();
  await world.pass(0);
  const first = worker();
  await first.frame();
  for (const order of [{ op: "camera.fps", fps: 5 } as const, { op: "camera.pause" } as const, { op: "camera.resume" } as const]) {
    ask({ camera: "front", ...order });
    await world.settle();
    first.report({ order: first.orders.at(-1)?.order });
    await world.settle();
  }
  first.end();
  await world.pass(100);
  await worker().frame();
  ask({ op: "camera.stop", camera: "front" });
  await world.pass(10);
  const seen = watcher.events.flatMap((event) => (event.ev === "transition" ? [`${event.event} ${event.state}`] : []));
  expect(seen).toEqual([
    "null stopped",
    "start starting",
    "prepared starting",
    "frame capturing",
    "fps capturing",
    "paused paused",
    "resumed capturing",
    "ending stopping",
    "retrying backoff",
    "spawning starting",
    "frame capturing",
    "stop stopping",
    "ended stopped",
  ]);
});

test("of one that has been removed nothing is told behind that", async () => {
  const { world, ask, worker } = await stageOf();
  worker().report({ error: { code: "PROGRAM_MISSING", message: "there is no ffmpeg" } });
  await world.pass(0);
  const watcher = world.join("watcher");
  watcher.ask({ op: "trace", address: "camera/front" });
  ask({ op: "camera.remove", camera: "front" });
  await world.pass(10);
  const seen = watcher.events.flatMap((event) => (event.ev === "transition" ? [`${event.event} ${event.state}`] : []));
  expect(seen).toEqual(["null failed", "stop stopped", "remove gone"]);
});

/** One that captures, and has a folder. */
const savingCamera = () => capturing({ save: { folder: "/srv/video", maxAgeMs: 1000 } });
const saved = { file: "/srv/video/front-2026-11-22T00-00-00.000Z.jpg", bytes: 100, seq: 7, timestampNs: 7_000_000_000n };

/** Somebody has asked for a snapshot, and the process for it runs. */
async function snapshotWorker({ world, worker }: CameraStage): Promise<Worker> {
  await world.settle();
  await world.pass(0);
  const process = worker("front", "snapshot");
  process.report({ state: "running" });
  await world.settle();
  return process;
}

test("a snapshot is made by a process of its own, which is there until nobody waits for one", async () => {
  const stage = await savingCamera();
  const { world, ask, info, first } = stage;
  const [one, other] = [
    ask({ op: "camera.snapshot", camera: "front" }),
    world.join("other").ask({ op: "camera.snapshot", camera: "front" }),
  ];
  const worker = await snapshotWorker(stage);
  expect(worker.orders.map(({ type }) => type)).toEqual(["snapshot", "snapshot"]);
  worker.report({ order: worker.orders[0]?.order, snapshot: saved });
  await world.settle();
  expect([one.body, other.outcome, worker.process.hasEnded]).toEqual([expect.objectContaining(saved), "pending", false]);
  worker.report({ order: worker.orders[1]?.order, snapshot: { ...saved, seq: 8 } });
  await world.pass(0);
  expect([other.body.seq, worker.process.hasEnded]).toEqual([8, true]);
  expect([info().state, info().starts, first.process.hasEnded]).toEqual(["capturing", 1, false]);
  const again = ask({ op: "camera.snapshot", camera: "front" });
  const next = await snapshotWorker(stage);
  next.report({ order: next.orders[0]?.order, snapshot: { ...saved, seq: 9 } });
  await world.settle();
  expect(again.body.seq).toBe(9);
});

test("the process of a snapshot is told where to save it, and what the limits are", async () => {
  const { world, ask } = await savingCamera();
  ask({ op: "camera.snapshot", camera: "front" });
  await world.settle();
  await world.pass(0);
  const process = world.host.living.find(({ spec }) => spec.command.at(-2) === "snapshot") as SimProcess;
  const { settings } = new Worker(world, process, "front", "snapshot").attach().body;
  expect(settings).toMatchObject({ preview: null, save: { folder: "/srv/video", maxAgeMs: 1000 } });
});

test("a snapshot that fails says why, and stops nothing", async () => {
  const stage = await savingCamera();
  const { world, ask, info } = stage;
  const full = ask({ op: "camera.snapshot", camera: "front" });
  const worker = await snapshotWorker(stage);
  worker.report({ order: worker.orders[0]?.order, error: { code: "SAVE_FAILED", message: "no space", folder: "/srv/video" } });
  await world.settle();
  expect(full.error?.toValue()).toMatchObject({
    code: "SAVE_FAILED",
    message: "camera front, snapshot: no space",
    field: "camera",
    folder: "/srv/video",
  });
  const missing = ask({ op: "camera.snapshot", camera: "front" });
  await world.settle();
  await world.pass(0);
  stage.worker("front", "snapshot").report({ error: { code: "SAVE_FAILED", message: "no folder" } });
  await world.pass(0);
  expect(missing.error?.toValue()).toMatchObject({ code: "SAVE_FAILED", message: "camera front, snapshot: no folder", field: "camera" });
  const killed = ask({ op: "camera.snapshot", camera: "front" });
  (await snapshotWorker(stage)).end();
  await world.pass(0);
  expect([killed.outcome, info().state, world.host.living.length]).toEqual(["CAMERA_FAILED", "capturing", 1]);
});

test("there is no snapshot of a camera that does not capture, or has no folder, or stops meanwhile", async () => {
  const without = await capturing();
  const unsaved = without.ask({ op: "camera.snapshot", camera: "front" });
  const unknown = without.ask({ op: "camera.snapshot", camera: "back" });
  await without.world.settle();
  expect(unsaved.error?.toValue()).toMatchObject({ code: "BAD_CONFIG", field: "camera", key: "camera.front.save.folder" });
  expect(unknown.error?.toValue()).toMatchObject({ code: "CAMERA_UNKNOWN", field: "camera" });
  const stage = await savingCamera();
  const { world, ask, first } = stage;
  ask({ op: "camera.pause", camera: "front" });
  await world.settle();
  first.report({ order: first.orders[0]?.order });
  const paused = ask({ op: "camera.snapshot", camera: "front" });
  await world.settle();
  expect(paused.error?.toValue()).toMatchObject({ code: "CAMERA_STOPPED", field: "camera", state: "paused" });
  ask({ op: "camera.resume", camera: "front" });
  await world.settle();
  first.report({ order: first.orders[1]?.order });
  await world.settle();
  const late = ask({ op: "camera.snapshot", camera: "front" });
  await snapshotWorker(stage);
  ask({ op: "camera.stop", camera: "front" });
  await world.pass(0);
  expect([late.outcome, world.host.living.length]).toEqual(["CAMERA_STOPPED", 0]);
});
