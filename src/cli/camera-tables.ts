import { previewPoolName } from "../protocol/camera-table.ts";
import type { CameraInfo, PoolInfo } from "../protocol/replies.ts";
import { formatSpan } from "./durations.ts";
import { groupTable } from "./pool-tables.ts";
import { table } from "./print.ts";

/** Cameras for a person. @param pools those that there are: what is published is theirs to tell */
export function cameraTable(cameras: readonly CameraInfo[], pools: readonly PoolInfo[]): string {
  if (cameras.length === 0) return "There is no camera that you may see.";
  return table(
    ["CAMERA", "STATE", "FOR", "FRAMES", "FPS", "AGE", "SKIPPED", "STARTS", "PREVIEW", "SAVE", "FROM", "FAILED BY"],
    cameras.map((info) => [
      info.camera,
      info.nextStartMs === null ? info.state : `${info.state}, starts in ${formatSpan(info.nextStartMs)}`,
      formatSpan(info.stateMs),
      `${info.format} ${info.width}x${info.height}`,
      pools.find(({ pool }) => pool === info.camera)?.fps.toFixed(1) ?? "-",
      info.frameMs === null ? "-" : formatSpan(info.frameMs),
      String(info.counters.skipped),
      String(info.starts),
      info.preview.state,
      info.save.state,
      sourceOf(info),
      faultOf(info),
    ]),
  );
}

/** Cameras for a person, and the groups that take their frames. */
export function cameraStatus(cameras: readonly CameraInfo[], pools: readonly PoolInfo[]): string {
  const own = cameras.flatMap(({ camera }) => [camera, previewPoolName(camera)]);
  const takers = pools.filter(({ pool, groups }) => own.includes(pool) && groups.length > 0);
  return [cameraTable(cameras, pools), ...takers.map((pool) => `Who takes the frames of ${pool.pool}:\n\n${groupTable(pool)}`)].join(
    "\n\n",
  );
}

/** How it has failed, or what is done with its frames has. */
function faultOf({ fault, preview, save }: CameraInfo): string {
  const faults = Object.entries({ "": fault, "preview: ": preview.fault, "save: ": save.fault });
  return faults.flatMap(([what, each]) => (each === null ? [] : [`${what}${each.code}: ${each.message}`])).join("; ") || "-";
}

function sourceOf({ pipeline, source }: CameraInfo): string {
  const program = typeof pipeline === "string" ? pipeline : pipeline[0];
  return source === null ? String(program) : `${program} ${source}`;
}
