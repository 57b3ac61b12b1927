import type { Event } from "./replies.ts";

/** Events that wait for a slow reader: a bounded queue that drops the oldest. Those that are counted it counts in the next one's `lost`. */
export class EventQueue<E extends Event = Event> {
  readonly #limit: number;
  #events: E[] = [];
  #lost = 0;

  /** @param limit the most events that wait */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get length(): number {
    return this.#events.length;
  }

  /** Adds the newest. @returns how many events were dropped for it: 0 or 1 */
  push(event: E): number {
    this.#events.push(event);
    if (this.#events.length <= this.#limit) return 0;
    const dropped = this.#events.shift() as E;
    if ("lost" in dropped) this.#lost += 1 + dropped.lost;
    return 1;
  }

  /** Takes the oldest. */
  shift(): E | undefined {
    const event = this.#events.shift();
    if (event === undefined || this.#lost === 0 || !("lost" in event)) return event;
    const lost = event.lost + this.#lost;
    this.#lost = 0;
    return { ...event, lost };
  }
}
