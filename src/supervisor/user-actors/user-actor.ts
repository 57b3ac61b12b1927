import type { SupervisedEvent } from "../../../actors/supervised.ts";
import type { Dial } from "../../client/link.ts";
import type { Clock } from "../../clock/clock.ts";
import type { ActorSettings } from "../../protocol/actors-table.ts";
import { HoldfastError } from "../../protocol/errors.ts";
import type { ProcessState, UserActorInfo } from "../../protocol/replies.ts";
import type { ActorDescription, ActorHost, ActorSource, ActorTransition, HostedActor, LoadedActor } from "../../user-actors/actor-host.ts";
import { LogWindow } from "../log-window.ts";
import { SupervisedLife } from "../supervised-life.ts";
import type { Log } from "../surroundings.ts";
import { endEvent, fallen, shownEnd } from "./actor-end.ts";
import { ActorLoad, type FileVersions, type VersionedActor } from "./actor-load.ts";
import { type LoggedActor, logLife } from "./actor-log.ts";
import { ActorRun } from "./actor-run.ts";

/** For so long those behind it wait for what it will be called, in ms. */
const NAME_WAIT_MS = 3000;

/** What users' actors are given of the world. */
export interface ActorWorld {
  readonly host: ActorHost;
  readonly clock: Clock;
  readonly log: Log;
  /** From 0 to 1: the chance in the pauses before restarts. */
  readonly chance: () => number;
  /** Makes one a client of the supervisor, under its name. */
  readonly dial: (name: string) => Dial;
  readonly versions: FileVersions;
}

/** Who is told of an actor. */
export interface ActorHooks {
  /** It has been loaded, and is begun or refused. */
  loaded(): void;
  /** It is still being loaded, and nobody waits for its name any more. */
  slow(): void;
  /** Its state has changed. @param event for which */
  changed(event: string): void;
  /** Its own machine has changed its state, or what it knows. */
  moved(change: ActorTransition): void;
}

/** A user's actor: what it is made from, what runs while it does, and its life. */
export class UserActor {
  /** What it is called, as soon as nobody else is called so. */
  claimed: string | null = null;
  readonly #world: ActorWorld;
  readonly #hooks: ActorHooks;
  readonly #life: SupervisedLife;
  #settings: ActorSettings;
  #load: ActorLoad | null = null;
  #isSlow = false;
  /** Waits for its name, or for its predecessor's end. */
  #loaded: VersionedActor | null = null;
  #run: ActorRun | null = null;
  #description: ActorDescription | null = null;
  /** What its own machine is in. */
  #inner: string | null = null;
  #isObserved = false;
  /** What its life is told just now. */
  #event = "start";
  #starts = 0;
  /** What its last failure was. */
  #error: HoldfastError | null = null;
  /** What it was made from the last time, as its files said then; null: it could not be loaded. */
  #made: { readonly files: readonly string[]; readonly version: string } | null = null;

