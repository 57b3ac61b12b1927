import { encode } from "../protocol/codec.ts";
import { EventQueue } from "../protocol/event-queue.ts";
import type { Limits } from "../protocol/limits.ts";
import type { Event } from "../protocol/replies.ts";
import type { Client } from "./client.ts";
import type { Tally } from "./tally.ts";

/** A stream of events to one client. While the client is slow its events wait; when too many wait, the oldest are lost. */
export class Subscription {
  #waiting: EventQueue;
  /** Its last event has been pushed. */
  over = false;

  /** @param limits how many events may wait, and how many bytes of messages */
  constructor(
    readonly number: number,
    readonly client: Client,
    limits: Pick<Limits, "backlogEvents" | "backlogBytes">,
    readonly tally: Tally,
  ) {
    this.#waiting = new EventQueue(limits.backlogEvents, { most: limits.backlogBytes, weigh: weightOf });
  }

  /** How many events the client has yet to take. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Sends events behind the reply that names the subscription, and before all others. */
  begin(events: readonly Event[]): void {
    for (const event of events) this.#keep(event);
    queueMicrotask(() => this.flush());
  }

  /** Sends an event, now or when the client can take it. */
  push(event: Event): void {
    this.flush();
    if (this.#waiting.length === 0 && this.client.outlet.ready) this.client.outlet.deliver(event);
    else this.#keep(event);
  }

  /** Sends what waits, for as long as the client takes it. */
  flush(): void {
    while (this.#waiting.length > 0 && this.client.outlet.ready) this.client.outlet.deliver(this.#waiting.shift() as Event);
  }

  /** The client wants no more: what waits is dropped. */
  discard(): void {
    this.#waiting = new EventQueue(0);
  }

  #keep(event: Event): void {
    this.tally.lostEvents += this.#waiting.push(event);
  }
}

/** In bytes, of what programs and users' actors have to say. Other events are short, and a value that is kept is there anyhow. */
function weightOf(event: Event): number {
  const isLong = (event.ev === "transition" && event.from !== null) || (event.ev === "message" && !event.retained);
  return isLong ? encode(event).length : 0;
}
