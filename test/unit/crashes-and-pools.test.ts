import { describe, expect, test } from "bun:test";
import { PoolStage } from "./pool-stage.ts";

describe("a reader that dies", () => {
  test("frees its slot at once", async () => {
    const stage = await PoolStage.open();
    const [camera, algo] = [stage.join("camera", 10), await stage.consumer("algo", 20)];
    stage.publish(camera);
    stage.publish(camera);
    expect(stage.states).toBe("reading ready free free free free");
    algo.leave();
    expect(stage.states).toBe("free ready free free free free");
    expect(stage.info.groups).toEqual([]);
  });

  test("takes its frame with it: the others of its group go on with the next one", async () => {
    const stage = await PoolStage.open();
    const camera = stage.join("camera", 10);
    const [left, right] = [await stage.consumer("left", 20, { group: "algo" }), await stage.consumer("right", 21, { group: "algo" })];
    stage.publish(camera);
    left.leave();
    stage.publish(camera);
    expect(stage.frames(right).map(({ seq }) => seq)).toEqual([2]);
  });
});

describe("a writer that goes without a word", () => {
  test("may still be storing: nobody gets its slot before its process has ended", async () => {
    const stage = await PoolStage.open();
    const camera = stage.join("camera", 10);
    stage.acquire(camera);
    camera.leave();
    await stage.world.pass(60_000);
    expect(stage.states).toBe("quarantined free free free free free");
    stage.world.processes.end(10);
    await stage.world.pass(250);
    expect(stage.states).toBe("free free free free free free");
    expect(stage.world.processes.openHandles).toBe(0);
  });

  test("gives its slot up itself, over another connection of the same process, but can't publish it", async () => {
    const stage = await PoolStage.open();
    const [camera, stranger] = [stage.join("camera", 10), stage.join("stranger", 20)];
    const { lease } = stage.acquire(camera);
    camera.leave();
    const again = stage.world.join("camera again", 10);
    expect(stranger.ask({ op: "slot.abort", lease }).outcome).toBe("LEASE_FOREIGN");
    expect(again.ask({ op: "slot.publish", lease, bytes: 1 }).outcome).toBe("LEASE_FOREIGN");
    expect(again.ask({ op: "slot.abort", lease }).outcome).toBe("ok");
    expect(stage.states).toBe("free free free free free free");
  });

  test("and can't be seen to end, costs its slot; when too few are left the pool gets a new file", async () => {
    const stage = await PoolStage.open({ slots: 3, bytes: 100 });
    stage.world.processes.hide(10);
    for (let crash = 0; crash < 2; crash++) {
      const camera = stage.world.join("camera", 10);
      stage.acquire(camera);
      camera.leave();
      await stage.world.settle();
      if (crash === 0) expect(stage.states).toBe("retired free free");
    }
    expect(stage.info.layout.epoch).toBe(2);
    expect(stage.states).toBe("free free free");
    expect(stage.world.memory.paths).toHaveLength(1);
  });
});

describe("a pool with retired slots", () => {
  const wornOut = async () => {
    const stage = await PoolStage.open();
    stage.world.processes.hide(10);
    for (let crash = 0; crash < 3; crash++) {
      const camera = stage.world.join("camera", 10);
      stage.acquire(camera);
      camera.leave();
      await stage.world.settle();
    }
    expect(stage.states).toBe("retired retired retired free free free");
    return stage;
  };

  test("gets another file for a consumer that needs more than it has left", async () => {
    const stage = await wornOut();
    const algo = stage.join("algo", 20);
    const answer = algo.ask({ op: "frames.subscribe", pool: "cam0" });
    expect(answer.outcome).toBe("pending");
    await stage.world.pass(0);
    expect(answer.body).toEqual({ sub: 1 });
    expect(stage.states).toBe("free free free free free free");
    stage.publish(stage.join("camera", 11));
    expect(stage.frames(algo)).toHaveLength(1);
  });

  test("says so to that consumer when there is no room for another file, and makes nothing of one that has gone", async () => {
    const stage = await wornOut();
    stage.world.memory.failNext("MEMORY_FULL");
    const refused = stage.join("algo", 20).ask({ op: "frames.subscribe", pool: "cam0" });
    await stage.world.settle();
    expect(refused.outcome).toBe("MEMORY_FULL");
    const gone = stage.join("saver", 21);
    const answer = gone.ask({ op: "frames.subscribe", pool: "cam0" });
    gone.leave();
    await stage.world.pass(0);
    expect(answer.outcome).toBe("DISCONNECTED");
    expect(stage.info.groups).toEqual([]);
  });
});

describe("a file that has been removed", () => {
  test("needs nobody watched who was writing to it", async () => {
    const stage = await PoolStage.open();
    const camera = stage.join("camera", 10);
    stage.acquire(camera);
    camera.leave();
    expect(stage.world.processes.openHandles).toBe(1);
    stage.join("keeper", 30).ask({ op: "pool.remove", pool: "cam0" });
    await stage.world.pass(250);
    expect(stage.world.processes.openHandles).toBe(0);
  });
});

describe("a client", () => {
  test("may end with several subscriptions when that is all a draining pool has waited for", async () => {
    const stage = await PoolStage.open({ slots: 10, bytes: 10 });
    const [camera, algo] = [stage.join("camera", 10), await stage.consumer("algo", 20, { policy: "drop-oldest", maxHoldMs: 100 })];
    algo.ask({ op: "frames.subscribe", pool: "cam0" });
    for (let frame = 0; frame < 2; frame++) {
      stage.publish(camera);
      const { lease } = stage.frames(algo).find(({ sub, seq }) => sub === 2 && seq === frame + 1) ?? expect.unreachable();
      algo.ask({ op: "slot.release", lease });
    }
    await stage.world.pass(100);
    stage.world.supervisor.shutdown();
    expect(stage.world.supervisor.state).toBe("draining");
    algo.leave();
    await stage.world.settle();
    expect(stage.world.supervisor.status().clients.map(({ name }) => name)).not.toContain("algo");
    expect(stage.world.stopped).toBe(true);
  });
});

