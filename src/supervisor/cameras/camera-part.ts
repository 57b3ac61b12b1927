import { type Actor, createActor } from "xstate";
import { type CameraEvent, cameraMachine } from "../../../actors/camera.ts";
import { type Clock, xstateClock } from "../../clock/clock.ts";
import { Watchdog } from "../../clock/watchdog.ts";
import { type ErrorCode, type ErrorValue, HoldfastError } from "../../protocol/errors.ts";
import type { Limits } from "../../protocol/limits.ts";
import type { ProcessTable } from "../../protocol/process-table.ts";
import type { CameraSnapshot, CameraState, ProcessInfo, ProcessState } from "../../protocol/replies.ts";
import type { CameraPartName, PoolSettings, RequestOf } from "../../protocol/requests.ts";
import { afterEach } from "../addresses/after-each.ts";
import type { Client } from "../client.ts";
import type { Pools } from "../pools/pools.ts";
import type { ProcessWorld } from "../processes/supervised-process.ts";
import { type AllCounters, CameraWorker, type Order } from "./camera-worker.ts";

/** What cameras are given of the world. */
export interface CameraWorld extends ProcessWorld {
  readonly pools: Pick<Pools, "create" | "remove">;
  /** Those that hold now. */
  readonly limits: Limits;
  /** What runs `holdfast`. */
  readonly command: readonly string[];
}

/** What a part is to do, and within which time. */
export interface PartSettings {
  readonly part: CameraPartName;
  /** The pool that it fills; null: it fills none, and says itself when it works. */
  readonly pool: { readonly name: string; readonly settings: PoolSettings } | null;
  /** How long the first sign of its work may take, in ms. */
  readonly startMs: number;
  readonly limits: Pick<ProcessTable, "restart" | "backoffMs" | "maxBackoffMs" | "graceMs">;
  /** For how long no frame may come while it works, in ms; null: any report will do. */
  readonly stallMs: () => number | null;
}

/** Who is told of a part. */
export interface PartListener {
  /** It has been through an event. Null: its time was up. */
  told(event: string | null): void;
  /** Its state has changed by that. */
  changed(): void;
}

/** For how long no frame may come at least, in ms, however short a period is. */
export const LEAST_STALL_MS = 2000;

/** For how long a process that has nothing else to show may say nothing, in ms: it reports once a second, and later on a busy board. */
const LONGEST_SILENCE_MS = 5000;

/** What no other attempt mends. */
const lasting: ReadonlySet<string> = new Set<ErrorCode>([
  "PROGRAM_MISSING",
  "DEVICE_REFUSED",
  "SAVE_FAILED",
  "FORMAT_UNKNOWN",
  "BAD_FIELD",
  "MISSING_FIELD",
]);

/** What the log calls the parts. */
const subjects: Readonly<Record<CameraPartName, string>> = {
  capture: "the camera",
  preview: "the preview",
  record: "the recording",
  snapshot: "the process for snapshots",
};

/** What a state of the worker's process means to its part. */
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

/** One part of a camera, as its capture: its pool, the worker that fills it, and the machine that says what follows what. */
export class CameraPart {
  readonly #camera: string;
  readonly #settings: PartSettings;
  readonly #world: CameraWorld;
  readonly #clock: Clock;
  readonly #worker: CameraWorker;
  readonly #actor: Actor<typeof cameraMachine>;
  #watchdog: Watchdog | null = null;
  #changedUs: number;
  #pool: "none" | "making" | "there" = "none";
  /** When its last frame was published, since it was started; null: none was. */
  #frameUs: number | null = null;
  /** Frames that were not whole, when it was started. */
  #brokenBefore = 0;

