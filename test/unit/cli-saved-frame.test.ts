import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decode } from "fast-png";
import { FileFailed } from "../../src/cli/failure.ts";
import { fileNames, frameSaver, save } from "../../src/cli/frames/saved-frame.ts";
import type { PoolSettings } from "../../src/protocol/requests.ts";
import { layoutOf } from "./pool-layout.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Saves one frame, and returns what the file holds. */
async function saved(settings: PoolSettings, data: readonly number[], name: string): Promise<Uint8Array> {
  const take = await frameSaver(join(folder, name), layoutOf(settings));
  const slot = new Uint8Array(data);
  const frame = take({ data: slot, seq: 41 });
  // The slot is released before the file is written.
  slot.fill(0);
  await save(frame);
  return new Uint8Array(readFileSync(frame.path));
}

async function pixelsOf(fourcc: string, width: number, height: number, data: readonly number[]): Promise<number[]> {
  const { data: pixels, ...shape } = decode(await saved({ slots: 2, fourcc, width, height }, data, "frame.png"));
  expect(shape).toMatchObject({ width, height });
  return [...pixels];
}

const red = [255, 0, 0];
const white = [255, 255, 255];

describe("a picture has the colours of its frame", () => {
  const packed: [fourcc: string, data: number[]][] = [
    ["RGB3", [255, 0, 0]],
    ["BGR3", [0, 0, 255]],
    ["RGB4", [9, 255, 0, 0]],
    ["BGR4", [0, 0, 255, 9]],
    ["AR24", [0, 0, 255, 9]],
    ["XR24", [0, 0, 255, 9]],
    ["BA24", [9, 255, 0, 0]],
    ["BX24", [9, 255, 0, 0]],
    ["RA24", [9, 0, 0, 255]],
    ["RX24", [9, 0, 0, 255]],
    ["AB24", [255, 0, 0, 9]],
    ["XB24", [255, 0, 0, 9]],
    ["RGBP", [0x00, 0xf8]],
    ["RGBR", [0xf8, 0x00]],
  ];
  for (const [fourcc, data] of packed) {
    test(`${fourcc}: red`, async () => expect(await pixelsOf(fourcc, 1, 1, data)).toEqual(red));
  }

  // Red of BT.601 in limited range, to whole numbers: Y 81, U 90, V 240.
  const yuv: [fourcc: string, height: number, data: number[]][] = [
    ["YUYV", 1, [81, 90, 235, 240]],
    ["YVYU", 1, [81, 240, 235, 90]],
    ["UYVY", 1, [90, 81, 240, 235]],
    ["VYUY", 1, [240, 81, 90, 235]],
    ["NV16", 1, [81, 235, 90, 240]],
    ["NV61", 1, [81, 235, 240, 90]],
    ["422P", 1, [81, 235, 90, 240]],
    ["NV12", 2, [81, 235, 81, 235, 90, 240]],
    ["NV21", 2, [81, 235, 81, 235, 240, 90]],
    ["YU12", 2, [81, 235, 81, 235, 90, 240]],
    ["YV12", 2, [81, 235, 81, 235, 240, 90]],
  ];
  for (const [fourcc, height, data] of yuv) {
    test(`${fourcc}: red, and what is brighter with the same chroma`, async () => {
      const pixels = await pixelsOf(fourcc, 2, height, data);
      for (let line = 0; line < height; line++) {
        const [r = 0, g = 255, b = 255, , brighter = 0] = pixels.slice(line * 6);
        expect(r).toBeGreaterThan(252);
        expect(Math.max(g, b)).toBeLessThan(3);
        expect(brighter).toBeGreaterThan(150);
      }
    });
  }

  test("YUV3: black and white", async () => {
    expect(await pixelsOf("YUV3", 2, 1, [16, 128, 128, 235, 128, 128])).toEqual([0, 0, 0, ...white]);
  });

  test("grey stays grey, with all its bits", async () => {
    expect(await pixelsOf("GREY", 3, 1, [0, 127, 255])).toEqual([0, 127, 255]);
    expect(await pixelsOf("Y16", 2, 1, [0x34, 0x12, 0xff, 0xff])).toEqual([0x1234, 0xffff]);
    expect(await pixelsOf("Y10", 2, 1, [0x01, 0x02, 0xff, 0x03])).toEqual([0x201 << 6, 0x3ff << 6]);
  });
});

