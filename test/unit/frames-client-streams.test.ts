import { describe, expect, test } from "bun:test";
import { readdirSync, unlinkSync } from "node:fs";
import { BYTES, scene, settings, settled, until, Yard } from "./frames-client-yard.ts";

describe("a stream of frames", () => {
  test("subscribes when the first frame is asked for", async () => {
    await using yard = new Yard();
    const client = await yard.client();
    const pool = await client.createPool("cam0", settings);
    const frames = pool.frames();
    await settled();
    expect(yard.sent).toEqual(["pool.create"]);
    await frames.return();
    expect(yard.sent).toEqual(["pool.create"]);
    expect(await frames.next()).toEqual({ done: true, value: undefined });
  });

  test("that is refused says why", async () => {
    await using yard = new Yard();
    const client = await yard.client();
    const pool = await client.createPool("cam0", settings);
    await expect(pool.frames({ policy: "drop-oldest", depth: 9 }).next()).rejects.toMatchObject({ code: "POOL_SLOTS" });
  });

  test("that is left releases the frame that has come, and the one that was on its way", async () => {
    await using yard = new Yard();
    const { frames, first, take, publish } = await scene(await yard.client());
    await publish(1);
    (await take(first))[Symbol.dispose]();
    await publish(2);
    await settled();
    expect(yard.states["reading"]).toBe(1);
    await frames.return();
    await settled();
    expect(yard.states["reading"]).toBeUndefined();

    const late: (() => void)[] = [];
    yard.intercept = (message, pass) => (message["ev"] === "frame" ? void late.push(() => pass(message)) : pass(message));
    const other = await scene(await yard.client(), {}, "cam1");
    await other.publish(3);
    await settled();
    await other.frames.return();
    expect(await other.first).toEqual({ done: true, value: undefined });
    for (const arrive of late) arrive();
    await settled();
    expect(late).toHaveLength(1);
    expect((await (await yard.client()).pools()).flatMap(({ slots }) => slots.filter(({ state }) => state === "reading"))).toEqual([]);
  });

  test("that is left while a frame is held leaves it to its holder", async () => {
    await using yard = new Yard();
    const { frames, first, take, publish } = await scene(await yard.client());
    await publish(1);
    const frame = await take(first);
    await frames.return();
    for (let round = 0; round < 2 * settings.slots; round++) await publish(9);
    expect([frame.data[0], frame.intact()]).toEqual([1, true]);
    expect(await frame.release()).toBe(true);
  });

  test("ends with the pool, and what is held is still to be read", async () => {
    await using yard = new Yard();
    const { pool, frames, first, take, publish } = await scene(await yard.client());
    await publish(7);
    const frame = await take(first);
    const slot = await pool.produce();
    const next = frames.next();
    await pool.remove();
    await expect(next).rejects.toMatchObject({ code: "POOL_GONE" });
    expect(readdirSync(yard.folder)).toEqual([]);
    expect([frame.data[BYTES - 1], frame.intact()]).toEqual([7, true]);
    await expect(slot.publish()).rejects.toMatchObject({ code: "POOL_GONE" });
    expect(await frame.release()).toBe(true);
    await expect(pool.produce()).rejects.toMatchObject({ code: "POOL_UNKNOWN" });
  });

  test("ends quietly with its pool's or its client's closing, and as lost for a reason that nobody knows", async () => {
    await using yard = new Yard();
    const client = await yard.client();
    const one = await scene(client);
    await one.pool.close();
    expect(await one.first).toEqual({ done: true, value: undefined });
    const two = await scene(client, {}, "cam1");
    yard.intercept = (message, pass) => pass(message["ev"] === "end" ? { ...message, reason: "SOMETHING_NEW" } : message);
    await two.pool.remove();
    await expect(two.first).rejects.toMatchObject({ code: "LINE_LOST" });
    const three = await scene(client, {}, "cam2");
    await client.close();
    expect(await three.first).toEqual({ done: true, value: undefined });
  });

  test("whose file may not be mapped ends with the reason, and keeps no slot", async () => {
    await using yard = new Yard();
    const client = await yard.client();
    const { first, publish, pool } = await scene(client);
    await publish(1);
    expect((await first).value?.data[0]).toBe(1);
    yard.intercept = (message, pass) => pass("path" in message ? { ...message, path: yard.folder } : message);
    await expect(client.pool("cam0")).rejects.toMatchObject({ code: "MEMORY_FAILED" });
    const frames = pool.frames();
    yard.intercept = (message, pass) => {
      if ("path" in message) pass({ ...message, epoch: 1, path: yard.folder });
      else pass(message["ev"] === "frame" ? { ...message, epoch: 1 } : message);
    };
    const next = frames.next();
    await settled();
    await publish(2);
    await expect(next).rejects.toMatchObject({ code: "MEMORY_FAILED" });
    expect(await frames.next()).toEqual({ done: true, value: undefined });
    await settled();
    expect(yard.pool.groups).toHaveLength(1);
    expect(yard.states["reading"]).toBe(1);
  });

  test("goes on in the file that takes the place of a deleted one", async () => {
    await using yard = new Yard();
    const { pool, first, take, publish } = await scene(await yard.client());
    await publish(1);
    const old = await take(first);
    const before = pool.layout.epoch;
    unlinkSync(pool.layout.path);
    yard.clock.advanceMs(1000);
    await publish(2).catch(() => {});
    await until(() => yard.pool.layout.epoch !== before);
    expect(old.data[0]).toBe(1);
    await old.release();
    // The slot that was granted before is one of the old file.
    await publish(3).catch((error) => expect(error).toMatchObject({ code: "POOL_GONE" }));
    await publish(4);
    const frame = await take();
    expect([frame.data[0], frame.epoch]).toEqual([4, yard.pool.layout.epoch]);
    expect(pool.layout.epoch).toBe(frame.epoch);
  });

  test("passes over a frame of a file that the pool has no more", async () => {
    await using yard = new Yard();
    const { first, take, publish } = await scene(await yard.client());
    yard.intercept = (message, pass) => pass(message["seq"] === 1 && "ev" in message ? { ...message, epoch: 1 } : message);
    await publish(1);
    await settled();
    await publish(2);
    const frame = await take(first);
    expect([frame.seq, frame.data[0], frame.lost]).toEqual([2, 2, 1]);
    expect(yard.states["reading"]).toBe(1);
  });
});
