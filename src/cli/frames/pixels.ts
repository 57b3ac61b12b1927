import type { Plane, PoolLayout } from "../../protocol/replies.ts";

/** One picture, in the memory of a frame. */
export interface Picture {
  readonly data: Uint8Array;
  readonly planes: readonly Plane[];
}

/**
 * How the pixels of a format lie in memory (linux/videodev2.h, V4L2_PIX_FMT_*). Colours are 0xRRGGBB. YUV is BT.601 with limited range,
 * which is what V4L2 takes it for when nothing else is said; grey is full range.
 */
export interface PixelFormat {
  /** Lines of the picture for which one line of each plane stands. */
  readonly lineShares: readonly (1 | 2)[];
  readonly get: (picture: Picture, x: number, y: number) => number;
  /** Where pixels share chroma, the last one decides it. */
  readonly set: (picture: Picture, x: number, y: number, colour: number) => void;
}

/** What formats without colour have: only how bright a pixel is. */
export interface GreyFormat extends PixelFormat {
  /** Bits that are used of each sample, in one byte or two (little-endian). */
  readonly greyBits: 8 | 10 | 12 | 14 | 16;
}

const RED = 16;
const GREEN = 8;
const BLUE = 0;

const clamp = (value: number) => (value < 0 ? 0 : value > 255 ? 255 : Math.round(value));

/** How bright a colour is, full range (BT.601). */
const greyOf = (colour: number) =>
  Math.round(0.299 * ((colour >> RED) & 255) + 0.587 * ((colour >> GREEN) & 255) + 0.114 * ((colour >> BLUE) & 255));

/** BT.601, limited range: Y 16 to 235, U and V 16 to 240. */
export function colourOf(y: number, u: number, v: number): number {
  const luma = 1.164_384 * (y - 16);
  const red = clamp(luma + 1.596_027 * (v - 128));
  const green = clamp(luma - 0.391_762 * (u - 128) - 0.812_968 * (v - 128));
  const blue = clamp(luma + 2.017_232 * (u - 128));
  return (red << RED) | (green << GREEN) | (blue << BLUE);
}

function yuvOf(colour: number): readonly [y: number, u: number, v: number] {
  const [red, green, blue] = [(colour >> RED) & 255, (colour >> GREEN) & 255, (colour >> BLUE) & 255];
  return [
    Math.round(16 + 0.256_788 * red + 0.504_129 * green + 0.097_906 * blue),
    Math.round(128 - 0.148_223 * red - 0.290_993 * green + 0.439_216 * blue),
    Math.round(128 + 0.439_216 * red - 0.367_788 * green - 0.071_427 * blue),
  ];
}

/** Where a pixel, or the sample for it, begins. */
function at({ planes }: Picture, plane: number, line: number, offset: number): number {
  const { offset: start = 0, stride = 0 } = planes[plane] ?? {};
  return start + line * stride + offset;
}

/** Bytes a pixel in the order of `order`: r, g, b; a or x is opaque. */
function packed(order: string): PixelFormat {
  const [red, green, blue, alpha] = ["r", "g", "b", "x"].map((letter) => order.indexOf(letter)) as [number, number, number, number];
  return {
    lineShares: [1],
    get: (picture, x, y) => {
      const pixel = at(picture, 0, y, x * order.length);
      const { data } = picture;
      return ((data[pixel + red] ?? 0) << RED) | ((data[pixel + green] ?? 0) << GREEN) | ((data[pixel + blue] ?? 0) << BLUE);
    },
    set: (picture, x, y, colour) => {
      const pixel = at(picture, 0, y, x * order.length);
      const { data } = picture;
      data[pixel + red] = colour >> RED;
      data[pixel + green] = colour >> GREEN;
      data[pixel + blue] = colour >> BLUE;
      if (alpha >= 0) data[pixel + alpha] = 255;
    },
  };
}

/** 5 bits of red, 6 of green, 5 of blue. @param low which of the two bytes has the lower bits */
function packed565(low: 0 | 1): PixelFormat {
  return {
    lineShares: [1],
    get: (picture, x, y) => {
      const pixel = at(picture, 0, y, x * 2);
      const word = (picture.data[pixel + low] ?? 0) | ((picture.data[pixel + 1 - low] ?? 0) << 8);
      const widened = (value: number, most: number) => Math.round((value * 255) / most);
      return (widened(word >> 11, 31) << RED) | (widened((word >> 5) & 63, 63) << GREEN) | widened(word & 31, 31);
    },
    set: (picture, x, y, colour) => {
      const pixel = at(picture, 0, y, x * 2);
      const word = (((colour >> RED) & 0xf8) << 8) | (((colour >> GREEN) & 0xfc) << 3) | ((colour & 0xff) >> 3);
      picture.data[pixel + low] = word;
      picture.data[pixel + 1 - low] = word >> 8;
    },
  };
}

