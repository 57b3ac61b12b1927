import {
  type CameraSettings,
  type CameraTable,
  cameraPool,
  cameraSettings,
  previewPool,
  previewPoolName,
  previewSettings,
  saveSettings,
} from "../../protocol/camera-table.ts";
import { HoldfastError } from "../../protocol/errors.ts";
import { withoutPasswords } from "../../protocol/hidden-passwords.ts";
import type { CameraInfo, CameraPartInfo, CameraSnapshot, CameraState, ReplyOf } from "../../protocol/replies.ts";
import type { CameraPartName, RequestOf } from "../../protocol/requests.ts";
import type { Client } from "../client.ts";
import { CameraPart, type CameraWorld, LEAST_STALL_MS, type PartListener } from "./camera-part.ts";

/** What is done with the frames of a camera, until somebody says that it is not to be any more. */
export type Extra = Exclude<CameraPartName, "capture" | "snapshot">;

/** What its capture may be told while it works. */
export type CameraOrder = { readonly type: "pause" | "resume" } | { readonly type: "fps"; readonly fps: number };

/** All that is of no use without frames. */
const followers = ["preview", "record", "snapshot"] as const satisfies readonly CameraPartName[];

/** How long the first frame of a preview or recording may take, in ms, beside the periods until the camera brings it. */
const EXTRA_START_MS = 15_000;
const EXTRA_START_PERIODS = 2;

/** One camera: its capture, and what is done with the frames while it captures. */
export class Camera {
  readonly settings: CameraSettings;
  readonly #parts: { readonly [P in CameraPartName]: CameraPart };
  /** What is to be done with the frames. */
  readonly #wanted = new Set<Extra>();
  /** Frames a second that it is asked for now. */
  #fps: number;
  /** How many wait for a frame to be saved. */
  #snapshots = 0;
  /** The pipeline is started anew for an order that is under way. */
  #isChanging = false;
  /** Resolves when the orders that were given to its capture so far have been followed, or can't be. */
  #ordered: Promise<unknown> = Promise.resolve();
  readonly #listener: PartListener;

  /** @param listener is told of the camera, and of its parts */
  constructor(
    readonly name: string,
    table: CameraTable,
    world: CameraWorld,
    listener: PartListener,
  ) {
    this.#listener = listener;
    this.settings = cameraSettings(table);
    this.#fps = this.settings.fps;
    const { startMs, restart, backoffMs, maxBackoffMs, graceMs, stallPeriods } = this.settings;
    const limits = { backoffMs, maxBackoffMs, graceMs };
    const extraStartMs = EXTRA_START_MS + (EXTRA_START_PERIODS * 1000) / this.#fps;
    const extra = { limits: { ...limits, restart: "on-failure" as const }, startMs: extraStartMs, stallMs: () => null };
    const own = { name, settings: cameraPool(this.settings) };
    const previewed = { name: previewPoolName(name), settings: previewPool(previewSettings(this.settings)) };
    const stallMs = () => Math.max(LEAST_STALL_MS, (stallPeriods * 1000) / this.#fps, this.#isChanging ? startMs : 0);
    const capture = { part: "capture", pool: own, startMs, limits: { ...limits, restart }, stallMs } as const;
    const changed = () => {
      this.#follow();
      listener.changed();
    };
    this.#parts = {
      capture: new CameraPart(name, capture, world, { ...listener, changed }),
      preview: new CameraPart(name, { part: "preview", pool: previewed, ...extra }, world, listener),
      record: new CameraPart(name, { part: "record", pool: null, ...extra }, world, listener),
      snapshot: new CameraPart(name, { part: "snapshot", pool: null, ...extra, limits: { ...limits, restart: "never" } }, world, listener),
    };
  }

  /** Of its capture; it is `stopping` until nothing of it is left. */
  get state(): CameraState {
    const { state, isAtRest } = this.#parts.capture;
    return isAtRest && !this.isAtRest ? "stopping" : state;
  }

