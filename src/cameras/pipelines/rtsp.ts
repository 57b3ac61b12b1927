import { copiedOutput, ffmpeg, ffmpegFormats, madeOutput, quietly, sourceOf } from "./ffmpeg.ts";
import type { Pipeline } from "./pipeline.ts";

/** For how long a camera on the network may be silent, in µs. */
const TIMEOUT_US = "5000000";

/** How ffmpeg talks to a camera on the network. Over UDP it would show the holes that lost packets leave. */
export const overTcp: readonly string[] = ["-rtsp_transport", "tcp", "-timeout", TIMEOUT_US];

/** A camera on the network, by ffmpeg. H264 is passed on as the camera sends it, at its own size and rate. */
export const rtsp: Pipeline = {
  ...ffmpeg,
  formats: ffmpegFormats,
  args: (stream) => {
    const { width, height, fps, format } = stream;
    return [
      ...quietly(),
      ...["-fflags", "nobuffer", "-flags", "low_delay", ...overTcp],
      ...["-i", sourceOf(stream, "a URL: rtsp://camera.local/stream")],
      ...(format === "H264" ? copiedOutput(stream) : madeOutput(stream, [`fps=${fps}`, `scale=${width}:${height}`])),
    ];
  },
};
