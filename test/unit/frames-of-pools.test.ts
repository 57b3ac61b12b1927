import { describe, expect, test } from "bun:test";
import { timestampNs } from "../../src/clock/clock.ts";
import { PoolStage } from "./pool-stage.ts";

describe("a producer", () => {
  test("writes to a slot that nobody else has, and publishes it under the next number", async () => {
    const stage = await PoolStage.open();
    const camera = stage.join("camera", 10);
    const grant = stage.acquire(camera);
    expect(grant).toEqual({ slot: 0, generation: 1, lease: 1, epoch: 1 });
    expect(stage.states).toBe("writing free free free free free");
    expect(camera.ask({ op: "slot.publish", lease: grant.lease, bytes: 10 }).body).toEqual({ seq: 1 });
    expect(stage.states).toBe("ready free free free free free");
    expect(stage.publish(camera)).toBe(2);
  });

  test("gets its next slot with the reply that its frame is published", async () => {
    const stage = await PoolStage.open();
    const camera = stage.join("camera", 10);
    const { lease } = stage.acquire(camera);
    const published = camera.ask({ op: "slot.publish", lease, bytes: 10, acquire: true });
    expect(published.body).toEqual({ seq: 1, next: { slot: 1, generation: 1, lease: 2, epoch: 1 } });
  });

  test("gives a slot up, and whoever writes there next has another generation", async () => {
    const stage = await PoolStage.open();
    const camera = stage.join("camera", 10);
    const { lease } = stage.acquire(camera);
    expect(camera.ask({ op: "slot.abort", lease }).outcome).toBe("ok");
    expect(stage.acquire(camera)).toMatchObject({ slot: 0, generation: 3, lease: 2 });
  });

  test("is refused what it has no right to, and nothing changes", async () => {
    const stage = await PoolStage.open();
    const [camera, thief] = [stage.join("camera", 10), await stage.consumer("thief", 20)];
    const { lease } = stage.acquire(camera);
    stage.publish(camera);
    const before = stage.states;
    expect(thief.ask({ op: "slot.publish", lease, bytes: 1 }).error?.message).toBe(`lease ${lease} is held by "camera" (pid 10)`);
    expect(thief.ask({ op: "slot.abort", lease }).outcome).toBe("LEASE_FOREIGN");
    expect(camera.ask({ op: "slot.release", lease }).outcome).toBe("LEASE_KIND");
    expect(thief.ask({ op: "slot.publish", lease: 3, bytes: 1 }).outcome).toBe("LEASE_KIND");
    expect(camera.ask({ op: "slot.publish", lease: 2, bytes: 1 }).outcome).toBe("LEASE_UNKNOWN");
    expect(camera.ask({ op: "slot.publish", lease, bytes: 1001 }).error?.details).toEqual({ field: "bytes", limit: 1000 });
    expect(camera.ask({ op: "slot.publish", lease, bytes: 1, meta: { note: "x".repeat(5000) } }).outcome).toBe("LIMIT_META");
    expect(stage.states).toBe(before);
    expect(camera.ask({ op: "slot.publish", lease, bytes: 1000, meta: { exposureUs: 5000 } }).body).toEqual({ seq: 2 });
  });
});

describe("a producer", () => {
  test("may give a frame a meta of the longest length to the byte", async () => {
    // A map of one entry: one byte for the map, two for the name, three for the length of the text.
    const stage = await PoolStage.open({ slots: 2, bytes: 10 }, { limits: { metaBytes: 1000 } });
    const camera = stage.join("camera", 10);
    const publish = (textBytes: number) =>
      camera.ask({ op: "slot.publish", lease: stage.acquire(camera).lease, bytes: 1, meta: { a: "x".repeat(textBytes) } }).outcome;
    expect(publish(994)).toBe("ok");
    expect(publish(995)).toBe("LIMIT_META");
  });
});

describe("a producer", () => {
  test("can't have captured a frame in time to come, and keeps the slot when it says so", async () => {
    const stage = await PoolStage.open();
    const camera = stage.join("camera", 10);
    const { lease } = stage.acquire(camera);
    const nowNs = timestampNs(stage.world.clock);
    const late = camera.ask({ op: "slot.publish", lease, bytes: 10, timestampNs: nowNs + 1_000_000_001n });
    expect([late.outcome, late.error?.details.field]).toEqual(["BAD_FIELD", "timestampNs"]);
    expect(stage.info.published).toBe(0);
    expect(camera.ask({ op: "slot.publish", lease, bytes: 10, timestampNs: nowNs + 1_000_000_000n }).outcome).toBe("ok");
  });
});

