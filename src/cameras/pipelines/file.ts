import { ffmpeg, ffmpegFormats, madeOutput, quietly, sourceOf } from "./ffmpeg.ts";
import type { Pipeline } from "./pipeline.ts";

/** A recording that is played again and again, at the rate of a camera, by ffmpeg. */
export const file: Pipeline = {
  ...ffmpeg,
  formats: ffmpegFormats,
  args: (stream) => {
    const { width, height, fps } = stream;
    return [
      ...quietly(),
      ...["-re", "-stream_loop", "-1", "-i", sourceOf(stream, "the path of a video")],
      ...madeOutput(stream, [`fps=${fps}`, `scale=${width}:${height}`]),
    ];
  },
};
