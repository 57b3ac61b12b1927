import { HoldfastError } from "../../protocol/errors.ts";
import type { Pipeline, StreamSettings } from "./pipeline.ts";
import { videoDevice } from "./video-device.ts";

/** What GStreamer calls the pixels of a FourCC. */
const pixels: Readonly<Record<string, string>> = { BGR3: "BGR", RGB3: "RGB", NV12: "NV12", YU12: "I420", GREY: "GRAY8" };

/** The packages of Debian that have elements which cameras want. */
const packages: Readonly<Record<string, string>> = {
  videoconvert: "gstreamer1.0-plugins-base",
  videoscale: "gstreamer1.0-plugins-base",
  decodebin: "gstreamer1.0-plugins-base",
  v4l2src: "gstreamer1.0-plugins-good",
  jpegdec: "gstreamer1.0-plugins-good",
  jpegenc: "gstreamer1.0-plugins-good",
  rtspsrc: "gstreamer1.0-plugins-good",
  h264parse: "gstreamer1.0-plugins-bad",
  x264enc: "gstreamer1.0-plugins-ugly",
  avdec_h264: "gstreamer1.0-libav",
  libcamerasrc: "gstreamer1.0-libcamera",
};

/** It fills lines up to multiples of four bytes, those of planes with half as many pixels too. */
const WIDTH_STEP = 8;

/**
 * Whatever GStreamer can take frames from. The source is a device of V4L2, or elements as gst-launch-1.0 has them:
 * `libcamerasrc`, `videotestsrc is-live=true`.
 */
export const gstreamer: Pipeline = {
  program: "gst-launch-1.0",
  debianPackage: "gstreamer1.0-tools",
  formats: [...Object.keys(pixels), "MJPG", "H264"],
  args: (stream) => {
    assertWholeLines(stream);
    const { source, width, height, fps, format } = stream;
    const device = videoDevice(source);
    const elements = device.startsWith("/") ? ["v4l2src", `device=${device}`] : device.split(/\s+/);
    const size = `width=${width},height=${height},framerate=${fraction(fps)}`;
    return ["--quiet", ...elements, "!", ...wanted(format, size), "!", "fdsink", "fd=1", "sync=false"];
  },
};

/** The package of Debian that has the element which GStreamer says it lacks; null: it says nothing of that kind, or it is not known. */
export function packageOfElement(line: string): string | null {
  const lacking = /no element "(\w+)"/.exec(line)?.[1] ?? "";
  return Object.hasOwn(packages, lacking) ? (packages[lacking] as string) : null;
}

function wanted(format: string, size: string): readonly string[] {
  if (format === "MJPG") return [`image/jpeg,${size}`];
  const annexB = "video/x-h264,stream-format=byte-stream,alignment=au";
  if (format === "H264") return [`video/x-h264,${size}`, "!", "h264parse", "config-interval=-1", "!", annexB];
  return ["videoconvert", "!", `video/x-raw,format=${pixels[format]},${size}`];
}

/** GStreamer knows rates as fractions. */
function fraction(fps: number): string {
  return Number.isInteger(fps) ? `${fps}/1` : `${Math.round(fps * 1000)}/1000`;
}

function assertWholeLines({ format, width }: StreamSettings): void {
  if (!(format in pixels) || width % WIDTH_STEP === 0) return;
  const message = `width: GStreamer fills lines up unless the width is a multiple of ${WIDTH_STEP}, and ${width} is none`;
  throw new HoldfastError("BAD_FIELD", message, { field: "width" });
}
