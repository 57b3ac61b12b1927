import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type FrameFormat, formatOf, fourccs, RAW } from "../../src/frames/format.ts";
import { MAX_PLANES } from "../../src/frames/layout.ts";
import { MAX_SLOT_BYTES } from "../../src/protocol/limits.ts";
import type { PoolSettings } from "../../src/protocol/requests.ts";
import { property } from "../properties/property.ts";
import { refusal } from "../refusal.ts";

const of = (settings: Omit<PoolSettings, "slots">): FrameFormat => formatOf({ slots: 2, ...settings });

/** Bits that a pixel takes in all planes together, by FourCC; as linux/videodev2.h has it in its comments. */
const bitsPerPixel: Readonly<Record<string, number>> = {
  ...many("GREY BA81 GBRG GRBG RGGB", 8),
  ...many("pBAA pGAA pgAA pRAA", 10),
  ...many("NV12 NV21 YU12 YV12", 12),
  ...many("YUYV YVYU UYVY VYUY NV16 NV61 422P RGBP RGBR Y10 Y12 Y14 Y16", 16),
  ...many("BG10 GB10 BA10 RG10 BG12 GB12 BA12 RG12 BYR2 GB16 GR16 RG16", 16),
  ...many("BGR3 RGB3 YUV3", 24),
  ...many("BGR4 RGB4 AR24 XR24 BA24 BX24 RA24 RX24 AB24 XB24", 32),
};
const compressed = "MJPG JPEG H264 HEVC VP80 VP90 AV01 AV1F MPG2 MPG4".split(" ");

function many(codes: string, bits: number): Record<string, number> {
  return Object.fromEntries(codes.split(" ").map((code) => [code, bits]));
}

/** A stride that every format takes: four pixels lie in whole bytes, and two planes share it. */
const evenly = (value: number) => value * 4;

test("the formats that there are", () => {
  expect([...fourccs].sort()).toEqual([RAW, ...Object.keys(bitsPerPixel), ...compressed].sort());
  expect(fourccs.filter((code) => code.length > 4)).toEqual([]);
});

describe("without padding, an image has as many bytes as its bits a pixel make", () => {
  for (const [fourcc, bits] of Object.entries(bitsPerPixel)) {
    test(fourcc, () => {
      for (const [width, height] of [
        [4, 2],
        [1920, 1080],
        [640, 480],
        [3280, 2464],
      ] as const) {
        expect(of({ fourcc, width, height }).bytes).toBe((width * height * bits) / 8);
      }
    });
  }
});

const image = fc.record({
  fourcc: fc.constantFrom(...Object.keys(bitsPerPixel)),
  width: fc.integer({ min: 1, max: 1000 }).map(evenly),
  height: fc.integer({ min: 1, max: 1000 }).map(evenly),
  paddingBytes: fc.integer({ min: 0, max: 100 }).map(evenly),
});

property("planes lie one behind the other, and the last ends where the image ends", image, ({ fourcc, width, height, paddingBytes }) => {
  const shortest = of({ fourcc, width, height }).stride as number;
  const { stride, planes, bytes } = of({ fourcc, width, height, stride: shortest + paddingBytes });
  expect(stride).toBe(shortest + paddingBytes);
  expect(planes.length).toBeWithin(1, MAX_PLANES + 1);
  expect(planes[0]).toEqual({ offset: 0, stride: shortest + paddingBytes });
  const ends = [...planes.slice(1).map(({ offset }) => offset), bytes];
  for (const [index, { offset, stride }] of planes.entries()) {
    expect(Number.isInteger(stride) && Number.isInteger(offset)).toBe(true);
    const lines = ((ends[index] as number) - offset) / stride;
    expect([height, height / 2]).toContain(lines);
  }
});

property(
  "more room than an image takes changes nothing else, and less is refused",
  fc.tuple(image, fc.integer({ min: 1, max: 1000 })),
  ([{ fourcc, width, height }, moreBytes]) => {
    const format = of({ fourcc, width, height });
    expect(of({ fourcc, width, height, bytes: format.bytes + moreBytes })).toEqual({ ...format, bytes: format.bytes + moreBytes });
    expect(refusal(() => of({ fourcc, width, height, bytes: format.bytes - 1 }))).toMatchObject({
      code: "BAD_FIELD",
      details: { field: "bytes" },
    });
  },
);

