import type { SlotMemory } from "../frames/mapping.ts";
import { HoldfastError } from "../protocol/errors.ts";
import type { ReplyOf } from "../protocol/replies.ts";
import type { Fields } from "../protocol/requests.ts";
import { released } from "./frame.ts";
import type { HeldGrant } from "./frame-pool.ts";

/** What is said of a frame when it is published. */
export interface PublishOptions {
  /** Of the slot that are used; default: all of them, which is the whole image. */
  readonly bytes?: number;
  /** When it was captured, CLOCK_MONOTONIC, ns; default: now. */
  readonly timestampNs?: bigint;
  /** Anything small, for the consumers. */
  readonly meta?: Record<string, unknown>;
}

/** What a frame asks of its pool. */
export interface Producer {
  publish(grant: HeldGrant, fields: Omit<Fields<"slot.publish">, "lease" | "acquire">): Promise<ReplyOf<"slot.publish">>;
  /** Never throws. */
  giveUp(grant: HeldGrant): Promise<void>;
  /** The program has no use of the frame any more. */
  ended(frame: WritableFrame): void;
  /** False: the connection that the grant came on has gone. */
  isHeld(grant: HeldGrant): boolean;
}

/** Errors of a publish after which the producer has the slot no more. After others it may mend the request, or give the slot up. */
const final: ReadonlySet<string> = new Set(["POOL_GONE", "LEASE_UNKNOWN", "LEASE_FOREIGN", "LEASE_KIND", "DISCONNECTED"]);

/** A slot that this program writes a frame to. Leaving its scope unpublished gives it up. */
export class WritableFrame implements Disposable {
  readonly #producer: Producer;
  readonly #grant: HeldGrant;
  readonly #capacity: number;
  /** Null: published, or given up. */
  #memory: SlotMemory | null;
  #isPublishing = false;
  /** The program has left its scope while it was published. */
  #isLeft = false;

  /** For the pool. */
  constructor(producer: Producer, grant: HeldGrant, memory: SlotMemory, capacity: number) {
    this.#producer = producer;
    this.#grant = grant;
    this.#memory = memory;
    this.#capacity = capacity;
  }

  /** Its number in the pool. */
  get slot(): number {
    return this.#grant.slot;
  }

  /** What the slot holds, to be written; as it was left by whoever had it before. @throws HoldfastError `FRAME_RELEASED` */
  get data(): Uint8Array {
    return this.#writable.data;
  }

  /**
   * Hands the frame to the consumers. Views of it have length 0 from now on, and `data` throws. Should the supervisor refuse what is said
   * of the frame (`BAD_FIELD`, `LIMIT_META`), the slot is still there to be published otherwise.
   * @returns its number in the pool, from 1
   * @throws HoldfastError `FRAME_TOO_LONG`, `FRAME_RELEASED`, `POOL_GONE`, `BAD_FIELD`, `LIMIT_META`; `DISCONNECTED`: the slot is lost
   */
  async publish({ bytes = this.#capacity, timestampNs, meta }: PublishOptions = {}): Promise<{ readonly seq: number }> {
    const memory = this.#writable;
    if (bytes > this.#capacity) {
      const message = `the frame has ${bytes} bytes, and a slot of the pool holds ${this.#capacity}`;
      throw new HoldfastError("FRAME_TOO_LONG", message, { field: "bytes", bytes, capacity: this.#capacity });
    }
    if (!this.#producer.isHeld(this.#grant)) {
      void this.#giveUp();
      throw new HoldfastError("DISCONNECTED", "the connection has been lost, and the slot with it");
    }
    memory.flush(bytes);
    memory.detach();
    this.#isPublishing = true;
    try {
      const { seq } = await this.#producer.publish(this.#grant, { bytes, timestampNs, meta });
      memory.end();
      this.#memory = null;
      this.#producer.ended(this);
      return { seq };
    } catch (error) {
      if (this.#isLeft || (error instanceof HoldfastError && final.has(error.code))) void this.#giveUp();
      throw error;
    } finally {
      this.#isPublishing = false;
    }
  }

  /** Gives the slot up: no frame is made of it. @throws HoldfastError `FRAME_RELEASED` */
  async abort(): Promise<void> {
    if (this.#writable !== null) await this.#giveUp();
  }

  /** Gives the slot up, unless it has been published. */
  [Symbol.dispose](): void {
    this.#isLeft = true;
    if (this.#memory !== null && !this.#isPublishing) void this.#giveUp();
  }

  /** Never throws. */
  async #giveUp(): Promise<void> {
    this.#memory?.end();
    this.#memory = null;
    await this.#producer.giveUp(this.#grant);
    this.#producer.ended(this);
  }

  get #writable(): SlotMemory {
    if (this.#memory === null || this.#isPublishing) throw released(`slot ${this.slot}`, "has been published or given up");
    return this.#memory;
  }
}
