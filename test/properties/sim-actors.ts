import type { Dial, Link } from "../../src/client/link.ts";
import type { Alarm, Clock } from "../../src/clock/clock.ts";
import { type ActorsTable, actorSettings } from "../../src/protocol/actors-table.ts";
import { type ErrorValue, HoldfastError } from "../../src/protocol/errors.ts";
import type { ActorParts } from "../../src/supervisor/user-actors/actor-parts.ts";
import { inProcess } from "../../src/transports/in-process.ts";
import type { ActorHost, ActorListener, ActorSnapshot, ActorSource, HostedActor, LoadedActor } from "../../src/user-actors/actor-host.ts";

/** What a simulated actor does. Times in ms. */
export interface SimActor {
  /** What its definition says that it is called. */
  readonly name?: string;
  /** How long it takes to be loaded; `blocks`: it loops for ever; `waits`: its event loop turns, and that is all. Default 0. */
  readonly loads?: number | "blocks" | "waits";
  /** What keeps it from being loaded. */
  readonly refusal?: ErrorValue;
  /** What it is made from beside its own file. */
  readonly imports?: readonly string[];
  /** The outputs that it opens, and turns on for so long once it runs; 0: until somebody turns them off. */
  readonly pins?: Readonly<Record<string, number>>;
  /** Called when it has told what it is, and not yet what it does. */
  readonly described?: () => void;
  /** After so long that it has run `after` comes; absent: it runs on. */
  readonly runsMs?: number;
  readonly after?: "done" | "fails" | "blocks" | "goes";
  /** How long it takes to end when it is asked to; null: it does not listen. Default 0. */
  readonly endsMs?: number | null;
}

/** How often a simulated thread shows a sign of life, in ms. */
const SIGN_MS = 100;

/** A folder of a test, its files in the order in which they get their names. */
export class SimActorFolder {
  readonly #actors: Map<string, SimActor>;
  readonly #versions = new Map<SimActor, number>();
  #host: SimActorHost | null = null;

  /** @param actors what is in its files, by their names; `lib/a.ts` is no actor itself */
  constructor(actors: Readonly<Record<string, SimActor>>) {
    this.#actors = new Map(Object.entries(actors).map(([name, actor]) => [pathOf(name), actor]));
  }

  /** Where they run, once a supervisor has been made. */
  get host(): SimActorHost {
    return this.#host as SimActorHost;
  }

  has(name: string): boolean {
    return this.#actors.has(pathOf(name));
  }

  /** Says what is in a file from now on; undefined: there is none. */
  write(name: string, actor: SimActor | undefined): void {
    if (actor === undefined) this.#actors.delete(pathOf(name));
    else this.#actors.set(pathOf(name), actor);
  }