describe("where the planes of a picture are", () => {
  test("YU12: chroma has half the lines and half the stride", () => {
    expect(of({ fourcc: "YU12", width: 640, height: 480, stride: 704 })).toEqual({
      fourcc: "YU12",
      width: 640,
      height: 480,
      stride: 704,
      planes: [
        { offset: 0, stride: 704 },
        { offset: 337_920, stride: 352 },
        { offset: 422_400, stride: 352 },
      ],
      bytes: 506_880,
    });
  });

  test("NV12: chroma has half the lines and the whole stride", () => {
    expect(of({ fourcc: "NV12", width: 640, height: 480 }).planes).toEqual([
      { offset: 0, stride: 640 },
      { offset: 307_200, stride: 640 },
    ]);
  });

  test("422P: chroma has all the lines and half the stride", () => {
    expect(of({ fourcc: "422P", width: 640, height: 480 }).planes.map(({ offset, stride }) => [offset, stride])).toEqual([
      [0, 640],
      [307_200, 320],
      [460_800, 320],
    ]);
  });

  test("pBAA: four pixels in five bytes, and a stride as a camera of the Raspberry Pi has it", () => {
    expect(of({ fourcc: "pBAA", width: 4, height: 2 })).toMatchObject({ stride: 5, bytes: 10 });
    expect(of({ fourcc: "pBAA", width: 3280, height: 2464, stride: 4128 })).toMatchObject({ stride: 4128, bytes: 4128 * 2464 });
  });

  test("a code whose fourth character is a blank may be written with it", () => {
    expect(of({ fourcc: "Y16 ", width: 4, height: 1 })).toEqual(of({ fourcc: "Y16", width: 4, height: 1 }));
  });
});

describe("what is compressed takes what it takes", () => {
  for (const fourcc of compressed) {
    test(fourcc, () => {
      expect(of({ fourcc, width: 1920, height: 1080 })).toEqual({
        fourcc,
        width: 1920,
        height: 1080,
        stride: null,
        planes: [],
        bytes: 1920 * 1080 * 2,
      });
    });
  }

  test("the room for it can be said, and a small picture has room for the headers", () => {
    expect(of({ fourcc: "MJPG", width: 1920, height: 1080, bytes: 500_000 }).bytes).toBe(500_000);
    expect(of({ fourcc: "MJPG", width: 1, height: 1 }).bytes).toBe(65_536);
  });
});

describe("what is no format", () => {
  const refused: [what: string, settings: Omit<PoolSettings, "slots">, code: string, field: string][] = [
    ["a code that V4L2 does not have", { fourcc: "NOPE", width: 4, height: 4 }, "FORMAT_UNKNOWN", "fourcc"],
    ["a code in small letters", { fourcc: "bgr3", width: 4, height: 4 }, "FORMAT_UNKNOWN", "fourcc"],
    ["an image without a width", { fourcc: "BGR3", height: 4 }, "MISSING_FIELD", "width"],
    ["a compressed one without a height", { fourcc: "MJPG", width: 4 }, "MISSING_FIELD", "height"],
    ["RAW without bytes", {}, "MISSING_FIELD", "bytes"],
    ["RAW with a width", { width: 4, bytes: 4 }, "BAD_FIELD", "width"],
    ["lines that overlap", { fourcc: "BGR3", width: 4, height: 4, stride: 11 }, "BAD_FIELD", "stride"],
    ["lines of what is compressed", { fourcc: "MJPG", width: 4, height: 4, stride: 12 }, "BAD_FIELD", "stride"],
    ["half a pair of pixels", { fourcc: "YUYV", width: 5, height: 4 }, "BAD_FIELD", "width"],
    ["half a line of chroma", { fourcc: "NV12", width: 4, height: 5 }, "BAD_FIELD", "height"],
    ["a part of five bytes", { fourcc: "pRAA", width: 6, height: 4 }, "BAD_FIELD", "width"],
    ["half a byte of chroma stride", { fourcc: "YU12", width: 4, height: 4, stride: 5 }, "BAD_FIELD", "stride"],
    ["words across their alignment", { fourcc: "Y16", width: 4, height: 4, stride: 9 }, "BAD_FIELD", "stride"],
    ["more than a slot may hold", { fourcc: "BGR4", width: 32_768, height: 32_768 }, "BAD_FIELD", "bytes"],
    ["more than a slot may hold, compressed", { fourcc: "H264", width: 32_768, height: 32_768 }, "BAD_FIELD", "bytes"],
  ];
  for (const [what, settings, code, field] of refused) {
    test(what, () => expect(refusal(() => of(settings))).toMatchObject({ code, details: { field } }));
  }

  test("RAW has as many bytes as it is told", () => {
    expect(of({ bytes: MAX_SLOT_BYTES })).toEqual({
      fourcc: RAW,
      width: null,
      height: null,
      stride: null,
      planes: [],
      bytes: MAX_SLOT_BYTES,
    });
  });
});