  constructor(camera: string, settings: PartSettings, world: CameraWorld, listener: PartListener) {
    this.#camera = camera;
    this.#settings = settings;
    this.#world = world;
    this.#clock = world.clock;
    this.#changedUs = world.clock.nowUs();
    const { part, pool, startMs, limits } = settings;
    this.#worker = new CameraWorker(camera, part, world.command, limits, world, {
      changed: (state) => this.#workerIs(state),
      is: (state) => this.#actor.send({ type: state === "paused" ? "paused" : pool === null ? "frame" : "resumed" }),
      faulted: (fault) => {
        if (lasting.has(fault.code)) this.#actor.send({ type: "doomed", fault: fault.toValue() });
      },
    });
    const actions = {
      prepare: () => void this.#prepare(),
      discard: () => this.#discard(),
      begin: () => {
        this.#frameUs = null;
        this.#brokenBefore = this.#worker.counters.truncated;
        this.#worker.send({ type: "start" });
      },
      end: () => this.#worker.send({ type: "stop" }),
      kill: () => this.#worker.send({ type: "stop", hard: true }),
      giveUp: () => this.#giveUp(`has brought ${pool === null ? "nothing" : "no frame"} within ${Math.round(startMs)} ms`),
    };
    let before: CameraState = "stopped";
    const inspect = afterEach((event) => {
      const { state } = this;
      const hasChanged = state !== before;
      before = state;
      if (hasChanged) this.#became(state);
      listener.told(event);
      if (hasChanged) listener.changed();
    });
    this.#actor = createActor(cameraMachine.provide({ actions }), { input: { startMs }, clock: xstateClock(world.clock), inspect });
    this.#actor.start();
  }

  get state(): CameraState {
    const { value } = this.#actor.getSnapshot();
    if (typeof value === "string") return value;
    return "starting" in value ? "starting" : "stopping";
  }

  get stateMs(): number {
    return (this.#clock.nowUs() - this.#changedUs) / 1000;
  }

  /** Since its last frame was published, in ms; null: none was since it was started. */
  get frameMs(): number | null {
    return this.#frameUs === null ? null : (this.#clock.nowUs() - this.#frameUs) / 1000;
  }

  /** Why it failed last, since somebody started it. */
  get fault(): ErrorValue | null {
    return this.#actor.getSnapshot().context.fault;
  }

  get isPaused(): boolean {
    return this.#actor.getSnapshot().context.isPaused;
  }

  get process(): ProcessInfo {
    return this.#worker.info;
  }

  get counters(): AllCounters {
    return this.#worker.counters;
  }

  /** It does what it is for, or would if it were not paused. */
  get works(): boolean {
    return this.state === "capturing" || this.state === "paused";
  }

  /** Nothing of it runs or is to. */
  get isAtRest(): boolean {
    return this.state === "stopped" || this.state === "failed";
  }

  /** Nobody wants it to work. It may yet have to end. */
  get isStopped(): boolean {
    const snapshot = this.#actor.getSnapshot();
    return snapshot.matches("stopped") || snapshot.matches({ stopping: "asked" }) || snapshot.matches({ stopping: "preparing" });
  }

  /** Whether it has this pool, or makes it. */
  owns(pool: string): boolean {
    return this.#pool !== "none" && this.#settings.pool?.name === pool;
  }

  start(): void {
    this.#actor.send({ type: "start" });
  }

  stop(hard = false): void {
    this.#actor.send({ type: "stop", hard });
  }

  /** Gives an order to its worker. Resolves when that is done, with the snapshot that it was to make. @throws HoldfastError what `CameraWorker.order` throws */
  async order(order: Order): Promise<CameraSnapshot | undefined> {
    const snapshot = await this.#worker.order(order).catch((error) => {
      throw this.#named(HoldfastError.from(error));
    });
    if (order.type === "pause") this.#actor.send({ type: "paused" });
    if (order.type === "resume") this.#actor.send({ type: "resumed" });
    return snapshot;
  }

  /** The time within which frames are to come is another one than before. */
  watchAnew(): void {
    this.#watch(this.state);
  }

  /** A client says that it is its worker. @returns the subscription of its orders @throws HoldfastError `FORBIDDEN`, `LIMIT_SUBSCRIPTIONS` */
  attach(client: Client): number {
    const { number } = this.#worker.attach(client);
    this.#worker.signUs = this.#clock.nowUs();
    return number;
  }

  /** @throws HoldfastError `FORBIDDEN` */
  report(client: Client, report: RequestOf<"camera.report">): void {
    this.#worker.report(client, report);
    if (this.#stallMs === null) this.#worker.signUs = this.#clock.nowUs();
  }

  /** A client has published a frame into its pool. */
  published(client: Client): void {
    if (!this.#worker.isAttached(client)) return;
    this.#frameUs = this.#clock.nowUs();
    this.#worker.signUs = this.#frameUs;
    if (this.state === "starting") this.#actor.send({ type: "frame" });
  }

  /** Why it does not work, as a caller is told. */
  failure(): HoldfastError {
    const { state, fault } = this;
    if (fault !== null && (state === "backoff" || state === "failed")) return this.#named(HoldfastError.fromValue(fault));
    return new HoldfastError("CAMERA_STOPPED", `${this.#name} is ${state}`, this.#details);
  }

  /** What its worker says, with whose that is. */
  #named({ code, message, details }: HoldfastError): HoldfastError {
    return new HoldfastError(code, `${this.#name}: ${message}`, { ...details, ...this.#details });
  }

  get #name(): string {
    const { part } = this.#settings;
    return `camera ${this.#camera}${part === "capture" ? "" : `, ${part}`}`;
  }

  get #details() {
    return { field: "camera", camera: this.#camera, part: this.#settings.part, state: this.state };
  }

  /** For how long no frame may come now, in ms; null: any report will do. One that is paused has nothing else to show. */
  get #stallMs(): number | null {
    return this.state === "paused" ? null : this.#settings.stallMs();
  }

  async #prepare(): Promise<void> {
    if (this.#pool === "making") return;
    this.#pool = "making";
    const { pool } = this.#settings;
    try {
      if (pool !== null) await this.#world.pools.create(pool.name, pool.settings);
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
    const { pool } = this.#settings;
    if (pool !== null) void Promise.resolve(this.#world.pools.remove(pool.name)).catch(() => {});
  }

  #workerIs(state: ProcessState): void {
    const type = meaning[state];
    if (type === null) return;
    if (type === "ending" || type === "failed") {
      const fault = this.#worker.fault?.toValue() ?? null;
      if (type === "ending") return this.#actor.send({ type, fault });
      const ended = `its ${this.#settings.part} process has ended`;
      return this.#actor.send({ type, fault: fault ?? { code: "CAMERA_FAILED", message: ended } });
    }
    this.#actor.send({ type });
  }

  #giveUp(why: string): void {
    const broken = this.#worker.counters.truncated - this.#brokenBefore;
    const others = broken > 0 ? `, but ${broken} that ${broken === 1 ? "is" : "are"} not whole` : "";
    this.#worker.fail(new HoldfastError("CAMERA_STALLED", `it ${why}${others}`));
  }

  #became(state: CameraState): void {
    this.#changedUs = this.#clock.nowUs();
    this.#watch(state);
    this.#tell(state);
  }

  /** Waits for frames while it works, or for its worker's reports. */
  #watch(state: CameraState): void {
    this.#watchdog?.stop();
    this.#watchdog = null;
    if (state !== "capturing" && state !== "paused") return;
    const periodUs = () => 1000 * (this.#stallMs ?? LONGEST_SILENCE_MS);
    const dueUs = () => Math.max(this.#worker.signUs, this.#changedUs) + periodUs();
    this.#watchdog = new Watchdog(this.#clock, periodUs(), dueUs, () => {
      const lacks = this.#stallMs === null ? "said nothing" : "brought no frame";
      this.#giveUp(`has ${lacks} for ${Math.round(periodUs() / 1000)} ms`);
    });
  }

  #tell(state: CameraState): void {
    const { log } = this.#world;
    const { fault } = this;
    const { part } = this.#settings;
    const about = { camera: this.#camera, part };
    const failed = { ...about, ...(fault && { code: fault.code, reason: fault.message }) };
    const subject = subjects[part];
    if (state === "backoff") log.warn(failed, `${subject} has failed: it is started again`);
    else if (state === "failed") log.error(failed, `${subject} has failed: it is not started again`);
    else if (this.works || state === "stopped") {
      const runs = this.works ? "runs" : "has ended";
      log.info(about, `${subject} ${part === "capture" ? `is ${state}` : runs}`);
    }
  }
}