  /** What a world is given. */
  parts(table: ActorsTable = {}): (clock: Clock) => ActorParts {
    return (clock) => {
      this.#host = new SimActorHost(clock, (file) => this.#actors.get(file) ?? {});
      const files = () => [...this.#actors.keys()].filter((file) => /^\/actors\/[^/]+$/.test(file));
      return {
        plan: {
          settings: actorSettings(table),
          sources: () => files().map((file) => ({ file, name: file.replace(/^.*\/|\.\w+$/g, "") })),
        },
        host: this.#host,
        versions: { begin: () => (read) => read.map((file) => this.#versionOf(file)).join() },
        dial: (supervisor, name) => inProcess(supervisor, name, "actor"),
      };
    };
  }

  /** What is in a file is another version when it is another object. */
  #versionOf(file: string): number {
    const actor = this.#actors.get(file);
    if (actor === undefined) return -1;
    const version = this.#versions.get(actor) ?? this.#versions.size;
    this.#versions.set(actor, version);
    return version;
  }
}

const pathOf = (name: string) => `/actors/${name}`;

/** Threads of a test, in which actors do what they are told to. */
export class SimActorHost implements ActorHost {
  readonly #clock: Clock;
  readonly #actorOf: (file: string) => SimActor;
  /** All that were ever loaded or are, in order. */
  readonly threads: SimThread[] = [];

  /** @param actorOf what is in a file now */
  constructor(clock: Clock, actorOf: (file: string) => SimActor) {
    this.#clock = clock;
    this.#actorOf = actorOf;
  }

  /** Those of which something is left. */
  get living(): readonly SimThread[] {
    return this.threads.filter(({ isGone }) => !isGone);
  }

  async load(source: ActorSource, listener: Pick<ActorListener, "heard">, signal: AbortSignal): Promise<LoadedActor> {
    if (!("file" in source)) throw new Error("this host has files alone");
    const thread = new SimThread(source.name, source.file, this.#actorOf(source.file), this.#clock);
    this.threads.push(thread);
    await thread.load(listener.heard, signal);
    return thread;
  }
}

/** A simulated thread: first it loads its file, then it may run what is in it. */
export class SimThread implements LoadedActor, HostedActor {
  readonly #clock: Clock;
  readonly #alarms = new Set<Alarm>();
  #listener: ActorListener | null = null;
  #link: Link | null = null;
  #heard: () => void = () => {};
  #blockedUs: number | null = null;
  #lastId = 0;
  readonly #pending = new Map<number, (message: Readonly<Record<string, unknown>>) => void>();
  isGone = false;
  isRunning = false;
  /** It has been told to run, and is or is to be a client of the supervisor. */
  isStarted = false;
  /** What it has been told. */
  readonly orders: ("stop" | "kill")[] = [];

  constructor(
    readonly stem: string,
    readonly file: string,
    readonly actor: SimActor,
    clock: Clock,
  ) {
    this.#clock = clock;
  }

  /** For how long it has been blocked, in ms; null: it is not. */
  get blockedMs(): number | null {
    return this.#blockedUs === null || this.isGone ? null : (this.#clock.nowUs() - this.#blockedUs) / 1000;
  }

  get #isBlocked(): boolean {
    return this.#blockedUs !== null;
  }

  get name(): string {
    return this.actor.name ?? this.stem;
  }

  readonly named = null;

  get files(): readonly string[] {
    return [this.file, ...(this.actor.imports ?? [])];
  }

  load(heard: () => void, signal: AbortSignal): Promise<void> {
    const { loads = 0, refusal } = this.actor;
    this.#heard = heard;
    this.#beat();
    return new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => {
        this.#vanish();
        reject(new Error("aborted"));
      });
      if (loads === "blocks") this.#blockedUs = this.#clock.nowUs();
      if (typeof loads !== "number") return;
      this.#after(loads, () => {
        if (refusal === undefined) return resolve();
        this.#vanish();
        reject(HoldfastError.fromValue(refusal));
      });
    });
  }

  start(dial: Dial, listener: ActorListener): HostedActor {
    this.#listener = listener;
    this.isStarted = true;
    this.#heard = () => listener.heard();
    queueMicrotask(
      () => void this.#run(dial).catch((error) => this.#end({ reason: "failed", error: HoldfastError.from(error).toValue() })),
    );
    return this;
  }

  discard(): void {
    this.#vanish();
  }

  /** It fails now. @param error with what */
  fail(error: ErrorValue = { code: "ACTOR_FAILED", message: "it threw", file: this.file, line: 3 }): void {
    if (!this.isGone && this.#listener !== null) this.#end({ reason: "failed", error });
  }

  async send(): Promise<void> {}
  async ask(): Promise<unknown> {
    return null;
  }
  async snapshot(): Promise<ActorSnapshot> {
    return { state: "on", data: {} };
  }
  observed(): void {}

  stop(): void {
    this.orders.push("stop");
    const { endsMs = 0 } = this.actor;
    if (!this.#isBlocked && endsMs !== null) this.#after(endsMs, () => this.#leave());
  }

  kill(): void {
    this.orders.push("kill");
    this.#after(0, () => this.#vanish());
  }

  /** Sends a request, and waits for its reply. @throws HoldfastError */
  request(op: string, fields: object): Promise<Readonly<Record<string, unknown>>> {
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId;
      this.#pending.set(id, (message) =>
        message["ok"] === true ? resolve(message) : reject(HoldfastError.fromValue(message["error"] as ErrorValue)),
      );
      this.#link?.send({ ...fields, id, op });
    });
  }

  async #run(dial: Dial): Promise<void> {
    this.#link = await dial({
      message: (message) => this.#pending.get(message["id"] as number)?.(message),
      closed: () => {},
    });
    const { pins = {}, runsMs } = this.actor;
    await this.request("hello", { protocol: 1, name: this.name });
    for (const pin of Object.keys(pins)) await this.request("open", { pin, direction: "out", waitMs: 10_000 });
    if (this.isGone || this.orders.length > 0) return;
    this.isRunning = true;
    this.#listener?.ready({ machine: { id: "made-up", type: "atomic" }, accepts: [] });
    this.actor.described?.();
    this.#listener?.transition({ event: null, from: null, state: "on" });
    for (const [pin, onMs] of Object.entries(pins)) await this.request("on", { pin, ...(onMs > 0 && { durationMs: onMs }) });
    if (runsMs !== undefined) this.#after(runsMs, () => this.#come());
  }

  #come(): void {
    switch (this.actor.after) {
      case "done":
        return this.#end({ reason: "done" });
      case "blocks":
        this.#blockedUs = this.#clock.nowUs();
        return;
      case "goes":
        return this.#vanish();
      default:
        this.fail();
    }
  }

  #end(end: Parameters<ActorListener["ended"]>[0]): void {
    if (this.isGone) return;
    this.#listener?.ended(end);
    this.#after(0, () => this.#leave());
  }

  /** Its client closes in peace, and then it is gone. */
  #leave(): void {
    if (this.isGone) return;
    void this.#link?.close();
    this.#vanish();
  }

  #vanish(): void {
    if (this.isGone) return;
    this.isGone = true;
    this.isRunning = false;
    for (const alarm of this.#alarms) alarm.cancel();
    this.#listener?.gone();
  }

  #beat(): void {
    this.#after(SIGN_MS, () => {
      if (!this.#isBlocked) this.#heard();
      this.#beat();
    });
    if (!this.#isBlocked) this.#heard();
  }

  #after(ms: number, task: () => void): void {
    if (this.isGone) return;
    const alarm = this.#clock.at(this.#clock.nowUs() + ms * 1000, () => {
      this.#alarms.delete(alarm);
      task();
    });
    this.#alarms.add(alarm);
  }
}