describe("producers that wait", () => {
  test("are not passed by who comes when there is room again", async () => {
    const stage = await PoolStage.open();
    const [first, second, newcomer] = [stage.join("first", 10), stage.join("second", 11), stage.join("newcomer", 12)];
    const saver = await stage.consumer("saver", 20, { policy: "block", depth: 1, deadlineMs: 1000, group: "savers" });
    for (let frame = 0; frame < 2; frame++) stage.publish(first);
    const waiting = second.ask({ op: "slot.acquire", pool: "cam0" });
    expect(waiting.outcome).toBe("pending");
    stage
      .join("another saver", 21)
      .ask({ op: "frames.subscribe", pool: "cam0", policy: "block", depth: 1, deadlineMs: 1000, group: "savers" });
    const late = newcomer.ask({ op: "slot.acquire", pool: "cam0" });
    await stage.world.settle();
    expect([waiting.outcome, late.outcome]).toEqual(["ok", "pending"]);
    saver.leave();
  });
});

describe("a client", () => {
  test("has a bounded number of leases, those of removed pools among them", async () => {
    const stage = await PoolStage.open({ slots: 3, bytes: 10 }, { limits: { leases: 2 } });
    const camera = stage.join("camera", 10);
    const leases = [stage.acquire(camera).lease, stage.acquire(camera).lease];
    camera.ask({ op: "pool.remove", pool: "cam0" });
    const made = camera.ask({ op: "pool.create", pool: "cam0", slots: 3, bytes: 10 });
    await stage.world.settle();
    expect(made.outcome).toBe("ok");
    expect(camera.ask({ op: "slot.acquire", pool: "cam0" }).outcome).toBe("LIMIT_LEASES");
    expect(camera.ask({ op: "frames.subscribe", pool: "cam0" }).outcome).toBe("LIMIT_LEASES");
    for (const lease of leases) camera.ask({ op: "slot.abort", lease });
    expect(camera.ask({ op: "slot.acquire", pool: "cam0" }).outcome).toBe("ok");
  });
});

