import {
  type Actor,
  type AnyActorRef,
  type AnyStateMachine,
  createActor,
  type EventFromLogic,
  type InspectionEvent,
  type SnapshotFrom,
} from "xstate";
import type { HoldfastClient } from "../client/client.ts";
import { type Alarm, type Clock, xstateClock } from "../clock/clock.ts";
import { machineDefinition } from "../machine-definition.ts";
import { type ErrorDetails, type ErrorValue, HoldfastError } from "../protocol/errors.ts";
import { AcceptedEvents } from "./accepted-events.ts";
import type { ActorEnd, ActorEvent, ActorListener, ActorSnapshot } from "./actor-host.ts";
import { ActorPins } from "./actor-pins.ts";
import { ActorPool } from "./actor-pool.ts";
import { ActorTopics } from "./actor-topics.ts";
import type { ActorDefinition } from "./define-actor.ts";
import { failureOf } from "./failure.ts";
import { GuardErrors } from "./guard-errors.ts";
import { commandsOf } from "./handles.ts";
import { plainMap } from "./plain-data.ts";
import { stateName } from "./state-name.ts";
import type { World } from "./world.ts";
import type { OutputOp } from "./world-events.ts";

/** Who has asked, and waits for the machine's reply. */
interface Asker {
  readonly answer: (value: unknown) => void;
  readonly refuse: (error: HoldfastError) => void;
}

/** What a running actor tells. */
export interface RunningListener extends Pick<ActorListener, "ready" | "transition" | "ended" | "gone"> {
  /** Its machine has emitted something, which is about to be done. */
  commanded?(command: ActorEvent): void;
}

/**
 * A user's actor that runs as a client of a supervisor: its pins are open, its machine is told of their edges, and what the machine emits is
 * asked of the supervisor. It owns the client, and closes it in the end.
 */
export class RunningActor {
  readonly #definition: ActorDefinition;
  readonly #name: string;
  readonly #client: HoldfastClient;
  readonly #clock: Clock;
  readonly #listener: RunningListener;
  readonly #accepted: AcceptedEvents;
  readonly #pins: ActorPins;
  readonly #topics: ActorTopics;
  readonly #pools: ReadonlyMap<string, ActorPool>;
  /** Those who have asked and were not answered, the first one first. */
  readonly #askers = new Set<Asker>();
  /** Whose event the machine is just taking. */
  #asking: Asker | null = null;
  #machine: Actor<AnyStateMachine> | null = null;
  #state: string | null = null;
  #context: unknown = null;
  /** The event that the machine is just taking. */
  #cause: string | null = null;
  #isObserved = false;
  #isOver = false;
  #failure: HoldfastError | null = null;

  /**
   * Opens what the actor uses, and starts its machine. Whatever goes wrong is told as its end.
   * @param name under which it is told of
   */
  constructor(definition: ActorDefinition, name: string, client: HoldfastClient, clock: Clock, listener: RunningListener) {
    this.#definition = definition;
    this.#name = name;
    this.#client = client;
    this.#clock = clock;
    this.#listener = listener;
    this.#accepted = new AcceptedEvents(definition.events);
    const world: World = {
      client,
      tell: (event) => this.#tell(event),
      foresees: (event) => this.#foresees(event),
      trouble: (event, cause) => this.#trouble(event, cause),
    };
    this.#pins = new ActorPins(world);
    this.#topics = new ActorTopics(world, definition.topics);
    this.#pools = new Map(Object.entries(definition.pools).map(([name, pool]) => [name, new ActorPool(world, name, pool)]));
    void this.#begin();
  }

  /** As in `stateName`; null: its machine has not started. */
  get state(): string | null {
    return this.#state;
  }

  /** @throws HoldfastError `ACTOR_NOT_RUNNING` */
  snapshot(): ActorSnapshot {
    const { value, context } = this.#running().getSnapshot();
    return { state: stateName(value), data: plainMap(context) };
  }

