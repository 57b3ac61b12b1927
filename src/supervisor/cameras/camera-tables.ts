import { realpathSync } from "node:fs";
import { resolve } from "node:path";
import { pipelineCommand } from "../../cameras/pipeline-command.ts";
import { videoDevice } from "../../cameras/pipelines/video-device.ts";
import { formatOf } from "../../frames/format.ts";
import { assertConfig, badConfig, keyOf } from "../../protocol/assert-config.ts";
import {
  type CameraTable,
  cameraNameSchema,
  cameraOfPreview,
  cameraPool,
  cameraSettings,
  cameraTableSchema,
  type PipelineName,
  previewPoolName,
} from "../../protocol/camera-table.ts";
import { HoldfastError } from "../../protocol/errors.ts";

type Tables = Readonly<Record<string, CameraTable>>;

/** What a camera can't be beside. */
export interface OtherClaims {
  /** Pools that are configured by themselves. */
  readonly pools?: readonly string[];
  /** Cameras that clients have made. */
  readonly created?: Tables;
}

/** Pipelines whose sources are devices of V4L2. */
const ofVideoDevices: ReadonlySet<PipelineName> = new Set(["v4l2", "rkmpp"]);

/** A device of V4L2 that is named within an argument. */
const NAMED_DEVICE = /\/dev\/(?:video|v4l\/)[^\s,;!"']*/;

/**
 * The device that a camera has to itself, as far as its table tells; null: none that is known. Whichever of its names is used (`0`,
 * `/dev/v4l/by-id/…`), it is the same for one device that is plugged in.
 */
export function deviceOf({ pipeline, source }: Pick<CameraTable, "pipeline" | "source">): string | null {
  if (pipeline === "rpicam") return `camera ${source ?? "0"} of rpicam`;
  const isOfDevices = typeof pipeline === "string" && ofVideoDevices.has(pipeline);
  const said = isOfDevices || pipeline === "gstreamer" ? videoDevice(source ?? null) : (source ?? "");
  const isDevice = said.startsWith(isOfDevices ? "/" : "/dev/");
  const named = isDevice ? said : NAMED_DEVICE.exec(typeof pipeline === "string" ? said : pipeline.join(" "))?.[0];
  return named === undefined ? null : realPath(named);
}

/** Where a path leads to. One that is not there now leads to itself. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}

/**
 * Whether a camera can be what its table says, as far as that is known before it is tried.
 * @throws HoldfastError `BAD_FIELD` or `MISSING_FIELD` with the `field`
 */
export function assertCamera(table: CameraTable): void {
  const settings = cameraSettings(table);
  const { pipeline, source = null, backoffMs, maxBackoffMs } = settings;
  try {
    formatOf(cameraPool(settings));
  } catch (error) {
    const { details, message } = HoldfastError.from(error);
    // A camera says nothing of bytes: they come of its size.
    if (details.field !== "bytes") throw error;
    throw new HoldfastError("BAD_FIELD", message.replace("bytes:", "width:"), { field: "width" });
  }
  pipelineCommand(pipeline, { ...settings, source });
  if (backoffMs <= maxBackoffMs) return;
  throw new HoldfastError("BAD_FIELD", `backoffMs: ${backoffMs} ms is longer than maxBackoffMs, ${maxBackoffMs} ms`, {
    field: "backoffMs",
  });
}

/** Which camera has the device of a table, or would have it; undefined: none. */
export function ownerOf(table: CameraTable, others: Tables): { readonly device: string; readonly camera: string } | undefined {
  const device = deviceOf(table);
  const owner = device === null ? undefined : Object.entries(others).find(([, other]) => deviceOf(other) === device);
  return owner && { device: String(device), camera: owner[0] };
}

/** @throws HoldfastError `BAD_CONFIG` with the `key`: the first of `mistakesInCameras` */
export function assertCameraTables(tables: Tables, others: OtherClaims = {}): void {
  for (const mistake of mistakesInCameras(tables, others)) throw mistake;
}

/** What is wrong with tables of cameras, each `BAD_CONFIG` with the `key`: with one by itself, or with two that want the same device or pool. */
export function* mistakesInCameras(tables: Tables, { pools = [], created = {} }: OtherClaims): Generator<HoldfastError> {
  const before: Record<string, CameraTable> = Object.fromEntries(Object.entries(created).filter(([name]) => !Object.hasOwn(tables, name)));
  for (const [name, table] of Object.entries(tables)) {
    const mistake = mistakeIn(name, table);
    if (mistake !== null) {
      yield mistake;
      continue;
    }
    const key = keyOf(["camera", name]);
    const taken = [name, previewPoolName(name)].find((own) => pools.includes(own));
    if (taken !== undefined) yield badConfig(key, `there is a table [pool.${taken}]; a camera makes its pools itself`);
    const previewed = cameraOfPreview(name);
    if (previewed !== null && Object.hasOwn(tables, previewed))
      yield badConfig(key, `its pool would be that of camera ${previewed}'s preview`);
    const owner = ownerOf(table, before);
    if (owner !== undefined) {
      const whose = `camera ${owner.camera}${Object.hasOwn(tables, owner.camera) ? "" : ", which a client has made,"}`;
      yield badConfig(keyOf(["camera", name, "source"]), `${owner.device} is that of ${whose} already`);
    }
    before[name] = table;
  }
}

/** What a program says has been checked by no parser. */
function mistakeIn(name: string, table: CameraTable): HoldfastError | null {
  try {
    assertConfig(cameraNameSchema, name, ["camera", name]);
    assertConfig(cameraTableSchema, table, ["camera", name]);
    assertCamera(table);
    return null;
  } catch (error) {
    const { code, message, details } = HoldfastError.from(error);
    if (code === "BAD_CONFIG") return error as HoldfastError;
    const field = String(details.field);
    return badConfig(keyOf(["camera", name, field]), message.replace(`${field}: `, ""));
  }
}
