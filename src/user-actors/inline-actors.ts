import { HoldfastClient } from "../client/client.ts";
import type { Dial } from "../client/link.ts";
import type { Clock } from "../clock/clock.ts";
import { HoldfastError } from "../protocol/errors.ts";
import type { ActorEvent, ActorHost, ActorListener, ActorSnapshot, ActorSource, HostedActor, LoadedActor } from "./actor-host.ts";
import { failureOf } from "./failure.ts";
import { RunningActor } from "./running-actor.ts";

/** Actors within this process, from their definitions. One that hangs hangs the process. */
export class InlineActors implements ActorHost {
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async load(source: ActorSource): Promise<LoadedActor> {
    if ("file" in source)
      throw new HoldfastError("BAD_ACTOR", `${source.file} is a file, and this is for definitions`, { file: source.file });
    const { definition } = source;
    const name = definition.name ?? source.name;
    return {
      name,
      named: null,
      files: [],
      start: (dial, listener) =>
        new InlineActor(name, dial, listener, (client) => new RunningActor(definition, name, client, this.#clock, listener)),
      discard: () => {},
    };
  }
}

/** An actor that has yet to be connected, or runs. */
class InlineActor implements HostedActor {
  readonly #name: string;
  #actor: RunningActor | null = null;
  #isStopped = false;
  #isObserved = false;

  constructor(name: string, dial: Dial, listener: ActorListener, run: (client: HoldfastClient) => RunningActor) {
    this.#name = name;
    void this.#connect(dial, listener, run);
  }

  async send(event: ActorEvent): Promise<void> {
    this.#running().send(event);
  }

  async ask(event: ActorEvent, timeoutMs: number): Promise<unknown> {
    return this.#running().ask(event, timeoutMs);
  }

  async snapshot(): Promise<ActorSnapshot> {
    return this.#running().snapshot();
  }

  observed(on: boolean): void {
    this.#isObserved = on;
    this.#actor?.observed(on);
  }

  stop(): void {
    this.#isStopped = true;
    this.#actor?.stop();
  }

  kill(): void {
    this.stop();
  }

  async #connect(dial: Dial, listener: ActorListener, run: (client: HoldfastClient) => RunningActor): Promise<void> {
    try {
      const client = await HoldfastClient.over(dial, { name: this.#name });
      this.#actor = run(client);
      this.#actor.observed(this.#isObserved);
      if (this.#isStopped) this.#actor.stop();
    } catch (error) {
      if (!this.#isStopped) listener.ended({ reason: "failed", error: failureOf(error, this.#name) });
      listener.gone();
    }
  }

  #running(): RunningActor {
    if (this.#actor === null) throw new HoldfastError("ACTOR_NOT_RUNNING", `${this.#name} does not run`);
    return this.#actor;
  }
}
