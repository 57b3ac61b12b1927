import type { ActorSettings } from "../../protocol/actors-table.ts";
import { formatAddress } from "../../protocol/addresses.ts";
import { HoldfastError } from "../../protocol/errors.ts";
import type { UserActorInfo } from "../../protocol/replies.ts";
import { didYouMean, similarNames } from "../../protocol/similar-names.ts";
import type { ActorSource } from "../../user-actors/actor-host.ts";
import { addressedActor } from "../addresses/addressed-actor.ts";
import type { Transitions } from "../addresses/transitions.ts";
import type { Client } from "../client.ts";
import type { Rights } from "../rights.ts";
import { Waits } from "../waits.ts";
import type { ActorLoad } from "./actor-load.ts";
import { assertMayBeCalled, shownName } from "./actor-names.ts";
import { type ActorWorld, UserActor } from "./user-actor.ts";

/** Which actors there are to be, and what holds for them. */
export interface ActorPlan {
  readonly settings: ActorSettings;
  /** What they are made from, in the order in which they get their names. @throws HoldfastError `BAD_CONFIG` with the `key` */
  readonly sources: () => readonly ActorSource[];
}

/** What they are given of the world. */
export interface UserActorsWorld extends ActorWorld {
  readonly transitions: Transitions;
}

/** All users' actors: who is called what, what has changed in their files, and who waits for one of them. */
export class UserActors {
  readonly #world: UserActorsWorld;
  readonly #ended: () => void;
  /** In the order in which they get their names. */
  #all: UserActor[] = [];
  /** They end, and are not to be any more. */
  readonly #leaving = new Set<UserActor>();
  #plan: ActorPlan;
  /** Who waits for an actor to be something. */
  readonly #waits = new Waits();
  readonly #whenLoaded: (() => void)[] = [];
  /** Those that are being loaded beside what runs. */
  readonly #aside = new Set<ActorLoad>();
  /** What has been begun to reload; one follows the other. */
  #reloading: Promise<unknown> = Promise.resolve();
  #closing = false;

