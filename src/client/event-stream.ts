import { EventQueue } from "../protocol/event-queue.ts";
import type { Event } from "../protocol/replies.ts";

/** Events that a program has yet to take; beyond them the oldest are lost, and counted in the next one's `lost`. */
const BACKLOG_EVENTS = 1024;

/** The events of one watch or observation, in order. Leaving the loop ends the subscription. */
export class EventStream<E extends Event> implements AsyncIterableIterator<E>, AsyncDisposable {
  #waiting = new EventQueue<E>(BACKLOG_EVENTS);
  readonly #end: () => void;
  #next: { resolve: (result: IteratorResult<E, undefined>) => void; reject: (error: Error) => void } | null = null;
  #over = false;
  #failure: Error | null = null;

  /** @param end ends the subscription at the supervisor */
  constructor(end: () => void) {
    this.#end = end;
  }

  /** An event has come. */
  push(event: E): void {
    if (this.#over) return;
    this.#waiting.push(event);
    this.#settle();
  }

  /** No more events come; with an error the reader is told. */
  finish(failure: Error | null): void {
    this.#over = true;
    this.#failure ??= failure;
    this.#settle();
  }

  /** The next event. One reader at a time. */
  next(): Promise<IteratorResult<E, undefined>> {
    return new Promise((resolve, reject) => {
      this.#next = { resolve, reject };
      this.#settle();
    });
  }

  /** Ends the subscription. What has come and was not taken is dropped. */
  async return(): Promise<IteratorResult<E, undefined>> {
    if (!this.#over) this.#end();
    this.#waiting = new EventQueue(BACKLOG_EVENTS);
    this.#failure = null;
    this.finish(null);
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  #settle(): void {
    const next = this.#next;
    if (next === null) return;
    const event = this.#waiting.shift();
    if (event !== undefined) next.resolve({ done: false, value: event });
    else if (!this.#over) return;
    else if (this.#failure !== null) next.reject(this.#failure);
    else next.resolve({ done: true, value: undefined });
    this.#next = null;
  }
}
