import type { SupervisedEvent } from "../../../actors/supervised.ts";
import { HoldfastError } from "../../protocol/errors.ts";
import type { ProcessTable } from "../../protocol/process-table.ts";
import type { CameraSnapshot, EventOf, ProcessInfo, ProcessState } from "../../protocol/replies.ts";
import type { CameraCounters, CameraPartName, RequestOf } from "../../protocol/requests.ts";
import type { Client } from "../client.ts";
import { type ProcessWorld, SupervisedProcess } from "../processes/supervised-process.ts";
import type { Subscription } from "../subscription.ts";

/** What a worker is told to do while it runs. */
export type Order = Omit<EventOf<"order">, "sub" | "ev" | "order">;

/** Every counter. */
export type AllCounters = { readonly [C in keyof CameraCounters]-?: number };

/** Who is told of a worker. */
export interface WorkerHooks {
  /** Its process has another state. */
  changed(state: ProcessState): void;
  /** It does from now on what it says. */
  is(state: "running" | "paused"): void;
  /** It says why it is about to end. */
  faulted(fault: HoldfastError): void;
}

/** So many restarts no camera has in the window: one that is unplugged may stay so for long. */
const ENDLESS = { restartLimit: Number.MAX_SAFE_INTEGER, restartWindowMs: 600_000 };

/** One of the processes of a camera: the process, its connection, and what it is told and tells over it. */
export class CameraWorker {
  readonly #name: string;
  readonly #world: ProcessWorld;
  readonly #hooks: WorkerHooks;
  readonly #process: SupervisedProcess;
  /** Null: it has not said which worker it is. */
  #attached: { readonly client: Client; readonly subscription: Subscription } | null = null;
  /** Who waits for the answer to an order, by its number. */
  readonly #orders = new Map<number, { resolve: (snapshot?: CameraSnapshot) => void; reject: (error: HoldfastError) => void }>();
  #lastOrder = 0;
  /** Why the process that runs has failed, or the last one had. */
  #fault: HoldfastError | null = null;
  /** By processes that have ended, and by the one that runs. */
  #countedBefore: CameraCounters = {};
  #counted: CameraCounters = {};
  /** When it last showed that it works. */
  signUs = 0;

  /** @param command that runs `holdfast` */
  constructor(
    readonly camera: string,
    readonly part: CameraPartName,
    command: readonly string[],
    settings: Pick<ProcessTable, "restart" | "backoffMs" | "maxBackoffMs" | "graceMs">,
    world: ProcessWorld,
    hooks: WorkerHooks,
  ) {
    this.#name = `${camera} ${part}`;
    this.#world = world;
    this.#hooks = hooks;
    const table = { ...ENDLESS, ...settings, command: [...command, "camera-worker", part, camera] };
    const own = {
      waits: () => this.#process.send({ type: "cleared" }),
      changed: () => this.#changed(),
    };
    // One of them may have the device.
    this.#process = new SupervisedProcess(`camera/${camera}/${part}`, table, world, own, { isWhole: true });
  }

  get pid(): number | null {
    return this.#process.pid;
  }

  /** What `processes` would show of it. */
  get info(): ProcessInfo {
    return this.#process.info([]);
  }

