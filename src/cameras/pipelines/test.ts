import { ffmpeg, ffmpegFormats, madeOutput, quietly } from "./ffmpeg.ts";
import type { Pipeline } from "./pipeline.ts";

/** Bits of the frame's number that are drawn, and how large a block each is, in pixels. */
const BITS = 16;
const BLOCK = 8;

/**
 * A picture that moves, by ffmpeg, for trying things out. In its upper left corner is the number of the frame, from 0: 16 blocks of
 * 8 x 8 pixels beside each other, the highest bit first, white for 1 and black for 0.
 */
export const test: Pipeline = {
  ...ffmpeg,
  formats: ffmpegFormats,
  args: (stream) => {
    const { width, height, fps } = stream;
    const size = `${BITS * BLOCK}x${BLOCK}`;
    const bit = `255*mod(floor(N/pow(2\\,${BITS - 1}-floor(X/${BLOCK})))\\,2)`;
    const picture = `testsrc2=size=${width}x${height}:rate=${fps}[picture]`;
    const number = `color=size=${size}:rate=${fps},format=gray,geq=lum=${bit}[number]`;
    const graph = `${picture};${number};[picture][number]overlay`;
    return [...quietly(), "-re", "-f", "lavfi", "-i", graph, ...madeOutput(stream, [])];
  },
};
