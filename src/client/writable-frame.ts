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
  /** False: no slot is granted with it for the next `produce`. For the last frame, or when it is long until the next one; default true. */
  readonly next?: boolean;
}

/** What the supervisor is told of a frame. */
export type FrameFields = Omit<Fields<"slot.publish">, "lease" | "acquire">;

/** What a frame asks of its pool. */
export interface Producer {
  publish(grant: HeldGrant, fields: FrameFields, next: boolean): Promise<ReplyOf<"slot.publish">>;
  /** Never throws. */
  giveUp(grant: HeldGrant): Promise<void>;
  /** The program has no use of the frame any more. */
  ended(frame: WritableFrame): void;
  /** False: the connection that the grant came on has gone. */
  isHeld(grant: HeldGrant): boolean;
}

/** The longest pause between two looks at whether an operation is over, in ms. */
const LONGEST_LOOK_MS = 250;

/** Errors that say that the producer has the slot no more, and nothing to give up. */
export const slotIsGone: ReadonlySet<string> = new Set(["POOL_UNKNOWN", "POOL_GONE", "LEASE_UNKNOWN", "LEASE_FOREIGN", "LEASE_KIND"]);

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
   * of the frame (`BAD_FIELD`, `LIMIT_META`), the slot is still there to be published otherwise; so it is when an operation still works
   * on it (`FRAME_BUSY`), and then its views stay too.
   * @returns its number in the pool, from 1
   * @throws HoldfastError `FRAME_TOO_LONG`, `FRAME_BUSY`, `FRAME_RELEASED`, `POOL_GONE`, `BAD_FIELD`, `LIMIT_META`, `MEMORY_FAILED`;
   * `DISCONNECTED`: the slot is lost
   */
  async publish({ bytes = this.#capacity, timestampNs, meta, next = true }: PublishOptions = {}): Promise<{ readonly seq: number }> {
    const memory = this.#writable;
    if (bytes > this.#capacity) {
      const message = `the frame has ${bytes} bytes, and a slot of the pool holds ${this.#capacity}`;
      throw new HoldfastError("FRAME_TOO_LONG", message, { field: "bytes", bytes, capacity: this.#capacity });
    }
    if (!this.#producer.isHeld(this.#grant)) {
      void this.#giveUp(memory);
      throw new HoldfastError("DISCONNECTED", "the connection has been lost, and the slot with it");
    }
    if (!memory.detach()) {
      const message = `slot ${this.slot} can't be published: an operation still works on its data, or the data's buffer was transferred`;
      throw new HoldfastError("FRAME_BUSY", message, { slot: this.slot });
    }
    memory.flush(bytes);
    this.#isPublishing = true;
    try {
      const { seq } = await this.#producer.publish(this.#grant, { bytes, timestampNs, meta }, next);
      memory.end();
      this.#memory = null;
      this.#producer.ended(this);
      return { seq };
    } catch (error) {
      // After other errors the program may mend what it says, or give the slot up.
      const isLost = error instanceof HoldfastError && (slotIsGone.has(error.code) || error.code === "DISCONNECTED");
      if (this.#isLeft || isLost) void this.#giveUp(memory);
      throw error;
    } finally {
      this.#isPublishing = false;
    }
  }

  /**
   * Gives the slot up: no frame is made of it. While an operation may still store into it nobody else is given it, and this is done when
   * that is over, without keeping the program waiting.
   * @throws HoldfastError `FRAME_RELEASED`
   */
  async abort(): Promise<void> {
    await this.#giveUp(this.#writable);
  }

  /** Gives the slot up, as `abort` does, unless it has been published. */
  [Symbol.dispose](): void {
    this.#isLeft = true;
    if (this.#memory !== null && !this.#isPublishing) void this.#giveUp(this.#memory);
  }

  /** Never throws. */
  #giveUp(memory: SlotMemory): Promise<void> {
    this.#memory = null;
    if (memory.end()) return this.#ended();
    void whenEnded(memory).then(() => this.#ended());
    return Promise.resolve();
  }

  /** Nobody can store into the slot any more. */
  async #ended(): Promise<void> {
    await this.#producer.giveUp(this.#grant);
    this.#producer.ended(this);
  }

  get #writable(): SlotMemory {
    if (this.#memory === null || this.#isPublishing) throw released(`slot ${this.slot}`, "has been published or given up");
    return this.#memory;
  }
}

/** Resolves when the memory could be taken from whoever worked on it. Keeps no program from ending. */
async function whenEnded(memory: SlotMemory): Promise<void> {
  for (let pauseMs = 1; !memory.end(); pauseMs = Math.min(2 * pauseMs, LONGEST_LOOK_MS)) {
    await new Promise<void>((resolve) => setTimeout(resolve, pauseMs).unref());
  }
}
