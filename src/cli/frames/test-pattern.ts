import { HoldfastError } from "../../protocol/errors.ts";
import type { PoolLayout } from "../../protocol/replies.ts";
import { isBright, type NumberPlate, numberPlate } from "./digits.ts";
import { type Picture, type PixelFormat, pixelFormatOf } from "./pixels.ts";

/** White, yellow, cyan, green, magenta, red, blue, black: from bright to dark, so that they are bars in grey too. */
const bars = [0xffffff, 0xffff00, 0x00ffff, 0x00ff00, 0xff00ff, 0xff0000, 0x0000ff, 0x000000] as const;
const BRIGHT = 0xffffff;
const DARK = 0x000000;

/** A picture crosses itself in so many frames. */
const FRAMES_PER_ROUND = 120;

/** Writes the frame of a number, and returns how many bytes it has. */
export type TestPattern = (data: Uint8Array, number: number) => number;

/**
 * What the test pattern of a pool is: bars of colour that move, and the number of the frame in large digits; of RAW, the number (its
 * lower 32 bits, little-endian) over and over.
 * @throws HoldfastError `BAD_FIELD` for formats that it can't be drawn in
 */
export function testPattern(layout: PoolLayout): TestPattern {
  const { pool, fourcc, width, height, planes } = layout;
  if (width === null || height === null) return repeat;
  const format = pixelFormatOf(layout);
  if (format === undefined) {
    throw new HoldfastError("BAD_FIELD", `--test-pattern can't be drawn in ${fourcc}, which pool ${pool} has`, { field: "testPattern" });
  }
  const plate = numberPlate(width, height);
  const imageBytes = Math.max(...planes.map(({ offset, stride }, plane) => offset + (stride * height) / (format.lineShares[plane] ?? 1)));
  return (data, number) => {
    const picture = { data: data.subarray(0, imageBytes), planes };
    drawBars(picture, format, width, height, number);
    if (plate !== null) drawNumber(picture, format, plate, number);
    return imageBytes;
  };
}

function repeat(data: Uint8Array, number: number): number {
  for (let byte = 0; byte < Math.min(4, data.length); byte++) data[byte] = Math.floor(number / 256 ** byte);
  for (let done = 4; done < data.length; done *= 2) data.copyWithin(done, 0, Math.min(done, data.length - done));
  return data.length;
}

function drawBars(picture: Picture, format: PixelFormat, width: number, height: number, number: number): void {
  const moved = Math.round(((number % FRAMES_PER_ROUND) * width) / FRAMES_PER_ROUND);
  for (let x = 0; x < width; x++) {
    const bar = Math.floor((((x + moved) % width) * bars.length) / width);
    format.set(picture, x, 0, bars[bar] ?? DARK);
  }
  repeatLine(picture, format, 0, height);
}

function drawNumber(picture: Picture, format: PixelFormat, { left, top, side, digits, columns, lines }: NumberPlate, number: number): void {
  for (let line = 0; line < lines; line++) {
    const y = top + line * side;
    for (let column = 0; column < columns; column++) {
      const colour = isBright(number, digits, column, line) ? BRIGHT : DARK;
      for (let x = 0; x < side; x++) format.set(picture, left + column * side + x, y, colour);
    }
    // What is beside the plate is the same in all lines.
    repeatLine(picture, format, y, side);
  }
}

/** Makes the lines from `y` on, `lines` of them, like the first. Copying is many times faster than drawing. */
function repeatLine({ data, planes }: Picture, { lineShares }: PixelFormat, y: number, lines: number): void {
  planes.forEach(({ offset, stride }, plane) => {
    const share = lineShares[plane] ?? 1;
    const start = offset + Math.floor(y / share) * stride;
    const end = start + Math.ceil(lines / share) * stride;
    for (let done = stride; start + done < end; done *= 2) data.copyWithin(start + done, start, start + Math.min(done, end - start - done));
  });
}
