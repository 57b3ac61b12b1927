import { describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, unlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HoldfastClient } from "../../src/client/client.ts";
import type { Dial, Link, LinkListener } from "../../src/client/link.ts";
import { SimulatedClock } from "../../src/clock/simulated.ts";
import { FolderSharedMemory } from "../../src/frames/folder.ts";
import { SimBackend } from "../../src/gpio/sim.ts";
import { SimProcesses } from "../../src/processes/sim.ts";
import { defaultLimits } from "../../src/protocol/limits.ts";
import type { PoolInfo } from "../../src/protocol/replies.ts";
import { Supervisor } from "../../src/supervisor/supervisor.ts";
import { inProcess } from "../../src/transports/in-process.ts";

type Message = Readonly<Record<string, unknown>>;

const BYTES = 50_000;
const settings = { slots: 6, bytes: BYTES };

/** A supervisor with pools in a folder of its own, and clients whose connections can be looked into and cut. */
class Yard implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), "holdfast-"));
  readonly clock = new SimulatedClock();
  readonly supervisor: Supervisor;
  /** What the clients have sent, but for greetings. */
  sent: string[] = [];
  /** Sees a message before its client does, and passes it on. */
  intercept = (message: Message, pass: (message: Message) => void): void => pass(message);
  #links: Link[] = [];

  constructor() {
    const { clock } = this;
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    this.supervisor = new Supervisor({
      backend: new SimBackend({ clock }),
      memory: new FolderSharedMemory(this.folder),
      processes: new SimProcesses(),
      clock,
      limits: defaultLimits,
      drainMs: 1000,
      log,
    });
  }

  async client(options: { readonly reconnect?: boolean; readonly onConnection?: (state: string) => void } = {}): Promise<HoldfastClient> {
    const dial: Dial = async (listener) => {
      const watched: LinkListener = {
        closed: (error) => listener.closed(error),
        message: (message) => this.intercept(message, (passed) => listener.message(passed)),
      };
      const link = await inProcess(this.supervisor, "app")(watched);
      this.#links.push(link);
      const send = (request: object) => {
        const { op, lease } = request as { readonly op: string; readonly lease?: number };
        if (op !== "hello") this.sent.push(lease === undefined ? op : `${op} ${lease}`);
        link.send(request);
      };
      return { send, close: () => link.close() };
    };
    return HoldfastClient.over(dial, options);
  }

  /** Cuts every connection. */
  async cut(): Promise<void> {
    for (const link of this.#links.splice(0)) await link.close();
  }

  get pool(): PoolInfo {
    const [pool] = this.supervisor.pools.all();
    if (pool === undefined) throw new Error("there is no pool");
    return pool;
  }

  /** How many slots are in each state. */
  get states(): Record<string, number> {
    const states: Record<string, number> = {};
    for (const { state } of this.pool.slots) states[state] = (states[state] ?? 0) + 1;
    return states;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.supervisor.shutdown(true);
    await this.supervisor.stopped;
    rmSync(this.folder, { recursive: true });
  }
}

/** Lets what is under way come to its end. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Lets the client's pauses pass, which are real ones. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** A pool, one who publishes frames of one byte's value, and a subscribed stream. */
async function scene(client: HoldfastClient, options = {}, name = "cam0") {
  const pool = await client.createPool(name, settings);
  const frames = pool.frames(options);
  const first = frames.next();
  first.catch(() => {});
  await settled();
  const publish = async (value: number) => {
    using slot = await pool.produce();
    slot.data.fill(value);
    return slot.publish();
  };
  const take = async (next = frames.next()) => {
    const { value } = await next;
    if (value === undefined) throw new Error("the stream has ended");
    return value;
  };
  return { pool, frames, first, publish, take };
}

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

describe("when the connection is lost", () => {
  async function cutScene(yard: Yard) {
    const states: string[] = [];
    const client = await yard.client({ reconnect: true, onConnection: (state) => states.push(state) });
    const told = await scene(client, { policy: "latest" });
    await told.publish(1);
    const frame = await told.take(told.first);
    await told.publish(2);
    const cut = async () => {
      await yard.cut();
      await until(() => states.includes("back"));
    };
    return { ...told, client, frame, cut };
  }

  test("a frame stays readable, and its release is no request but a false", async () => {
    await using yard = new Yard();
    const { frame, cut } = await cutScene(yard);
    await cut();
    yard.sent = [];
    expect(frame.data[BYTES - 1]).toBe(1);
    expect(await frame.release()).toBe(false);
    expect(yard.sent).toEqual([]);
  });

  test("the stream goes on, and so does the producer", async () => {
    await using yard = new Yard();
    const { frame, cut, publish, take } = await cutScene(yard);
    await cut();
    frame[Symbol.dispose]();
    const next = take();
    await publish(3);
    expect((await next).data[0]).toBe(3);
  });

  test("a slot that was written is lost, and given up on the new connection", async () => {
    await using yard = new Yard();
    const { pool, cut } = await cutScene(yard);
    const slot = await pool.produce();
    const kept = slot.data;
    yard.sent = [];
    await cut();
    expect(yard.sent.filter((op) => op.startsWith("slot.abort"))).toEqual([]);
    await expect(slot.publish()).rejects.toMatchObject({ code: "DISCONNECTED" });
    expect(kept).toHaveLength(0);
    await settled();
    expect(yard.sent.filter((op) => op.startsWith("slot."))).toEqual([expect.stringContaining("slot.abort")]);
    await expect(slot.publish()).rejects.toMatchObject({ code: "FRAME_RELEASED" });
  });

  test("a pool that is closed meanwhile gives its slots up when there is a connection again", async () => {
    await using yard = new Yard();
    const { pool, cut } = await cutScene(yard);
    const slot = await pool.produce();
    yard.sent = [];
    const back = cut();
    await settled();
    slot[Symbol.dispose]();
    await pool.close();
    await back;
    expect(yard.sent.filter((op) => op.startsWith("slot."))).toEqual([expect.stringContaining("slot.abort")]);
  });

  test("the grant that was kept for the next frame is given up on the new connection, and not to another supervisor", async () => {
    for (const another of [false, true]) {
      await using yard = new Yard();
      const { cut } = await cutScene(yard);
      yard.sent = [];
      if (another) yard.intercept = (message, pass) => pass("epoch" in message ? { ...message, epoch: 1 } : message);
      await cut();
      expect(yard.sent.filter((op) => op.startsWith("slot.abort"))).toHaveLength(another ? 0 : 1);
    }
  });
});
