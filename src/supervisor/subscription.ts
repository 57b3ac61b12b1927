import { EventQueue } from "../protocol/event-queue.ts";
import type { Event } from "../protocol/replies.ts";
import type { Client } from "./client.ts";
import type { Tally } from "./tally.ts";

/** A stream of events to one client. While the client is slow its events wait; when too many wait, the oldest are lost. */
export class Subscription {
  readonly #waiting: EventQueue;
  /** Its last event has been pushed. */
  over = false;

  constructor(
    readonly number: number,
    readonly client: Client,
    backlogEvents: number,
    readonly tally: Tally,
  ) {
    this.#waiting = new EventQueue(backlogEvents);
  }

  /** How many events the client has yet to take. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Sends an event, now or when the client can take it. */
  push(event: Event): void {
    if (this.#waiting.length === 0 && this.client.outlet.ready) this.client.outlet.deliver(event);
    else this.tally.lostEvents += this.#waiting.push(event);
  }

  /** Sends what waits, for as long as the client takes it. */
  flush(): void {
    while (this.#waiting.length > 0 && this.client.outlet.ready) this.client.outlet.deliver(this.#waiting.shift() as Event);
  }
}
