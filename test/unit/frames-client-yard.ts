import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HoldfastClient } from "../../src/client/client.ts";
import type { Dial, Link, LinkListener } from "../../src/client/link.ts";
import { SimulatedClock } from "../../src/clock/simulated.ts";
import { FolderSharedMemory } from "../../src/frames/folder.ts";
import { SimBackend } from "../../src/gpio/sim.ts";
import { SimProcesses } from "../../src/processes/sim.ts";
import { SimProcessHost } from "../../src/processes/sim-host.ts";
import { defaultLimits } from "../../src/protocol/limits.ts";
import type { PoolInfo } from "../../src/protocol/replies.ts";
import { Supervisor } from "../../src/supervisor/supervisor.ts";
import { inProcess } from "../../src/transports/in-process.ts";

type Message = Readonly<Record<string, unknown>>;

/** What a slot holds, and the pool that has such slots. */
export const BYTES = 50_000;
export const settings = { slots: 6, bytes: BYTES };

/** A supervisor with pools in a folder of its own, and clients whose connections can be looked into and cut. */
export class Yard implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), "holdfast-"));
  readonly clock = new SimulatedClock();
  readonly supervisor: Supervisor;
  /** What the clients have sent, but for greetings. */
  sent: string[] = [];
  /** Sees a message before its client does, and passes it on. */
  intercept = (message: Message, pass: (message: Message) => void): void => pass(message);
  #links: Link[] = [];

  constructor() {
    const { clock } = this;
    const processes = new SimProcesses();
    processes.start(process.pid);
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    this.supervisor = new Supervisor({
      backend: new SimBackend({ clock }),
      memory: new FolderSharedMemory(this.folder),
      processes,
      host: new SimProcessHost(clock),
      clock,
      limits: defaultLimits,
      drainMs: 1000,
      log,
    });
  }

  async client(options: { readonly reconnect?: boolean; readonly onConnection?: (state: string) => void } = {}): Promise<HoldfastClient> {
    const dial: Dial = async (listener) => {
      const watched: LinkListener = {
        closed: (error) => listener.closed(error),
        message: (message) => this.intercept(message, (passed) => listener.message(passed)),
      };
      const link = await inProcess(this.supervisor, "app")(watched);
      this.#links.push(link);
      const send = (request: object) => {
        const { op, lease } = request as { readonly op: string; readonly lease?: number };
        if (op !== "hello") this.sent.push(lease === undefined ? op : `${op} ${lease}`);
        link.send(request);
      };
      return { ...link, send };
    };
    return HoldfastClient.over(dial, options);
  }

  /** Cuts every connection. */
  async cut(): Promise<void> {
    for (const link of this.#links.splice(0)) await link.close();
  }

  get pool(): PoolInfo {
    const [pool] = this.supervisor.pools.all();
    if (pool === undefined) throw new Error("there is no pool");
    return pool;
  }

  /** How many slots are in each state. */
  get states(): Record<string, number> {
    const states: Record<string, number> = {};
    for (const { state } of this.pool.slots) states[state] = (states[state] ?? 0) + 1;
    return states;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.supervisor.shutdown(true);
    await this.supervisor.stopped;
    rmSync(this.folder, { recursive: true });
  }
}

/** Lets what is under way come to its end. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Lets the client's pauses pass, which are real ones. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** A pool, one who publishes frames of one byte's value, and a subscribed stream. */
export async function scene(client: HoldfastClient, options = {}, name = "cam0") {
  const pool = await client.createPool(name, settings);
  const frames = pool.frames(options);
  const first = frames.next();
  first.catch(() => {});
  await settled();
  const publish = async (value: number) => {
    using slot = await pool.produce();
    slot.data.fill(value);
    return slot.publish();
  };
  const take = async (next = frames.next()) => {
    const { value } = await next;
    if (value === undefined) throw new Error("the stream has ended");
    return value;
  };
  return { pool, frames, first, publish, take };
}
