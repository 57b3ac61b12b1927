import { inspect } from "node:util";
import { type ClientOptions, HoldfastClient } from "../client/client.ts";
import { type Clock, timestampNs } from "../clock/clock.ts";
import type { SimulatedClock } from "../clock/simulated.ts";
import type { SharedMemory } from "../frames/memory.ts";
import { SimSharedMemory } from "../frames/sim.ts";
import type { PwmOutputs } from "../gpio/backend.ts";
import { SimBackend, type SimChip } from "../gpio/sim.ts";
import type { ProcessSpec } from "../processes/process-host.ts";
import { SimProcesses } from "../processes/sim.ts";
import { SimProcessHost, type SimProgram } from "../processes/sim-host.ts";
import type { AccessTable } from "../protocol/access.ts";
import type { CameraTable } from "../protocol/camera-table.ts";
import { defaultLimits, type Limits } from "../protocol/limits.ts";
import type { ProcessTable } from "../protocol/process-table.ts";
import type { PinInfo, ReplyOf } from "../protocol/replies.ts";
import type { PinConfig } from "../protocol/requests.ts";
import type { Peer } from "../supervisor/client.ts";
import { Supervisor } from "../supervisor/supervisor.ts";
import type { ActorParts } from "../supervisor/user-actors/actor-parts.ts";
import { inProcess } from "../transports/in-process.ts";
import { RestlessClock } from "./restless-clock.ts";
import { ScriptedClient } from "./scripted-client.ts";
import { Wire } from "./wire.ts";

/** What a world is to differ in. */
export interface WorldOptions {
  readonly limits?: Partial<Limits>;
  /** How long a soft shutdown may take, in ms; default 10 000. */
  readonly drainMs?: number;
  /** What the configuration says of pins. */
  readonly pins?: Readonly<Record<string, PinConfig>>;
  /** What it says of clients. */
  readonly access?: Readonly<Record<string, AccessTable>>;
  /** Where pools are made; default: nowhere. Clients of `connect` and actors need a `FolderSharedMemory` to see frames. */
  readonly memory?: SharedMemory;
  /** Default: the 40-pin header of a Raspberry Pi. */
  readonly chips?: readonly SimChip[];
  /** Channels of hardware PWM beside the simulated chips. */
  readonly pwm?: PwmOutputs;
  /** The processes to supervise. */
  readonly processes?: Readonly<Record<string, ProcessTable>>;
  /** The cameras. Their processes run `holdfast camera-worker`. */
  readonly cameras?: Readonly<Record<string, CameraTable>>;
  /** What their programs do; default: they run until they are ended. */
  readonly programOf?: (spec: ProcessSpec) => SimProgram;
  /**
   * Users' actors, and where they run.
   * @internal
   */
  readonly actors?: (clock: Clock) => ActorParts;
  /** The chance in the pauses before they are started again. */
  readonly chance?: () => number;
}

/** A supervisor with its simulated chips, memory, processes and time, and the defects that it reported. Nothing in it sleeps. */
export class World {
  readonly #clock = new RestlessClock();
  readonly #beganNs = timestampNs(this.#clock);
  readonly #wires = new Map<string, Wire>();
  /** The chips, with the failures that may be asked for. */
  readonly sim: SimBackend;
  /** @internal */
  readonly memory = new SimSharedMemory();
  /** @internal */
  readonly processes = new SimProcesses();
  /** @internal */
  readonly host: SimProcessHost;
  /** @internal */
  readonly supervisor: Supervisor;
  /** All that ever joined. */
  readonly clients: ScriptedClient[] = [];
  readonly #seats = new Map<number, ScriptedClient>();
  /** What the supervisor logged as errors and warnings. */
  readonly defects: string[] = [];
  /** Whether the supervisor has ended. */
  stopped = false;

