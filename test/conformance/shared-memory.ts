import { describe, expect, test } from "bun:test";
import { formatOf } from "../../src/frames/format.ts";
import { type PoolHeader, readPoolHeader, readSlotHeader } from "../../src/frames/header.ts";
import { fileLayout, poolStates } from "../../src/frames/layout.ts";
import type { FrameWords, PoolMemory, SharedMemory, SlotWords } from "../../src/frames/memory.ts";
import { HoldfastError } from "../../src/protocol/errors.ts";

/** Shared memory under test, and the files of it as others see them. */
export interface Rig {
  readonly memory: SharedMemory;
  /** Of the files that there are. */
  paths(): readonly string[];
  /** The headers of a pool that is live, or has been removed while somebody had it open. */
  headers(pool: PoolMemory): Uint8Array;
  /** Somebody deletes the file of a pool. */
  delete(path: string): void;
  /** Ends what the rig itself has begun. */
  close(): void;
}

const SLOTS = 3;
const picture = formatOf({ slots: SLOTS, fourcc: "YU12", width: 64, height: 48, stride: 128 });
const raw = formatOf({ slots: SLOTS, bytes: 1000 });

const writing: SlotWords = { generation: 0xffff_fffd, state: "writing", lease: 2 ** 40 + 7, ownerPid: 4242, readers: 0 };
const ready: SlotWords = { ...writing, generation: 0xffff_fffe, state: "ready" };
const frame: FrameWords = { seq: 2 ** 33 + 1, timestampNs: 2n ** 62n + 1n, publishedNs: 2n ** 62n + 2n, bytes: 999 };
const untouched = { generation: 0, state: "free", lease: 0, ownerPid: 0, readers: 0, seq: 0, timestampNs: 0n, publishedNs: 0n, bytes: 0 };

function headerOf(bytes: Uint8Array): PoolHeader {
  const header = readPoolHeader(bytes);
  if (header === null) throw new Error("the file has no header of a pool");
  return header;
}

/** What a promise is refused with. */
async function refused(promise: Promise<unknown>): Promise<HoldfastError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof HoldfastError) return error;
  throw new Error(`not refused as it should be: ${error}`);
}

/**
 * Registers the tests of what all shared memory does, real or simulated.
 * @param build makes the memory and its rig afresh for each test, with room for 100 pools as they are made here and not for a gigabyte
 */
