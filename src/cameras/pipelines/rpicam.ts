import { HoldfastError } from "../../protocol/errors.ts";
import type { Pipeline, StreamSettings } from "./pipeline.ts";

const codecs: Readonly<Record<string, string>> = { YU12: "yuv420", MJPG: "mjpeg", H264: "h264" };

/** Lines of raw images are filled up to so many bytes, those of the planes of colour to half as many. */
const STRIDE_STEP = 64;

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
      ...["--codec", codecs[format] ?? "yuv420", ...(format === "H264" ? ["--inline"] : []), "--output", "-"],
    ];
  },
};

function assertWholeLines({ format, width }: StreamSettings): void {
  if (format !== "YU12" || width % STRIDE_STEP === 0) return;
  const message = `width: rpicam-vid fills lines of YU12 up to multiples of ${STRIDE_STEP} pixels, and ${width} is none`;
  throw new HoldfastError("BAD_FIELD", message, { field: "width" });
}
