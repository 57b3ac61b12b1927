import type { CameraTable } from "../protocol/camera-table.ts";
import type { HoldfastError } from "../protocol/errors.ts";
import type {
  ActorInfo,
  CameraInfo,
  CameraOrders,
  CameraSnapshot,
  Event,
  EventOf,
  PinInfo,
  PoolInfo,
  ProcessInfo,
  ReplyOf,
  TopicInfo,
  UserActorInfo,
} from "../protocol/replies.ts";
import type { ActorEvent, CameraPartName, Fields, Level, Op, PoolSettings } from "../protocol/requests.ts";
import { EventStream } from "./event-stream.ts";
import { FramePool, type PoolClient } from "./frame-pool.ts";
import { type InputOptions, InputPin, type OutputOptions, OutputPin, type PinName } from "./held-pin.ts";
import type { Dial } from "./link.ts";
import { Session, type SessionOptions } from "./session.ts";
import { Subscriptions } from "./subscriptions.ts";

/** How a client connects. */
export interface ClientOptions extends SessionOptions {
  /** Told when the connection is lost, and when it is back. */
  readonly onConnection?: (state: "lost" | "back") => void;
  /** Told of each pin that could not be opened again with the connection: this client does not hold it any more. */
  readonly onGivenUp?: (pin: string, error: HoldfastError) => void;
}

/** How a message is published. */
export interface TopicOptions {
  /** The topic keeps the value, and tells it to whoever subscribes later. Default false. */
  readonly retain?: boolean;
}

/** What a process of a camera is to do, and what it is told while it does so. */
export interface CameraAttachment {
  readonly settings: CameraOrders;
  readonly orders: EventStream<EventOf<"order">>;
}

/**
 * How long a pin may take to close for the connection that was lost, in ms, before it is given up: what was commanded there
 * still runs.
 */
const REOPEN_WAIT_MS = 60_000;