describe("a consumer", () => {
  test("that is slow hears of the frame that it had, however few of its events may wait", async () => {
    const stage = await PoolStage.open({ slots: 6, bytes: 10 }, { limits: { backlogEvents: 1 } });
    const [camera, algo] = [stage.join("camera", 10), await stage.consumer("algo", 20, { maxHoldMs: 100 })];
    algo.ready = false;
    stage.publish(camera);
    await stage.world.pass(100);
    algo.catchUp();
    expect(algo.events.map(({ ev }) => ev)).toEqual(["frame", "revoked"]);
  });

  test("is told all there is to know of a frame, and has it until it releases it", async () => {
    const stage = await PoolStage.open({ slots: 6, fourcc: "GREY", width: 40, height: 20, stride: 64 });
    const [camera, algo] = [stage.join("camera", 10), await stage.consumer("algo", 20)];
    const { lease } = stage.acquire(camera);
    camera.ask({ op: "slot.publish", lease, bytes: 1280, timestampNs: 900_000_000n, meta: { exposureUs: 5000 } });
    expect(stage.frames(algo)).toEqual([
      {
        sub: 1,
        ev: "frame",
        slot: 0,
        generation: 2,
        lease: 2,
        epoch: 1,
        seq: 1,
        bytes: 1280,
        timestampNs: 900_000_000n,
        fourcc: "GREY",
        width: 40,
        height: 20,
        stride: 64,
        meta: { exposureUs: 5000 },
        lost: 0,
      },
    ]);
    expect(stage.states).toBe("reading free free free free free");
    expect(stage.release(algo).body).toEqual({ valid: true });
    expect(stage.states).toBe("ready free free free free free");
    expect(stage.release(algo).outcome).toBe("LEASE_UNKNOWN");
  });

  test("of policy latest finds the newest frame when it is done, and is told how many it missed", async () => {
    const stage = await PoolStage.open();
    const [camera, algo] = [stage.join("camera", 10), await stage.consumer("algo", 20)];
    for (let frame = 1; frame <= 5; frame++) stage.publish(camera);
    stage.release(algo);
    expect(stage.frames(algo).map(({ seq, lost }) => [seq, lost])).toEqual([
      [1, 0],
      [5, 3],
    ]);
    expect(stage.info.groups[0]).toMatchObject({ published: 5, delivered: 2, dropped: { stale: 3 }, queued: 0 });
  });

  test("of policy drop-newest keeps what waits, and misses what comes", async () => {
    const stage = await PoolStage.open();
    const [camera, saver] = [stage.join("camera", 10), await stage.consumer("saver", 20, { policy: "drop-newest", depth: 2 })];
    for (let frame = 1; frame <= 5; frame++) stage.publish(camera);
    for (let frame = 1; frame <= 3; frame++) stage.release(saver);
    expect(stage.frames(saver).map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect(stage.info.groups[0]?.dropped).toMatchObject({ full: 2, stale: 0 });
  });

  test("of policy block keeps the producer waiting, until there is room or its deadline has passed", async () => {
    const stage = await PoolStage.open();
    const [camera, saver] = [stage.join("camera", 10), await stage.consumer("saver", 20, { policy: "block", depth: 1, deadlineMs: 500 })];
    stage.publish(camera);
    stage.publish(camera);
    const waiting = camera.ask({ op: "slot.acquire", pool: "cam0" });
    await stage.world.pass(300);
    expect(waiting.outcome).toBe("pending");
    stage.release(saver);
    await stage.world.settle();
    expect(waiting.outcome).toBe("ok");
    camera.ask({ op: "slot.publish", lease: (waiting.body as { lease: number }).lease, bytes: 1 });
    const refused = camera.ask({ op: "slot.acquire", pool: "cam0" });
    await stage.world.pass(500);
    expect(refused.error?.message).toBe('pool cam0 has no slot to write to: "saver" may miss no frame and has no room for another');
    expect(refused.error?.details).toEqual({ field: "pool", pool: "cam0", blockedBy: ["saver"] });
    expect(stage.info.groups[0]?.dropped).toEqual({ stale: 0, full: 0, reclaimed: 0, removed: 0 });
  });

  test("that comes late may begin with the latest frame", async () => {
    const stage = await PoolStage.open();
    const camera = stage.join("camera", 10);
    stage.publish(camera);
    stage.publish(camera);
    const [late, later] = [await stage.consumer("late", 20, { startWithLatest: true }), await stage.consumer("later", 21)];
    expect(stage.frames(late).map(({ seq }) => seq)).toEqual([2]);
    expect(stage.frames(later)).toEqual([]);
  });

  test("loses a frame that it holds for too long, is told so, and gets no other before it has let go", async () => {
    const stage = await PoolStage.open();
    const [camera, slow] = [stage.join("camera", 10), await stage.consumer("slow", 20, { maxHoldMs: 100 })];
    stage.publish(camera);
    stage.publish(camera);
    await stage.world.pass(100);
    expect(slow.events.at(-1)).toEqual({ sub: 1, ev: "revoked", lease: 2 });
    expect(stage.states).toBe("free ready free free free free");
    expect(stage.frames(slow)).toHaveLength(1);
    expect(stage.info.groups[0]?.consumers[0]).toMatchObject({ slot: null, delivered: 1, revoked: 1 });
    expect(stage.release(slow).body).toEqual({ valid: false });
    expect(stage.frames(slow).map(({ seq }) => seq)).toEqual([1, 2]);
  });
});

describe("a group", () => {
  test("shares its frames among its consumers, and every group gets every frame", async () => {
    const stage = await PoolStage.open({ slots: 8, bytes: 100 });
    const camera = stage.join("camera", 10);
    const [left, right] = [await stage.consumer("left", 20, { group: "algo" }), await stage.consumer("right", 21, { group: "algo" })];
    const preview = await stage.consumer("preview", 22);
    stage.publish(camera);
    stage.publish(camera);
    stage.release(preview);
    expect(stage.frames(left).map(({ seq }) => seq)).toEqual([1]);
    expect(stage.frames(right).map(({ seq }) => seq)).toEqual([2]);
    expect(stage.frames(preview).map(({ seq }) => seq)).toEqual([1, 2]);
  });

  test("is what its first consumer made it: another that asks for anything else is refused", async () => {
    const stage = await PoolStage.open();
    await stage.consumer("first", 20, { group: "saver", policy: "drop-oldest", depth: 2 });
    const second = stage.join("second", 21);
    const refused = second.ask({ op: "frames.subscribe", pool: "cam0", group: "saver", policy: "drop-oldest", depth: 3 });
    expect(refused.error?.message).toBe('group "saver" has depth 2, not 3');
    expect(second.ask({ op: "frames.subscribe", pool: "cam0", group: "saver" }).outcome).toBe("ok");
  });

  test("is refused when the pool can't carry it, with the arithmetic", async () => {
    const stage = await PoolStage.open();
    await stage.consumer("algo", 20);
    const saver = stage.join("saver", 21);
    const refused = saver.ask({ op: "frames.subscribe", pool: "cam0", policy: "drop-oldest", depth: 2 });
    expect(refused.error?.code).toBe("POOL_SLOTS");
    expect(refused.error?.message).toBe("pool cam0 has 6 slots; algo 2 + saver 3 + writer 1 + latest 1 = 7 needed");
    expect(saver.ask({ op: "frames.subscribe", pool: "cam0", policy: "drop-oldest", depth: 1 }).outcome).toBe("ok");
  });

  test("is refused what those who have left hold still", async () => {
    const stage = await PoolStage.open({ slots: 4, bytes: 10 });
    const [camera, algo] = [stage.join("camera", 10), await stage.consumer("algo", 20)];
    stage.publish(camera);
    algo.ask({ op: "unwatch", sub: 1 });
    const again = algo.ask({ op: "frames.subscribe", pool: "cam0" });
    expect(again.error?.message).toBe("pool cam0 has 4 slots; algo 2 + held by those who have left 1 + writer 1 + latest 1 = 5 needed");
    stage.release(algo);
    expect(algo.ask({ op: "frames.subscribe", pool: "cam0" }).outcome).toBe("ok");
  });
});