test("raw bytes and JPEGs are saved as they are", async () => {
  expect([...(await saved({ slots: 2, bytes: 9 }, [1, 2, 3], "a.raw"))]).toEqual([1, 2, 3]);
  expect([...(await saved({ slots: 2, fourcc: "MJPG", width: 8, height: 8 }, [0xff, 0xd8, 1], "a.jpg"))]).toEqual([0xff, 0xd8, 1]);
  expect([...(await saved({ slots: 2, fourcc: "GREY", width: 2, height: 1 }, [5, 6], "a.RAW"))]).toEqual([5, 6]);
});

describe("the files", () => {
  test("have the number of the frame in their names", () => {
    expect(fileNames("out-%05d.png")(41)).toBe("out-00041.png");
    expect(fileNames("out-%d.png")(41)).toBe("out-41.png");
    expect(fileNames("out-%03d.png")(123_456)).toBe("out-123456.png");
    expect(fileNames("day-%04d/x.raw")(41)).toBe("day-0041/x.raw");
    expect(fileNames("newest.png")(41)).toBe("newest.png");
  });

  for (const pattern of ["%d-%d.png", "%s.png", "%5d.png", "100%.png", "out/"]) {
    test(`are not named ${pattern}`, () => expect(() => fileNames(pattern)).toThrow("a name has one %d"));
  }

  test("take the place of what was there, whole", async () => {
    writeFileSync(join(folder, "newest.raw"), "old and longer");
    await saved({ slots: 2, bytes: 9 }, [1], "newest.raw");
    expect(readdirSync(folder)).toEqual(["newest.raw"]);
    expect([...readFileSync(join(folder, "newest.raw"))]).toEqual([1]);
  });

  test("are those that a link leads to, and the link stays", async () => {
    writeFileSync(join(folder, "one.raw"), "old");
    symlinkSync("one.raw", join(folder, "link.raw"));
    symlinkSync("two.raw", join(folder, "dangling.raw"));
    await saved({ slots: 2, bytes: 9 }, [1], "link.raw");
    await saved({ slots: 2, bytes: 9 }, [2], "dangling.raw");
    for (const name of ["link.raw", "dangling.raw"]) expect(lstatSync(join(folder, name)).isSymbolicLink()).toBe(true);
    expect(["one.raw", "two.raw"].map((name) => [...readFileSync(join(folder, name))])).toEqual([[1], [2]]);
    expect(readdirSync(folder)).toHaveLength(4);
  });

  test("may be a pipe, which is written to and stays", async () => {
    const pipe = join(folder, "pipe.raw");
    expect(spawnSync("mkfifo", [pipe]).status).toBe(0);
    const reading = readFile(pipe);
    const take = await frameSaver(pipe, layoutOf({ slots: 2, bytes: 9 }));
    await save(take({ data: Uint8Array.of(1, 2, 3), seq: 1 }));
    expect([...(await reading)]).toEqual([1, 2, 3]);
    expect(lstatSync(pipe).isFIFO()).toBe(true);
  });

  test("leave nothing behind when they can't be written", async () => {
    const failure = await saved({ slots: 2, bytes: 9 }, [1], "none/a.raw").catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(FileFailed);
    expect((failure as Error).message).toContain("can't be written: ENOENT");
    expect(readdirSync(folder)).toEqual([]);
  });

  const refused: [pattern: string, settings: PoolSettings, says: string][] = [
    ["a.png", { slots: 2, fourcc: "MJPG", width: 8, height: 8 }, "no picture can be made of MJPG, which pool cam0 has: save it as .jpg"],
    ["a.png", { slots: 2, bytes: 9 }, "no picture can be made of RAW, which pool cam0 has: save it as .raw"],
    ["a.png", { slots: 2, fourcc: "BA81", width: 8, height: 8 }, "save it as .raw"],
    ["a.jpg", { slots: 2, fourcc: "BGR3", width: 8, height: 8 }, "the frames of pool cam0 are BGR3, and no JPEG"],
    ["a.gif", { slots: 2, fourcc: "BGR3", width: 8, height: 8 }, "the name ends in .png, .jpg (JPEG, MJPG) or .raw"],
  ];
  for (const [pattern, settings, says] of refused) {
    test(`${pattern} of ${settings.fourcc ?? "RAW"} is refused before the first frame`, async () => {
      expect(await frameSaver(pattern, layoutOf(settings)).catch(({ message }) => message)).toContain(says);
    });
  }
});