describe("a connection that a process has left to another one", () => {
  test("is granted no slot, and says what to do", async () => {
    const stage = await PoolStage.open();
    const camera = stage.join("camera", 10);
    stage.world.processes.end(10);
    const refused = camera.ask({ op: "slot.acquire", pool: "cam0" });
    expect(refused.error).toMatchObject({ code: "PROCESS_ENDED", details: { pid: 10 } });
    expect(stage.states).toBe("free free free free free free");
    expect(stage.info.refused).toBe(0);
  });

  test("publishes what it had, and gets no other", async () => {
    const stage = await PoolStage.open();
    const camera = stage.join("camera", 10);
    const { lease } = stage.acquire(camera);
    stage.world.processes.end(10);
    expect(camera.ask({ op: "slot.publish", lease, bytes: 1, acquire: true }).body).toEqual({ seq: 1, next: null });
  });

  test("waits no longer for a slot", async () => {
    const stage = await PoolStage.open({ slots: 2, bytes: 10 });
    const [camera, other] = [stage.join("camera", 10), stage.join("other", 11)];
    const [{ lease }] = [stage.acquire(other), stage.acquire(other)];
    const waiting = camera.ask({ op: "slot.acquire", pool: "cam0", waitMs: 1000 });
    stage.world.processes.end(10);
    other.ask({ op: "slot.abort", lease });
    await stage.world.settle();
    expect(waiting.outcome).toBe("PROCESS_ENDED");
    expect(stage.states).toBe("free writing");
  });
});

describe("a pool", () => {
  test("that is removed leaves those who hold a frame reading, and ends everything else", async () => {
    const stage = await PoolStage.open();
    const [camera, algo] = [stage.join("camera", 10), await stage.consumer("algo", 20)];
    stage.publish(camera);
    const { lease } = stage.acquire(camera);
    expect(camera.ask({ op: "pool.remove", pool: "cam0" }).outcome).toBe("ok");
    expect(stage.world.memory.paths).toEqual([]);
    expect(algo.events.at(-1)).toEqual({ sub: 1, ev: "end", reason: "POOL_GONE" });
    expect(stage.release(algo).body).toEqual({ valid: true });
    expect(camera.ask({ op: "slot.publish", lease, bytes: 1 }).outcome).toBe("POOL_GONE");
    expect(camera.ask({ op: "slot.publish", lease, bytes: 1 }).outcome).toBe("LEASE_UNKNOWN");
    expect(camera.ask({ op: "slot.acquire", pool: "cam0" }).outcome).toBe("POOL_UNKNOWN");
  });

  test("delivers what waits before its supervisor stops", async () => {
    const stage = await PoolStage.open();
    const [camera, saver] = [stage.join("camera", 10), await stage.consumer("saver", 20, { policy: "block", deadlineMs: 1000 })];
    for (let frame = 1; frame <= 3; frame++) stage.publish(camera);
    stage.world.supervisor.shutdown();
    expect(camera.ask({ op: "slot.acquire", pool: "cam0" }).outcome).toBe("SHUTTING_DOWN");
    for (let frame = 1; frame <= 3; frame++) {
      expect(stage.world.supervisor.state).toBe("draining");
      stage.release(saver);
    }
    await stage.world.settle();
    expect(stage.frames(saver).map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect(stage.world.stopped).toBe(true);
    expect(stage.world.memory.paths).toEqual([]);
  });

  test("is not made twice, nor with what makes no sense, and nothing stays of what could not be made", async () => {
    const stage = await PoolStage.open();
    const maker = stage.world.join("another");
    const codeOf = async (fields: { pool: string; slots: number; fourcc?: string; width?: number; height?: number; bytes?: number }) => {
      const answer = maker.ask({ op: "pool.create", ...fields });
      await stage.world.settle();
      return [answer.outcome, answer.error?.details.field];
    };
    expect(await codeOf({ pool: "cam0", slots: 6, bytes: 1000 })).toEqual(["POOL_EXISTS", "pool"]);
    expect(await codeOf({ pool: "../cam", slots: 6, bytes: 1000 })).toEqual(["BAD_FIELD", "pool"]);
    expect(await codeOf({ pool: "cam1", slots: 0, bytes: 1000 })).toEqual(["BAD_FIELD", "slots"]);
    expect(await codeOf({ pool: "cam1", slots: 6, bytes: 0 })).toEqual(["BAD_FIELD", "bytes"]);
    expect(await codeOf({ pool: "cam1", slots: 6 })).toEqual(["MISSING_FIELD", "bytes"]);
    expect(await codeOf({ pool: "cam1", slots: 6, fourcc: "XXXX", width: 8, height: 8 })).toEqual(["FORMAT_UNKNOWN", "fourcc"]);
    expect(await codeOf({ pool: "cam1", slots: 6, fourcc: "BGR3", width: 8 })).toEqual(["MISSING_FIELD", "height"]);
    stage.world.memory.failNext("MEMORY_FULL");
    expect(await codeOf({ pool: "cam1", slots: 6, bytes: 1000 })).toEqual(["MEMORY_FULL", undefined]);
    expect(stage.world.memory.paths).toHaveLength(1);
    expect(await codeOf({ pool: "cam1", slots: 6, bytes: 1000 })).toEqual(["ok", undefined]);
  });
});
