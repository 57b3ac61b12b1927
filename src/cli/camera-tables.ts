import type { CameraInfo, PoolInfo } from "../protocol/replies.ts";
import { formatSpan } from "./durations.ts";
import { table } from "./print.ts";

/** Cameras for a person. @param pools those that there are: what is published is theirs to tell */
export function cameraTable(cameras: readonly CameraInfo[], pools: readonly PoolInfo[]): string {
  if (cameras.length === 0) return "There is no camera that you may see.";
  return table(
    ["CAMERA", "STATE", "FOR", "FRAMES", "FPS", "AGE", "SKIPPED", "STARTS", "FROM", "FAILED BY"],
    cameras.map((info) => [
      info.camera,
      info.nextStartMs === null ? info.state : `${info.state}, starts in ${formatSpan(info.nextStartMs)}`,
      formatSpan(info.stateMs),
      `${info.format} ${info.width}x${info.height}`,
      pools.find(({ pool }) => pool === info.camera)?.fps.toFixed(1) ?? "-",
      info.frameMs === null ? "-" : formatSpan(info.frameMs),
      String(info.counters.skipped),
      String(info.starts),
      sourceOf(info),
      info.fault === null ? "-" : `${info.fault.code}: ${info.fault.message}`,
    ]),
  );
}

function sourceOf({ pipeline, source }: CameraInfo): string {
  const program = typeof pipeline === "string" ? pipeline : pipeline[0];
  return source === null ? String(program) : `${program} ${source}`;
}
