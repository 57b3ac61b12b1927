import { HoldfastError } from "../protocol/errors.ts";
import { MAX_SLOT_BYTES } from "../protocol/limits.ts";
import type { Plane } from "../protocol/replies.ts";
import type { PoolSettings } from "../protocol/requests.ts";

/** What an image looks like, and how many bytes it may have. */
export interface FrameFormat {
  readonly fourcc: string;
  /** In pixels; null: RAW. */
  readonly width: number | null;
  readonly height: number | null;
  /** Bytes from one line of the first plane to the next; null: RAW, or compressed. */
  readonly stride: number | null;
  readonly planes: readonly Plane[];
  /** What a slot holds. */
  readonly bytes: number;
}

/** Bytes that are not an image, or one that the producer and its consumers understand without us. */
export const RAW = "RAW";

/** One plane of a format: how its lines compare with those of the picture. */
interface PlaneShape {
  /** Its stride is that of the first plane divided by this. */
  readonly strideShare: 1 | 2;
  /** One of its lines stands for so many lines of pixels. */
  readonly lineShare: 1 | 2;
}

interface Uncompressed {
  /** Of the first plane, a pixel. */
  readonly bits: number;
  readonly planes: readonly PlaneShape[];
  /** Pixels that belong together, by a shared sample or shared bytes: width and height are whole multiples of them. */
  readonly blockWidth: 1 | 2 | 4;
  readonly blockHeight: 1 | 2;
  /** Strides are whole multiples of this: no sample lies across its size, and planes with half the stride have a whole one. */
  readonly strideStep: 1 | 2;
}

const luma: PlaneShape = { strideShare: 1, lineShare: 1 };
const packed = (bits: number, blockWidth: 1 | 2 = 1): Uncompressed => ({ bits, planes: [luma], blockWidth, blockHeight: 1, strideStep: 1 });
/** Samples, or pixels, that are words of 16 bits. */
const words: Uncompressed = { ...packed(16), strideStep: 2 };
/** 10 bits: four samples lie in five bytes. */
const bayer = (bits: 8 | 10): Uncompressed => ({ ...packed(bits), blockWidth: bits === 10 ? 4 : 2, blockHeight: 2 });
const bayerWords: Uncompressed = { ...words, blockWidth: 2, blockHeight: 2 };
const interleavedChroma = (lineShare: 1 | 2): Uncompressed => ({
  bits: 8,
  planes: [luma, { strideShare: 1, lineShare }],
  blockWidth: 2,
  blockHeight: lineShare,
  strideStep: 2,
});
const planarChroma = (lineShare: 1 | 2): Uncompressed => ({
  bits: 8,
  planes: [luma, { strideShare: 2, lineShare }, { strideShare: 2, lineShare }],
  blockWidth: 2,
  blockHeight: lineShare,
  strideStep: 2,
});

const each = <T>(codes: string, shape: T): [string, T][] => codes.split(" ").map((code) => [code.padEnd(4), shape]);

/** Pixel formats of V4L2 (linux/videodev2.h, V4L2_PIX_FMT_*), by their FourCC. */
const uncompressed: ReadonlyMap<string, Uncompressed> = new Map([
  ...each("BGR3 RGB3", packed(24)),
  ...each("BGR4 RGB4 AR24 XR24 BA24 BX24 RA24 RX24 AB24 XB24", packed(32)),
  ...each("RGBP RGBR", words),
  ...each("GREY", packed(8)),
  ...each("Y10 Y12 Y14 Y16", words),
  ...each("YUYV YVYU UYVY VYUY", packed(16, 2)),
  ...each("YUV3", packed(24)),
  ...each("NV12 NV21", interleavedChroma(2)),
  ...each("NV16 NV61", interleavedChroma(1)),
  ...each("YU12 YV12", planarChroma(2)),
  ...each("422P", planarChroma(1)),
  ...each("BA81 GBRG GRBG RGGB", bayer(8)),
  ...each("pBAA pGAA pgAA pRAA", bayer(10)),
  ...each("BG10 GB10 BA10 RG10 BG12 GB12 BA12 RG12 BYR2 GB16 GR16 RG16", bayerWords),
]);

/** Compressed formats: a frame has as many bytes as it takes. */
const compressed: ReadonlySet<string> = new Set(["MJPG", "JPEG", "H264", "HEVC", "VP80", "VP90", "AV01", "AV1F", "MPG2", "MPG4"]);

/** Room for a compressed frame, in bytes a pixel: a JPEG as cameras make them takes a quarter of it. Who needs more says `bytes`. */
const COMPRESSED_BYTES_PER_PIXEL = 2;