  /**
   * Gives it an event, which it has taken when this returns.
   * @throws HoldfastError `EVENT_UNKNOWN`, `EVENT_INVALID`, `ACTOR_NOT_RUNNING`, `ACTOR_FAILED`
   */
  send(event: ActorEvent): void {
    const machine = this.#running();
    machine.send(this.#accepted.parse(event));
    if (this.#failure !== null) throw this.#failure;
  }

  /**
   * The same, and resolves to what the machine replies: in the turn in which it takes the event or, when nobody has asked before, later.
   * @throws HoldfastError as `send` does; `ASK_TIMEOUT`
   */
  async ask(event: ActorEvent, timeoutMs: number): Promise<unknown> {
    const machine = this.#running();
    const parsed = this.#accepted.parse(event);
    let alarm: Alarm | null = null;
    let asker: Asker | null = null;
    try {
      return await new Promise((answer, refuse) => {
        asker = { answer, refuse };
        this.#askers.add(asker);
        const late = new HoldfastError("ASK_TIMEOUT", `${this.#name} did not answer ${event.type} within ${timeoutMs} ms`, { timeoutMs });
        alarm = this.#clock.at(this.#clock.nowUs() + timeoutMs * 1000, () => refuse(late));
        this.#asking = asker;
        machine.send(parsed);
        this.#asking = null;
      });
    } finally {
      this.#askers.delete(asker as unknown as Asker);
      (alarm as Alarm | null)?.cancel();
    }
  }

  /** Whether transitions are told with their data, and changes of data alone, too. */
  observed(on: boolean): void {
    this.#isObserved = on;
  }

  /** Ends it in peace. Its pins close softly. */
  stop(): void {
    if (!this.#isOver) void this.#end(null);
  }

  /** Something of it has failed beside its machine: a timer of its own, say. */
  fail(thrown: unknown): void {
    if (!this.#isOver) void this.#end({ reason: "failed", error: failureOf(thrown, this.#name) });
  }

  async #begin(): Promise<void> {
    try {
      await this.#pins.open(this.#definition.pins);
      await this.#topics.open();
      if (!this.#isOver) this.#start();
    } catch (error) {
      this.fail(error);
    }
  }

  #start(): void {
    const definition = this.#definition.makeMachine();
    // Guards are replaced next, and lose their names.
    const description = { machine: machineDefinition(definition), accepts: this.#accepted.described };
    const guards = new GuardErrors(definition);
    const machine = createActor(definition, {
      input: { levels: this.#pins.levels },
      clock: xstateClock(this.#clock),
      inspect: (event) => this.#inspect(event),
    });
    machine.subscribe({
      next: (snapshot) => this.#changed(snapshot),
      complete: () => void this.#end({ reason: "done" }),
      error: (error) => this.fail(guards.trueCause(error)),
    });
    this.#machine = machine;
    if (machine.getSnapshot().status !== "error") this.#listener.ready(description);
    machine.start();
    // Whatever came meanwhile comes now, behind what the machine does at its start.
    this.#pins.listen();
    this.#topics.listen();
  }

  #running(): Actor<AnyStateMachine> {
    if (this.#machine === null || this.#isOver) throw new HoldfastError("ACTOR_NOT_RUNNING", `${this.#name} does not run`);
    return this.#machine;
  }

  #tell(event: ActorEvent): void {
    if (this.#machine !== null && !this.#isOver) this.#machine.send(event);
  }

  #trouble(event: ActorEvent, cause: unknown): void {
    // The end of the supervisor, or of this actor, is no trouble of its own.
    if (this.#machine === null || this.#isOver || (cause instanceof HoldfastError && cause.code === "DISCONNECTED")) return;
    if (this.#foresees(event)) this.#tell(event);
    else this.fail(cause);
  }

  #foresees(event: ActorEvent): boolean {
    if (this.#machine === null || this.#isOver) return false;
    const [machine, snapshot] = [this.#machine.logic as AnyStateMachine, this.#machine.getSnapshot()];
    try {
      return machine.getTransitionData(snapshot, event as EventFromLogic<AnyStateMachine>).length > 0;
    } catch {
      // A guard has thrown, and does so again when the machine is told.
      return true;
    }
  }

  /** Does what the machine has emitted. What the author emits for his own ends is none of ours. */
  #command(command: ActorEvent): void {
    this.#listener.commanded?.(command);
    const { type, ...fields } = command;
    if (type === "reply") return this.#reply(fields["value"]);
    const dot = type.indexOf(".");
    if (dot < 0) return;
    const [name, op] = [type.slice(0, dot), type.slice(dot + 1)];
    const known = commandsOf(this.#definition, name);
    if (known === null) return;
    if (!known.includes(op)) return this.#refuse(command, name, op, known);
    const { pins, topics } = this.#definition;
    if (Object.hasOwn(pins, name)) this.#pins.command(name, op as OutputOp, fields);
    else if (Object.hasOwn(topics, name)) this.#topics.publish(name, fields["value"], fields["retain"] === true);
    else if (op === "take") this.#pools.get(name)?.take();
    else if (op === "release") this.#pools.get(name)?.release();
  }

  /** Its author has emitted by hand what no handle makes. That is told later, as of a command that the supervisor refuses. */
  #refuse({ type }: ActorEvent, name: string, op: string, known: readonly string[]): void {
    const takes = known.length === 0 ? "no commands" : known.join(", ");
    const error = new HoldfastError("UNKNOWN_OP", `"${type}" is emitted, and ${name} takes ${takes}`, { emitted: type, known });
    queueMicrotask(() => this.#trouble({ type: `${name}.failed`, op, error: error.toValue() }, error));
  }

  #reply(value: unknown): void {
    const asker = this.#asking ?? this.#askers.values().next().value;
    if (asker === undefined) return;
    this.#askers.delete(asker);
    if (asker === this.#asking) this.#asking = null;
    asker.answer(value);
  }

  #inspect(event: InspectionEvent): void {
    // The machine itself, and whatever it invokes or spawns: what those emit is commanded as well.
    if (event.type === "@xstate.actor") (event.actorRef as AnyActorRef).on("*", (command) => this.#command(command));
    // The first event of several that the machine raises in turn is what they are for.
    if (event.type === "@xstate.microstep" && event.actorRef === this.#machine) this.#cause ??= event.event.type;
  }

  #changed({ value, context }: SnapshotFrom<AnyStateMachine>): void {
    const [from, state, event] = [this.#state, stateName(value), this.#cause];
    const isNews = state !== from || (this.#isObserved && context !== this.#context);
    this.#cause = null;
    this.#state = state;
    this.#context = context;
    if (!isNews) return;
    const change = { event: from === null ? null : event, from, state };
    this.#listener.transition(this.#isObserved ? { ...change, data: plainMap(context) } : change);
  }

  async #end(end: ActorEnd | null): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const pool of this.#pools.values()) pool.end();
    this.#machine?.stop();
    if (end?.reason === "failed")
      this.#failure = new HoldfastError("ACTOR_FAILED", `${this.#name} has failed: ${end.error.message}`, whereOf(end.error));
    for (const { refuse } of this.#askers) refuse(this.#failure ?? new HoldfastError("ACTOR_NOT_RUNNING", `${this.#name} has ended`));
    if (end !== null) this.#listener.ended(end);
    await this.#client.close();
    this.#listener.gone();
  }
}

/** What an error says of its place, for whoever has sent the event that was too much. */
function whereOf({ code: _, message: __, stack: ___, ...details }: ErrorValue): ErrorDetails {
  return details;
}
