import { type Actor, createActor } from "xstate";
import { supervisorMachine } from "../../actors/supervisor.ts";
import { RefusalLog } from "../access/refusal-log.ts";
import { type Clock, xstateClock } from "../clock/clock.ts";
import { type AccessTable, fullAccess } from "../protocol/access.ts";
import { addressOf } from "../protocol/addresses.ts";
import type { CameraTable } from "../protocol/camera-table.ts";
import { HoldfastError } from "../protocol/errors.ts";
import type { Limits } from "../protocol/limits.ts";
import type { ProcessTable } from "../protocol/process-table.ts";
import type { ClientInfo, ReplyOf } from "../protocol/replies.ts";
import type { Op, PinConfig, Request } from "../protocol/requests.ts";
import { version } from "../version.ts";
import { addressedClient } from "./addresses/addressed-client.ts";
import { Addresses } from "./addresses/addresses.ts";
import { afterEach } from "./addresses/after-each.ts";
import { addressedSupervisor, sourcesOf } from "./addresses/sources.ts";
import { Transitions } from "./addresses/transitions.ts";
import { CameraTopics } from "./cameras/camera-topics.ts";
import { Cameras } from "./cameras/cameras.ts";
import { Client, type Outlet, type Peer } from "./client.ts";
import { assertPermitted } from "./permission.ts";
import type { Pin } from "./pin.ts";
import { pinInfo } from "./pin-info.ts";
import { Pins } from "./pins.ts";
import { Pools } from "./pools/pools.ts";
import { SupervisedProcesses } from "./processes/supervised-processes.ts";
import { allRights } from "./rights.ts";
import { route } from "./route.ts";
import type { Surroundings } from "./surroundings.ts";
import { newTally } from "./tally.ts";
import { Topics } from "./topics/topics.ts";
import { type ActorParts, noActors } from "./user-actors/actor-parts.ts";
import { type ActorPlan, UserActors } from "./user-actors/user-actors.ts";

/** What a supervisor is made of. */
export interface SupervisorParts extends Omit<Surroundings, "tally" | "refusals" | "transitions"> {
  /** How long a soft shutdown may take before it becomes a hard one, in ms. */
  readonly drainMs: number;
  /** What the configuration says of pins, by their names; `*`: of all others. */
  readonly configuredPins?: Readonly<Record<string, PinConfig>>;
  /** What the configuration says of clients, by the names of its tables. */
  readonly access?: Readonly<Record<string, AccessTable>>;
  /** The processes to supervise, by their names. */
  readonly configuredProcesses?: Readonly<Record<string, ProcessTable>>;
  /** The cameras, by their names. */
  readonly configuredCameras?: Readonly<Record<string, CameraTable>>;
  /** What runs `holdfast`, for the processes of cameras; default: the program of this name in PATH. */
  readonly program?: readonly string[];
  /** The users' actors, and where they run; absent: there are none. */
  readonly actors?: ActorParts;
  /** Reads what was configured again, and obeys it; default: only the files of users' actors are looked at. */
  readonly reload?: () => Promise<void>;
  /** From 0 to 1, for the pauses before processes and actors are started again; default `Math.random`. */
  readonly chance?: () => number;
}

/** What may be said anew while a supervisor runs. */
export type Reconfiguration = Pick<
  SupervisorParts,
  "limits" | "configuredPins" | "configuredProcesses" | "configuredCameras" | "access"
> & {
  readonly actors?: ActorPlan;
};

/** Which part of all clients those from the network leave to this machine's own: however many come, its operator gets in. */
const LOCAL_SHARE = 1 / 4;

/** Any reply, without `id` and `ok`. */
export type Reply = ReplyOf<Op>;

/**
 * Owns every hardware handle. It knows no sockets: it takes `(client, request)` from any client.
 * A shutdown ends every process and then closes every pin softly, within the deadline; a second one does so at once.
 */
export class Supervisor {
  readonly #surroundings: Surroundings;
  readonly #actor: Actor<typeof supervisorMachine>;
  readonly #clients = new Map<number, Client>();
  /** Waits for what clients have asked for that need not. It never goes. */
  readonly #deputy: Client;
  readonly #startedUs: number;
  readonly #reload: () => Promise<void>;
  #lastClient = 0;
  readonly pins: Pins;
  readonly pools: Pools;
  readonly topics: Topics;
  readonly cameraTopics: CameraTopics;
  readonly processes: SupervisedProcesses;
  readonly cameras: Cameras;
  readonly addresses: Addresses;
  readonly actors: UserActors;
  /** Settles when no process and no actor runs, every line has been given back and every pool has been removed after a shutdown. */
  readonly stopped: Promise<void>;