/** Room for the smallest one: its headers do not shrink with the picture. */
const COMPRESSED_LEAST_BYTES = 64 * 1024;

/** Every format that a pool may have. */
export const fourccs: readonly string[] = [RAW, ...[...uncompressed.keys()].map((code) => code.trimEnd()), ...compressed];

/**
 * The format that settings ask for, with nothing left open.
 * @throws HoldfastError `FORMAT_UNKNOWN`; `MISSING_FIELD`, `BAD_FIELD` with the `field`
 */
export function formatOf(settings: PoolSettings): FrameFormat {
  // The codes of V4L2 have four characters, of which the last may be a blank: `Y16 `.
  const fourcc = (settings.fourcc ?? RAW).trimEnd();
  if (fourcc === RAW) return rawFormat(settings);
  const shape = uncompressed.get(fourcc.padEnd(4));
  if (shape === undefined && !compressed.has(fourcc)) {
    throw new HoldfastError("FORMAT_UNKNOWN", `"${fourcc}" is no format that a pool may have: ${fourccs.join(", ")}`, {
      field: "fourcc",
      known: fourccs,
    });
  }
  const { width, height } = settings;
  if (width === undefined || height === undefined) {
    const field = width === undefined ? "width" : "height";
    throw new HoldfastError("MISSING_FIELD", `a pool of ${fourcc} needs the field "${field}"`, { field });
  }
  return shape === undefined ? compressedFormat(fourcc, width, height, settings) : imageFormat(fourcc, width, height, shape, settings);
}

function rawFormat({ bytes, ...rest }: PoolSettings): FrameFormat {
  const misplaced = (["width", "height", "stride"] as const).find((field) => rest[field] !== undefined);
  if (misplaced !== undefined) throw new HoldfastError("BAD_FIELD", `${misplaced}: is for images, and RAW is none`, { field: misplaced });
  if (bytes === undefined) throw new HoldfastError("MISSING_FIELD", `a pool of RAW needs the field "bytes"`, { field: "bytes" });
  return { fourcc: RAW, width: null, height: null, stride: null, planes: [], bytes };
}

function compressedFormat(fourcc: string, width: number, height: number, { stride, bytes }: PoolSettings): FrameFormat {
  if (stride !== undefined) throw new HoldfastError("BAD_FIELD", `stride: ${fourcc} is compressed and has no lines`, { field: "stride" });
  const usual = Math.max(COMPRESSED_LEAST_BYTES, width * height * COMPRESSED_BYTES_PER_PIXEL);
  return { fourcc, width, height, stride: null, planes: [], bytes: withinLimit(bytes ?? usual) };
}

function imageFormat(
  fourcc: string,
  width: number,
  height: number,
  { bits, planes: shapes, blockWidth, blockHeight, strideStep }: Uncompressed,
  settings: PoolSettings,
): FrameFormat {
  if (width % blockWidth !== 0) throw odd("width", fourcc, blockWidth);
  if (height % blockHeight !== 0) throw odd("height", fourcc, blockHeight);
  const shortest = (width * bits) / 8;
  const { stride = shortest } = settings;
  if (stride < shortest || stride % strideStep !== 0) {
    const steps = strideStep === 1 ? "" : `, in multiples of ${strideStep}`;
    const message = `stride: a line of ${width} pixels of ${fourcc} has ${shortest} bytes or more${steps}`;
    throw new HoldfastError("BAD_FIELD", message, { field: "stride" });
  }
  let end = 0;
  const planes = shapes.map(({ strideShare, lineShare }) => {
    const plane = { offset: end, stride: stride / strideShare };
    end += plane.stride * (height / lineShare);
    return plane;
  });
  const { bytes = end } = settings;
  if (bytes < end)
    throw new HoldfastError("BAD_FIELD", `bytes: one image of ${fourcc}, ${width}x${height}, has ${end}`, { field: "bytes" });
  return { fourcc, width, height, stride, planes, bytes: withinLimit(bytes) };
}

function odd(field: "width" | "height", fourcc: string, block: number): HoldfastError {
  return new HoldfastError("BAD_FIELD", `${field}: is a multiple of ${block} in ${fourcc}, whose pixels are stored together`, { field });
}

function withinLimit(bytes: number): number {
  if (bytes <= MAX_SLOT_BYTES) return bytes;
  throw new HoldfastError("BAD_FIELD", `bytes: a slot has at most ${MAX_SLOT_BYTES}, and this takes ${bytes}`, { field: "bytes" });
}
