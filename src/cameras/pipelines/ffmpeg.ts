import { HoldfastError } from "../../protocol/errors.ts";
import type { StreamSettings } from "./pipeline.ts";

/** What every pipeline of ffmpeg runs. */
export const ffmpeg = { program: "ffmpeg", debianPackage: "ffmpeg" } as const;

/** What ffmpeg calls the pixels of a FourCC. */
export const pixelFormats: Readonly<Record<string, string>> = {
  BGR3: "bgr24",
  RGB3: "rgb24",
  NV12: "nv12",
  YU12: "yuv420p",
  GREY: "gray",
};

/** What a pipeline of ffmpeg can deliver. */
export const ffmpegFormats: readonly string[] = [...Object.keys(pixelFormats), "MJPG", "H264"];

/** The first arguments: no keyboard, no banner, and on stderr what is wrong. */
export function quietly(level: "warning" | "info" = "warning"): readonly string[] {
  return ["-hide_banner", "-nostdin", "-nostats", "-loglevel", level];
}

/** The last arguments: every frame as it comes, at once, to stdout. */
export function toStdout(container: string): readonly string[] {
  return ["-an", "-fps_mode", "passthrough", "-flush_packets", "1", "-f", container, "pipe:1"];
}

/** Images of the pipeline's format. */
export function rawOutput({ format }: StreamSettings, filters: readonly string[]): readonly string[] {
  const pixels = pixelFormats[format] ?? "bgr24";
  return [...(filters.length > 0 ? ["-vf", filters.join(",")] : []), "-pix_fmt", pixels, ...toStdout("rawvideo")];
}

/** Frames as they are in the source, which must be of that format. */
export function copiedOutput({ format }: StreamSettings): readonly string[] {
  // Who comes in the middle of a stream of H264 finds what it needs before each key frame.
  return format === "H264"
    ? ["-c:v", "copy", "-bsf:v", "dump_extra=freq=keyframe", ...toStdout("h264")]
    : ["-c:v", "copy", ...toStdout("mjpeg")];
}

/** Frames of the pipeline's format from whatever the source has: images, or frames that this machine encodes. */
export function madeOutput(stream: StreamSettings, filters: readonly string[]): readonly string[] {
  if (stream.format in pixelFormats) return rawOutput(stream, filters);
  const filtered = filters.length > 0 ? ["-vf", filters.join(",")] : [];
  // With more threads, each would keep a frame back.
  if (stream.format === "MJPG") return [...filtered, "-c:v", "mjpeg", "-q:v", "3", "-threads", "1", ...toStdout("mjpeg")];
  const encoder = ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", keyEvery(stream), "-pix_fmt", "yuv420p"];
  return [...filtered, ...encoder, ...toStdout("h264")];
}

/** So many frames of H264 there are from one key frame to the next: a second of them. */
export function keyEvery({ fps }: StreamSettings): string {
  return String(Math.max(1, Math.round(fps)));
}

/** @throws HoldfastError `MISSING_FIELD` */
export function sourceOf({ source }: StreamSettings, what: string): string {
  if (source !== null) return source;
  throw new HoldfastError("MISSING_FIELD", `source: the pipeline needs ${what}`, { field: "source" });
}

/** JPEG pictures, as many as come out of the filters. @param quality 1 to 100 */
export function jpegOutput(filters: readonly string[], quality: number): readonly string[] {
  // What ffmpeg calls quality is a quantiser: 2 is the best, 31 the worst.
  const quantiser = String(Math.round(31 - ((quality - 1) / 99) * 29));
  // The encoder refuses two frames at one instant of its clock, of which a tick may be seconds. When they were captured is not asked of it.
  const counted = [...filters, "setpts=1000*N/TB"].join(",");
  return ["-vf", counted, "-c:v", "mjpeg", "-q:v", quantiser, "-threads", "1", ...toStdout("mjpeg")];
}

/** What ffmpeg writes to a file: the frames as they are where they are encoded already, else as H.264. */
export function fileOutput({ format, width, height }: StreamSettings, path: string): readonly string[] {
  const isEncoded = !(format in pixelFormats);
  // Colours are had for blocks of 2 x 2 pixels.
  const evened = width % 2 === 0 && height % 2 === 0 ? [] : ["-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2"];
  const made = [
    ...evened,
    "-c:v",
    "libx264",
    "-preset",
    "superfast",
    "-tune",
    "zerolatency",
    "-pix_fmt",
    "yuv420p",
    "-fps_mode",
    "passthrough",
  ];
  return ["-an", ...(isEncoded ? ["-c:v", "copy"] : made), "-flush_packets", "1", "-f", "matroska", "-y", path];
}