  /** @param ended is called when none of them runs, once they are being shut */
  constructor(plan: ActorPlan, world: UserActorsWorld, ended: () => void) {
    this.#plan = plan;
    this.#world = world;
    this.#ended = ended;
    world.transitions.whenListened(() => {
      for (const actor of this.#all) actor.observe(this.#isObserved(actor));
    });
  }

  /** None of them runs or is to. */
  get areAtRest(): boolean {
    return this.#all.every(({ isAtRest }) => isAtRest);
  }

  /** All that there are, by their names. */
  get byName(): ReadonlyMap<string, UserActor> {
    return new Map(this.#all.map((actor) => [this.nameOf(actor), actor]));
  }

  /** All that they are made from. */
  get files(): readonly string[] {
    return this.#all.flatMap(({ files }) => files);
  }

  /** Calls back whenever one has been loaded, from files that may be others than before. */
  whenLoaded(told: () => void): void {
    this.#whenLoaded.push(told);
  }

  /** What `status` shows: only operators see them. */
  all({ access }: Rights): UserActorInfo[] {
    return access.admin ? this.#all.map((actor) => actor.info(this.nameOf(actor))) : [];
  }

  /** What an actor is called. */
  nameOf(actor: UserActor): string {
    return shownName(actor, this.#all);
  }

  /** Starts all of them. @throws HoldfastError `BAD_CONFIG` with the `key` */
  startAll(): void {
    for (const actor of this.#plan.sources().map((source) => this.#add(source))) actor.send({ type: "start" });
  }

  /**
   * Starts an actor, and answers when it runs or has done its work.
   * @throws HoldfastError `ACTOR_UNKNOWN`, `ACTOR_FAILED`, `SHUTTING_DOWN`, `DISCONNECTED`
   */
  start(client: Client, name: string): Promise<UserActorInfo> {
    return this.#bring(client, name, "start");
  }

  /** The same for one that runs: it is ended before that. @throws HoldfastError as `start` */
  restart(client: Client, name: string): Promise<UserActorInfo> {
    return this.#bring(client, name, "restart");
  }

  /** Ends an actor, and answers when nothing is left of it. @throws HoldfastError `ACTOR_UNKNOWN`, `DISCONNECTED` */
  stop(client: Client, name: string, hard = false): Promise<UserActorInfo> {
    const actor = this.find(name);
    actor.send({ type: "stop", hard });
    return this.#waits.until(client, () => (actor.state === "stopping" ? undefined : actor.info(this.nameOf(actor))));
  }

  /** @throws HoldfastError `ACTOR_UNKNOWN` */
  find(name: string): UserActor {
    const { byName } = this;
    const actor = byName.get(name);
    if (actor !== undefined) return actor;
    const nearest = similarNames(name, byName.keys());
    throw new HoldfastError("ACTOR_UNKNOWN", `there is no actor "${name}"${didYouMean(nearest)}`, { field: "actor", nearest });
  }

  /**
   * Which actors there are to be from now on, and what holds for them. Nothing has changed yet.
   * @returns what makes it hold; `reload` then starts and ends them
   * @throws HoldfastError `BAD_CONFIG` with the `key`
   */
  reconfigured(plan: ActorPlan): () => void {
    plan.sources();
    return () => {
      this.#plan = plan;
      for (const actor of this.#all) actor.configure(plan.settings);
    };
  }

  /**
   * Looks at what they are made from. Who is new is started, who is not there any more is ended, and who says something else is loaded beside
   * the one that runs, which is then ended softly and makes room; where that fails it goes on. Resolves when all that has been decided.
   * @throws HoldfastError `BAD_ACTOR`, `ACTOR_FAILED`, `BAD_CONFIG`: the first that is wrong, with all others in its message. The log has each
   */
  reload(): Promise<void> {
    const reloaded = this.#reloading.then(() => this.#reload());
    this.#reloading = reloaded.catch(() => {});
    return reloaded;
  }

  /** Ends all of them, softly or at once. None is started any more. */
  shut(hard: boolean): void {
    this.#closing = true;
    for (const load of this.#aside) load.abandon();
    for (const actor of this.#all) actor.send({ type: "stop", hard });
    this.#look();
  }

  #add(source: ActorSource): UserActor {
    const actor: UserActor = new UserActor(source, this.#plan.settings, this.#world, {
      loaded: () => {
        for (const told of this.#whenLoaded) told();
        this.#look();
      },
      slow: () => this.#look(),
      changed: (event) => {
        // A machine that has just begun tells of its first state by itself.
        if (actor.state !== "running") this.#tell(actor, event);
        this.#look();
      },
      moved: (change) => {
        const { transitions } = this.#world;
        if (transitions.isHeard) transitions.tell(addressedActor(this.nameOf(actor), actor, change), change.event);
      },
    });
    this.#all.push(actor);
    actor.observe(this.#isObserved(actor));
    this.#tell(actor, null);
    return actor;
  }

  #bring(client: Client, name: string, type: "start" | "restart"): Promise<UserActorInfo> {
    if (this.#closing) throw new HoldfastError("SHUTTING_DOWN", "the supervisor is ending, and starts no actor");
    const actor = this.find(name);
    actor.send({ type });
    return this.#waits.until(client, () => {
      const { state } = actor;
      if (state === "failed" || state === "backoff") throw actor.failure();
      if (state === "stopped") throw actor.failure("was stopped before it ran");
      return state === "running" || state === "done" ? actor.info(this.nameOf(actor)) : undefined;
    });
  }

  /** Something has changed: some may have their names, have left, or are what somebody waits for. */
  #look(): void {
    for (const actor of [...this.#leaving]) if (actor.isAtRest) this.#forget(actor);
    for (const actor of this.#all) this.#name(actor);
    this.#waits.look();
    if (this.#closing && this.areAtRest) this.#ended();
  }

  /**
   * Gives an actor its name, unless one before it may still want the same: which of two has it does not depend on who is faster. But one that
   * waits for something while it is imported does not keep all others from running.
   */
  #name(actor: UserActor): void {
    const { next } = actor;
    if (next === null) return;
    const { name: wish } = next;
    const others = this.#all.slice(0, this.#all.indexOf(actor));
    if (actor.claimed !== wish && others.some(({ isToBeNamed }) => isToBeNamed)) return;
    // One that leaves makes room.
    if ([...this.#leaving].some(({ claimed }) => claimed === wish)) return;
    try {
      assertMayBeCalled(next, actor, this.#all);
    } catch (error) {
      return actor.refuse(HoldfastError.from(error));
    }
    const before = this.nameOf(actor);
    if (before !== wish) this.#world.transitions.gone(addressedActor(before, actor), "rename");
    actor.begin(wish);
    actor.observe(this.#isObserved(actor));
  }

  #isObserved(actor: UserActor): boolean {
    return this.#world.transitions.hears(formatAddress({ kind: "actor", actor: this.nameOf(actor) }));
  }

  #tell(actor: UserActor, event: string | null): void {
    this.#world.transitions.look(addressedActor(this.nameOf(actor), actor), event);
  }

  #forget(actor: UserActor): void {
    this.#world.transitions.gone(addressedActor(this.nameOf(actor), actor), "reload");
    this.#leaving.delete(actor);
    this.#all = this.#all.filter((other) => other !== actor);
  }

  async #reload(): Promise<void> {
    if (this.#closing) throw new HoldfastError("SHUTTING_DOWN", "the supervisor is ending, and starts no actor");
    const sources = this.#plan.sources();
    const isStill = (actor: UserActor) => sources.some((source) => isSame(source, actor.source));
    const back = [...this.#leaving].filter(isStill);
    for (const actor of back) this.#leaving.delete(actor);
    const here = this.#all.filter((actor) => !this.#leaving.has(actor));
    for (const actor of here.filter((each) => !isStill(each))) {
      this.#leaving.add(actor);
      actor.send({ type: "stop" });
    }
    const added = sources.filter((source) => !here.some((actor) => isSame(source, actor.source))).map((source) => this.#add(source));
    const order = (actor: UserActor) => sources.findIndex((source) => isSame(source, actor.source));
    this.#all.sort((one, other) => order(one) - order(other));
    this.#look();
    const changed = here.filter((actor) => isStill(actor) && !actor.isStopped && actor.isOutdated);
    const outcomes = await Promise.all([
      ...[...added, ...back].map((actor) => this.#startAnew(actor)),
      ...changed.map((actor) => this.#renew(actor)),
    ]);
    const errors = outcomes.filter((outcome) => outcome !== null);
    const [first] = errors;
    if (first !== undefined)
      throw new HoldfastError(first.code, errors.map(({ message }) => message).join("; "), first.details, { cause: first });
  }

  /** Has an actor run what its source says now. @returns why it does not */
  async #renew(actor: UserActor): Promise<HoldfastError | null> {
    if (actor.state !== "running" && actor.state !== "stopping") return this.#startAnew(actor);
    const load = actor.loadAside();
    this.#aside.add(load);
    try {
      const loaded = await load.loaded;
      try {
        assertMayBeCalled(loaded.actor, actor, this.#all);
      } catch (error) {
        loaded.actor.discard();
        throw error;
      }
      if (this.#closing || actor.isStopped || this.#leaving.has(actor)) loaded.actor.discard();
      else actor.succeed(loaded);
      return null;
    } catch (thrown) {
      const { code, message, details } = HoldfastError.from(thrown);
      const name = this.nameOf(actor);
      this.#world.log.error({ ...details, actor: name, code, reason: message }, "actor can't be reloaded: what runs goes on");
      return new HoldfastError(code, `actor ${name}: ${message}`, { ...details, actor: name });
    } finally {
      this.#aside.delete(load);
    }
  }

  /** Starts one that does not run. @returns why it can't be loaded */
  #startAnew(actor: UserActor): Promise<HoldfastError | null> {
    actor.send({ type: "restart" });
    return new Promise((resolve, reject) => {
      const find = () => {
        const { state, isLoading } = actor;
        if (state === "waiting" || state === "stopping" || isLoading) return undefined;
        return state === "failed" || state === "backoff" ? actor.failure() : null;
      };
      this.#waits.add(find, resolve, reject);
    });
  }
}

function isSame(one: ActorSource, other: ActorSource): boolean {
  if ("file" in one) return "file" in other && one.file === other.file;
  return "definition" in other && one.definition === other.definition;
}
