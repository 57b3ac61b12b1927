import assert from "node:assert/strict";
import { SimSharedMemory } from "../../src/frames/sim.ts";
import type { PwmOutputs } from "../../src/gpio/backend.ts";
import { SimBackend, type SimChip } from "../../src/gpio/sim.ts";
import type { ProcessSpec } from "../../src/processes/process-host.ts";
import { SimProcesses } from "../../src/processes/sim.ts";
import { SimProcessHost, type SimProgram } from "../../src/processes/sim-host.ts";
import { type AccessTable, fullAccess } from "../../src/protocol/access.ts";
import { HoldfastError } from "../../src/protocol/errors.ts";
import { defaultLimits, type Limits } from "../../src/protocol/limits.ts";
import type { ProcessTable } from "../../src/protocol/process-table.ts";
import type { Event, PinInfo, ReplyOf } from "../../src/protocol/replies.ts";
import { type Op, type PinConfig, parseRequest, type RequestOf } from "../../src/protocol/requests.ts";
import type { Client, Outlet, Peer } from "../../src/supervisor/client.ts";
import { Supervisor } from "../../src/supervisor/supervisor.ts";
import { RestlessClock } from "./wave-stage.ts";

/** A request as a test writes it. */
export type Asked = { [O in Op]: { readonly op: O } & Omit<RequestOf<O>, "id" | "op"> }[Op];

/** What became of a request. */
export class Answer<O extends Op = Op> {
  /** Null: it has not been answered. */
  reply: ReplyOf<O> | HoldfastError | null = null;
  /** How many answers it got. */
  answers = 0;

  get error(): HoldfastError | null {
    return this.reply instanceof HoldfastError ? this.reply : null;
  }

  /** What it came to: `ok`, `pending` or the code of an error. */
  get outcome(): string {
    return this.reply === null ? "pending" : (this.error?.code ?? "ok");
  }

  /** The reply of a request that was done. */
  get body(): ReplyOf<O> {
    assert(this.reply !== null && !(this.reply instanceof HoldfastError), `the request was not done: ${this.outcome}`);
    return this.reply;
  }

  settle(reply: ReplyOf<O> | HoldfastError): void {
    this.reply = reply;
    this.answers++;
  }
}

/** A client that a test moves: what it asks, what it is told, and when it is too slow to take it. */
export class ScriptedClient implements Outlet {
  ready = true;
  readonly events: Event[] = [];
  readonly answers: Answer[] = [];
  readonly client: Client;
  readonly #supervisor: Supervisor;

  /** @param peer where it differs from one of whom nothing is known, and who may do everything */
  constructor(supervisor: Supervisor, name: string, peer: Partial<Peer> = {}) {
    this.#supervisor = supervisor;
    const unknown = { transport: "test", address: null, name, pid: null, uid: null, access: () => fullAccess };
    this.client = supervisor.attach({ ...unknown, ...peer }, this);
  }

  get number(): number {
    return this.client.number;
  }

  deliver(event: Event): void {
    assert(this.ready, "an event comes to a client that takes none");
    this.events.push(event);
  }

  /** Sends a request, as a transport does. */
  ask<A extends Asked>(asked: A): Answer<A["op"]> {
    const answer = new Answer<A["op"]>();
    this.answers.push(answer);
    try {
      const reply = this.#supervisor.request(this.client, parseRequest({ id: this.answers.length, ...asked }));
      if (reply instanceof Promise) {
        reply.then(
          (body) => answer.settle(body as ReplyOf<A["op"]>),
          (error) => answer.settle(error),
        );
      } else answer.settle(reply as ReplyOf<A["op"]>);
    } catch (error) {
      assert(error instanceof HoldfastError);
      answer.settle(error);
    }
    return answer;
  }

  /** Takes what has waited. */
  catchUp(): void {
    this.ready = true;
    this.client.flush();
  }

  /** The connection breaks. */
  leave(): void {
    this.client.end();
  }
}

/** What a world is to differ in. */
export interface WorldOptions {
  readonly limits?: Partial<Limits>;
  readonly drainMs?: number;
  /** What the configuration says of pins. */
  readonly pins?: Readonly<Record<string, PinConfig>>;
  /** What it says of clients. */
  readonly access?: Readonly<Record<string, AccessTable>>;
  readonly chips?: readonly SimChip[];
  /** Channels of hardware PWM beside the simulated chips. */
  readonly pwm?: PwmOutputs;
  /** The processes to supervise. */
  readonly tables?: Readonly<Record<string, ProcessTable>>;
  /** What their programs do. */
  readonly programOf?: (spec: ProcessSpec) => SimProgram;
  /** The chance in the pauses before they are started again. */
  readonly chance?: () => number;
}

/** A supervisor with its simulated chip, memory, processes and time, and the defects that it reported. */
export class World {
  readonly clock = new RestlessClock();
  readonly sim: SimBackend;
  readonly memory = new SimSharedMemory();
  readonly processes = new SimProcesses();
  readonly host: SimProcessHost;
  readonly supervisor: Supervisor;
  readonly clients: ScriptedClient[] = [];
  /** What the supervisor logged as errors and warnings. */
  readonly defects: string[] = [];
  stopped = false;

  constructor({
    limits = {},
    drainMs = 10_000,
    pins = {},
    access = {},
    chips,
    pwm,
    tables = {},
    programOf,
    chance = () => 1,
  }: WorldOptions = {}) {
    this.sim = Object.assign(new SimBackend({ clock: this.clock, ...(chips && { chips }) }), pwm && { pwm });
    const defect = (fields: object, message: string) => this.defects.push(`${message}: ${Bun.inspect(fields)}`);
    this.host = new SimProcessHost(this.clock, programOf);
    this.supervisor = new Supervisor({
      backend: this.sim,
      memory: this.memory,
      processes: this.processes,
      host: this.host,
      clock: this.clock,
      limits: { ...defaultLimits, ...limits },
      drainMs,
      configuredPins: pins,
      configuredProcesses: tables,
      chance,
      access,
      log: { debug() {}, info() {}, warn: defect, error: defect },
    });
    void this.supervisor.stopped.then(() => {
      this.stopped = true;
    });
  }

  join(name: string, pid: number | null = null): ScriptedClient {
    return this.welcome(name, { pid });
  }

  /** @param peer what there is to say of it */
  welcome(name: string, peer: Partial<Peer>): ScriptedClient {
    const client = new ScriptedClient(this.supervisor, name, peer);
    this.clients.push(client);
    return client;
  }

  /** Lets every promise that is due settle. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 12; turn++) await null;
  }

  /** Time passes, from one due instant to the next; each lets promises settle. */
  async pass(ms: number, settled: () => void = () => {}): Promise<void> {
    const untilUs = this.clock.nowUs() + ms * 1000;
    for (;;) {
      this.clock.advanceMs(Math.max(0, Math.min(this.clock.nextDueUs ?? untilUs, untilUs) - this.clock.nowUs()) / 1000);
      await this.settle();
      settled();
      if (this.clock.nowUs() >= untilUs) return;
    }
  }

  /** An open line as `status` shows it; undefined: it is closed. */
  shown(pin: string): PinInfo | undefined {
    return this.supervisor.status().pins.find((info) => info.pin === pin);
  }
}
