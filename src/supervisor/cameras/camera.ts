import { type Actor, createActor } from "xstate";
import { type CameraEvent, cameraMachine } from "../../../actors/camera.ts";
import { type Clock, xstateClock } from "../../clock/clock.ts";
import { Watchdog } from "../../clock/watchdog.ts";
import { type CameraSettings, type CameraTable, cameraPool, cameraSettings } from "../../protocol/camera-table.ts";
import { type ErrorCode, HoldfastError } from "../../protocol/errors.ts";
import type { CameraInfo, CameraState, ProcessState, ReplyOf } from "../../protocol/replies.ts";
import type { RequestOf } from "../../protocol/requests.ts";
import type { Client } from "../client.ts";
import type { Pools } from "../pools/pools.ts";
import type { ProcessWorld } from "../processes/supervised-process.ts";
import { CameraWorker } from "./camera-worker.ts";

/** What cameras are given of the world. */
export interface CameraWorld extends ProcessWorld {
  readonly pools: Pick<Pools, "create" | "remove">;
  /** What runs `holdfast`. */
  readonly command: readonly string[];
}

/** Shortest time without a frame after which a camera is taken to hang, in ms: its worker tells once a second of those that it skips. */
const LEAST_STALL_MS = 2000;

/** What no other attempt mends. */
const lasting: ReadonlySet<string> = new Set<ErrorCode>(["PROGRAM_MISSING", "DEVICE_REFUSED", "FORMAT_UNKNOWN", "BAD_FIELD", "FORBIDDEN"]);

/** What a state of the worker's process means to its camera. */
const meaning = {
  stopped: "ended",
  waiting: null,
  starting: "spawning",
  running: "spawned",
  stopping: "ending",
  backoff: "retrying",
  done: "ended",
  failed: "failed",
} as const satisfies Record<ProcessState, CameraEvent["type"] | null>;

/** One camera: its pool, the worker that fills it, and the machine that says what follows what. */
export class Camera {
  readonly settings: CameraSettings;
  readonly #world: CameraWorld;
  readonly #clock: Clock;
  readonly #worker: CameraWorker;
  readonly #actor: Actor<typeof cameraMachine>;
  #watchdog: Watchdog | null = null;
  #changedUs: number;
  #pool: "none" | "making" | "there" = "none";
  /** When its last frame was published, since it was started; null: none was. */
  #frameUs: number | null = null;