export function conformsAsSharedMemory(name: string, build: () => Rig): void {
  const on = (story: string, run: (rig: Rig) => Promise<void>) =>
    test(story, async () => {
      const rig = build();
      try {
        await run(rig);
      } finally {
        rig.close();
      }
    });

  describe(name, () => {
    on("a pool has one file, which says whose it is and how it is laid out", async (rig) => {
      const pool = await rig.memory.reserve("cam0", SLOTS, picture);
      const { path, epoch, ...layout } = pool.layout;
      expect(rig.paths()).toEqual([path]);
      expect(path).toBe(`${rig.memory.folder}/holdfast-cam0-${epoch.toString(16).padStart(12, "0")}`);
      expect(layout).toEqual({
        pool: "cam0",
        slots: SLOTS,
        headerOffset: 4096,
        headerStride: 128,
        payloadOffset: 16_384,
        payloadStride: 16_384,
        ...picture,
        planes: [...picture.planes],
      });
      expect(headerOf(rig.headers(pool))).toMatchObject({ state: poolStates.live, epoch, name: "cam0" });
      pool.remove();
    });

    on("its slots are free at first, and nobody has written to them", async (rig) => {
      const pool = await rig.memory.reserve("cam0", SLOTS, raw);
      for (let slot = 0; slot < SLOTS; slot++) expect(readSlotHeader(rig.headers(pool), slot)).toEqual(untouched as never);
      pool.remove();
    });

    on("a slot's words are those last given, and its neighbours' are their own", async (rig) => {
      const pool = await rig.memory.reserve("cam0", SLOTS, picture);
      pool.mirror(1, writing);
      pool.describe(1, frame);
      expect(readSlotHeader(rig.headers(pool), 1)).toEqual({ ...writing, ...frame });
      pool.mirror(1, ready);
      expect(readSlotHeader(rig.headers(pool), 1)).toEqual({ ...ready, ...frame });
      for (const slot of [0, 2]) expect(readSlotHeader(rig.headers(pool), slot)).toEqual(untouched as never);
      pool.remove();
    });

    on("a slot that there is not is a defect of the caller, and no word of a frame", async (rig) => {
      const pool = await rig.memory.reserve("cam0", SLOTS, raw);
      for (const slot of [-1, SLOTS, 0.5]) {
        expect(() => pool.mirror(slot, writing)).toThrow("none is");
        expect(() => pool.describe(slot, frame)).toThrow("none is");
      }
      pool.remove();
    });

    on("every pool has a file and an epoch of its own, also one that takes the name of another", async (rig) => {
      const pools = [
        await rig.memory.reserve("cam0", SLOTS, raw),
        await rig.memory.reserve("cam0", SLOTS, raw),
        await rig.memory.reserve("cam-1.b_c", SLOTS, raw),
      ];
      expect(new Set(pools.map(({ layout }) => layout.epoch)).size).toBe(3);
      expect([...rig.paths()].sort()).toEqual(pools.map(({ layout }) => layout.path).sort());
      for (const pool of pools) pool.remove();
    });

    on("removing deletes the file, marks it for those who have it mapped, and may be done twice", async (rig) => {
      const pool = await rig.memory.reserve("cam0", SLOTS, raw);
      const seen = rig.headers(pool);
      expect(pool.present()).toBe(true);
      pool.remove();
      pool.remove();
      expect(rig.paths()).toEqual([]);
      expect(pool.present()).toBe(false);
      expect(seen.byteLength).toBeGreaterThan(0);
      expect(headerOf(rig.headers(pool)).state).toBe(poolStates.removed);
    });

    on("words that are written after that go nowhere", async (rig) => {
      const pool = await rig.memory.reserve("cam0", SLOTS, raw);
      rig.headers(pool);
      pool.remove();
      pool.mirror(0, writing);
      pool.describe(0, frame);
      expect(readSlotHeader(rig.headers(pool), 0)).toEqual(untouched as never);
    });

    on("a file that somebody deletes is not present, and its memory goes on until it is removed", async (rig) => {
      const pool = await rig.memory.reserve("cam0", SLOTS, raw);
      rig.headers(pool);
      rig.delete(pool.layout.path);
      expect(pool.present()).toBe(false);
      pool.mirror(0, writing);
      expect(readSlotHeader(rig.headers(pool), 0)).toMatchObject(writing);
      pool.remove();
      expect(rig.paths()).toEqual([]);
    });

    on("a pool that does not fit is refused with the numbers, and leaves nothing", async (rig) => {
      const slots = 1024;
      const huge = formatOf({ slots, bytes: 2 ** 30 });
      const { code, message, details } = await refused(rig.memory.reserve("big", slots, huge));
      const neededBytes = fileLayout(slots, huge.bytes).fileBytes;
      expect(code).toBe("MEMORY_FULL");
      expect(message).toMatch(/^pool big needs [\d.]+ [MT]B of shared memory and .+ has \d+(\.\d)? [kMGT]?B free$/);
      expect(details).toMatchObject({ pool: "big", neededBytes, folder: rig.memory.folder });
      expect(details["freeBytes"]).toBeLessThan(neededBytes);
      expect(rig.paths()).toEqual([]);
      (await rig.memory.reserve("small", SLOTS, raw)).remove();
    });

    on("its own files are no leftovers", async (rig) => {
      const pool = await rig.memory.reserve("cam0", SLOTS, raw);
      expect(rig.memory.removeLeftovers()).toEqual([]);
      expect(pool.present()).toBe(true);
      pool.remove();
    });
  });
}
