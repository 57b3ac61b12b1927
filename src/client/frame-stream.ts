import type { PoolMapping } from "../frames/mapping.ts";
import { HoldfastError } from "../protocol/errors.ts";
import type { Event } from "../protocol/replies.ts";
import type { Fields } from "../protocol/requests.ts";
import { type Delivery, Frame } from "./frame.ts";
import type { PoolClient } from "./frame-pool.ts";
import type { Subscriber } from "./subscriptions.ts";

/** Which frames a consumer gets, and for how long it may hold each. */
export type FrameOptions = Omit<Fields<"frames.subscribe">, "pool">;

/** What a stream asks of its pool. */
export interface FrameSource {
  /** The file with an epoch; null: the pool has another one by now. */
  mappingOf(epoch: number): Promise<PoolMapping | null>;
  /** The stream has subscribed. */
  begun(): void;
  /** No frames come any more. */
  ended(): void;
}

/**
 * What a frame is not shown for, and the next one may be. Its file has gone: so has the pool, of which the subscription's end tells, or it
 * will get another file. Or the connection has: then the stream ends, or goes on over the next one.
 */
const passing: ReadonlySet<string> = new Set(["POOL_GONE", "POOL_UNKNOWN", "DISCONNECTED"]);

/** The frames of one consumer, in order. It holds one at a time: the next comes when the one before has been released. */
export class FrameStream implements AsyncIterableIterator<Frame>, AsyncDisposable {
  readonly #client: PoolClient;
  readonly #pool: string;
  readonly #options: FrameOptions;
  readonly #source: FrameSource;
  readonly #subscriber: Subscriber = {
    push: (event) => this.#push(event),
    finish: (failure) => this.#finish(failure),
  };
  #subscribing: Promise<void> | null = null;
  /** Frames that have come and were not taken. */
  #arrived: Delivery[] = [];
  /** The one that the program has taken last. */
  #taken: Delivery | null = null;
  /** Frames that came and were not shown, since the one before. */
  #lost = 0;
  /** No more frames come. */
  #isOver = false;
  /** The program wants no more of those that have come. */
  #isLeft = false;
  #failure: Error | null = null;
  #wakeUp: (() => void) | null = null;

  /** For the pool. */
  constructor(client: PoolClient, pool: string, options: FrameOptions, source: FrameSource) {
    this.#client = client;
    this.#pool = pool;
    this.#options = options;
    this.#source = source;
  }

  /**
   * The next frame. One reader at a time.
   * @throws HoldfastError `POOL_UNKNOWN`, `POOL_SLOTS`, `GROUP_CONFLICT`, `BAD_FIELD`; `POOL_GONE` when the pool has been removed;
   * `DISCONNECTED`; `PERMISSION_DENIED`, `MEMORY_FAILED`
   */
  async next(): Promise<IteratorResult<Frame, undefined>> {
    await this.#subscribed();
    for (;;) {
      const delivery = this.#arrived.shift();
      if (delivery !== undefined) {
        this.#taken = delivery;
        const frame = await this.#show(delivery);
        if (frame !== null) return { done: false, value: frame };
      } else if (this.#failure !== null) {
        throw this.#failure;
      } else if (this.#isOver) {
        return { done: true, value: undefined };
      } else {
        await this.#more();
      }
    }
  }

  /** Ends the subscription. A frame that has come and was not taken is released; those that the program holds stay with it. */
  async return(): Promise<IteratorResult<Frame, undefined>> {
    this.#isLeft = true;
    if (!this.#isOver) this.#client.subscriptions.leave(this.#subscriber);
    this.#finish(null);
    this.#failure = null;
    for (const delivery of this.#arrived.splice(0)) this.#releaseUnseen(delivery);
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  /** Subscribes, once. */
  async #subscribed(): Promise<void> {
    if (this.#isOver) return;
    this.#source.begun();
    this.#subscribing ??= this.#client.subscriptions.add(this.#subscriber, "frames.subscribe", { ...this.#options, pool: this.#pool }).then(
      () => {},
      (error) => this.#finish(error),
    );
    await this.#subscribing;
  }

  #push(event: Event): void {
    if (event.ev === "frame") {
      const delivery: Delivery = { event, connection: this.#client.connection(), revoked: false };
      if (this.#isLeft) this.#releaseUnseen(delivery);
      else this.#arrived.push(delivery);
    } else if (event.ev === "revoked") {
      const revoked = [this.#taken, ...this.#arrived].find((delivery) => delivery?.event.lease === event.lease);
      if (revoked) {
        revoked.revoked = true;
        revoked.onRevoked?.();
      }
    }
    this.#wakeUp?.();
  }

  #finish(failure: Error | null): void {
    if (!this.#isOver) this.#failure = failure;
    this.#isOver = true;
    this.#source.ended();
    this.#wakeUp?.();
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wakeUp = resolve;
    });
  }

  /** The frame for the program; null: it is not to be had any more, and was released. */
  async #show(delivery: Delivery): Promise<Frame | null> {
    const { event } = delivery;
    const isShown = () => !delivery.revoked && !this.#isStale(delivery) && !this.#isLeft;
    this.#lost += event.lost;
    try {
      const mapping = isShown() ? await this.#source.mappingOf(event.epoch) : null;
      if (mapping !== null && isShown()) {
        const frame = new Frame(delivery, mapping, this.#lost, (given) => this.#release(given));
        this.#lost = 0;
        return frame;
      }
      this.#releaseUnseen(delivery);
    } catch (error) {
      this.#releaseUnseen(delivery);
      if (!(error instanceof HoldfastError && passing.has(error.code))) {
        // A loop that is ended by an error does not end the subscription.
        await this.return();
        throw error;
      }
    }
    return null;
  }

  #releaseUnseen(delivery: Delivery): void {
    this.#lost++;
    this.#release(delivery).catch(() => {});
  }

  async #release(delivery: Delivery): Promise<boolean> {
    if (this.#isStale(delivery)) return false;
    try {
      return (await this.#client.request("slot.release", { lease: delivery.event.lease })).valid;
    } catch (error) {
      if (error instanceof HoldfastError && error.code === "DISCONNECTED") return false;
      throw error;
    }
  }

  #isStale({ connection }: Delivery): boolean {
    return connection !== this.#client.connection();
  }
}