/** A client of a supervisor, over a socket or in its own process. Requests may be sent without waiting for replies. */
export class HoldfastClient implements AsyncDisposable {
  readonly #options: ClientOptions;
  readonly #session: Session;
  readonly #subscriptions = new Subscriptions((op, fields, arrived) => this.#session.request(op, fields, arrived));
  readonly #opened = new Set<OutputPin | InputPin>();
  readonly #pools = new Set<FramePool>();
  readonly #poolClient: PoolClient = {
    request: (op, fields, arrived) => this.#session.request(op, fields, arrived),
    subscriptions: this.#subscriptions,
    connection: () => this.#session.connection,
  };

  private constructor(dial: Dial, options: ClientOptions, token: string | undefined) {
    this.#options = options;
    this.#session = new Session(dial, options, token, {
      event: (event) => this.#subscriptions.deliver(event),
      lost: () => this.#subscriptions.lost(),
      changed: (state) => this.#tell(() => this.#options.onConnection?.(state)),
      restore: () => this.#restore(),
      over: (failure) => this.#subscriptions.finish(failure),
    });
  }

  /**
   * @param token that shows which rights the client has, where it is asked for
   * @throws HoldfastError `NOT_RUNNING`, `PERMISSION_DENIED`, `TLS_FAILED`, `FORBIDDEN`, `BAD_PROTOCOL`, `LIMIT_CLIENTS`
   */
  static async over(dial: Dial, options: ClientOptions = {}, token?: string): Promise<HoldfastClient> {
    const client = new HoldfastClient(dial, options, token);
    await client.#session.open();
    return client;
  }

  /**
   * Sends any request of the protocol.
   * @throws HoldfastError what the supervisor answers; `DISCONNECTED`
   */
  request<O extends Op>(op: O, fields: Fields<O>): Promise<ReplyOf<O>> {
    return this.#session.request(op, fields);
  }

  /** Holds a pin as an output. @throws HoldfastError `PIN_BUSY`, `PIN_CONFLICT`, `PIN_CLOSING`, `LINE_BUSY`, … */
  output(pin: PinName, options: OutputOptions = {}): Promise<OutputPin> {
    return this.#open(new OutputPin(this, String(pin), options, (closed) => this.#opened.delete(closed)));
  }

  /** Holds a pin as an input. @throws HoldfastError `PIN_CONFLICT`, `PIN_BUSY`, `LINE_BUSY`, … */
  input(pin: PinName, options: InputOptions = {}): Promise<InputPin> {
    return this.#open(new InputPin(this, String(pin), options, (closed) => this.#opened.delete(closed)));
  }

  /** The level of any pin now; it need not be open. */
  read(pin: PinName): Promise<ReplyOf<"read">> {
    return this.request("read", { pin: String(pin) });
  }

  /** What a pin does, from now on: a snapshot, then an event for each change of state or command. It need not be open. */
  observe(pin: PinName): Promise<EventStream<EventOf<"state">>> {
    return this.subscribe("observe", { pin: String(pin) });
  }

  /**
   * A sign of life, as any request is one: it keeps what was opened with `heartbeatMs`. The library never sends it by itself, for it
   * would go on where the program hangs: call it where the program's work goes on.
   */
  async ping(): Promise<void> {
    await this.request("ping", {});
  }

  /**
   * Makes a pool of frames.
   * @throws HoldfastError `POOL_EXISTS`, `FORMAT_UNKNOWN`, `MEMORY_FULL`, `MEMORY_FAILED`, `LIMIT_POOLS`, …
   */
  async createPool(name: string, settings: PoolSettings): Promise<FramePool> {
    return this.#use(await this.request("pool.create", { ...settings, pool: name }));
  }

  /** A pool that there is, whoever made it. @throws HoldfastError `POOL_UNKNOWN`, `POOL_GONE`, `PERMISSION_DENIED`, `MEMORY_FAILED` */
  async pool(name: string): Promise<FramePool> {
    const pool = this.#use(await this.request("pool.open", { pool: name }));
    try {
      return pool.map();
    } catch (error) {
      await pool.close();
      throw error;
    }
  }

  /** Every pool, with its slots and who holds them. */
  async pools(): Promise<PoolInfo[]> {
    return (await this.request("pools", {})).pools;
  }

  /**
   * Tells everyone who has subscribed to a topic. A value is anything that CBOR carries: numbers, texts, bytes, lists, maps, true, false, null.
   * Without one, which is `undefined`, it is a mere sign; with `retain` it takes away the value that the topic keeps.
   * @returns how many subscriptions are told
   * @throws HoldfastError `LIMIT_TOPICS`, `LIMIT_MESSAGE`, `FORBIDDEN`
   */
  async publish(topic: string, value?: unknown, { retain = false }: TopicOptions = {}): Promise<number> {
    return (await this.request("topic.publish", { topic, value, retain })).subscribers;
  }

  /**
   * The messages of topics, from now on: `door/+/state`, `door/#`. Those that keep a value tell it first, and again after a reconnection.
   * @throws HoldfastError `LIMIT_SUBSCRIPTIONS`, `FORBIDDEN`
   */
  topic(filter: string): Promise<EventStream<EventOf<"message">>> {
    return this.subscribe("topic.subscribe", { topic: filter });
  }

  /** Every topic that keeps a value, without the values. */
  async topics(): Promise<TopicInfo[]> {
    return (await this.request("topics", {})).topics;
  }

  /** Every supervised process; none for a client without the right `admin`. */
  async processes(): Promise<ProcessInfo[]> {
    return (await this.request("processes", {})).processes;
  }

  /** Starts a process, after those that it needs; resolves when it runs or has ended well. @throws HoldfastError `PROCESS_UNKNOWN`, `PROCESS_FAILED`, `FORBIDDEN` */
  startProcess(process: string): Promise<ProcessInfo> {
    return this.request("process.start", { process });
  }

  /** Asks a process to end, or ends it at once; resolves when nobody of its group is left. @throws HoldfastError `PROCESS_UNKNOWN`, `FORBIDDEN` */
  stopProcess(process: string, { hard = false }: { readonly hard?: boolean } = {}): Promise<ProcessInfo> {
    return this.request("process.stop", { process, hard });
  }

  /** The one, then the other. @throws HoldfastError `PROCESS_UNKNOWN`, `PROCESS_FAILED`, `FORBIDDEN` */
  restartProcess(process: string): Promise<ProcessInfo> {
    return this.request("process.restart", { process });
  }

  /** Every camera whose pool this client may use. */
  async cameras(): Promise<CameraInfo[]> {
    return (await this.request("cameras", {})).cameras;
  }

  /** Starts a camera; resolves when its first frame is in its pool. @throws HoldfastError `CAMERA_UNKNOWN`, `FORBIDDEN`, and why it does not capture: `DEVICE_BUSY`, `CAMERA_STALLED`, … */
  startCamera(camera: string): Promise<CameraInfo> {
    return this.request("camera.start", { camera });
  }

  /** Ends a camera's capture, softly or at once; resolves when nothing is left of it, its pool included. @throws HoldfastError `CAMERA_UNKNOWN`, `FORBIDDEN` */
  stopCamera(camera: string, { hard = false }: { readonly hard?: boolean } = {}): Promise<CameraInfo> {
    return this.request("camera.stop", { camera, hard });
  }

  /** Has a camera publish nothing until it is resumed or started anew; its device stays open. @throws HoldfastError `CAMERA_UNKNOWN`, `CAMERA_STOPPED`, … */
  pauseCamera(camera: string): Promise<CameraInfo> {
    return this.request("camera.pause", { camera });
  }

  /** Has a camera that is paused publish again. @throws HoldfastError `CAMERA_UNKNOWN`, `CAMERA_STOPPED`, … */
  resumeCamera(camera: string): Promise<CameraInfo> {
    return this.request("camera.resume", { camera });
  }

  /** Has a camera bring more or fewer frames a second; resolves with the first of them. @throws HoldfastError `CAMERA_UNKNOWN`, `CAMERA_STOPPED`, … */
  setCameraFps(camera: string, fps: number): Promise<CameraInfo> {
    return this.request("camera.fps", { camera, fps });
  }

  /** Begins or ends the preview of a camera, in the pool `NAME-preview`; resolves when its first frame is there, or nothing of it is left. @throws HoldfastError `CAMERA_UNKNOWN`, `CAMERA_STOPPED`, … */
  previewCamera(camera: string, on: boolean): Promise<CameraInfo> {
    return this.request("camera.preview", { camera, on });
  }

  /** Begins or ends to save what a camera captures, as it is configured; resolves when something is written, or all of it. @throws HoldfastError `CAMERA_UNKNOWN`, `CAMERA_STOPPED`, `SAVE_FAILED`, `BAD_CONFIG`, … */
  saveCamera(camera: string, on: boolean): Promise<CameraInfo> {
    return this.request("camera.save", { camera, on });
  }

  /** Saves the next frame of a camera as a JPEG picture in the folder that is configured; resolves when its file is there. @throws HoldfastError `CAMERA_UNKNOWN`, `CAMERA_STOPPED`, `SAVE_FAILED`, `BAD_CONFIG`, … */
  snapshotCamera(camera: string): Promise<CameraSnapshot> {
    return this.request("camera.snapshot", { camera });
  }

  /** Adds a camera until the supervisor ends, and starts it unless `autostart` is false. @throws HoldfastError `CAMERA_EXISTS`, `DEVICE_BUSY`, `FORBIDDEN` */
  createCamera(camera: string, table: CameraTable): Promise<CameraInfo> {
    return this.request("camera.create", { ...table, camera });
  }

  /** Ends a camera for good; resolves when nothing is left of it. One that is configured is back with the next reading of the configuration. @throws HoldfastError `CAMERA_UNKNOWN`, `FORBIDDEN` */
  async removeCamera(camera: string): Promise<void> {
    await this.request("camera.remove", { camera });
  }

  /**
   * For the processes of cameras, which the supervisor starts: this client is one of them.
   * @returns what it is to do, and what it is told later
   * @throws HoldfastError `CAMERA_UNKNOWN`, `FORBIDDEN`
   */
  async attachCamera(camera: string, part: CameraPartName): Promise<CameraAttachment> {
    const orders: EventStream<EventOf<"order">> = new EventStream<EventOf<"order">>(() => this.#subscriptions.leave(orders));
    const { settings } = await this.#subscriptions.add(orders, "camera.attach", { camera, part });
    return { settings, orders };
  }

  /** What there is: the supervisor, and below it open pins, pools and their slots, processes, clients and users' actors, as far as this client may see them. */
  async actors(address?: string): Promise<ActorInfo[]> {
    return (await this.request("actors", { address })).actors;
  }

  /** What an actor is: its machine, and the events that it takes. @throws HoldfastError `ACTOR_UNKNOWN`, `FORBIDDEN` */
  describeActor(address: string): Promise<ReplyOf<"actor.describe">> {
    return this.request("actor.describe", { address });
  }

  /**
   * Sends an actor an event; resolves when it has taken it. Of pins, pools, processes and the supervisor events are the operations of the
   * protocol: `send("pin/GPIO17", { type: "on", durationMs: 500 })`.
   * @throws HoldfastError `ACTOR_UNKNOWN`, `EVENT_UNKNOWN`, `EVENT_INVALID`, `FORBIDDEN`, and what the operation throws
   */
  async send(address: string, event: ActorEvent): Promise<void> {
    await this.request("actor.send", { address, event });
  }

  /**
   * The same, and what the actor answers; of an operation its reply.
   * @throws HoldfastError as `send`; `ASK_TIMEOUT`: it may yet do what it was asked
   */
  async ask(address: string, event: ActorEvent, { timeoutMs }: { readonly timeoutMs?: number } = {}): Promise<unknown> {
    return (await this.request("actor.ask", { address, event, timeoutMs })).reply;
  }

  /** What an actor does, from now on: the state that it is in, then each transition. @throws HoldfastError `ACTOR_UNKNOWN`, `FORBIDDEN` */
  observeActor(address: string): Promise<EventStream<EventOf<"transition">>> {
    return this.subscribe("observe", { address });
  }

  /**
   * The same of an actor and all below it, of those that come to be, too; with the edges of its pins that this client may watch.
   * @param address default: all that this client may see
   */
  trace(address?: string): Promise<EventStream<EventOf<"transition"> | EventOf<"edge">>> {
    return this.subscribe("trace", { address });
  }

  /** Starts a user's actor; resolves when it runs or has ended well. @throws HoldfastError `ACTOR_UNKNOWN`, `ACTOR_FAILED`, `FORBIDDEN` */
  startActor(actor: string): Promise<UserActorInfo> {
    return this.request("actor.start", { actor });
  }

  /** Asks a user's actor to end, or ends it at once; resolves when nothing is left of it. @throws HoldfastError `ACTOR_UNKNOWN`, `FORBIDDEN` */
  stopActor(actor: string, { hard = false }: { readonly hard?: boolean } = {}): Promise<UserActorInfo> {
    return this.request("actor.stop", { actor, hard });
  }

  /** The one, then the other. @throws HoldfastError `ACTOR_UNKNOWN`, `ACTOR_FAILED`, `FORBIDDEN` */
  restartActor(actor: string): Promise<UserActorInfo> {
    return this.request("actor.restart", { actor });
  }

  /**
   * Has the supervisor read its configuration again, and swap users' actors whose files have changed.
   * @throws HoldfastError `BAD_CONFIG`, `BAD_ACTOR`, `ACTOR_FAILED`, `FORBIDDEN`
   */
  async reload(): Promise<void> {
    await this.request("reload", {});
  }

  /** Every line of every chip. */
  async pins(): Promise<PinInfo[]> {
    return (await this.request("pins", {})).pins;
  }

  status(): Promise<ReplyOf<"status">> {
    return this.request("status", {});
  }

  /** Drives the wire of a simulated line from outside, to a physical level; null lets go. @throws HoldfastError `NOT_SIMULATED` */
  async simSet(pin: PinName, level: Level | null): Promise<void> {
    await this.request("sim.set", { pin: String(pin), level });
  }

  /** Wires two simulated lines together. @throws HoldfastError `NOT_SIMULATED` */
  async simWire(pin: PinName, to: PinName): Promise<void> {
    await this.request("sim.wire", { pin: String(pin), to: String(to) });
  }

  /** Ends the supervisor, softly or at once. */
  async shutdown({ hard = false }: { readonly hard?: boolean } = {}): Promise<void> {
    await this.request("shutdown", { hard });
  }

  /** Ends the connection. What the client holds is closed softly, or stays, as it was opened. */
  async close(): Promise<void> {
    for (const pool of [...this.#pools]) pool.end();
    await this.#session.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** A stream of events that outlives a reconnection. @throws HoldfastError as the operation does */
  async subscribe<E extends Event, O extends "watch" | "observe" | "trace" | "topic.subscribe">(
    op: O,
    fields: Fields<O>,
  ): Promise<EventStream<E>> {
    const stream: EventStream<E> = new EventStream<E>(() => this.#subscriptions.leave(stream));
    await this.#subscriptions.add(stream, op, fields);
    return stream;
  }

  async #open<P extends OutputPin | InputPin>(pin: P): Promise<P> {
    await pin.open();
    this.#opened.add(pin);
    return pin;
  }

  #use(layout: ReplyOf<"pool.open">): FramePool {
    const pool = new FramePool(this.#poolClient, layout, (done) => this.#pools.delete(done));
    this.#pools.add(pool);
    return pool;
  }

  /** Tells the program. What it throws is no reason to stay without a connection, and is shown as a warning. */
  #tell(told: () => void): void {
    try {
      told();
    } catch (error) {
      process.emitWarning(error instanceof Error ? error : String(error));
    }
  }

  /**
   * Opens again what was open, and subscribes again. What can't be had any more is given up: of a pin the program is told, and
   * a stream ends with the error.
   */
  async #restore(): Promise<void> {
    const giveUp = (error: HoldfastError, act: () => void) => {
      if (error.code === "DISCONNECTED") throw error;
      act();
    };
    const reopen = (pin: OutputPin | InputPin) =>
      pin.reopen(REOPEN_WAIT_MS).catch((error) =>
        giveUp(error, () => {
          this.#opened.delete(pin);
          this.#tell(() => this.#options.onGivenUp?.(pin.name, error));
        }),
      );
    // All at once, so that one which still has to close keeps none of the others waiting.
    await Promise.all([...this.#opened].map(reopen));
    await Promise.all([...this.#pools].map((pool) => pool.restore()));
    await this.#subscriptions.restore();
  }
}
