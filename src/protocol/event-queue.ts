import type { Event } from "./replies.ts";

/** How heavy events may be that wait. */
export interface Weighing<E> {
  /** The most that all of them may weigh. */
  readonly most: number;
  weigh(event: E): number;
}

/**
 * Events that wait for a slow reader: a bounded queue that drops the oldest, and never the newest. Those that are counted it counts in the
 * next one's `lost`.
 */
export class EventQueue<E extends Event = Event> {
  readonly #limit: number;
  readonly #weighing: Weighing<E> | undefined;
  #events: E[] = [];
  /** Of each event, where they are weighed. */
  #weights: number[] = [];
  #weight = 0;
  #lost = 0;

  /** @param limit the most events that wait */
  constructor(limit: number, weighing?: Weighing<E>) {
    this.#limit = limit;
    this.#weighing = weighing;
  }

  get length(): number {
    return this.#events.length;
  }

  /** Adds the newest. @returns how many events were dropped for it */
  push(event: E): number {
    this.#events.push(event);
    if (this.#weighing !== undefined) this.#add(this.#weighing.weigh(event));
    let dropped = 0;
    while (this.#isTooMuch()) {
      this.#drop();
      dropped += 1;
    }
    return dropped;
  }

  /** Takes the oldest. */
  shift(): E | undefined {
    const event = this.#take();
    if (event === undefined || this.#lost === 0 || !("lost" in event)) return event;
    const lost = event.lost + this.#lost;
    this.#lost = 0;
    return { ...event, lost };
  }

  #isTooMuch(): boolean {
    if (this.#events.length > this.#limit) return true;
    return this.#weighing !== undefined && this.#weight > this.#weighing.most && this.#events.length > 1;
  }

  #drop(): void {
    const dropped = this.#take() as E;
    if ("lost" in dropped) this.#lost += 1 + dropped.lost;
  }

  #add(weight: number): void {
    this.#weights.push(weight);
    this.#weight += weight;
  }

  #take(): E | undefined {
    this.#weight -= this.#weights.shift() ?? 0;
    return this.#events.shift();
  }
}
