import type { PipelineProcess } from "./pipeline-process.ts";
import { pixelFormats } from "./pipelines/ffmpeg.ts";
import type { StreamSettings } from "./pipelines/pipeline.ts";

/** What ffmpeg is told of frames that `feed` gives it. Nothing is waited for that could tell more of the stream than is known. */
export function fedInput({ format, width, height, fps }: StreamSettings): readonly string[] {
  const from = ["-i", "pipe:0"];
  // Encoded frames are timed by when they come.
  const clock = ["-use_wallclock_as_timestamps", "1"];
  if (format === "MJPG") return [...clock, "-analyzeduration", "0", "-f", "mpjpeg", ...from];
  if (format === "H264") return [...clock, "-fpsprobesize", "0", "-threads", "1", "-flags", "low_delay", "-f", "h264", ...from];
  const pixels = pixelFormats[format] ?? "bgr24";
  return ["-f", "rawvideo", "-pix_fmt", pixels, "-video_size", `${width}x${height}`, "-framerate", String(fps), ...from];
}

/**
 * Gives a frame to a program of ffmpeg. Resolves when its memory may change again.
 * @returns false: the program takes no more
 */
export async function feed(program: PipelineProcess, format: string, data: Uint8Array): Promise<boolean> {
  if (format !== "MJPG") return program.write(data);
  // A picture whose length is told before it is passed on at once; else its end would be seen only when the next one comes.
  const header = `--frame\r\nContent-type: image/jpeg\r\nContent-length: ${data.length}\r\n\r\n`;
  return (await program.write(Buffer.from(header))) && (await program.write(data)) && program.write(Buffer.from("\r\n"));
}
