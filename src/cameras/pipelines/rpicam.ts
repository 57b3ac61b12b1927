import { HoldfastError } from "../../protocol/errors.ts";
import type { Pipeline, StreamSettings } from "./pipeline.ts";

const codecs: Readonly<Record<string, string>> = { YU12: "yuv420", MJPG: "mjpeg", H264: "h264" };

/**
 * Lines of raw images are filled up to so many bytes, those of the planes of colour to half as many: on a Raspberry Pi 5, for its libpisp
 * has them at multiples of 64. Older ones are content with half of that.
 */
const STRIDE_STEP = 128;

/**
 * What it takes for H.264 to be written to a pipe by boards that have no encoder of their own, as the Raspberry Pi 5, and by others too:
 * parameter sets before each key frame, the format, which no name of a file tells, and no frames that are kept back (rpicam-apps 1.6).
 */
const h264 = ["--inline", "--libav-format", "h264", "--low-latency"];

/** A camera of a Raspberry Pi, by rpicam-vid. The source is the number of the camera, from 0. */
export const rpicam: Pipeline = {
  program: "rpicam-vid",
  debianPackage: "rpicam-apps",
  formats: Object.keys(codecs),
  args: (stream) => {
    assertWholeLines(stream);
    const { source, width, height, fps, format } = stream;
    return [
      ...["--timeout", "0", "--nopreview", "--verbose", "0", "--flush", "--camera", source ?? "0"],
      ...["--width", String(width), "--height", String(height), "--framerate", String(fps)],
      ...["--codec", codecs[format] ?? "yuv420", ...(format === "H264" ? h264 : []), "--output", "-"],
    ];
  },
};

function assertWholeLines({ format, width }: StreamSettings): void {
  if (format !== "YU12" || width % STRIDE_STEP === 0) return;
  const message = `width: rpicam-vid fills lines of YU12 up to multiples of ${STRIDE_STEP} pixels, and ${width} is none`;
  throw new HoldfastError("BAD_FIELD", message, { field: "width" });
}
