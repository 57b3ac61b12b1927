import { describe, expect, test } from "bun:test";
import { BYTES, scene, settled, Yard } from "./frames-client-yard.ts";

describe("a slot that is written", () => {
  test("holds so many bytes and no more: a longer frame is refused before anything is sent", async () => {
    await using yard = new Yard();
    const { pool } = await scene(await yard.client());
    using slot = await pool.produce();
    yard.sent = [];
    await expect(slot.publish({ bytes: BYTES + 1 })).rejects.toMatchObject({
      code: "FRAME_TOO_LONG",
      details: { bytes: BYTES + 1, capacity: BYTES },
    });
    expect(yard.sent).toEqual([]);
    expect(slot.data).toHaveLength(BYTES);
    await slot.publish({ bytes: BYTES });
  });

  test("is still there when what is said of the frame is refused", async () => {
    await using yard = new Yard();
    const { pool, first, take } = await scene(await yard.client());
    using slot = await pool.produce();
    slot.data.fill(4);
    const kept = slot.data;
    await expect(slot.publish({ meta: { note: "x".repeat(5000) } })).rejects.toMatchObject({ code: "LIMIT_META" });
    await expect(slot.publish({ bytes: 0.5 })).rejects.toMatchObject({ code: "BAD_FIELD" });
    expect(kept).toHaveLength(0);
    expect(slot.data[0]).toBe(4);
    await slot.publish();
    expect((await take(first)).data[BYTES - 1]).toBe(4);
  });

  test("may not be touched once it is published or given up", async () => {
    await using yard = new Yard();
    const { pool } = await scene(await yard.client());
    for (const end of ["publish", "abort"] as const) {
      using slot = await pool.produce();
      const kept = slot.data;
      const ending = slot[end]();
      expect(kept).toHaveLength(0);
      expect(() => slot.data).toThrow(expect.objectContaining({ code: "FRAME_RELEASED" }));
      await ending;
      for (const again of [slot.publish(), slot.abort()]) await expect(again).rejects.toMatchObject({ code: "FRAME_RELEASED" });
    }
  });

  test("is given up when its scope ends without a frame", async () => {
    await using yard = new Yard();
    const { pool } = await scene(await yard.client());
    {
      using slot = await pool.produce();
      slot.data.fill(1);
    }
    await settled();
    expect(yard.states).toEqual({ free: 6 });
    expect(yard.pool).toMatchObject({ published: 0, aborted: 1 });
  });

  test("comes with the reply to the frame before, and the unused one goes with the pool's closing", async () => {
    await using yard = new Yard();
    const { pool, publish, frames } = await scene(await yard.client());
    await frames.return();
    await publish(1);
    yard.sent = [];
    for (const value of [2, 3, 4]) await publish(value);
    expect(yard.sent.map((op) => op.split(" ")[0])).toEqual(["slot.publish", "slot.publish", "slot.publish"]);
    expect(yard.states["writing"]).toBe(1);
    await pool.close();
    expect(yard.states["writing"]).toBeUndefined();
  });

  test("two at once need no more than two slots, however many frames they make", async () => {
    await using yard = new Yard();
    const { pool } = await scene(await yard.client());
    for (let round = 0; round < 5; round++) {
      const slots = [await pool.produce(), await pool.produce()];
      await Promise.all(slots.map((slot) => slot.publish()));
      expect(yard.states["writing"] ?? 0).toBeLessThanOrEqual(1);
    }
  });

  test("is free when its client closes, and can't be written to any more", async () => {
    await using yard = new Yard();
    const client = await yard.client();
    const { pool, publish } = await scene(client);
    const slot = await pool.produce();
    const kept = slot.data;
    await publish(1);
    await client.close();
    expect(kept).toHaveLength(0);
    expect(yard.states["writing"]).toBeUndefined();
    await expect(pool.produce()).rejects.toMatchObject({ code: "DISCONNECTED" });
  });
});
