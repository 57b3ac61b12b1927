import { describe, expect, test } from "bun:test";
import { BYTES, scene, settings, settled, Yard } from "./frames-client-yard.ts";

describe("a frame", () => {
  test("is read as it was written, with what its producer has said of it", async () => {
    await using yard = new Yard();
    const client = await yard.client();
    await using pool = await client.createPool("cam0", { slots: 4, fourcc: "YU12", width: 64, height: 48 });
    const frames = pool.frames({ group: "algo" });
    const next = frames.next();
    await settled();
    using slot = await pool.produce();
    expect(slot.data).toHaveLength((64 * 48 * 3) / 2);
    slot.data.forEach((_, index) => {
      slot.data[index] = index % 251;
    });
    expect(await slot.publish({ bytes: 4000, timestampNs: 77n, meta: { exposureUs: 900 } })).toEqual({ seq: 1 });
    const { value: frame } = await next;
    expect(frame).toMatchObject({
      slot: slot.slot,
      seq: 1,
      bytes: 4000,
      timestampNs: 77n,
      fourcc: "YU12",
      width: 64,
      height: 48,
      stride: 64,
      planes: pool.layout.planes,
      meta: { exposureUs: 900 },
      lost: 0,
      epoch: pool.layout.epoch,
      revoked: false,
    });
    expect(frame?.data).toEqual(Uint8Array.from({ length: 4000 }, (_, index) => index % 251));
    expect(frame?.intact()).toBe(true);
    expect(await frame?.release()).toBe(true);
  });

  test("may not be touched when it has been released, nor released twice, and views of it are empty", async () => {
    await using yard = new Yard();
    const { publish, take, first } = await scene(await yard.client());
    await publish(1);
    const frame = await take(first);
    const kept = [frame.data, frame.data.subarray(3)];
    expect(await frame.release()).toBe(true);
    expect(kept.map(({ length }) => length)).toEqual([0, 0]);
    for (const touch of [() => frame.data, () => frame.intact()])
      expect(touch).toThrow(expect.objectContaining({ code: "FRAME_RELEASED" }));
    await expect(frame.release()).rejects.toMatchObject({ code: "FRAME_RELEASED" });
    expect(yard.sent.filter((op) => op.startsWith("slot.release"))).toHaveLength(1);
    frame[Symbol.dispose]();
    expect(yard.sent.filter((op) => op.startsWith("slot.release"))).toHaveLength(1);
  });

  test("is released when its scope ends, and the next one comes", async () => {
    await using yard = new Yard();
    const { pool, frames, first, publish } = await scene(await yard.client(), { policy: "drop-oldest", depth: 3 });
    for (const value of [1, 2, 3]) await publish(value);
    const seen: number[] = [];
    (await first).value?.[Symbol.dispose]();
    for await (using frame of frames) {
      seen.push(frame.data[BYTES - 1] ?? -1);
      if (seen.length === 2) break;
    }
    expect(seen).toEqual([2, 3]);
    await settled();
    expect(yard.pool.groups).toEqual([]);
    expect(yard.states["reading"]).toBeUndefined();
    await pool.close();
  });

  test("that is taken away says so, and its release too", async () => {
    await using yard = new Yard();
    const { publish, take, first } = await scene(await yard.client(), { maxHoldMs: 100 });
    await publish(1);
    const frame = await take(first);
    yard.clock.advanceMs(99);
    await settled();
    expect(frame.revoked).toBe(false);
    yard.clock.advanceMs(1);
    await settled();
    expect(frame.revoked).toBe(true);
    expect(await frame.release()).toBe(false);
    await publish(2);
    const next = await take();
    expect([next.data[0], next.revoked]).toEqual([2, false]);
  });

  test("that is taken away before the program has looked at it is not shown", async () => {
    await using yard = new Yard();
    const { publish, take, first } = await scene(await yard.client(), { maxHoldMs: 100 });
    await publish(1);
    (await take(first))[Symbol.dispose]();
    await publish(2);
    await settled();
    yard.clock.advanceMs(100);
    await settled();
    const next = take();
    await settled();
    await publish(3);
    const frame = await next;
    expect([frame.data[0], frame.seq, frame.lost]).toEqual([3, 3, 1]);
  });

  test("shows when its slot has been written over", async () => {
    await using yard = new Yard();
    const { publish, take, first } = await scene(await yard.client(), { maxHoldMs: 100 });
    await publish(1);
    const frame = await take(first);
    expect(frame.intact()).toBe(true);
    yard.clock.advanceMs(100);
    for (let round = 0; round < settings.slots; round++) await publish(9);
    expect(frame.intact()).toBe(false);
  });
});