  /** Why it has failed: what it has said itself, or how it has ended. Null: it has ended as it should. */
  get fault(): HoldfastError | null {
    const { end } = this.info;
    if (this.#fault !== null) return this.#fault;
    if (end === null || (end.reason === "exited" && end.status === 0)) return null;
    const { code, message } = this.#process.failure();
    const isMissing = code === "PROGRAM_MISSING";
    return new HoldfastError(
      isMissing ? code : "CAMERA_FAILED",
      isMissing ? message : `its ${this.part} process ${this.#process.endInWords}`,
    );
  }

  /** All that its processes have counted. */
  get counters(): AllCounters {
    const { frames = 0, skipped = 0, discarded = 0, truncated = 0, files = 0, bytes = 0 } = sum(this.#countedBefore, this.#counted);
    return { frames, skipped, discarded, truncated, files, bytes };
  }

  send(event: SupervisedEvent): void {
    this.#process.send(event);
  }

  /** It is ended because of this, and then started again by its policy. */
  fail(fault: HoldfastError): void {
    this.#fault ??= fault;
    this.#process.send({ type: "silent" });
  }

  isAttached(client: Client): boolean {
    return this.#attached?.client === client;
  }

  /**
   * A client says that it is this worker.
   * @returns the subscription of its orders
   * @throws HoldfastError `FORBIDDEN`, `LIMIT_SUBSCRIPTIONS`
   */
  attach(client: Client): Subscription {
    const { pid, address } = client.peer;
    const { pid: own } = this.#process;
    if (pid === null || address !== null || own === null || this.#world.host.groupOf(pid) !== own) {
      throw new HoldfastError("FORBIDDEN", `this client is no process that ${this.#name} was started as`, { field: "camera" });
    }
    if (this.#attached !== null) throw new HoldfastError("FORBIDDEN", `${this.#name} is attached already`, { field: "camera" });
    const subscription = client.subscribe(() => {
      if (this.isAttached(client)) this.#detach();
    });
    this.#attached = { client, subscription };
    return subscription;
  }

  /** @throws HoldfastError `FORBIDDEN` */
  report(client: Client, { order, state, snapshot, counters, error }: RequestOf<"camera.report">): void {
    if (!this.isAttached(client)) throw new HoldfastError("FORBIDDEN", `this client is not attached as ${this.#name}`, { field: "camera" });
    const fault = error && HoldfastError.fromValue(error);
    if (counters !== undefined) this.#count(counters);
    if (state !== undefined) this.#hooks.is(state);
    if (order !== undefined) {
      const waiting = this.#orders.get(order);
      this.#orders.delete(order);
      if (fault === undefined) waiting?.resolve(snapshot);
      else waiting?.reject(fault);
    } else if (fault !== undefined) {
      this.#fault = fault;
      this.#hooks.faulted(fault);
    }
  }

  /**
   * Gives an order to it. Resolves when that is done, whoever has gone meanwhile, with the snapshot that it was to make.
   * @throws HoldfastError `CAMERA_STOPPED`, `CAMERA_FAILED`, and what the worker answers
   */
  async order(order: Order): Promise<CameraSnapshot | undefined> {
    const attached = this.#attached;
    if (attached === null) throw new HoldfastError("CAMERA_STOPPED", `its ${this.part} process can't be told now`, { field: "camera" });
    const number = ++this.#lastOrder;
    return new Promise((resolve, reject) => {
      this.#orders.set(number, { resolve, reject });
      const { number: sub } = attached.subscription;
      attached.subscription.push({ sub, ev: "order", order: number, ...order });
    });
  }

  #changed(): void {
    const { state } = this.#process;
    // The connection of a process may end later than that itself.
    if (state !== "running" && state !== "stopping") this.#detach();
    if (state === "starting") {
      this.#fault = null;
      this.#countedBefore = sum(this.#countedBefore, this.#counted);
      this.#counted = {};
    }
    this.#hooks.changed(state);
  }

  #detach(): void {
    this.#attached = null;
    const orders = [...this.#orders.values()];
    this.#orders.clear();
    for (const { reject } of orders) {
      reject(new HoldfastError("CAMERA_FAILED", `its ${this.part} process has ended before it has done so`, { field: "camera" }));
    }
  }

  #count(counters: CameraCounters): void {
    if ((counters.frames ?? 0) > (this.#counted.frames ?? 0)) this.signUs = this.#world.clock.nowUs();
    this.#counted = counters;
  }
}

function sum(one: CameraCounters, other: CameraCounters): CameraCounters {
  const names = [...new Set([...Object.keys(one), ...Object.keys(other)])] as (keyof CameraCounters)[];
  return Object.fromEntries(names.map((name) => [name, (one[name] ?? 0) + (other[name] ?? 0)]));
}
