import { describe, expect, test } from "bun:test";
import { assign, setup } from "xstate";
import type { HoldfastClient } from "../../src/client/client.ts";
import { defineActor } from "../../src/user-actors/define-actor.ts";
import { ActorStage, settled } from "./actor-stage.ts";

/** Takes a frame when it is told to, sums its bytes, and keeps it until it is told to release it. */
function weigher(options: object = {}) {
  return defineActor({
    pools: { cam: { consume: "cam0", ...options } },
    events: { take: {}, release: {} },
    machine: ({ pools, types }) =>
      setup({ types: { ...types, context: {} as { seqs: number[]; sum: number; revoked: number[]; failed: string } } }).createMachine({
        context: { seqs: [], sum: 0, revoked: [], failed: "" },
        on: {
          take: { actions: pools.cam.take() },
          release: { actions: pools.cam.release() },
          "cam.frame": {
            actions: assign({
              seqs: ({ context, event }) => [...context.seqs, event.seq],
              sum: ({ event }) => event.frame.data.reduce((sum, byte) => sum + byte, 0),
            }),
          },
          "cam.revoked": { actions: assign({ revoked: ({ context, event }) => [...context.revoked, event.seq] }) },
          "cam.failed": { actions: assign({ failed: ({ event }) => event.error.code }) },
        },
      }),
  });
}

/** Publishes one frame of four bytes. */
async function publish(world: HoldfastClient, byte: number): Promise<void> {
  await using pool = await world.pool("cam0");
  using slot = await pool.produce();
  slot.data.fill(byte);
  await slot.publish({ next: false });
  await settled();
}

async function stageWithPool(): Promise<ActorStage> {
  const stage = await ActorStage.open();
  await stage.world.createPool("cam0", { slots: 6, bytes: 4 });
  return stage;
}

async function heldSlots(world: HoldfastClient): Promise<number> {
  const [pool] = await world.pools();
  return pool?.slots.filter(({ state }) => state === "reading").length ?? 0;
}

