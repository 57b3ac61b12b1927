import { HoldfastError } from "../protocol/errors.ts";
import type { ActorDescription, ActorEnd, ActorEvent, ActorSnapshot } from "../user-actors/actor-host.ts";
import type { ActorDefinition } from "../user-actors/define-actor.ts";
import { RunningActor } from "../user-actors/running-actor.ts";
import type { Wire } from "./wire.ts";
import { World } from "./world.ts";

/** What an actor commanded: `{ type: "relay.on", durationMs: 500, atMs: 0 }`, by the names that it has for its pins and topics. */
export interface Commanded extends ActorEvent {
  /** Since the world began, in ms. */
  readonly atMs: number;
}

/** A state that an actor came to. */
export interface Transition {
  /** The event that it was for; null: the actor has just started. */
  readonly event: string | null;
  readonly state: string;
  /** Since the world began, in ms. */
  readonly atMs: number;
}

/** What an actor is simulated with. */
export interface SimulateOptions {
  /** Default: one of its own. */
  readonly world?: World;
  /** Default: what the definition says, or "actor". */
  readonly name?: string;
}

/**
 * Starts an actor in a world, where it has its pins as it has them in a supervisor, and lets it come to rest.
 * @throws HoldfastError why it has failed: `ACTOR_FAILED`, or what a pin could not be opened for
 */
export async function simulate(definition: ActorDefinition, options: SimulateOptions = {}): Promise<SimulatedActor> {
  const { world = new World(), name = definition.name ?? "actor" } = options;
  const actor = new SimulatedActor(definition, name, world, await world.connect({ name }));
  await world.settle();
  const { end } = actor;
  if (end?.reason !== "failed") return actor;

  throw HoldfastError.fromValue(end.error);
}

/** An actor that runs in a world. What it does there is what its lines do; what it commanded, and which states it came to, is here. */
export class SimulatedActor {
  readonly world: World;
  /** What it commanded, oldest first. */
  readonly commands: Commanded[] = [];
  /** The states that it came to, oldest first. */
  readonly transitions: Transition[] = [];
  /** What is known of its machine and the events that it accepts; null: it waits for a pin that another is closing. */
  description: ActorDescription | null = null;
  /** Why it has ended by itself; null: it has not. */
  end: ActorEnd | null = null;
  readonly #definition: ActorDefinition;
  readonly #running: RunningActor;

  /** @internal */
  constructor(definition: ActorDefinition, name: string, world: World, client: ConstructorParameters<typeof RunningActor>[2]) {
    this.#definition = definition;
    this.world = world;
    this.#running = new RunningActor(definition, name, client, world.clock, {
      ready: (description) => {
        this.description = description;
      },
      transition: ({ event, state }) => this.transitions.push({ event, state, atMs: world.nowMs }),
      commanded: (command) => this.commands.push({ ...command, atMs: world.nowMs }),
      ended: (end) => {
        this.end = end;
      },
      gone: () => {},
    });
  }

  /** Its state, nested ones with dots in between; null: it waits for a pin that another is closing. */
  get state(): string | null {
    return this.#running.state;
  }

  /** Its machine's context, as far as it is plain data. @throws HoldfastError `ACTOR_NOT_RUNNING` */
  get context(): ActorSnapshot["data"] {
    return this.#running.snapshot().data;
  }

  /** The wire at one of its pins, by the name that it has for it. */
  wire(name: string): Wire {
    const pin = this.#definition.pins[name];
    if (pin === undefined) throw new Error(`the actor has no pin ${name}, but ${Object.keys(this.#definition.pins).join(", ")}`);
    return this.world.wire("out" in pin ? pin.out : pin.in);
  }

  /**
   * Gives it an event as anyone may, which it has taken when this returns.
   * @throws HoldfastError `EVENT_UNKNOWN`, `EVENT_INVALID`, `ACTOR_NOT_RUNNING`, `ACTOR_FAILED` when it fails at this event
   */
  send(event: ActorEvent): void {
    this.#running.send(event);
  }

  /**
   * The same, and resolves to what the machine replies.
   * @throws HoldfastError as `send` does; `ASK_TIMEOUT`
   */
  ask(event: ActorEvent, { timeoutMs = 5000 }: { readonly timeoutMs?: number } = {}): Promise<unknown> {
    return this.#running.ask(event, timeoutMs);
  }

  /** Ends it as `holdfast actor stop` does: its pins close softly. */
  async stop(): Promise<void> {
    this.#running.stop();
    await this.world.settle();
  }
}