  /** @throws HoldfastError `BAD_CONFIG`, what `GpioBackend.chips` throws */
  constructor({
    drainMs,
    configuredPins = {},
    configuredProcesses = {},
    configuredCameras = {},
    program = ["holdfast"],
    access = {},
    chance = Math.random,
    actors = noActors,
    reload,
    ...parts
  }: SupervisorParts) {
    const { clock, log, host } = parts;
    const transitions = new Transitions(clock);
    this.#surroundings = { ...parts, transitions, tally: newTally(), refusals: new RefusalLog(log, () => clock.nowUs() / 1000) };
    this.#startedUs = clock.nowUs();
    this.pins = new Pins(this.#surroundings, configuredPins, access, () => this.#tellIfDrained());
    this.pools = new Pools(
      this.#surroundings,
      () => this.#tellIfDrained(),
      (client, pool) => this.cameras.published(client, pool),
    );
    this.topics = new Topics(this.#surroundings);
    this.cameraTopics = new CameraTopics(this.topics, (client, request) => this.#obey(client, request));
    this.#deputy = new Client(0, deputy, { ready: true, deliver() {} }, this.#surroundings, { left() {}, gone() {} });
    const world = { host, clock, log, chance, transitions };
    this.processes = new SupervisedProcesses(configuredProcesses, world, () => this.#tellIfEnded());
    this.cameras = new Cameras(
      configuredCameras,
      { ...world, pools: this.pools, limits: this.#surroundings.limits, command: program },
      {
        is: (camera) => this.cameraTopics.show(camera.info()),
        gone: (name) => this.cameraTopics.gone(name),
        ended: () => this.#tellIfEnded(),
      },
    );
    const { plan, dial, ...around } = actors;
    this.actors = new UserActors(plan, { ...around, clock, log, chance, transitions, dial: (name) => dial(this, name) }, () =>
      this.#tellIfEnded(),
    );
    this.#reload = reload ?? (() => this.actors.reload());
    this.addresses = new Addresses(sourcesOf(this), transitions, (client, request) => this.#perform(client, request));
    const actions = {
      endPrograms: () => this.#endPrograms(false),
      closeAll: () => this.#shut(false),
      abortAll: () => {
        this.#endPrograms(true);
        this.#shut(true);
      },
    };
    const machine = supervisorMachine.provide({ actions });
    this.#actor = createActor(machine, {
      input: { drainMs },
      clock: xstateClock(clock),
      inspect: afterEach((event) => transitions.look(addressedSupervisor(this), event)),
    });
    this.stopped = new Promise((resolve) => this.#actor.subscribe({ complete: resolve }));
    void this.stopped.then(() => {
      for (const { outlet } of [...this.#clients.values()]) outlet.stopped?.();
    });
    this.#actor.start();
    this.#actor.send({ type: "started" });
  }

  /** Those that hold now. */
  get limits(): Limits {
    return this.#surroundings.limits;
  }

  get state(): ReplyOf<"status">["state"] {
    const { value } = this.#actor.getSnapshot();
    return typeof value === "string" ? (value as Exclude<typeof value, object>) : "draining";
  }

  /** Those that are there, and those of which something is left. */
  get clients(): readonly Client[] {
    return [...this.#clients.values()];
  }

  /**
   * A new client.
   * @throws HoldfastError `LIMIT_CLIENTS`, `SHUTTING_DOWN`
   */
  attach(peer: Peer, outlet: Outlet): Client {
    const { limits, tally, transitions } = this.#surroundings;
    if (this.state === "stopped") throw new HoldfastError("SHUTTING_DOWN", "the supervisor has stopped");
    const connected = [...this.#clients.values()].filter(({ state }) => state === "connected").length;
    const limit = peer.address === null ? limits.clients : limits.clients - Math.floor(limits.clients * LOCAL_SHARE);
    if (connected >= limit) throw new HoldfastError("LIMIT_CLIENTS", `the supervisor serves ${limit} clients at most`, { limit });
    const number = ++this.#lastClient;
    const client = new Client(number, peer, outlet, this.#surroundings, {
      left: () => {
        this.pools.leave(client);
        this.processes.left(client);
      },
      gone: () => {
        this.#clients.delete(number);
        transitions.gone(addressedClient(client), "settled");
      },
    });
    this.#clients.set(number, client);
    transitions.look(addressedClient(client), null);
    tally.clients += 1;
    this.processes.attached(client);
    return client;
  }

  /**
   * Does what a client asks, at once or in time.
   * @throws HoldfastError whatever is wrong with the request, thrown or as a rejection; nothing has changed then
   */
  request(client: Client, request: Request): Reply | Promise<Reply> {
    this.#surroundings.tally.requests += 1;
    client.heard(request);
    try {
      const reply = this.#perform(client, request);
      return reply instanceof Promise ? this.#follow(client, reply) : reply;
    } catch (thrown) {
      throw this.#report(client, thrown);
    }
  }

  /**
   * What the configuration says anew. Nothing has changed yet.
   * @returns what makes it hold: limits for what comes from then on, and what is said of pins and processes for those that there are, too
   * @throws HoldfastError `BAD_CONFIG`, what `GpioBackend.chips` throws
   */
  reconfigured({
    limits,
    configuredPins = {},
    configuredProcesses = {},
    configuredCameras = {},
    actors = noActors.plan,
    access = {},
  }: Reconfiguration): () => void {
    const applyToPins = this.pins.reconfigured(configuredPins, access, limits.maxOnMs);
    const applyToProcesses = this.processes.reconfigured(configuredProcesses);
    const applyToCameras = this.cameras.reconfigured(configuredCameras);
    const applyToActors = this.actors.reconfigured(actors);
    return () => {
      Object.assign(this.#surroundings.limits, limits);
      applyToPins();
      applyToCameras();
      applyToProcesses();
      applyToActors();
    };
  }

  /**
   * Has what was configured read again, and users' actors whose files have changed swapped; answers when that is decided.
   * @throws HoldfastError `BAD_CONFIG`, `BAD_ACTOR`, `ACTOR_FAILED`, `SHUTTING_DOWN`, `DISCONNECTED`
   */
  reload(client: Client): Promise<ReplyOf<"reload">> {
    return client.wait((resolve, reject) => {
      this.#reload().then(() => resolve({}), reject);
      return () => {};
    });
  }

  /** Starts the cameras and processes that are to run from the start on. */
  startAll(): void {
    // Whoever wants a camera's frames from the start on finds its pool in the making.
    this.cameras.startAll();
    this.processes.startAll();
    this.actors.startAll();
  }

  /** The rules of who may do what have changed. */
  review(): void {
    for (const client of [...this.#clients.values()]) if (client.state === "connected") client.review();
  }

  /** Ends the supervisor: softly, or when `hard` or asked again at once. */
  shutdown(hard = false): void {
    this.#surroundings.log.info({ hard: hard || this.state === "draining" }, "shutting down");
    this.#actor.send({ type: "shutdown", hard });
  }

  /** What `status` shows. @param asker sees what it may; none: everything */
  status(asker?: Client): ReplyOf<"status"> {
    const { backend, clock, tally } = this.#surroundings;
    const rights = asker?.rights ?? allRights;
    const isSeen = ({ named }: Pin) => rights.mayDo("read", named.lines);
    const isShown = (client: Client) => rights.isFull || client === asker || [...client.pins].some(isSeen);
    return {
      state: this.state,
      version,
      pid: process.pid,
      uptimeMs: (clock.nowUs() - this.#startedUs) / 1000,
      backend: backend.name,
      boardRevision: backend.revision,
      waves: backend.waves ?? null,
      counters: { ...tally },
      clients: [...this.#clients.values()].filter(isShown).map((client) => clientInfo(client, [...client.pins].filter(isSeen), clock)),
      pins: this.pins.open.filter(isSeen).map((pin) => pinInfo(pin.named, pin, clock, null)),
      pools: this.pools.all(rights),
      processes: this.processes.all(rights),
      cameras: this.cameras.all(rights),
      actors: this.actors.all(rights),
    };
  }

  #shut(hard: boolean): void {
    this.pins.shut(hard);
    this.pools.shut(hard);
  }

  #endPrograms(hard: boolean): void {
    this.cameras.shut(hard);
    this.processes.shut(hard);
    this.actors.shut(hard);
  }

  get #haveProgramsEnded(): boolean {
    return this.processes.areAtRest && this.cameras.areAtRest && this.actors.areAtRest;
  }

  #tellIfEnded(): void {
    if (!this.#haveProgramsEnded) return;
    this.#actor.send({ type: "ended" });
    this.#tellIfDrained();
  }

  #tellIfDrained(): void {
    if (this.pins.open.length === 0 && this.pools.isEmpty && this.#haveProgramsEnded) this.#actor.send({ type: "drained" });
  }

  /** What a client may ask is done for it, whether it is there to the end or not. @throws HoldfastError as `request` */
  async #obey(client: Client, request: Request): Promise<Reply> {
    try {
      if (client.isConfined) assertPermitted(client, request, this.pins);
    } catch (thrown) {
      throw this.#report(client, thrown);
    }
    return this.request(this.#deputy, request);
  }

  /** What a request asks, also one that an event is. @throws HoldfastError as `request` */
  #perform(client: Client, request: Request): Reply | Promise<Reply> {
    const { limits } = this.#surroundings;
    if (client.state !== "connected") throw new HoldfastError("DISCONNECTED", "this client has gone");
    if (client.pending >= limits.pendingRequests && mayWait(request)) {
      throw new HoldfastError("LIMIT_PENDING", `a client may have ${limits.pendingRequests} unanswered requests`, {
        limit: limits.pendingRequests,
      });
    }
    if (client.isConfined) assertPermitted(client, request, this.pins);
    return route(this, client, request);
  }

  async #follow(client: Client, reply: Promise<Reply>): Promise<Reply> {
    client.pending += 1;
    try {
      return await reply;
    } catch (thrown) {
      throw this.#report(client, thrown);
    } finally {
      client.pending -= 1;
    }
  }

  #report(client: Client, thrown: unknown): HoldfastError {
    const { log, tally } = this.#surroundings;
    const error = HoldfastError.from(thrown);
    tally.errors += 1;
    if (error.code === "INTERNAL") log.error({ err: error.cause ?? error }, "a request failed in a way that it must not");
    if (error.code === "FORBIDDEN") client.logRefusal(error);
    return error;
  }
}

/** Where the supervisor itself comes from. */
const deputy: Peer = {
  transport: "in-process",
  address: null,
  name: "supervisor",
  pid: process.pid,
  uid: null,
  access: () => fullAccess,
};

/** Requests that may wait for a slot, for memory that is being made, or for a process or an actor. */
const waiting: ReadonlySet<Op> = new Set<Op>([
  "slot.acquire",
  "pool.create",
  "pool.open",
  "pool.remove",
  "process.start",
  "process.stop",
  "process.restart",
  "camera.start",
  "camera.stop",
  "camera.pause",
  "camera.resume",
  "camera.fps",
  "camera.preview",
  "camera.save",
  "camera.snapshot",
  "camera.remove",
  "actor.start",
  "actor.stop",
  "actor.restart",
  "reload",
]);

/** Whether a reply may be long in coming. Nobody is kept from anything else, least of all from stopping a pin. */
function mayWait(request: Request): boolean {
  if (request.op === "close") return request.hard !== true;
  if (waiting.has(request.op)) return true;
  // What others take as events are operations, which are asked for by themselves.
  if (request.op === "actor.send" || request.op === "actor.ask") return addressOf(request.address).kind === "actor";
  return (
    ("ack" in request && (request.ack === "started" || request.ack === "done")) || ("waitMs" in request && request.waitMs !== undefined)
  );
}

function clientInfo(client: Client, pins: readonly Pin[], clock: Clock): ClientInfo {
  const { number, name, peer, state, connectedUs, subscriptions, pending } = client;
  return {
    client: number,
    name,
    transport: peer.transport,
    address: peer.address,
    state,
    pid: peer.pid,
    uid: peer.uid,
    connectedMs: (clock.nowUs() - connectedUs) / 1000,
    pins: pins.map((pin) => pin.name),
    subscriptions,
    pending,
  };
}
