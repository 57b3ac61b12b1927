import { z } from "zod";
import { LEAST_SLOTS_TO_READ, MAX_DURATION_MS, MAX_POOL_NAME_LENGTH, MAX_SIDE_PIXELS, MAX_SLOTS, MIN_DURATION_MS } from "./limits.ts";
import { restartPolicySchema } from "./process-table.ts";
import type { PoolSettings } from "./requests.ts";

/** What stands behind a camera's name in that of its preview's pool. */
const PREVIEW_SUFFIX = "-preview";

/** A camera's name is that of its pool. */
const MAX_CAMERA_NAME_LENGTH = MAX_POOL_NAME_LENGTH - PREVIEW_SUFFIX.length;

/** Of a preview's pool: as many as several consumers take. */
const PREVIEW_SLOTS = 6;

/** Slowest and fastest pace of a camera, in frames a second. */
export const MIN_CAMERA_FPS = 0.01;
export const MAX_CAMERA_FPS = 1000;

const durationMs = z.number().min(MIN_DURATION_MS).max(MAX_DURATION_MS);
/** What the kernel ends a text at. */
const text = z.string().regex(/^[^\0]*$/, "must not hold NUL");
const sidePixels = z.int().min(1).max(MAX_SIDE_PIXELS);

/** A camera's name, which is also that of its pool. */
export const cameraNameSchema = z
  .string()
  .min(1)
  .max(MAX_CAMERA_NAME_LENGTH)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, "must be letters, digits, and . _ - behind the first")
  .describe("letters, digits, and . _ - behind the first");

/** The programs that are known to bring frames, by what they are called in the configuration. */
export const pipelineNameSchema = z.enum(["v4l2", "rpicam", "gstreamer", "rtsp", "file", "test", "rkmpp"]);
/** A program that is known to bring frames. */
export type PipelineName = z.infer<typeof pipelineNameSchema>;

/** How the frames of a camera are laid out: raw, or as JPEG and H.264 make them. */
export const cameraFormatSchema = z.enum(["BGR3", "RGB3", "NV12", "YU12", "GREY", "MJPG", "H264"]);
/** How the frames of a camera are laid out. */
export type CameraFormat = z.infer<typeof cameraFormatSchema>;

/** How many frames a camera brings a second. */
export const framesPerSecondSchema = z.number().min(MIN_CAMERA_FPS).max(MAX_CAMERA_FPS);

/** What is said of the preview of a camera. */
const previewSchema = z.strictObject({
  width: sidePixels.optional().describe("in pixels; default 640, or the camera's when that is less"),
  height: sidePixels.optional().describe("in pixels; default as the camera's picture has it"),
  fps: framesPerSecondSchema.optional().describe("frames a second; default 5"),
  quality: z.int().min(1).max(100).optional().describe("of JPEG; default 75"),
  autostart: z.boolean().optional().describe("whether it is on as soon as the camera captures; default false"),
});

/** What is said of what a camera saves. */
const saveSchema = z.strictObject({
  folder: text.startsWith("/", "must be a path from the root: /srv/video").describe("where, as a path from the root"),
  everyNth: z.int().min(1).max(1_000_000).optional().describe("save every n-th frame as a JPEG file; default: video"),
  segmentMs: durationMs.optional().describe("of video in one file; default 60000"),
  maxBytes: z
    .int()
    .min(1)
    .max(Number.MAX_SAFE_INTEGER)
    .optional()
    .describe("of all that it has saved, before the oldest is removed; default: no limit"),
  maxAgeMs: durationMs.optional().describe("of a file, before it is removed; default: no limit"),
  autostart: z.boolean().optional().describe("whether it is on as soon as the camera captures; default false"),
});

