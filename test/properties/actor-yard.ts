import assert from "node:assert/strict";
import { type ScriptedClient, World } from "../../src/index-testing.ts";
import { type ActorSettings, type ActorsTable, actorSettings } from "../../src/protocol/actors-table.ts";
import type { UserActorInfo } from "../../src/protocol/replies.ts";
import { type SimActor, SimActorFolder, type SimThread } from "./sim-actors.ts";

/** How often a thread shows a sign of life, and rounding of microseconds, in ms. */
const SIGN_MS = 100;
const GRAIN_MS = 0.01;

/** Users' actors of a folder that changes, and what must hold of them at every moment. */
export class ActorYard {
  readonly world: World;
  readonly folder: SimActorFolder;
  readonly client: ScriptedClient;
  readonly #settings: ActorSettings;
  /** Those of whom somebody has asked that they end at once, and since when those that were asked to end have been. */
  readonly #condemned = new Set<SimThread>();
  readonly #askedMs = new Map<SimThread, number>();
  /** Files whose actor somebody has stopped, and nobody started again. */
  readonly #stopped = new Set<string>();
  shut: "no" | "soft" | "hard" = "no";

  constructor(actors: Readonly<Record<string, SimActor>>, table: ActorsTable, chance: () => number) {
    this.folder = new SimActorFolder(actors);
    this.#settings = actorSettings(table);
    this.world = new World({ drainMs: 1_000_000, actors: this.folder.parts(table), chance });
    this.client = this.world.join("operator");
    this.world.supervisor.actors.startAll();
  }

  get actors(): readonly UserActorInfo[] {
    return this.world.status().actors;
  }

  /** What a file's actor is called now; absent: there is none. */
  nameOf(file: string): string | undefined {
    return this.actors.find((actor) => actor.file === `/actors/${file}`)?.actor;
  }

  start(file: string, op: "actor.start" | "actor.restart"): void {
    const actor = this.nameOf(file);
    if (actor === undefined || this.shut !== "no") return;
    this.#stopped.delete(file);
    this.client.ask({ op, actor });
  }

  stop(file: string, hard: boolean): void {
    const actor = this.nameOf(file);
    if (actor === undefined) return;
    if (hard) for (const thread of this.#threads(file)) this.#condemned.add(thread);
    this.#stopped.add(file);
    this.client.ask({ op: "actor.stop", actor, hard });
  }

  write(file: string, actor: SimActor | undefined): void {
    this.folder.write(file, actor);
  }

  reload(): void {
    // Whose file has gone is another one when it comes again.
    for (const file of this.#stopped) if (!this.folder.has(file)) this.#stopped.delete(file);
    this.client.ask({ op: "reload" });
  }

  fail(file: string): void {
    this.#threads(file)
      .find(({ isRunning }) => isRunning)
      ?.fail();
  }

  shutDown(): void {
    this.shut = this.shut === "no" ? "soft" : "hard";
    this.world.shutdown();
    this.check();
  }

  /** Looks at everything that may be seen, after each step and each instant. */
  check(): void {
    const started = this.folder.host.living.filter(({ isStarted }) => isStarted);
    for (const { actor, file, state, restarts } of this.actors) {
      const own = started.filter((thread) => thread.file === file);
      assert(own.length <= 1, `${actor} runs ${own.length} times at once`);
      const runs = ["starting", "running", "stopping"].includes(state);
      if (!runs) assert.equal(own.length, 0, `${actor} is ${state}, and has a thread`);
      if (state === "running") assert(own[0]?.isRunning, `${actor} is running, and has none`);
      assert(restarts <= this.#settings.restartLimit, `${actor} was started again ${restarts} times`);
      if (state === "backoff") assert.notEqual(this.#settings.restart, "never", `${actor} is to be started again`);
      if (this.#stopped.has(String(file).slice("/actors/".length))) assert(["stopped", "stopping"].includes(state), `${actor} is ${state}`);
      if (this.shut !== "no") assert(state !== "starting" && state !== "running" && state !== "backoff", `${actor} is ${state} in the end`);
    }
    this.#checkClients(started);
    for (const thread of this.folder.host.threads) this.#checkOrders(thread);
  }

  /** Everything ends, within the grace. */
  async end(): Promise<void> {
    if (this.shut === "no") this.shutDown();
    await this.world.pass(this.#settings.graceMs + 1, () => this.check());
    // What was accepted runs before a pin is given back.
    await this.world.pass(1000, () => this.check());
    assert(this.world.stopped, "the supervisor has not ended");
    assert.deepEqual(this.folder.host.living, []);
    for (const answer of this.client.answers) assert.equal(answer.answers, 1, "a request has no answer");
  }

  #threads(file: string): readonly SimThread[] {
    return this.folder.host.living.filter((thread) => thread.file === `/actors/${file}`);
  }

  /** Who is a client runs, nobody is one twice, and only clients hold pins. */
  #checkClients(started: readonly SimThread[]): void {
    const { clients, pins } = this.world.status();
    const connected = clients.filter(({ transport, state }) => transport === "actor" && state === "connected").map(({ name }) => name);
    assert.equal(new Set(connected).size, connected.length, `two are called alike: ${connected}`);
    const names = started.map(({ name }) => name);
    for (const name of connected) assert(names.includes(name), `${name} is a client, and runs no more`);
    for (const { pin, holders } of pins) for (const { name } of holders) assert(connected.includes(name), `${name} holds ${pin}`);
  }

  /** Who is killed blocks, was asked before and had its grace, or somebody wanted it so; and who blocks is. */
  #checkOrders(thread: SimThread): void {
    const { orders, file, blockedMs } = thread;
    const { graceMs } = this.#settings;
    if (orders.includes("stop") && !this.#askedMs.has(thread)) this.#askedMs.set(thread, this.world.nowMs);
    if (thread.isGone) return;
    const askedMs = this.#askedMs.get(thread) ?? Number.POSITIVE_INFINITY;
    const mayBeKilled = this.shut === "hard" || this.#condemned.has(thread) || blockedMs !== null;
    if (orders.includes("kill") && !mayBeKilled) assert(this.world.nowMs >= askedMs + graceMs - GRAIN_MS, `${file} had no grace`);
    const mostMs = this.#settings.blockedMs + SIGN_MS + graceMs + GRAIN_MS;
    if (blockedMs !== null) assert(blockedMs <= mostMs, `${file} has been blocked for ${blockedMs} ms`);
  }
}
