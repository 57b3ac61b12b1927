import { type ErrorCode, errorCodes, HoldfastError } from "../protocol/errors.ts";
import type { Event, ReplyOf } from "../protocol/replies.ts";
import type { Fields, Op } from "../protocol/requests.ts";

/** Where the events of one subscription go. */
export interface Subscriber {
  /** An event has come. */
  push(event: Event): void;
  /** No more events come; null: as it should be. */
  finish(failure: Error | null): void;
}

/** An operation that answers the number of a subscription. */
export type SubscribingOp = "watch" | "observe" | "trace" | "frames.subscribe" | "topic.subscribe" | "camera.attach";

/**
 * Sends a request.
 * @param arrived called in the turn in which the reply comes: what follows it on the wire may build on it
 */
export type SendRequest = <O extends Op>(op: O, fields: Fields<O>, arrived?: (reply: ReplyOf<O>) => void) => Promise<ReplyOf<O>>;

/** A subscription as the program knows it; its number changes when the client reconnects. */
interface Subscribed {
  readonly subscriber: Subscriber;
  subscribe(arrived: (reply: { readonly sub: number }) => void): Promise<unknown>;
}

/** The subscriptions of one client, which outlive its connection. */
export class Subscriptions {
  readonly #request: SendRequest;
  /** Until the program leaves them, or they end. */
  readonly #wanted = new Set<Subscribed>();
  /** Those of this connection, by their numbers. */
  readonly #bySub = new Map<number, Subscribed>();
  /** Those that have been asked for on this connection. */
  readonly #asked = new Set<Subscribed>();

  constructor(request: SendRequest) {
    this.#request = request;
  }

  /** @returns the first reply @throws HoldfastError as the operation does */
  async add<O extends SubscribingOp>(subscriber: Subscriber, op: O, fields: Fields<O>): Promise<ReplyOf<O>> {
    const subscribed: Subscribed = { subscriber, subscribe: (arrived) => this.#request(op, fields, arrived as never) };
    this.#wanted.add(subscribed);
    try {
      return (await this.#subscribe(subscribed)) as ReplyOf<O>;
    } catch (error) {
      this.#forget(subscribed);
      throw error;
    }
  }

  /** The program has left this one; nothing is delivered to it any more. */
  leave(subscriber: Subscriber): void {
    for (const subscribed of this.#wanted) if (subscribed.subscriber === subscriber) this.#forget(subscribed);
    for (const [sub, subscribed] of this.#bySub) if (subscribed.subscriber === subscriber) this.#unwatch(sub);
  }

  deliver(event: Event): void {
    const subscribed = this.#bySub.get(event.sub);
    if (subscribed === undefined) {
      // It was on its way when the program left. Nobody else is given the slot before it is released.
      if (event.ev === "frame") this.#request("slot.release", { lease: event.lease }).catch(() => {});
      return;
    }
    if (event.ev !== "end") return subscribed.subscriber.push(event);
    this.#bySub.delete(event.sub);
    this.#forget(subscribed);
    subscribed.subscriber.finish(event.reason === "CLOSED" ? null : endedBy(event.reason));
  }

  /** The connection has gone, and the numbers with it. */
  lost(): void {
    this.#bySub.clear();
    this.#asked.clear();
  }

  /** No event comes any more. */
  finish(failure: Error | null): void {
    const finished = [...this.#wanted];
    this.#wanted.clear();
    this.lost();
    for (const { subscriber } of finished) subscriber.finish(failure);
  }

  /**
   * Subscribes again on a new connection. What can't be had any more ends with the error.
   * @throws HoldfastError `DISCONNECTED` when that connection has gone too
   */
  async restore(): Promise<void> {
    for (const subscribed of [...this.#wanted]) {
      // The program may have begun it on the new connection, or left it since.
      if (this.#asked.has(subscribed) || !this.#wanted.has(subscribed)) continue;
      await this.#subscribe(subscribed).catch((error: HoldfastError) => {
        if (error.code === "DISCONNECTED") throw error;
        this.#forget(subscribed);
        subscribed.subscriber.finish(error);
      });
    }
  }

  #subscribe(subscribed: Subscribed): Promise<unknown> {
    this.#asked.add(subscribed);
    return subscribed.subscribe(({ sub }) => {
      this.#bySub.set(sub, subscribed);
      if (!this.#wanted.has(subscribed)) this.#unwatch(sub);
    });
  }

  #forget(subscribed: Subscribed): void {
    this.#wanted.delete(subscribed);
    this.#asked.delete(subscribed);
  }

  #unwatch(sub: number): void {
    this.#bySub.delete(sub);
    this.#request("unwatch", { sub }).catch(() => {});
  }
}

function endedBy(reason: string): HoldfastError {
  if (!Object.hasOwn(errorCodes, reason)) return new HoldfastError("LINE_LOST", `the subscription has ended: ${reason}`);
  const code = reason as ErrorCode;
  const sentence = errorCodes[code];
  return new HoldfastError(code, `the subscription has ended: ${sentence.charAt(0).toLowerCase()}${sentence.slice(1)}`);
}