describe("an actor that takes frames", () => {
  test("gets the next one that is published, holds it until it releases it, and none that it has not asked for", async () => {
    await using stage = await stageWithPool();
    const { actor } = await stage.start(weigher());
    await publish(stage.world, 9);
    actor.send({ type: "take" });
    await settled();
    expect(actor.snapshot().data["seqs"]).toEqual([]);
    await publish(stage.world, 2);
    expect(actor.snapshot().data).toMatchObject({ seqs: [2], sum: 8 });
    await publish(stage.world, 3);
    expect(await heldSlots(stage.world)).toBe(1);
    actor.send({ type: "release" });
    await settled();
    expect(actor.snapshot().data["seqs"]).toEqual([2]);
    expect(await heldSlots(stage.world)).toBe(0);
  });

  test("gets the latest that there is when it says so, each time that it asks", async () => {
    await using stage = await stageWithPool();
    const { actor } = await stage.start(weigher({ startWithLatest: true }));
    await publish(stage.world, 1);
    actor.send({ type: "take" });
    await settled();
    await publish(stage.world, 2);
    await publish(stage.world, 3);
    // One that is asked for while another is held comes when that is released.
    actor.send({ type: "take" });
    await settled();
    expect(actor.snapshot().data["seqs"]).toEqual([1]);
    actor.send({ type: "release" });
    await settled();
    expect(actor.snapshot().data).toMatchObject({ seqs: [1, 3], sum: 12 });
  });

  test("gets one after the other with a policy that lets them queue", async () => {
    await using stage = await stageWithPool();
    const { actor } = await stage.start(weigher({ policy: "drop-newest", depth: 2 }));
    actor.send({ type: "take" });
    await settled();
    for (const byte of [1, 2, 3]) await publish(stage.world, byte);
    for (const _ of [1, 2]) {
      actor.send({ type: "release" });
      actor.send({ type: "take" });
      await settled();
    }
    expect(actor.snapshot().data["seqs"]).toEqual([1, 2, 3]);
  });

  test("is sent none that it wants no more by the time that it comes, and holds none", async () => {
    await using stage = await stageWithPool();
    const { actor } = await stage.start(weigher());
    actor.send({ type: "take" });
    actor.send({ type: "release" });
    await settled();
    await publish(stage.world, 1);
    expect([actor.snapshot().data["seqs"], await heldSlots(stage.world)]).toEqual([[], 0]);
    actor.send({ type: "take" });
    await settled();
    await publish(stage.world, 2);
    expect(actor.snapshot().data["seqs"]).toEqual([2]);
  });

  test("is sent the one on its way when it wants it no more and then again", async () => {
    await using stage = await stageWithPool();
    const { actor } = await stage.start(weigher());
    for (const type of ["take", "release", "take"]) actor.send({ type });
    await settled();
    for (const byte of [1, 2]) await publish(stage.world, byte);
    expect([actor.snapshot().data["seqs"], await heldSlots(stage.world)]).toEqual([[1], 1]);
    actor.send({ type: "release" });
    await settled();
    expect(await heldSlots(stage.world)).toBe(0);
  });

  test("holds none that came when its machine had no transition for it, and gets the next that it takes", async () => {
    await using stage = await stageWithPool();
    const hasty = defineActor({
      pools: { cam: { consume: "cam0" } },
      events: { look: {} },
      machine: ({ pools, types }) =>
        setup({ types }).createMachine({
          initial: "waiting",
          states: {
            waiting: { on: { look: "looking" } },
            looking: { entry: pools.cam.take(), on: { "cam.frame": "seen" }, after: { 10: "waiting" } },
            seen: { entry: pools.cam.release() },
          },
        }),
    });
    const { actor } = await stage.start(hasty);
    actor.send({ type: "look" });
    await stage.pass(20);
    await publish(stage.world, 1);
    expect([actor.state, await heldSlots(stage.world)]).toEqual(["waiting", 0]);
    actor.send({ type: "look" });
    await settled();
    await publish(stage.world, 2);
    expect([actor.state, await heldSlots(stage.world)]).toEqual(["seen", 0]);
  });

  test("may release twice and take again, all in the turn in which a frame has come", async () => {
    await using stage = await stageWithPool();
    const again = defineActor({
      pools: { cam: { consume: "cam0" } },
      machine: ({ pools, types }) =>
        setup({ types: { ...types, context: {} as { seqs: number[] } } }).createMachine({
          context: { seqs: [] },
          initial: "looking",
          states: {
            looking: {
              entry: pools.cam.take(),
              exit: pools.cam.release(),
              on: {
                "cam.frame": {
                  target: "looking",
                  reenter: true,
                  actions: [assign({ seqs: ({ context, event }) => [...context.seqs, event.seq] }), pools.cam.release()],
                },
              },
            },
          },
        }),
    });
    const { actor } = await stage.start(again);
    for (const byte of [1, 2, 3]) await publish(stage.world, byte);
    expect([actor.snapshot().data["seqs"], await heldSlots(stage.world)]).toEqual([[1, 2, 3], 0]);
  });

  test("gives back what it holds when it stops", async () => {
    await using stage = await stageWithPool();
    const { actor } = await stage.start(weigher());
    actor.send({ type: "take" });
    await settled();
    await publish(stage.world, 1);
    expect(await heldSlots(stage.world)).toBe(1);
    actor.stop();
    await settled();
    expect(await heldSlots(stage.world)).toBe(0);
  });

  test("is told when a frame is taken from it that it has held for too long", async () => {
    await using stage = await stageWithPool();
    const { actor } = await stage.start(weigher({ maxHoldMs: 50 }));
    actor.send({ type: "take" });
    await settled();
    await publish(stage.world, 1);
    await stage.pass(60);
    expect(actor.snapshot().data["revoked"]).toEqual([1]);
    actor.send({ type: "release" });
    actor.send({ type: "take" });
    await settled();
    await publish(stage.world, 1);
    expect(actor.snapshot().data["seqs"]).toEqual([1, 2]);
  });

  test("is told that there is no pool, and may ask again", async () => {
    await using stage = await ActorStage.open();
    const { actor } = await stage.start(weigher());
    actor.send({ type: "take" });
    await settled();
    expect(actor.snapshot().data["failed"]).toBe("POOL_UNKNOWN");
    await stage.world.createPool("cam0", { slots: 6, bytes: 4 });
    actor.send({ type: "take" });
    await settled();
    await publish(stage.world, 1);
    expect(actor.snapshot().data["seqs"]).toEqual([1]);
    await stage.world.request("pool.remove", { pool: "cam0" });
    actor.send({ type: "release" });
    actor.send({ type: "take" });
    await settled();
    expect(actor.snapshot().data["failed"]).toBe("POOL_UNKNOWN");
  });
});
