import { describe, expect, test } from "bun:test";
import { formatOf } from "../../src/frames/format.ts";
import { type SimPoolMemory, SimSharedMemory } from "../../src/frames/sim.ts";
import { conformsAsSharedMemory } from "../conformance/shared-memory.ts";

const raw = formatOf({ slots: 2, bytes: 100_000 });
/** Of such a pool of two slots. */
const FILE_BYTES = 16_384 + 2 * 114_688;

conformsAsSharedMemory("the simulated shared memory", () => {
  const memory = new SimSharedMemory({ freeBytes: 10_000_000 });
  return {
    memory,
    paths: () => memory.paths,
    headers: (pool) => (pool as SimPoolMemory).headers,
    delete: (path) => memory.vanish(path),
    close: () => {},
  };
});

describe("what a test has in its hands", () => {
  test("epochs are 1, 2, 3, …", async () => {
    const memory = new SimSharedMemory();
    const pools = [await memory.reserve("a", 2, raw), await memory.reserve("b", 2, raw), await memory.reserve("a", 2, raw)];
    expect(pools.map(({ layout }) => layout.epoch)).toEqual([1, 2, 3]);
    expect(memory.memoryAt(pools[1]?.layout.path ?? "")).toBe(pools[1] as SimPoolMemory);
  });

  test("room is counted, and a deleted file takes it until its memory is let go", async () => {
    const memory = new SimSharedMemory({ freeBytes: FILE_BYTES + 1 });
    const pool = await memory.reserve("a", 2, raw);
    expect(memory.freeBytes).toBe(1);
    await expect(memory.reserve("b", 2, raw)).rejects.toMatchObject({
      code: "MEMORY_FULL",
      details: { neededBytes: FILE_BYTES, freeBytes: 1 },
    });
    memory.vanish(pool.layout.path);
    expect([memory.freeBytes, memory.paths]).toEqual([1, []]);
    pool.remove();
    expect(memory.freeBytes).toBe(FILE_BYTES + 1);
  });

  test("the next ones fail as they are told to, in turn", async () => {
    const memory = new SimSharedMemory();
    memory.failNext("PERMISSION_DENIED");
    memory.failNext("MEMORY_FULL");
    await expect(memory.reserve("a", 2, raw)).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
    await expect(memory.reserve("a", 2, raw)).rejects.toMatchObject({ code: "MEMORY_FULL" });
    expect(memory.paths).toEqual([]);
    expect((await memory.reserve("a", 2, raw)).layout.epoch).toBe(1);
  });

  test("one that is held goes on when it is told to, and others pass it", async () => {
    const memory = new SimSharedMemory();
    const goOn = memory.holdNext();
    const made: string[] = [];
    const held = memory.reserve("held", 2, raw).then(({ layout }) => made.push(layout.pool));
    await memory.reserve("other", 2, raw).then(({ layout }) => made.push(layout.pool));
    expect(made).toEqual(["other"]);
    goOn();
    await held;
    expect(made).toEqual(["other", "held"]);
  });

  test("leftovers are there until they are removed", () => {
    const memory = new SimSharedMemory({ leftovers: ["sim/holdfast-cam0-00000000abcd"] });
    expect(memory.paths).toEqual(["sim/holdfast-cam0-00000000abcd"]);
    expect(memory.removeLeftovers()).toEqual(["sim/holdfast-cam0-00000000abcd"]);
    expect([memory.paths, memory.removeLeftovers()]).toEqual([[], []]);
  });
});
