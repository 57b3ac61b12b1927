import { ffmpeg, keyEvery, pixelFormats, quietly, rawOutput, toStdout } from "./ffmpeg.ts";
import type { Pipeline, StreamSettings } from "./pipeline.ts";
import { overTcp } from "./rtsp.ts";
import { videoDevice } from "./video-device.ts";

/**
 * A camera on boards of Rockchip, of V4L2, on the network or in a file: scaled and converted by RGA, decoded and encoded by MPP. It needs an
 * ffmpeg that is built with both (ffmpeg-rockchip), which Debian's is not.
 */
export const rkmpp: Pipeline = {
  ...ffmpeg,
  formats: [...Object.keys(pixelFormats).filter((code) => code !== "GREY"), "H264"],
  args: (stream) => [...quietly("info"), "-fflags", "nobuffer", ...input(stream), ...output(stream)],
};

function input({ source, width, height, fps }: StreamSettings): readonly string[] {
  const device = videoDevice(source);
  if (device.startsWith("/dev/")) {
    const frames = ["-f", "v4l2", "-input_format", "nv12", "-framerate", String(fps), "-video_size", `${width}x${height}`];
    return ["-init_hw_device", "rkmpp=rk", "-filter_hw_device", "rk", ...frames, "-i", device];
  }
  const decoder = ["-hwaccel", "rkmpp", "-hwaccel_output_format", "drm_prime", "-afbc", "rga"];
  return [...decoder, ...(device.includes("://") ? overTcp : ["-re", "-stream_loop", "-1"]), "-i", device];
}

function output(stream: StreamSettings): readonly string[] {
  const { source, width, height, fps, format } = stream;
  const pixels = pixelFormats[format] ?? "nv12";
  // Unless it is told otherwise it makes the picture smaller than asked for, where that keeps its shape.
  const scale = `scale_rkrga=w=${width}:h=${height}:format=${pixels}:force_original_aspect_ratio=disable`;
  const scaled = [videoDevice(source).startsWith("/dev/") ? "hwupload" : `fps=${fps}`, scale];
  if (format === "H264") return ["-vf", scaled.join(","), "-c:v", "h264_rkmpp", "-g", keyEvery(stream), ...toStdout("h264")];
  return rawOutput(stream, [...scaled, "hwdownload", `format=${pixels}`]);
}