  constructor(
    readonly source: ActorSource,
    settings: ActorSettings,
    world: ActorWorld,
    hooks: ActorHooks,
  ) {
    this.#settings = settings;
    this.#world = world;
    this.#hooks = hooks;
    const actions = { spawn: () => this.#spawn(), terminate: () => this.#end(false), kill: () => this.#end(true) };
    const input = { ...settings, silence: { reason: "blocked" } as const, speaks: false, startMs: 0 };
    this.#life = new SupervisedLife(input, world.clock, actions, {
      changed: (state) => {
        if (this.isAtRest) this.#discard();
        logLife(world.log, state, this.#about, this.#life.context, this.#error);
        hooks.changed(this.#event);
      },
    });
  }

  /** Somebody wants to know all that its machine does, or nobody. */
  observe(isObserved: boolean): void {
    if (this.#isObserved === isObserved) return;
    this.#isObserved = isObserved;
    this.#run?.hosted.observed(isObserved);
  }

  get state(): ProcessState {
    return this.#life.state;
  }

  /** It neither runs nor is to. */
  get isAtRest(): boolean {
    return this.#life.isAtRest;
  }

  /** Nobody wants it to run. It may yet have to end. */
  get isStopped(): boolean {
    return this.#life.isStopped;
  }

  get isLoading(): boolean {
    return this.#load !== null;
  }

  /** It may yet want a name that another one behind it would have. */
  get isToBeNamed(): boolean {
    return this.claimed === null && this.isLoading && !this.#isSlow;
  }

  /** What would run, and has the name that it wants, if it began now; null: it is not to begin. */
  get next(): LoadedActor | null {
    return this.#run === null && this.state === "starting" ? (this.#loaded?.actor ?? null) : null;
  }

  /** That it was made from the last time; of what could not be loaded, its own. */
  get files(): readonly string[] {
    return this.#made?.files ?? ("file" in this.source ? [this.source.file] : []);
  }

  /** What runs, or is being started or ended. */
  get hosted(): HostedActor | null {
    return this.#run?.hosted ?? null;
  }

  /** Of the machine that runs, or did last; null: none has. */
  get description(): ActorDescription | null {
    return this.#description;
  }

  /** What its own machine is in; null: it does not run. */
  get inner(): string | null {
    return this.state === "running" ? this.#inner : null;
  }

  /** Its files say something else than when it was loaded, or could not be loaded. */
  get isOutdated(): boolean {
    return this.#made === null || this.#world.versions.begin()(this.#made.files) !== this.#made.version;
  }

  send(event: SupervisedEvent): void {
    this.#event = event.type;
    this.#life.send(event);
    // It waits for nobody.
    if (this.state === "waiting") this.#life.send({ type: "cleared" });
  }

  /** Something else holds for it. */
  configure(settings: ActorSettings): void {
    this.#settings = settings;
    this.send({ type: "configured", input: settings });
  }

  /** Loads what its source says now, beside what runs. */
  loadAside(): ActorLoad {
    return new ActorLoad(this.source, { ...this.#world, blockedMs: this.#settings.blockedMs });
  }

  /** What has been loaded aside takes the place of what runs, as soon as that has ended. */
  succeed(loaded: VersionedActor): void {
    this.#discard();
    this.#loaded = loaded;
    this.send({ type: "restart" });
  }

  /** It has its name, and runs. */
  begin(name: string): void {
    const loaded = this.#loaded;
    if (loaded === null) return;
    const { clock, log, dial } = this.#world;
    const { blockedMs } = this.#settings;
    this.claimed = name;
    this.#loaded = null;
    const about = this.#about;
    const window = new LogWindow(clock, (lines) => log.warn({ ...about, lines }, "the actor writes too much: lines were left out"));
    let isOver = false;
    this.#run = new ActorRun(
      loaded.actor,
      dial(name),
      { clock, blockedMs: "file" in this.source ? blockedMs : null },
      {
        ready: (description) => {
          this.#description = description;
        },
        transition: (change) => {
          const isFirst = this.#inner === null;
          this.#inner = change.state;
          // Not before: who sees that it runs sees its machine's state.
          if (isFirst) {
            log.info(about, "actor runs");
            this.send({ type: "spawned" });
          }
          this.#hooks.moved(change);
        },
        said: ({ level, text }) => {
          if (window.admits()) log[level]({ actor: name }, text);
        },
        cutOff: (error) => {
          // The supervisor's own end comes behind that of all actors.
          if (isOver || this.state === "stopping") return;
          isOver = true;
          this.#fall(fallen(`was cut off: ${error.message}`));
        },
        blocked: () => {
          isOver = true;
          this.#error = fallen(`blocked its thread for ${blockedMs} ms, and was ended`);
          this.send({ type: "silent" });
        },
        ended: (end) => {
          isOver = true;
          this.#fall(end.reason === "done" ? null : HoldfastError.fromValue(end.error));
        },
        gone: () => {
          window.end();
          this.#run = null;
          this.#inner = null;
          if (isOver || this.state === "stopping") this.#gone();
          else this.#fall(fallen("has lost its thread"));
        },
      },
    );
    if (this.#isObserved) this.#run.hosted.observed(true);
  }

  /** It can't have the name that it wants. */
  refuse(error: HoldfastError): void {
    this.#error = error;
    this.#discard();
    this.send({ type: "unstartable", message: error.message });
  }

  /** Why it does not run, as a caller is told. */
  failure(why: string = this.#error?.message ?? "has not been started"): HoldfastError {
    const { state } = this;
    const actor = this.claimed ?? this.source.name;
    const { field: _field, ...details } = this.#error?.details ?? {};
    const code = this.#error?.code === "BAD_ACTOR" ? "BAD_ACTOR" : "ACTOR_FAILED";
    return new HoldfastError(code, `actor ${actor}: ${why}`, { ...details, field: "actor", actor, state, end: this.#ending });
  }

  /** What `status` shows. @param name what it is called */
  info(name: string): UserActorInfo {
    return {
      actor: name,
      file: "file" in this.source ? this.source.file : null,
      ...this.#life.shown,
      restart: this.#life.context.restart,
      starts: this.#starts,
      end: this.#ending,
    };
  }

  /** How it ended last by itself, with what is known of the failure. */
  get #ending(): UserActorInfo["end"] {
    return shownEnd(this.#life.context.end, this.#error);
  }

  /** What each line of the log says of it. */
  get #about(): LoggedActor {
    return { actor: this.claimed ?? this.source.name, ...("file" in this.source && { file: this.source.file }) };
  }

  #spawn(): void {
    this.#starts += 1;
    if (this.#loaded !== null) return this.#adopt(this.#loaded);
    this.#made = null;
    const load = this.loadAside();
    this.#load = load;
    this.#isSlow = false;
    const { clock } = this.#world;
    const patience = clock.at(clock.nowUs() + NAME_WAIT_MS * 1000, () => {
      this.#isSlow = true;
      this.#hooks.slow();
    });
    load.loaded.then(
      (loaded) => {
        patience.cancel();
        this.#load = null;
        if (this.state === "starting") return this.#adopt(loaded);
        // It has been ended in the moment in which it was loaded; what is to be started next is another one.
        loaded.actor.discard();
        this.#gone();
      },
      (thrown) => {
        patience.cancel();
        this.#load = null;
        const error = HoldfastError.from(thrown);
        if (this.state === "stopping") this.#gone();
        else if (error.code === "BAD_ACTOR") this.refuse(error);
        else if (load.failure === "blocked") {
          this.#error = error;
          this.send({ type: "silent" });
        } else this.#fall(error);
      },
    );
  }

  #adopt(loaded: VersionedActor): void {
    const { actor, version } = loaded;
    this.#loaded = loaded;
    this.#made = { files: actor.files, version };
    queueMicrotask(() => this.#hooks.loaded());
  }

  /** It has come to its end by itself. */
  #fall(error: HoldfastError | null): void {
    if (error !== null) this.#error = error;
    this.send(endEvent(error));
  }

  /** Ends what there is of it; `#gone` follows. */
  #end(hard: boolean): void {
    if (this.#run !== null) return hard ? this.#run.kill() : this.#run.stop();
    if (this.#load !== null) return this.#load.abandon();
    queueMicrotask(() => this.#gone());
  }

  #gone(): void {
    if (this.#run !== null || this.#load !== null) return;
    const { clock, chance } = this.#world;
    this.send({ type: "gone", nowMs: clock.nowUs() / 1000, chance: chance() });
  }

  /** What has been loaded is not started. */
  #discard(): void {
    this.#loaded?.actor.discard();
    this.#loaded = null;
  }
}
