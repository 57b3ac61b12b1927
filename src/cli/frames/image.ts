import type { GreyFormat, Picture, PixelFormat } from "./pixels.ts";

/** A picture without padding, line by line, as PNG has it. */
export interface Image {
  readonly width: number;
  readonly height: number;
  /** 1: grey; 3: red, green, blue. */
  readonly channels: 1 | 3;
  /** Bits of each. */
  readonly depth: 8 | 16;
  readonly data: Uint8Array | Uint16Array;
}

/** A frame's picture in the colours of PNG. Transparency is left out: most cameras leave those bytes as they are. */
export function imageOf(picture: Picture, format: PixelFormat | GreyFormat, width: number, height: number): Image {
  return "greyBits" in format ? greyImage(picture, format.greyBits, width, height) : colourImage(picture, format, width, height);
}

function colourImage(picture: Picture, format: PixelFormat, width: number, height: number): Image {
  const data = new Uint8Array(width * height * 3);
  let at = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const colour = format.get(picture, x, y);
      data[at++] = colour >> 16;
      data[at++] = colour >> 8;
      data[at++] = colour;
    }
  }
  return { width, height, channels: 3, depth: 8, data };
}

/** Samples of more than 8 bits keep them all: they are moved up to the top of 16. */
function greyImage({ data: source, planes }: Picture, bits: GreyFormat["greyBits"], width: number, height: number): Image {
  const { offset = 0, stride = 0 } = planes[0] ?? {};
  const depth = bits === 8 ? 8 : 16;
  const data = depth === 8 ? new Uint8Array(width * height) : new Uint16Array(width * height);
  for (let y = 0; y < height; y++) {
    const line = offset + y * stride;
    for (let x = 0; x < width; x++) {
      const low = source[line + (x * depth) / 8] ?? 0;
      data[y * width + x] = depth === 8 ? low : (low | ((source[line + x * 2 + 1] ?? 0) << 8)) << (16 - bits);
    }
  }
  return { width, height, channels: 1, depth, data };
}
