import { describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import type { WritableFrame } from "../../src/client/writable-frame.ts";
import { scene, settled, until, Yard } from "./frames-client-yard.ts";

/** A source of pixels, which come when a test says so. */
class Camera implements AsyncDisposable {
  readonly #fifo: FileHandle;
  #reading = 0;

  private constructor(fifo: FileHandle) {
    this.#fifo = fifo;
  }

  static async open(folder: string): Promise<Camera> {
    const path = join(folder, "camera");
    spawnSync("mkfifo", [path]);
    return new Camera(await open(path, "r+"));
  }

  /** Stores the next byte at the start of a slot's data. The kernel has its address from now on. */
  async read({ data }: WritableFrame): Promise<void> {
    this.#reading++;
    await this.#fifo.read(data, 0, 1, null);
    this.#reading--;
  }

  async show(value: number): Promise<void> {
    await this.#fifo.write(Uint8Array.of(value));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#reading > 0) await this.show(0);
    await this.#fifo.close();
  }
}

const aborts = (yard: Yard) => yard.sent.filter((op) => op.startsWith("slot.abort"));

describe("while an operation stores into a slot", () => {
  for (const [how, leave] of [
    ["leaves its scope", async (slot: WritableFrame) => slot[Symbol.dispose]()],
    ["gives it up", (slot: WritableFrame) => slot.abort()],
  ] as const) {
    test(`nobody else is given it when the program ${how}, and it is free when the operation is over`, async () => {
      await using yard = new Yard();
      const { pool } = await scene(await yard.client());
      await using camera = await Camera.open(yard.folder);
      const slot = await pool.produce();
      const reading = camera.read(slot);
      await leave(slot);
      expect(() => slot.data).toThrow(expect.objectContaining({ code: "FRAME_RELEASED" }));
      const others = await Promise.all(Array.from({ length: 5 }, () => pool.produce()));
      expect(others.map((other) => other.slot)).not.toContain(slot.slot);
      expect(aborts(yard)).toEqual([]);
      await camera.show(1);
      await reading;
      await until(() => yard.states["free"] === 1);
      expect(aborts(yard)).toHaveLength(1);
    });
  }

  test("its pool's closing and its client's closing do not give it up: nobody has it before the process ends", async () => {
    await using yard = new Yard();
    const client = await yard.client();
    const { pool } = await scene(client);
    await using camera = await Camera.open(yard.folder);
    const slot = await pool.produce();
    const reading = camera.read(slot);
    await pool.close();
    await client.close();
    expect(aborts(yard)).toEqual([]);
    expect(yard.states).toEqual({ free: 5, quarantined: 1 });
    await camera.show(1);
    await reading;
  });

  test("it is not published, its views stay, and it is published when the operation is over", async () => {
    await using yard = new Yard();
    const { pool, first, take } = await scene(await yard.client());
    await using camera = await Camera.open(yard.folder);
    using slot = await pool.produce();
    const kept = slot.data;
    const reading = camera.read(slot);
    yard.sent = [];
    for (let again = 0; again < 2; again++) await expect(slot.publish()).rejects.toMatchObject({ code: "FRAME_BUSY" });
    expect(yard.sent).toEqual([]);
    expect(slot.data).toBe(kept);
    await camera.show(77);
    await reading;
    await slot.publish();
    expect(kept).toHaveLength(0);
    expect((await take(first)).data[0]).toBe(77);
  });

  test("a lost connection does not free it, and the next one does when the operation is over", async () => {
    await using yard = new Yard();
    const states: string[] = [];
    const { pool } = await scene(await yard.client({ reconnect: true, onConnection: (state) => states.push(state) }));
    await using camera = await Camera.open(yard.folder);
    const slot = await pool.produce();
    const reading = camera.read(slot);
    await yard.cut();
    await until(() => states.includes("back"));
    await expect(slot.publish()).rejects.toMatchObject({ code: "DISCONNECTED" });
    await settled();
    expect(yard.states).toEqual({ free: 5, quarantined: 1 });
    await camera.show(1);
    await reading;
    await until(() => yard.states["free"] === 6);
  });
});

test("a slot whose memory the program has passed on is neither published nor given up: whoever has it may store there", async () => {
  await using yard = new Yard();
  const { pool } = await scene(await yard.client());
  const slot = await pool.produce();
  const passedOn = structuredClone(slot.data, { transfer: [slot.data.buffer as ArrayBuffer] });
  await expect(slot.publish()).rejects.toMatchObject({ code: "FRAME_BUSY" });
  await slot.abort();
  await pool.close();
  expect(aborts(yard)).toEqual([]);
  expect(yard.states["writing"]).toBe(1);
  passedOn.fill(1);
});

test("a slot that is granted as its pool closes is given up", async () => {
  await using yard = new Yard();
  const { pool } = await scene(await yard.client());
  const producing = pool.produce();
  const closing = pool.close();
  await expect(producing).rejects.toMatchObject({ code: "DISCONNECTED" });
  await closing;
  await settled();
  expect(yard.states).toEqual({ free: 6 });
});
