import { copiedOutput, ffmpeg, ffmpegFormats, pixelFormats, quietly, rawOutput } from "./ffmpeg.ts";
import type { Pipeline } from "./pipeline.ts";
import { videoDevice } from "./video-device.ts";

/** What a camera of V4L2 calls the frames that it encodes itself. */
const encoded: Readonly<Record<string, string>> = { MJPG: "mjpeg", H264: "h264" };

/** A camera of the kernel, by ffmpeg. MJPG and H264 are passed on as the camera makes them. */
export const v4l2: Pipeline = {
  ...ffmpeg,
  formats: ffmpegFormats,
  args: (stream) => {
    const { source, width, height, fps, format } = stream;
    const input = encoded[format] === undefined ? [] : ["-input_format", encoded[format]];
    return [
      // Where the driver takes another size or rate than it was asked for, ffmpeg says so as an information only.
      ...quietly("info"),
      ...["-fflags", "nobuffer", "-threads", "1", "-f", "v4l2", ...input],
      ...["-framerate", String(fps), "-video_size", `${width}x${height}`, "-i", videoDevice(source)],
      // An image of another size than asked for is never passed on: of a smaller one nothing can be cut.
      ...(format in pixelFormats ? rawOutput(stream, [`crop=${width}:${height}`]) : copiedOutput(stream)),
    ];
  },
};
