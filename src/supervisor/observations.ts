import { alone, type NamedPin, pinKey } from "../gpio/named-pin.ts";
import type { EventOf } from "../protocol/replies.ts";
import type { Client } from "./client.ts";
import type { Pin } from "./pin.ts";
import { doingsOf } from "./pin-doings.ts";
import type { Subscription } from "./subscription.ts";

/** Somebody who is told what a pin does. */
interface Observation {
  readonly subscription: Subscription;
  told: string;
}

/** Who is told what pins do. An observation belongs to what a name means, and outlives open and close. */
export class Observations {
  readonly #openAs: (named: NamedPin) => Pin | undefined;
  /** By `pinKey`. */
  readonly #all = new Map<string, Set<Observation>>();

  /** @param openAs the open pin of a line or group; of a line that is part of an open group, that group */
  constructor(openAs: (named: NamedPin) => Pin | undefined) {
    this.#openAs = openAs;
  }

  /** A client is to be told of a pin, first of what it does now. @returns the number of its subscription @throws HoldfastError `LIMIT_SUBSCRIPTIONS` */
  add(client: Client, named: NamedPin): number {
    const at = pinKey(named);
    const observations = this.#all.get(at) ?? new Set();
    const subscription = client.subscribe(() => {
      observations.delete(observation);
      if (observations.size === 0) this.#all.delete(at);
    });
    const observation: Observation = { subscription, told: "" };
    this.#all.set(at, observations.add(observation));
    // The snapshot comes as the first event, after the reply that names the subscription.
    queueMicrotask(() => this.tell(named));
    return subscription.number;
  }

  /** Tells those who observe a pin what it does, and those who observe a line of it. */
  tell(named: NamedPin): void {
    if (this.#all.size === 0) return;
    this.#tellAs(named);
    if (named.lines.length > 1) for (const line of named.lines) this.#tellAs(alone(line));
  }

  /** Tells those who observe a pin what it does, if that is news to them. */
  #tellAs(named: NamedPin): void {
    const observations = this.#all.get(pinKey(named));
    if (observations === undefined) return;
    const pin = this.#openAs(named);
    const seen = { ev: "state", pin: named.pin, ...doingsOf(named, pin), lost: 0 } satisfies Omit<EventOf<"state">, "sub">;
    // An input's level changes with its edges, which are for those who watch it.
    const news = JSON.stringify(pin?.tenant.direction === "in" ? { ...seen, level: null, levels: null } : seen);
    for (const observation of observations) {
      if (observation.told === news) continue;
      observation.told = news;
      observation.subscription.push({ sub: observation.subscription.number, ...seen });
    }
  }
}