function grey(greyBits: GreyFormat["greyBits"]): GreyFormat {
  const bytes = greyBits === 8 ? 1 : 2;
  return {
    greyBits,
    lineShares: [1],
    get: (picture, x, y) => {
      const pixel = at(picture, 0, y, x * bytes);
      const low = picture.data[pixel] ?? 0;
      const value = bytes === 1 ? low : (low | ((picture.data[pixel + 1] ?? 0) << 8)) >> (greyBits - 8);
      return value * 0x010101;
    },
    set: (picture, x, y, colour) => {
      const pixel = at(picture, 0, y, x * bytes);
      const value = Math.round((greyOf(colour) * (2 ** greyBits - 1)) / 255);
      picture.data[pixel] = value;
      if (bytes === 2) picture.data[pixel + 1] = value >> 8;
    },
  };
}

/** Where the three samples of a pixel are. */
type Samples = (picture: Picture, x: number, y: number) => readonly [y: number, u: number, v: number];

function yuv(lineShares: readonly (1 | 2)[], samples: Samples): PixelFormat {
  return {
    lineShares,
    get: (picture, x, y) => {
      const [luma, u, v] = samples(picture, x, y);
      return colourOf(picture.data[luma] ?? 0, picture.data[u] ?? 0, picture.data[v] ?? 0);
    },
    set: (picture, x, y, colour) => {
      const places = samples(picture, x, y);
      yuvOf(colour).forEach((value, sample) => {
        picture.data[places[sample] as number] = value;
      });
    },
  };
}

/** Two pixels in four bytes. @param order `yuyv`: where each sample is */
function yuvPairs(order: string): PixelFormat {
  const [u, v, first, second] = [order.indexOf("u"), order.indexOf("v"), order.indexOf("y"), order.lastIndexOf("y")];
  return yuv([1], (picture, x, y) => {
    const pair = at(picture, 0, y, (x >> 1) * 4);
    return [pair + (x % 2 === 0 ? first : second), pair + u, pair + v];
  });
}

/** Luma, then both chroma in turn. @param u where U is of the two: 0 or 1 */
function semiPlanar(lineShare: 1 | 2, u: 0 | 1): PixelFormat {
  return yuv([1, lineShare], (picture, x, y) => {
    const pair = at(picture, 1, Math.floor(y / lineShare), (x >> 1) * 2);
    return [at(picture, 0, y, x), pair + u, pair + 1 - u];
  });
}

/** Three planes. @param u which one has U: 1 or 2 */
function planar(lineShare: 1 | 2, u: 1 | 2): PixelFormat {
  return yuv([1, lineShare, lineShare], (picture, x, y) => {
    const line = Math.floor(y / lineShare);
    return [at(picture, 0, y, x), at(picture, u, line, x >> 1), at(picture, 3 - u, line, x >> 1)];
  });
}

/** Formats that can be drawn in and looked at. Bayer patterns are not among them: their colours have to be guessed from the neighbours. */
const formats: ReadonlyMap<string, PixelFormat | GreyFormat> = new Map<string, PixelFormat | GreyFormat>([
  ["RGB3", packed("rgb")],
  ["BGR3", packed("bgr")],
  ["RGB4", packed("xrgb")],
  ["BGR4", packed("bgrx")],
  ...(["AR24", "XR24"] as const).map((code) => [code, packed("bgrx")] as const),
  ...(["BA24", "BX24"] as const).map((code) => [code, packed("xrgb")] as const),
  ...(["RA24", "RX24"] as const).map((code) => [code, packed("xbgr")] as const),
  ...(["AB24", "XB24"] as const).map((code) => [code, packed("rgbx")] as const),
  ["RGBP", packed565(0)],
  ["RGBR", packed565(1)],
  ["GREY", grey(8)],
  ["Y10", grey(10)],
  ["Y12", grey(12)],
  ["Y14", grey(14)],
  ["Y16", grey(16)],
  ["YUYV", yuvPairs("yuyv")],
  ["YVYU", yuvPairs("yvyu")],
  ["UYVY", yuvPairs("uyvy")],
  ["VYUY", yuvPairs("vyuy")],
  ["YUV3", yuv([1], (picture, x, y) => [0, 1, 2].map((sample) => at(picture, 0, y, x * 3 + sample)) as [number, number, number])],
  ["NV12", semiPlanar(2, 0)],
  ["NV21", semiPlanar(2, 1)],
  ["NV16", semiPlanar(1, 0)],
  ["NV61", semiPlanar(1, 1)],
  ["YU12", planar(2, 1)],
  ["YV12", planar(2, 2)],
  ["422P", planar(1, 1)],
]);

/** How the pixels of a pool's frames lie; undefined: they are none, compressed, or of a format that is not in the table. */
export function pixelFormatOf({ fourcc }: Pick<PoolLayout, "fourcc">): PixelFormat | GreyFormat | undefined {
  return formats.get(fourcc.trimEnd());
}
