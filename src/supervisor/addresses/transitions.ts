import { isDeepStrictEqual } from "node:util";
import { type Clock, timestampNs } from "../../clock/clock.ts";
import { addressOf, formatAddress, parentOf } from "../../protocol/addresses.ts";
import type { EventOf } from "../../protocol/replies.ts";
import type { Client } from "../client.ts";
import type { Subscription } from "../subscription.ts";
import type { Addressed, Data } from "./addressed.ts";

/** What has been told of an actor last. */
interface Told {
  readonly state: string;
  readonly data: Data;
}

/** Its data is on the way from where it lives. */
const COMING = Symbol("coming");

/** Somebody who is told of one actor, or of that and of all below it. */
interface Listener {
  readonly subscription: Subscription;
  readonly address: string;
  readonly withAllBelow: boolean;
  /** By address. */
  readonly told: Map<string, Told | typeof COMING>;
}

/** The state of an actor that is there no more. */
const GONE = "gone";

/** Where every actor tells that it has changed, and who is told of it. */
export class Transitions {
  readonly #clock: Clock;
  /** By the addresses that they listen to. */
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #whenListened: ((withAllBelow: boolean) => void)[] = [];
  /** Whether anybody listens to anything: whoever has much to tell looks at this first, and at nothing else. */
  isHeard = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls back whenever somebody begins or ceases to listen. @param told is told whether that is to all below an actor, too */
  whenListened(told: (withAllBelow: boolean) => void): void {
    this.#whenListened.push(told);
  }

  /** Whether anybody listens to this actor. */
  hears(address: string): boolean {
    return this.isHeard && this.#to({ address }).length > 0;
  }

  /** The subscriptions of those who trace this actor and may see it. */
  tracing(actor: Addressed): readonly Subscription[] {
    if (!this.isHeard) return [];
    return this.#to(actor).flatMap(({ withAllBelow, subscription }) =>
      withAllBelow && actor.isSeenBy(subscription.client) ? [subscription] : [],
    );
  }

  /**
   * A client listens from now on, and is told first what there is.
   * @param withAllBelow also to all that is a part of it, comes to be or goes
   * @param now what there is of it
   * @returns the number of the subscription
   * @throws HoldfastError `LIMIT_SUBSCRIPTIONS`
   */
  listen(client: Client, address: string, withAllBelow: boolean, now: readonly Addressed[]): number {
    const subscription = client.subscribe(() => this.#leave(listener), now.length);
    const listener: Listener = { subscription, address, withAllBelow, told: new Map() };
    this.#listeners.set(address, (this.#listeners.get(address) ?? new Set()).add(listener));
    this.#changed(listener);
    subscription.begin(now.flatMap((actor) => this.#snapshot(listener, actor) ?? []));
    return subscription.number;
  }

  /** Something has happened to an actor. @param event what it was told; null: it has come to be, or its time was up */
  tell(actor: Addressed, event: string | null): void {
    this.#tell(actor, event, () => true);
  }

  /** The same, unless it is as it was told last. */
  look(actor: Addressed, event: string | null): void {
    this.#tell(actor, event, ({ state, data }, before) => before?.state !== state || !isDeepStrictEqual(before.data, data));
  }

  /** There is no such actor any more. */
  gone(actor: Addressed, event: string | null): void {
    if (!this.isHeard) return;
    for (const listener of this.#to(actor)) {
      if (!actor.isSeenBy(listener.subscription.client)) continue;
      this.#push(listener, actor.address, event, { state: GONE, data: {} });
      listener.told.delete(actor.address);
    }
  }

  #tell(actor: Addressed, event: string | null, isNews: (now: Told, before: Told | undefined) => boolean): void {
    if (!this.isHeard) return;
    const listeners = this.#to(actor).filter(({ subscription }) => actor.isSeenBy(subscription.client));
    if (listeners.length === 0) return;
    const data = actor.data();
    // Whoever lives in another thread tells its data with what it tells of itself.
    if (data instanceof Promise) data.catch(() => {});
    const now = { state: actor.state, data: data instanceof Promise ? {} : data };
    for (const listener of listeners) {
      const before = listener.told.get(actor.address);
      if (isNews(now, before === COMING ? undefined : before)) this.#push(listener, actor.address, event, now);
    }
  }

  /** What an actor is found in; undefined: it is told when that has come. */
  #snapshot(listener: Listener, actor: Addressed): EventOf<"transition"> | undefined {
    const { address } = actor;
    const data = actor.data();
    if (!(data instanceof Promise)) return this.#note(listener, address, null, { state: actor.state, data });
    listener.told.set(address, COMING);
    const isAwaited = () => this.#listeners.get(listener.address)?.has(listener) === true && listener.told.get(address) === COMING;
    data.then(
      (come) => isAwaited() && this.#push(listener, address, null, { state: actor.state, data: come }),
      // It has ended meanwhile, and that is told by itself.
      () => isAwaited() && this.#push(listener, address, null, { state: actor.state, data: {} }),
    );
    return undefined;
  }

  #push(listener: Listener, address: string, event: string | null, now: Told): void {
    listener.subscription.push(this.#note(listener, address, event, now));
  }

  #note({ subscription, told }: Listener, address: string, event: string | null, now: Told): EventOf<"transition"> {
    const before = told.get(address);
    told.set(address, now);
    return {
      sub: subscription.number,
      ev: "transition",
      address,
      event,
      from: before === undefined || before === COMING ? null : before.state,
      ...now,
      timestampNs: timestampNs(this.#clock),
      lost: 0,
    };
  }

  /** Those who listen to an actor, or to one that it is below. */
  #to({ address, isPart = false }: Pick<Addressed, "address" | "isPart">): readonly Listener[] {
    const listeners = [...(this.#listeners.get(address) ?? [])];
    if (isPart) return listeners;
    for (let at = parentOf(addressOf(address)); at !== null; at = parentOf(at)) {
      for (const listener of this.#listeners.get(formatAddress(at)) ?? []) if (listener.withAllBelow) listeners.push(listener);
    }
    return listeners;
  }

  #leave(listener: Listener): void {
    const all = this.#listeners.get(listener.address);
    all?.delete(listener);
    if (all?.size === 0) this.#listeners.delete(listener.address);
    this.#changed(listener);
  }

  #changed({ withAllBelow }: Listener): void {
    this.isHeard = this.#listeners.size > 0;
    for (const told of this.#whenListened) told(withAllBelow);
  }
}