  /** @param changed is told when its state has changed */
  constructor(
    readonly name: string,
    table: CameraTable,
    world: CameraWorld,
    changed: () => void,
  ) {
    this.settings = cameraSettings(table);
    this.#world = world;
    this.#clock = world.clock;
    this.#changedUs = world.clock.nowUs();
    const { startMs, restart, backoffMs, maxBackoffMs, graceMs } = this.settings;
    const limits = { restart, backoffMs, maxBackoffMs, graceMs };
    this.#worker = new CameraWorker(name, "capture", world.command, limits, world, {
      changed: (state) => this.#workerIs(state),
      is: (state) => this.#actor.send({ type: state === "paused" ? "paused" : "resumed" }),
      faulted: (fault) => {
        if (lasting.has(fault.code)) this.#actor.send({ type: "doomed", fault: fault.toValue() });
      },
    });
    const actions = {
      prepare: () => void this.#prepare(),
      discard: () => this.#discard(),
      begin: () => {
        this.#frameUs = null;
        this.#worker.send({ type: "start" });
      },
      end: () => this.#worker.send({ type: "stop" }),
      kill: () => this.#worker.send({ type: "stop", hard: true }),
      giveUp: () => this.#giveUp(`has brought no frame within ${startMs} ms`),
    };
    this.#actor = createActor(cameraMachine.provide({ actions }), { input: { startMs }, clock: xstateClock(world.clock) });
    let before: CameraState = "stopped";
    this.#actor.subscribe(() => {
      const { state } = this;
      if (state === before) return;
      before = state;
      this.#changedUs = this.#clock.nowUs();
      this.#watch(state);
      this.#tell(state);
      changed();
    });
    this.#actor.start();
  }

  get state(): CameraState {
    const { value } = this.#actor.getSnapshot();
    if (typeof value === "string") return value;
    return "starting" in value ? "starting" : "stopping";
  }

  /** Nothing of it runs or is to. */
  get isAtRest(): boolean {
    return this.state === "stopped" || this.state === "failed";
  }

  /** Nobody wants it to capture. It may yet have to end. */
  get isStopped(): boolean {
    const snapshot = this.#actor.getSnapshot();
    return snapshot.matches("stopped") || snapshot.matches({ stopping: "asked" }) || snapshot.matches({ stopping: "preparing" });
  }

  /** It has its pool, or makes it. */
  get hasPool(): boolean {
    return this.#pool !== "none";
  }

  start(): void {
    this.#actor.send({ type: "start" });
  }

  stop(hard: boolean): void {
    this.#actor.send({ type: "stop", hard });
  }

  /** Has the worker pause or go on. @throws HoldfastError what `CameraWorker.order` throws */
  async order(asker: Client, type: "pause" | "resume"): Promise<void> {
    if (this.state === (type === "pause" ? "paused" : "capturing")) return;
    await this.#worker.order(asker, { type });
    this.#actor.send({ type: type === "pause" ? "paused" : "resumed" });
  }

  /** @throws HoldfastError `FORBIDDEN`, `LIMIT_SUBSCRIPTIONS` */
  attach(client: Client): ReplyOf<"camera.attach"> {
    const { number: sub } = this.#worker.attach(client);
    this.#worker.signUs = this.#clock.nowUs();
    const { pipeline, source = null, width, height, fps, format } = this.settings;
    const { isPaused } = this.#actor.getSnapshot().context;
    return { sub, settings: { pipeline, source, width, height, fps, format, paused: isPaused } };
  }

  /** @throws HoldfastError `FORBIDDEN` */
  report(client: Client, report: RequestOf<"camera.report">): void {
    this.#worker.report(client, report);
    // One that is paused has nothing else to show.
    if (this.state === "paused") this.#worker.signUs = this.#clock.nowUs();
  }

  /** A client has published a frame into the pool of this name. */
  published(client: Client): void {
    if (!this.#worker.isAttached(client)) return;
    this.#frameUs = this.#clock.nowUs();
    this.#worker.signUs = this.#frameUs;
    if (this.state === "starting") this.#actor.send({ type: "frame" });
  }

  /** Why it does not capture, as a caller is told. */
  failure(): HoldfastError {
    const { fault } = this.#actor.getSnapshot().context;
    const { state } = this;
    const details = { field: "camera", camera: this.name, state };
    if (fault === null || (state !== "backoff" && state !== "failed")) {
      return new HoldfastError("CAMERA_STOPPED", `camera ${this.name} is ${state}`, details);
    }
    const { code, message, ...others } = HoldfastError.fromValue(fault);
    return new HoldfastError(code, `camera ${this.name}: ${message}`, { ...others.details, ...details });
  }

  /** What `cameras` shows. */
  info(): CameraInfo {
    const nowMs = this.#clock.nowUs() / 1000;
    const { pipeline, source = null, width, height, fps, format, slots } = this.settings;
    const { fault } = this.#actor.getSnapshot().context;
    const { pid, starts, nextStartMs } = this.#worker.info;
    return {
      camera: this.name,
      state: this.state,
      stateMs: nowMs - this.#changedUs / 1000,
      pipeline,
      source,
      width,
      height,
      fps,
      format,
      slots,
      pid,
      starts,
      nextStartMs,
      frameMs: this.#frameUs === null ? null : nowMs - this.#frameUs / 1000,
      counters: this.#worker.counters,
      fault: fault && { code: fault.code, message: fault.message },
    };
  }

  async #prepare(): Promise<void> {
    if (this.#pool === "making") return;
    this.#pool = "making";
    try {
      await this.#world.pools.create(this.name, cameraPool(this.settings));
      this.#pool = "there";
      this.#actor.send({ type: "prepared" });
    } catch (error) {
      this.#pool = "none";
      this.#actor.send({ type: "refused", fault: HoldfastError.from(error).toValue() });
    }
  }

  #discard(): void {
    if (this.#pool !== "there") return;
    this.#pool = "none";
    void Promise.resolve(this.#world.pools.remove(this.name)).catch(() => {});
  }

  #workerIs(state: ProcessState): void {
    const type = meaning[state];
    if (type === null) return;
    if (type === "ending" || type === "failed") {
      const { fault } = this.#worker;
      const value = fault?.toValue() ?? null;
      if (type === "ending") return this.#actor.send({ type, fault: value });
      return this.#actor.send({ type, fault: value ?? { code: "CAMERA_FAILED", message: "its capture process has ended" } });
    }
    this.#actor.send({ type });
  }

  #giveUp(why: string): void {
    this.#worker.fail(new HoldfastError("CAMERA_STALLED", `it ${why}`));
  }

  /** Waits for frames while it captures, and for its worker's reports while it is paused. */
  #watch(state: CameraState): void {
    this.#watchdog?.stop();
    this.#watchdog = null;
    if (state !== "capturing" && state !== "paused") return;
    const { fps, stallPeriods } = this.settings;
    const stallMs = state === "paused" ? LEAST_STALL_MS : Math.max(LEAST_STALL_MS, (stallPeriods * 1000) / fps);
    const dueUs = () => Math.max(this.#worker.signUs, this.#changedUs) + stallMs * 1000;
    const lacks = state === "paused" ? "said nothing" : "brought no frame";
    this.#watchdog = new Watchdog(this.#clock, stallMs * 1000, dueUs, () => this.#giveUp(`has ${lacks} for ${Math.round(stallMs)} ms`));
  }

  #tell(state: CameraState): void {
    const { log } = this.#world;
    const { fault } = this.#actor.getSnapshot().context;
    const about = { camera: this.name, ...(fault && { code: fault.code, reason: fault.message }) };
    if (state === "backoff") log.warn(about, "the camera has failed: it is started again");
    else if (state === "failed") log.error(about, "the camera has failed: it is not started again");
    else if (state === "capturing" || state === "paused" || state === "stopped") log.info({ camera: this.name }, `the camera is ${state}`);
  }
}
