import { describe, expect, test } from "bun:test";
import { PoolStage } from "./pool-stage.ts";

describe("a pool that is being made", () => {
  test("is opened when it is there", async () => {
    const { world } = await PoolStage.open();
    const goOn = world.memory.holdNext();
    const algo = world.join("algo", 20);
    const made = algo.ask({ op: "pool.create", pool: "lidar", slots: 4, bytes: 10 });
    const opened = algo.ask({ op: "pool.open", pool: "lidar" });
    await world.settle();
    expect([made.outcome, opened.outcome]).toEqual(["pending", "pending"]);
    goOn();
    await world.settle();
    expect(opened.body).toEqual(made.body);
  });

  test("is removed when it is there", async () => {
    const { world } = await PoolStage.open();
    const goOn = world.memory.holdNext();
    const algo = world.join("algo", 20);
    const made = algo.ask({ op: "pool.create", pool: "lidar", slots: 4, bytes: 10 });
    const removed = algo.ask({ op: "pool.remove", pool: "lidar" });
    goOn();
    await world.settle();
    expect([made.outcome, removed.outcome]).toEqual(["ok", "ok"]);
    expect(world.supervisor.pools.all().map(({ pool }) => pool)).toEqual(["cam0"]);
    expect(world.memory.paths).toHaveLength(1);
  });
});

describe("a pool whose file somebody deletes", () => {
  test("gets another one, and everybody goes on there", async () => {
    const stage = await PoolStage.open();
    const [camera, algo] = [stage.join("camera", 10), await stage.consumer("algo", 20)];
    stage.publish(camera);
    const { lease } = stage.acquire(camera);
    stage.world.memory.vanish(stage.info.layout.path);
    await stage.world.pass(1000);
    const opened = algo.ask({ op: "pool.open", pool: "cam0" });
    await stage.world.settle();
    expect(opened.body).toMatchObject({ epoch: 2 });
    expect(camera.ask({ op: "slot.publish", lease, bytes: 1 }).outcome).toBe("POOL_GONE");
    stage.release(algo);
    stage.publish(camera);
    expect(stage.frames(algo).map(({ epoch, seq }) => [epoch, seq])).toEqual([
      [1, 1],
      [2, 2],
    ]);
    expect(stage.world.defects).toHaveLength(1);
  });

  test("tries again and again when there is no room for another, and says so to who asks", async () => {
    const stage = await PoolStage.open();
    const algo = await stage.consumer("algo", 20);
    stage.world.memory.vanish(stage.info.layout.path);
    for (let attempt = 0; attempt < 3; attempt++) stage.world.memory.failNext("MEMORY_FULL");
    const refused = algo.ask({ op: "pool.open", pool: "cam0" });
    await stage.world.settle();
    expect(refused.outcome).toBe("MEMORY_FULL");
    await stage.world.pass(2999);
    expect(stage.info.layout.epoch).toBe(1);
    await stage.world.pass(4001);
    expect(stage.info.layout.epoch).toBe(2);
    const opened = algo.ask({ op: "pool.open", pool: "cam0" });
    await stage.world.settle();
    expect(opened.body).toMatchObject({ epoch: 2 });
  });

  test("tries no less often because somebody asks for it all the time", async () => {
    const stage = await PoolStage.open();
    const algo = stage.join("algo", 20);
    stage.world.memory.vanish(stage.info.layout.path);
    for (let attempt = 0; attempt < 8; attempt++) {
      stage.world.memory.failNext("MEMORY_FULL");
      algo.ask({ op: "pool.open", pool: "cam0" });
      await stage.world.settle();
    }
    await stage.world.pass(1000);
    expect(stage.info.layout.epoch).toBe(2);
  });

  test("leaves no other one when its supervisor stops before that is made", async () => {
    const stage = await PoolStage.open();
    stage.world.memory.vanish(stage.info.layout.path);
    const goOn = stage.world.memory.holdNext();
    stage.join("algo", 20).ask({ op: "pool.open", pool: "cam0" });
    stage.world.supervisor.shutdown();
    await stage.world.settle();
    expect(stage.world.stopped).toBe(false);
    goOn();
    await stage.world.settle();
    expect(stage.world.stopped).toBe(true);
    expect(stage.world.memory.paths).toEqual([]);
  });

  test("leaves no other one when it is removed before that is made", async () => {
    const stage = await PoolStage.open();
    const algo = stage.join("algo", 20);
    stage.world.memory.vanish(stage.info.layout.path);
    const goOn = stage.world.memory.holdNext();
    const opened = algo.ask({ op: "pool.open", pool: "cam0" });
    algo.ask({ op: "pool.remove", pool: "cam0" });
    goOn();
    await stage.world.settle();
    expect(opened.outcome).toBe("POOL_GONE");
    expect(stage.world.memory.paths).toEqual([]);
  });

  test("still takes a frame of the old one from who holds it for too long", async () => {
    const stage = await PoolStage.open();
    const [camera, algo] = [stage.join("camera", 10), await stage.consumer("algo", 20, { maxHoldMs: 500 })];
    stage.publish(camera);
    stage.world.memory.vanish(stage.info.layout.path);
    algo.ask({ op: "pool.open", pool: "cam0" });
    await stage.world.settle();
    expect(stage.info.groups[0]?.consumers[0]).toMatchObject({ slot: 0, epoch: 1 });
    await stage.world.pass(500);
    expect(algo.events.at(-1)).toMatchObject({ ev: "revoked" });
    expect(stage.release(algo).body).toEqual({ valid: false });
  });

  test("waits for who reads a frame of the old one before its supervisor stops", async () => {
    const stage = await PoolStage.open();
    const [camera, algo] = [stage.join("camera", 10), await stage.consumer("algo", 20)];
    stage.publish(camera);
    stage.world.memory.vanish(stage.info.layout.path);
    algo.ask({ op: "pool.open", pool: "cam0" });
    await stage.world.settle();
    stage.world.supervisor.shutdown();
    await stage.world.settle();
    expect(stage.world.stopped).toBe(false);
    stage.release(algo);
    await stage.world.settle();
    expect(stage.world.stopped).toBe(true);
  });
});