  /** Nothing of it runs or is to. */
  get isAtRest(): boolean {
    return Object.values(this.#parts).every(({ isAtRest }) => isAtRest);
  }

  /** Nobody wants it to capture. It may yet have to end. */
  get isStopped(): boolean {
    return this.#parts.capture.isStopped;
  }

  /** It captures, or would if it were not paused. */
  get works(): boolean {
    return this.#parts.capture.works;
  }

  /** One of those that are done with the frames, or would be. */
  follower(part: Extra | "snapshot"): CameraPart {
    return this.#parts[part];
  }

  /** Whether a pool is one of its own. */
  owns(pool: string): boolean {
    return Object.values(this.#parts).some((part) => part.owns(pool));
  }

  start(): void {
    const { capture } = this.#parts;
    if (this.isStopped || capture.isAtRest) {
      this.#want("preview", previewSettings(this.settings).autostart);
      this.#want("record", this.settings.save?.autostart === true);
    }
    capture.start();
  }

  stop(hard: boolean): void {
    this.#wanted.clear();
    for (const part of Object.values(this.#parts)) part.stop(hard);
  }

  /**
   * Begins or ends to do something with the frames.
   * @throws HoldfastError `BAD_CONFIG`: the configuration names no folder; why it does not capture. Nothing is begun then
   */
  want(extra: Extra, on: boolean): void {
    if (extra === "record" && on) this.#assertFolder();
    if (on && !this.#parts[extra].works) this.#assertCapturing();
    this.#want(extra, on);
    if (on) this.#parts[extra].start();
    else this.#parts[extra].stop();
  }

  /**
   * Has its worker pause, go on, or bring so many frames a second, behind all orders before: the last one is what holds. Resolves when it does.
   * @throws HoldfastError what `CameraWorker.order` throws, and why it does not capture
   */
  order(order: CameraOrder): Promise<void> {
    const followed = this.#ordered.then(() => this.#order(order));
    this.#ordered = followed.catch(() => {});
    return followed;
  }

  /**
   * Somebody wants a frame saved, for which there is a process until nobody does.
   * @returns to be called when it has been saved, or can't be
   * @throws HoldfastError `BAD_CONFIG`: the configuration names no folder; why it does not capture
   */
  beginSnapshot(): () => void {
    this.#assertFolder();
    this.#assertCapturing();
    const { snapshot } = this.#parts;
    this.#snapshots += 1;
    snapshot.start();
    return () => {
      this.#snapshots -= 1;
      if (this.#snapshots === 0) snapshot.stop();
    };
  }

  /** Has the process that is there for it save a frame. @throws HoldfastError why it can't */
  async snapshot(): Promise<CameraSnapshot> {
    const saved = await this.#parts.snapshot.order({ type: "snapshot" });
    if (saved === undefined) throw new HoldfastError("CAMERA_FAILED", "the process of the snapshot has not said what it has saved");
    return saved;
  }

  /** @throws HoldfastError `FORBIDDEN`, `LIMIT_SUBSCRIPTIONS` */
  attach(client: Client, part: CameraPartName): ReplyOf<"camera.attach"> {
    const sub = this.#parts[part].attach(client);
    const { pipeline, source = null, width, height, format } = this.settings;
    const { isPaused } = this.#parts[part];
    const about = { pipeline, source, width, height, fps: this.#fps, format, paused: isPaused };
    const { autostart: _, ...preview } = previewSettings(this.settings);
    return {
      sub,
      settings: {
        ...about,
        preview: part === "preview" ? { ...preview, pool: previewPoolName(this.name) } : null,
        save: part === "record" || part === "snapshot" ? saveSettings(this.settings) : null,
      },
    };
  }

  /** @throws HoldfastError `FORBIDDEN` */
  report(client: Client, report: RequestOf<"camera.report">): void {
    this.#parts[report.part].report(client, report);
  }

  /** A client has published a frame into one of its pools. */
  published(client: Client): void {
    this.#parts.capture.published(client);
    this.#parts.preview.published(client);
  }

  /** Why it does not capture, as a caller is told. */
  failure(): HoldfastError {
    return this.#parts.capture.failure();
  }

  /** What `cameras` shows. */
  info(): CameraInfo {
    const { pipeline, source = null, width, height, format, slots } = this.settings;
    const { capture, preview, record } = this.#parts;
    const { pid, starts, nextStartMs } = capture.process;
    const { frames, skipped, discarded, truncated } = capture.counters;
    const { fault, stateMs, frameMs } = capture;
    return {
      camera: this.name,
      state: this.state,
      stateMs,
      // Whoever may see its frames may see this.
      pipeline: typeof pipeline === "string" ? pipeline : pipeline.map(withoutPasswords),
      source: source && withoutPasswords(source),
      width,
      height,
      fps: this.#fps,
      format,
      slots,
      pid,
      starts,
      nextStartMs,
      frameMs,
      counters: { frames, skipped, discarded, truncated },
      fault: fault && { code: fault.code, message: fault.message },
      preview: partInfo(preview),
      save: partInfo(record),
    };
  }

  async #order(order: CameraOrder): Promise<void> {
    const { capture, preview, record } = this.#parts;
    if (!this.works) throw this.failure();
    if (order.type === "pause" && this.state === "paused") return;
    if (order.type === "resume" && this.state === "capturing") return;
    if (order.type === "fps" && order.fps === this.#fps) return;
    if (order.type !== "fps") return void (await capture.order(order));
    // Those that do not run, or fail, are told when they begin.
    void record.order({ ...order, type: "soon" }).catch(() => {});
    this.#isChanging = true;
    try {
      await capture.order(order);
      this.#fps = order.fps;
      this.#listener.told(order.type);
    } finally {
      this.#isChanging = false;
      capture.watchAnew();
      const now = { type: "fps", fps: this.#fps } as const;
      await Promise.allSettled([preview.order(now), record.order(now)]);
    }
  }

  /** @throws HoldfastError `BAD_CONFIG` */
  #assertFolder(): void {
    if (this.settings.save !== undefined) return;
    const key = `camera.${this.name}.save.folder`;
    const message = `${key}: the configuration names no folder for what camera ${this.name} saves`;
    throw new HoldfastError("BAD_CONFIG", message, { field: "camera", key });
  }

  /** Of one that is paused no frame comes that anything could be made of. @throws HoldfastError why it does not capture */
  #assertCapturing(): void {
    if (this.state !== "capturing") throw this.failure();
  }

  #want(extra: Extra, on: boolean): void {
    if (on) this.#wanted.add(extra);
    else this.#wanted.delete(extra);
  }

  /** The frames are there, or will not come any more. While they are about to come again, what is done with them waits for them. */
  #follow(): void {
    const { capture } = this.#parts;
    if (capture.works) for (const extra of this.#wanted) this.#parts[extra].start();
    if (capture.isStopped || capture.isAtRest) for (const part of followers) this.#parts[part].stop();
  }
}

const partStates = {
  stopped: "off",
  starting: "starting",
  capturing: "on",
  paused: "on",
  stopping: "stopping",
  backoff: "backoff",
  failed: "failed",
} as const satisfies Record<CameraState, CameraPartInfo["state"]>;

function partInfo({ state, process, counters, fault }: CameraPart): CameraPartInfo {
  const { frames, files, bytes } = counters;
  return { state: partStates[state], pid: process.pid, frames, files, bytes, fault: fault && { code: fault.code, message: fault.message } };
}
