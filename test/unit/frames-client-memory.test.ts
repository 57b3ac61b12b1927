import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  closeSync,
  fstatSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { open, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CopiedFile } from "../../src/frames/copied-file.ts";
import { FolderSharedMemory } from "../../src/frames/folder.ts";
import { formatOf } from "../../src/frames/format.ts";
import { MappedFile } from "../../src/frames/mapped-file.ts";
import { mapPool } from "../../src/frames/mapping.ts";
import type { PoolMemory } from "../../src/frames/memory.ts";
import type { PoolLayout } from "../../src/protocol/replies.ts";

const BYTES = 40_000;
let folder: string;
let memory: PoolMemory;
let layout: PoolLayout;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-"));
  memory = await new FolderSharedMemory(folder).reserve("cam0", 3, formatOf({ slots: 3, bytes: BYTES }));
  layout = memory.layout;
});
afterEach(() => {
  memory.remove();
  rmSync(folder, { recursive: true });
});

/** Gives a slot a generation, as the supervisor does. */
function pass(slot: number, generation: number): void {
  memory.mirror(slot, { generation, state: generation % 2 === 0 ? "ready" : "writing", lease: 1, ownerPid: 0, readers: 0 });
}

/** How often this process has the pool's file mapped. */
function mappings(): number {
  return readFileSync("/proc/self/maps", "utf8")
    .split("\n")
    .filter((line) => line.includes(layout.path)).length;
}

for (const File of [MappedFile, CopiedFile]) {
  describe(`the memory of a pool, by a ${File.name}`, () => {
    test("what is written to a slot is what is read from it, and from no other", () => {
      const writing = new File(layout, "write");
      const slots = [0, 1, 2].map((slot) => writing.slot(slot, BYTES));
      for (const [index, slot] of slots.entries()) {
        slot.data.fill(index + 1);
        slot.flush(BYTES);
        slot.end();
      }
      const reading = new File(layout, "read");
      for (const slot of [2, 0, 1]) expect(new Set(reading.slot(slot, BYTES).data)).toEqual(new Set([slot + 1]));
      writing.close();
      reading.close();
    });

    test("a slot is asked whether it is intact until that is compiled: nothing is stored where consumers may only read", () => {
      pass(1, 2);
      const file = new File(layout, "read");
      const slot = file.slot(1, 64);
      let intact = 0;
      for (let i = 0; i < 300_000; i++) if (slot.intact(2)) intact++;
      expect(intact).toBe(300_000);
      slot.end();
      file.close();
    });

    test("a view is as long as it was asked for, and 0 when its slot has ended", () => {
      const file = new File(layout, "read");
      for (const bytes of [0, 1, 4099, BYTES]) {
        const slot = file.slot(1, bytes);
        const kept = [slot.data, slot.data.subarray(0, 1)];
        expect(kept[0]).toHaveLength(bytes);
        slot.end();
        expect(kept.map(({ length }) => length)).toEqual([0, 0]);
      }
      file.close();
    });

    test("what was written is still there for a new view when the one before was taken back", () => {
      const file = new File(layout, "write");
      const slot = file.slot(1, BYTES);
      slot.data.fill(9);
      slot.detach();
      expect(slot.data[BYTES - 1]).toBe(9);
      slot.end();
      file.close();
    });

    test("a slot is intact as long as its generation is the frame's", () => {
      const file = new File(layout, "read");
      pass(2, 8);
      const slot = file.slot(2, BYTES);
      expect([slot.intact(8), slot.intact(6)]).toEqual([true, false]);
      pass(2, 9);
      // A copy that was whole stays so.
      expect(slot.intact(8)).toBe(File === CopiedFile);
      expect(file.slot(2, BYTES).intact(8)).toBe(false);
      file.close();
    });

    test("outlives its file, and its own closing, as long as a slot is held", () => {
      const writing = new File(layout, "write");
      const reading = new File(layout, "read");
      const written = writing.slot(0, BYTES);
      written.data.fill(5);
      written.flush(BYTES);
      const read = reading.slot(0, BYTES);
      memory.remove();
      writing.close();
      reading.close();
      expect(read.data[BYTES - 1]).toBe(5);
      written.data.fill(6);
      written.flush(BYTES);
      written.end();
      read.end();
    });

    test("is closed when nothing of it is in use: no slot of it is to be had, not even in what has taken its place", () => {
      const file = new File(layout, "write");
      const held = file.slot(0, BYTES);
      file.close();
      held.data.fill(1);
      held.flush(BYTES);
      held.end();
      const other = openSync(join(folder, "other"), "w+");
      expect(() => file.slot(1, BYTES)).toThrow(expect.objectContaining({ code: "DISCONNECTED" }));
      // Of a mapped file it is the view that can't be had; of a copied one, the copy that can't be written.
      expect(() => {
        held.data.fill(2);
        held.flush(BYTES);
      }).toThrow(expect.objectContaining({ code: "DISCONNECTED" }));
      expect(fstatSync(other).size).toBe(0);
      closeSync(other);
    });

    test("has no other slots than the file, and no longer ones", () => {
      const file = new File(layout, "read");
      for (const [slot, bytes] of [
        [3, 1],
        [-1, 1],
        [0.5, 1],
        [0, BYTES + 1],
        [0, -1],
      ] as const) {
        expect(() => file.slot(slot, bytes)).toThrow(expect.objectContaining({ code: "INTERNAL" }));
      }
      file.close();
    });

    test("is refused where the file has gone, is another one, or has been cut", () => {
      const codeOf = (changed: Partial<PoolLayout> = {}) => {
        try {
          new File({ ...layout, ...changed }, "read").close();
          return "mapped";
        } catch (error) {
          return (error as { readonly code: string }).code;
        }
      };
      expect(codeOf()).toBe("mapped");
      expect(codeOf({ epoch: layout.epoch + 1 })).toBe("MEMORY_FAILED");
      const other = join(folder, "other");
      writeFileSync(other, new Uint8Array(readFileSync(layout.path).length));
      expect(codeOf({ path: other })).toBe("MEMORY_FAILED");
      renameSync(layout.path, other);
      expect(codeOf()).toBe("POOL_GONE");
      renameSync(other, layout.path);
      truncateSync(layout.path, 8192);
      expect(codeOf()).toBe("MEMORY_FAILED");
      unlinkSync(layout.path);
      expect(codeOf({ path: folder })).toBe("MEMORY_FAILED");
    });
  });
}