const tableShape = {
  pipeline: z
    .union([pipelineNameSchema, z.array(text).min(1)])
    .describe("the program that writes the frames to its stdout: one that is known, or a command with its arguments"),
  source: text.min(1).optional().describe("where the frames are from: a device, a file, a URL; default: as the pipeline has it"),
  width: sidePixels.describe("of a frame, in pixels"),
  height: sidePixels.describe("of a frame, in pixels"),
  fps: framesPerSecondSchema.optional().describe("frames a second; default 30"),
  format: cameraFormatSchema.optional().describe("of the frames; default BGR3"),
  slots: z.int().min(LEAST_SLOTS_TO_READ).max(MAX_SLOTS).optional().describe("of the pool; default 12"),
  autostart: z.boolean().optional().describe("whether it captures from the start on; default true"),
  startMs: durationMs.optional().describe("how long the first frame may take; default 15000"),
  stallPeriods: z
    .number()
    .min(1)
    .max(1_000_000)
    .optional()
    .describe("so many frames may be missing before it is taken to hang, but no less than 2 s; default 90"),
  restart: restartPolicySchema.optional().describe("when it is started again after it has ended by itself; default on-failure"),
  backoffMs: durationMs.optional().describe("the first pause before that; each is twice the one before; default 500"),
  maxBackoffMs: durationMs.optional().describe("the longest pause; default 10000"),
  graceMs: durationMs.optional().describe("from SIGTERM to SIGKILL when it is to end; default 3000"),
  preview: previewSchema.optional().describe("smaller frames, fewer of them, as JPEG in a second pool"),
  save: saveSchema.optional().describe("what is written to files"),
};

/** A camera, as the configuration and `camera.create` describe it. */
export const cameraTableSchema = z.strictObject(tableShape);
/** A camera, as the configuration describes it. */
export type CameraTable = z.infer<typeof cameraTableSchema>;

/** What every camera has, said or not. */
type Settled = Exclude<keyof CameraTable, "pipeline" | "source" | "width" | "height" | "preview" | "save">;

type Defaults = { readonly [K in Settled]: NonNullable<CameraTable[K]> };

/** A table in which nothing is left open that has a default. */
export type CameraSettings = Omit<CameraTable, Settled> & Defaults;

const defaults: Defaults = {
  fps: 30,
  format: "BGR3",
  slots: 12,
  autostart: true,
  startMs: 15_000,
  stallPeriods: 90,
  restart: "on-failure",
  backoffMs: 500,
  maxBackoffMs: 10_000,
  graceMs: 3000,
};

/** A table with what holds where it says nothing. */
export function cameraSettings(table: CameraTable): CameraSettings {
  const said = Object.fromEntries(Object.entries(table).filter(([, value]) => value !== undefined)) as CameraTable & Defaults;
  return { ...defaults, ...said };
}

/** The pool that a camera fills, as pools are asked for. */
export function cameraPool({ slots, format, width, height }: CameraSettings): PoolSettings {
  return { slots, fourcc: format, width, height };
}

/** What the pool of a camera's preview is called. */
export function previewPoolName(camera: string): string {
  return `${camera}${PREVIEW_SUFFIX}`;
}

/** The camera that a pool is the preview of, by its name; null: it is none's. */
export function cameraOfPreview(pool: string): string | null {
  return pool.endsWith(PREVIEW_SUFFIX) ? pool.slice(0, -PREVIEW_SUFFIX.length) : null;
}

/** How a camera is previewed, with what holds where its table says nothing. */
export function previewSettings({ preview = {}, width, height }: CameraTable) {
  const { width: own = Math.min(640, width), fps = 5, quality = 75, autostart = false } = preview;
  return { width: own, height: preview.height ?? Math.max(1, Math.round((height * own) / width)), fps, quality, autostart };
}

/** The pool of a preview. */
export function previewPool({ width, height }: { readonly width: number; readonly height: number }): PoolSettings {
  return { slots: PREVIEW_SLOTS, fourcc: "MJPG", width, height };
}

/** How a camera is saved, with what holds where its table says nothing; null: it is not. */
export function saveSettings({ save }: CameraTable) {
  if (save === undefined) return null;
  const { folder, everyNth = null, segmentMs = 60_000, maxBytes = null, maxAgeMs = null } = save;
  return { folder, everyNth, segmentMs, maxBytes, maxAgeMs };
}
