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
  /** Pixels that share a sample: width and height are whole multiples of them. */
  readonly blockWidth: 1 | 2 | 4;
  readonly blockHeight: 1 | 2;
}

const luma: PlaneShape = { strideShare: 1, lineShare: 1 };
const packed = (bits: number, blockWidth: 1 | 2 | 4 = 1): Uncompressed => ({ bits, planes: [luma], blockWidth, blockHeight: 1 });
const bayer = (bits: number): Uncompressed => ({ bits, planes: [luma], blockWidth: bits === 10 ? 4 : 2, blockHeight: 2 });
const interleavedChroma = (lineShare: 1 | 2): Uncompressed => ({
  bits: 8,
  planes: [luma, { strideShare: 1, lineShare }],
  blockWidth: 2,
  blockHeight: lineShare,
});
const planarChroma = (lineShare: 1 | 2): Uncompressed => ({
  bits: 8,
  planes: [luma, { strideShare: 2, lineShare }, { strideShare: 2, lineShare }],
  blockWidth: 2,
  blockHeight: lineShare,
});

const each = <T>(codes: string, shape: T): [string, T][] => codes.split(" ").map((code) => [code.padEnd(4), shape]);

/** Pixel formats of V4L2 (linux/videodev2.h, V4L2_PIX_FMT_*), by their FourCC. */
const uncompressed: ReadonlyMap<string, Uncompressed> = new Map([
  ...each("BGR3 RGB3", packed(24)),
  ...each("BGR4 RGB4 AR24 XR24 BA24 BX24 RA24 RX24 AB24 XB24", packed(32)),
  ...each("RGBP RGBR", packed(16)),
  ...each("GREY", packed(8)),
  ...each("Y10 Y12 Y14 Y16", packed(16)),
  ...each("YUYV YVYU UYVY VYUY", packed(16, 2)),
  ...each("YUV3", packed(24)),
  ...each("NV12 NV21", interleavedChroma(2)),
  ...each("NV16 NV61", interleavedChroma(1)),
  ...each("YU12 YV12", planarChroma(2)),
  ...each("422P", planarChroma(1)),
  ...each("BA81 GBRG GRBG RGGB", bayer(8)),
  ...each("pBAA pGAA pgAA pRAA", bayer(10)),
  ...each("BG10 GB10 BA10 RG10 BG12 GB12 BA12 RG12 BYR2 GB16 GR16 RG16", bayer(16)),
]);

/** Compressed formats: a frame has as many bytes as it takes. */
const compressed: ReadonlySet<string> = new Set(["MJPG", "JPEG", "H264", "HEVC", "VP80", "VP90", "AV1F", "MPG2", "MPG4"]);

/** Room for a compressed frame, in bytes a pixel. Not even a JPEG of noise takes more. */
const COMPRESSED_BYTES_PER_PIXEL = 2;

/** Every format that a pool may have. */
export const fourccs: readonly string[] = [RAW, ...[...uncompressed.keys()].map((code) => code.trimEnd()), ...compressed];

/**
 * The format that settings ask for, with nothing left open.
 * @throws HoldfastError `FORMAT_UNKNOWN`; `MISSING_FIELD`, `BAD_FIELD` with the `field`
 */
export function formatOf(settings: PoolSettings): FrameFormat {
  const { fourcc = RAW } = settings;
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
  return { fourcc, width, height, stride: null, planes: [], bytes: withinLimit(bytes ?? width * height * COMPRESSED_BYTES_PER_PIXEL) };
}

function imageFormat(
  fourcc: string,
  width: number,
  height: number,
  { bits, planes: shapes, blockWidth, blockHeight }: Uncompressed,
  settings: PoolSettings,
): FrameFormat {
  if (width % blockWidth !== 0) throw odd("width", fourcc, blockWidth);
  if (height % blockHeight !== 0) throw odd("height", fourcc, blockHeight);
  const shortest = (width * bits) / 8;
  const { stride = shortest } = settings;
  if (stride < shortest || stride % blockWidth !== 0) {
    const message = `stride: a line of ${width} pixels of ${fourcc} has ${shortest} bytes or more, in multiples of ${blockWidth}`;
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
  return new HoldfastError("BAD_FIELD", `${field}: is a multiple of ${block} in ${fourcc}, whose pixels share samples`, { field });
}

function withinLimit(bytes: number): number {
  if (bytes <= MAX_SLOT_BYTES) return bytes;
  throw new HoldfastError("BAD_FIELD", `bytes: a slot has at most ${MAX_SLOT_BYTES}, and this takes ${bytes}`, { field: "bytes" });
}
