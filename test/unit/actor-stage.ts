import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HoldfastClient } from "../../src/client/client.ts";
import type { Dial } from "../../src/client/link.ts";
import { SimulatedClock } from "../../src/clock/simulated.ts";
import { FolderSharedMemory } from "../../src/frames/folder.ts";
import { SimBackend } from "../../src/gpio/sim.ts";
import { SimProcesses } from "../../src/processes/sim.ts";
import { SimProcessHost } from "../../src/processes/sim-host.ts";
import { defaultLimits } from "../../src/protocol/limits.ts";
import { Supervisor } from "../../src/supervisor/supervisor.ts";
import { inProcess } from "../../src/transports/in-process.ts";
import type { ActorDescription, ActorEnd, ActorLine, ActorListener, ActorTransition } from "../../src/user-actors/actor-host.ts";
import type { ActorDefinition } from "../../src/user-actors/define-actor.ts";
import { RunningActor } from "../../src/user-actors/running-actor.ts";

/** Enough turns of the event loop for what is under way without time. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** What a running actor has told. */
export class Told implements ActorListener {
  description: ActorDescription | null = null;
  readonly transitions: ActorTransition[] = [];
  end: ActorEnd | null = null;
  isGone = false;

  ready(description: ActorDescription): void {
    this.description = description;
  }

  heard(): void {}

  said(_line: ActorLine): void {}

  transition(change: ActorTransition): void {
    this.transitions.push(change);
  }

  ended(end: ActorEnd): void {
    this.end = end;
  }

  gone(): void {
    this.isGone = true;
  }

  /** The states that it was in, one after the other. */
  get states(): string[] {
    return this.transitions.map(({ state }) => state);
  }
}

/** A supervisor of simulated lines, in simulated time, and actors that run as its clients. */
export class ActorStage implements AsyncDisposable {
  readonly clock: SimulatedClock;
  readonly #supervisor: Supervisor;
  readonly #folder: string;
  /** A client beside the actors. */
  readonly world: HoldfastClient;

  private constructor(clock: SimulatedClock, supervisor: Supervisor, folder: string, world: HoldfastClient) {
    this.clock = clock;
    this.#folder = folder;
    this.#supervisor = supervisor;
    this.world = world;
  }

  static async open(): Promise<ActorStage> {
    const clock = new SimulatedClock();
    const folder = mkdtempSync(join(tmpdir(), "holdfast-"));
    const processes = new SimProcesses();
    processes.start(process.pid);
    const supervisor = new Supervisor({
      backend: new SimBackend({ clock }),
      memory: new FolderSharedMemory(folder),
      processes,
      host: new SimProcessHost(clock),
      clock,
      limits: defaultLimits,
      drainMs: 1000,
      log: { debug() {}, info() {}, warn() {}, error() {} },
    });
    return new ActorStage(clock, supervisor, folder, await HoldfastClient.over(inProcess(supervisor, "world"), { name: "world" }));
  }

  /** How an actor reaches the supervisor. */
  dial(name: string): Dial {
    return inProcess(this.#supervisor, name);
  }

  /** Starts an actor, and lets it come to rest. */
  async start(definition: ActorDefinition, name = definition.name ?? "actor"): Promise<{ actor: RunningActor; told: Told }> {
    const told = new Told();
    const client = await HoldfastClient.over(this.dial(name), { name });
    const actor = new RunningActor(definition, name, client, this.clock, told);
    await settled();
    return { actor, told };
  }

  /** Time goes by, in steps of a millisecond, each of which everyone sees. */
  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed++) {
      this.clock.advanceMs(1);
      await settled();
    }
  }

  /** The level of a pin now. */
  async level(pin: string): Promise<number | null> {
    return (await this.world.read(pin)).level;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#supervisor.shutdown(true);
    await this.#supervisor.stopped;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
