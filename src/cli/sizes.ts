import { formatBytes } from "../frames/bytes-in-words.ts";
import { MAX_SIDE_PIXELS, MAX_SLOT_BYTES } from "../protocol/limits.ts";

const unitsBytes: ReadonlyMap<string, number> = new Map([
  ["", 1],
  ["B", 1],
  ["kB", 1000],
  ["MB", 1000 ** 2],
  ["GB", 1000 ** 3],
  ["KiB", 1024],
  ["MiB", 1024 ** 2],
  ["GiB", 1024 ** 3],
]);

/**
 * `65536`, `64KiB`, `1.5MB` as bytes.
 * @throws RangeError that says what a size looks like
 */
export function parseBytes(text: string): number {
  const [, number = "", unit = ""] = /^(\d+\.?\d*|\.\d+)([A-Za-z]*)$/.exec(text) ?? [];
  const unitBytes = number === "" ? undefined : unitsBytes.get(unit === "KB" ? "kB" : unit);
  if (unitBytes === undefined) throw new RangeError("A size is written 65536, 64KiB, 1.5MB or 1GiB.");
  const bytes = Number(number) * unitBytes;
  if (!Number.isInteger(bytes)) throw new RangeError("It must be a whole number of bytes.");
  if (bytes < 1 || bytes > MAX_SLOT_BYTES) throw new RangeError(`It must be from 1 byte to ${formatBytes(MAX_SLOT_BYTES)}.`);
  return bytes;
}

/** Width and height, in pixels. */
export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/**
 * `1920x1080` as width and height.
 * @throws RangeError that says what a size looks like
 */
export function parsePictureSize(text: string): PictureSize {
  const [, width, height] = /^(\d+)[x\u00d7](\d+)$/.exec(text) ?? [];
  const size = { width: Number(width), height: Number(height) };
  if (height === undefined) throw new RangeError("It is written WIDTHxHEIGHT, such as 1920x1080.");
  if (Math.min(size.width, size.height) < 1 || Math.max(size.width, size.height) > MAX_SIDE_PIXELS) {
    throw new RangeError(`Width and height must be from 1 to ${MAX_SIDE_PIXELS} pixels.`);
  }
  return size;
}
