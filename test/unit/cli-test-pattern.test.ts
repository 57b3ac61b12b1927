import { describe, expect, test } from "bun:test";
import { numberPlate } from "../../src/cli/frames/digits.ts";
import { imageOf } from "../../src/cli/frames/image.ts";
import { pixelFormatOf } from "../../src/cli/frames/pixels.ts";
import { testPattern } from "../../src/cli/frames/test-pattern.ts";
import { formatOf } from "../../src/frames/format.ts";
import type { PoolSettings } from "../../src/protocol/requests.ts";
import { layoutOf } from "./pool-layout.ts";

/** What each digit looks like: rows of three squares, the bright ones as ones. */
const digits = ["75557", "26227", "71747", "71317", "55711", "74717", "74757", "71222", "75757", "75717"];

/** Reads the number from a picture as a person would: by the brightness in the middle of each square. */
function numberIn(settings: PoolSettings, data: Uint8Array): number {
  const layout = layoutOf(settings);
  const [width, height, format] = [layout.width ?? 0, layout.height ?? 0, pixelFormatOf(layout)];
  const plate = numberPlate(width, height);
  if (plate === null || format === undefined) throw new Error("there is no number");
  const { left, top, side } = plate;
  const bright = (column: number, line: number) => {
    const colour = format.get(
      { data, planes: layout.planes },
      left + Math.floor((column + 0.5) * side),
      top + Math.floor((line + 0.5) * side),
    );
    return ((colour >> 8) & 255) > 127;
  };
  let number = 0;
  for (let digit = 0; digit < plate.digits; digit++) {
    const rows = [1, 2, 3, 4, 5].map((line) =>
      [0, 1, 2].reduce((bits, column) => bits * 2 + Number(bright(digit * 4 + 1 + column, line)), 0),
    );
    number = number * 10 + digits.indexOf(rows.join(""));
  }
  return number;
}

function drawn(settings: PoolSettings, number: number): Uint8Array {
  const data = new Uint8Array(formatOf(settings).bytes);
  const used = testPattern(layoutOf(settings))(data, number);
  return data.subarray(0, used);
}

describe("the number of a frame can be read from its picture", () => {
  const formats =
    "RGB3 BGR3 RGB4 BGR4 AR24 XR24 BA24 BX24 RA24 RX24 AB24 XB24 RGBP RGBR GREY Y10 Y12 Y14 Y16 YUYV YVYU UYVY VYUY YUV3 NV12 NV21 NV16 NV61 YU12 YV12 422P";
  for (const fourcc of formats.split(" ")) {
    test(fourcc, () => {
      const settings = { slots: 2, fourcc, width: 200, height: 64 };
      for (const number of [0, 1, 987_654, 12_345_678, 99_999_999]) expect(numberIn(settings, drawn(settings, number))).toBe(number);
    });
  }

  test("whatever the size, with as many digits as fit", () => {
    for (const [width, height] of [
      [1920, 1080],
      [640, 480],
      [34, 8],
      [1000, 8],
      [36, 500],
      [352, 288],
    ] as const) {
      const settings = { slots: 2, fourcc: "YU12", width, height };
      expect(numberIn(settings, drawn(settings, 1_234_567))).toBe(1_234_567);
    }
    const narrow = { slots: 2, fourcc: "GREY", width: 10, height: 7 };
    expect(numberIn(narrow, drawn(narrow, 1234))).toBe(34);
  });

  test("with lines that are padded", () => {
    const settings = { slots: 2, fourcc: "BGR3", width: 200, height: 64, stride: 640 };
    expect(numberIn(settings, drawn(settings, 4711))).toBe(4711);
  });

  test("but a picture that is too small has none", () => {
    const settings = { slots: 2, fourcc: "GREY", width: 4, height: 4 };
    expect(drawn(settings, 7)).toHaveLength(16);
  });
});

test("the bars are the same in every line beside the number, and move", () => {
  const settings = { slots: 2, fourcc: "RGB3", width: 240, height: 600 };
  const line = (data: Uint8Array, y: number) => Buffer.from(data.subarray(y * 720, (y + 1) * 720)).toString("hex");
  const [first, second] = [drawn(settings, 1), drawn(settings, 2)];
  expect(line(first, 0)).toBe(line(first, 599));
  expect(line(first, 0)).not.toBe(line(second, 0));
  expect(new Set(Array.from({ length: 240 }, (_, x) => first.subarray(x * 3, x * 3 + 3).toHex()))).toEqual(
    new Set(["ffffff", "ffff00", "00ffff", "00ff00", "ff00ff", "ff0000", "0000ff", "000000"]),
  );
});

test("bytes behind the image stay as they are", () => {
  const settings = { slots: 2, fourcc: "GREY", width: 40, height: 10, bytes: 4096 };
  const data = new Uint8Array(4096).fill(7);
  expect(testPattern(layoutOf(settings))(data, 1)).toBe(400);
  expect(new Set(data.subarray(400))).toEqual(new Set([7]));
});

test("RAW is the number over and over", () => {
  const data = drawn({ slots: 2, bytes: 10 }, 0x0102_0304);
  expect([...data]).toEqual([4, 3, 2, 1, 4, 3, 2, 1, 4, 3]);
});

test("what can't be drawn in is refused", () => {
  for (const fourcc of ["MJPG", "BA81"]) {
    expect(() => testPattern(layoutOf({ slots: 2, fourcc, width: 16, height: 16 }))).toThrow(`can't be drawn in ${fourcc}`);
  }
});

test("the picture is taken out line by line, without padding", () => {
  const layout = layoutOf({ slots: 2, fourcc: "BGR3", width: 2, height: 2, stride: 8 });
  const data = new Uint8Array([1, 2, 3, 4, 5, 6, 0, 0, 7, 8, 9, 10, 11, 12, 0, 0]);
  const format = pixelFormatOf(layout);
  if (format === undefined) throw new Error("there is no format");
  expect(imageOf({ data, planes: layout.planes }, format, 2, 2)).toEqual({
    width: 2,
    height: 2,
    channels: 3,
    depth: 8,
    data: new Uint8Array([3, 2, 1, 6, 5, 4, 9, 8, 7, 12, 11, 10]),
  });
});