  // What is internal of the options is in no declaration, so the parameter names none of them.
  constructor(options: WorldOptions = {}) {
    const {
      limits = {},
      drainMs = 10_000,
      pins = {},
      access = {},
      memory,
      chips,
      pwm,
      processes = {},
      cameras = {},
      programOf,
      actors,
      chance = () => 1,
    } = options;
    this.sim = Object.assign(new SimBackend({ clock: this.clock, ...(chips && { chips }) }), pwm && { pwm });
    const defect = (fields: object, message: string) => this.defects.push(`${message}: ${inspect(fields)}`);
    // Of which the clients of `connect` are.
    this.processes.start(process.pid);
    this.host = new SimProcessHost(this.clock, programOf);
    this.supervisor = new Supervisor({
      backend: this.sim,
      memory: memory ?? this.memory,
      processes: this.processes,
      host: this.host,
      clock: this.clock,
      limits: { ...defaultLimits, ...limits },
      drainMs,
      configuredPins: pins,
      configuredProcesses: processes,
      configuredCameras: cameras,
      ...(actors && { actors: actors(this.clock) }),
      chance,
      access,
      log: { debug() {}, info() {}, warn: defect, error: defect },
    });
    void this.supervisor.stopped.then(() => {
      this.stopped = true;
    });
  }

  /** Its time, which stands still unless it is moved: by `pass`, or by itself, where nobody waits for a promise. */
  get clock(): SimulatedClock {
    return this.#clock;
  }

  /** For how long it has been there, in ms. */
  get nowMs(): number {
    return this.msOf(timestampNs(this.#clock));
  }

  /** What a timestamp of an event is in this world's time, in ms. */
  msOf(timestampNs: bigint): number {
    return Number(timestampNs - this.#beganNs) / 1e6;
  }

  /** A client whose every request and event the test sees. @param pid the process that it is in, as far as anybody knows */
  join(name: string, pid: number | null = null): ScriptedClient {
    return this.welcome(name, { pid });
  }

  /**
   * @internal
   * @param peer what there is to say of it
   */
  welcome(name: string, peer: Partial<Peer>): ScriptedClient {
    const client = new ScriptedClient(this.supervisor, name, peer);
    this.clients.push(client);
    return client;
  }

  /** Whoever has that seat; when nobody does, somebody joins. */
  seat(number: number): ScriptedClient {
    const client = this.seated(number) ?? this.join(`client ${number}`);
    this.#seats.set(number, client);
    return client;
  }

  /** Whoever has that seat; null: nobody does. */
  seated(number: number): ScriptedClient | null {
    return this.#seats.get(number) ?? null;
  }

  /** Whoever has that seat leaves it, as a crash does. */
  vacate(number: number): void {
    this.#seats.get(number)?.leave();
    this.#seats.delete(number);
  }

  /** A client with the methods that a program has. What it waits for comes when time passes. */
  connect({ name = "program", ...options }: ClientOptions = {}): Promise<HoldfastClient> {
    return HoldfastClient.over(inProcess(this.supervisor, name), { name, ...options });
  }

  /**
   * The wire at a line, by any name of its pin.
   * @throws HoldfastError `PIN_UNKNOWN` and what else a name can be wrong with
   */
  wire(pin: string): Wire {
    const id = this.supervisor.pins.locate(pin);
    const key = `${id.chip}:${id.offset}`;
    const wire = this.#wires.get(key) ?? new Wire(this, id);
    this.#wires.set(key, wire);
    return wire;
  }

  /** Lets everything settle that need not wait for the clock. */
  settle(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }

  /** Time passes, from one due instant to the next, and everything settles at each. @param settled called each time */
  async pass(ms: number, settled: () => void = () => {}): Promise<void> {
    await this.settle();
    const untilUs = this.clock.nowUs() + ms * 1000;
    for (;;) {
      this.clock.advanceMs(Math.max(0, Math.min(this.clock.nextDueUs ?? untilUs, untilUs) - this.clock.nowUs()) / 1000);
      await this.settle();
      settled();
      if (this.clock.nowUs() >= untilUs) return;
    }
  }

  /** An open pin as `status` shows it; undefined: it is closed. */
  shown(pin: string): PinInfo | undefined {
    return this.supervisor.status().pins.find((info) => info.pin === pin);
  }

  /** What the protocol's `status` answers. */
  status(): ReplyOf<"status"> {
    return this.supervisor.status();
  }

  /** Ends the supervisor: softly, which takes time, or at once. */
  shutdown({ hard = false } = {}): void {
    this.supervisor.shutdown(hard);
  }
}