test("a closed file is let go of when its last slot has ended, without waiting for the collector", () => {
  const file = mapPool(layout, "read");
  const [held, touched] = [file.slot(0, BYTES), file.slot(1, BYTES)];
  expect(touched.data).toHaveLength(BYTES);
  file.close();
  expect(mappings()).toBe(1);
  touched.end();
  expect(mappings()).toBe(1);
  held.end();
  expect(mappings()).toBe(0);
});

test("memory that the program has passed on stays, for whoever has it now", () => {
  const file = mapPool(layout, "read");
  const slot = file.slot(0, BYTES);
  const taken = (slot.data.buffer as ArrayBuffer).transfer();
  expect([slot.detach(), slot.end()]).toEqual([false, false]);
  file.close();
  expect(mappings()).toBe(1);
  expect(new Uint8Array(taken)[0]).toBe(0);
});

for (const File of [MappedFile, CopiedFile]) {
  test(`a view that an operation stores into is not taken from it, by a ${File.name}, but when it is over`, async () => {
    const file = new File(layout, "write");
    const slot = file.slot(0, BYTES);
    const { data } = slot;
    const source = join(folder, "source");
    writeFileSync(source, new Uint8Array(BYTES).fill(4));
    const handle = await open(source);
    const reading = handle.read(data);
    expect(slot.detach()).toBe(false);
    expect(slot.data).toBe(data);
    await reading;
    await handle.close();
    expect([data[0], data[BYTES - 1]]).toEqual([4, 4]);
    expect(slot.detach()).toBe(true);
    expect([data.length, slot.data[BYTES - 1]]).toEqual([0, 4]);
    slot.end();
    file.close();
  });
}

test("a closed file is let go of when the operation on its last slot is over", async () => {
  const source = join(folder, "source");
  writeFileSync(source, new Uint8Array(BYTES).fill(4));
  const file = mapPool(layout, "write");
  const [slot, other] = [file.slot(0, BYTES), file.slot(1, BYTES)];
  const handle = await open(source);
  const reading = handle.read(slot.data);
  file.close();
  expect(slot.end()).toBe(false);
  await reading;
  await handle.close();
  // Ended once, however often it is asked for.
  expect([slot.end(), slot.end(), mappings()]).toEqual([true, true, 1]);
  expect([other.end(), mappings()]).toEqual([true, 0]);
});

test("a copy into which something may still be stored is not the next slot's", () => {
  const file = new CopiedFile(layout, "write");
  const [published, givenUp] = [file.slot(0, BYTES), file.slot(1, BYTES)];
  published.data.fill(1);
  published.detach();
  published.flush(BYTES);
  published.end();
  expect(file.slot(2, BYTES).data[0]).toBe(1);
  givenUp.data.fill(2);
  givenUp.end();
  expect(file.slot(1, BYTES).data[0]).toBe(0);
  file.close();
});

test("a copy that the program has passed on can't be published, and its slot ends all the same", () => {
  const file = new CopiedFile(layout, "write");
  const slot = file.slot(0, BYTES);
  structuredClone(slot.data, { transfer: [slot.data.buffer as ArrayBuffer] });
  expect([slot.detach(), slot.end()]).toEqual([false, true]);
  expect(file.slot(0, BYTES).data).toHaveLength(BYTES);
  file.close();
});

test("memory that an operation works on stays until it is done, also when the frame has been released", async () => {
  const writing = mapPool(layout, "write");
  const written = writing.slot(0, BYTES);
  written.data.fill(3);
  const copy = join(folder, "copy");
  const copied = writeFile(copy, written.data);
  expect(written.end()).toBe(false);
  writing.close();
  memory.remove();
  Bun.gc(true);
  await copied;
  expect(readFileSync(copy).equals(new Uint8Array(BYTES).fill(3))).toBe(true);
});
