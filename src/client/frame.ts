import type { PoolMapping, SlotMemory } from "../frames/mapping.ts";
import { HoldfastError } from "../protocol/errors.ts";
import type { EventOf, Plane } from "../protocol/replies.ts";

/** A frame that the supervisor has sent to a stream. */
export interface Delivery {
  readonly event: EventOf<"frame">;
  /** The connection that it came on, with which its lease ends. */
  readonly connection: number;
  /** The supervisor has taken it away. */
  revoked: boolean;
  /** Told when it does. */
  onRevoked?: () => void;
}

/** A frame that this program reads. Leaving its scope releases it, without waiting for the answer. */
export class Frame implements Disposable {
  /** Its slot's number in the pool. */
  readonly slot: number;
  /** Of the slot's content. */
  readonly generation: number;
  readonly lease: number;
  /** Of the pool's file. */
  readonly epoch: number;
  /** Counts the frames of the pool from 1. */
  readonly seq: number;
  /** The length of `data`. */
  readonly bytes: number;
  /** When it was captured, CLOCK_MONOTONIC, ns. */
  readonly timestampNs: bigint;
  readonly fourcc: string;
  /** In pixels; null: RAW. */
  readonly width: number | null;
  readonly height: number | null;
  /** Bytes from one line of the first plane to the next; null: RAW, or compressed. */
  readonly stride: number | null;
  /** Where the lines of its planes are; empty: RAW, or compressed. */
  readonly planes: readonly Plane[];
  /** What the producer has said of it. */
  readonly meta: Readonly<Record<string, unknown>>;
  /** Frames that the group has dropped since the one before. */
  readonly lost: number;
  readonly #delivery: Delivery;
  readonly #giveBack: (delivery: Delivery) => Promise<boolean>;
  /** Null: released. */
  #memory: SlotMemory | null;

  /**
   * For the stream.
   * @param lost frames lost since the one before
   * @param giveBack answers what `release` does
   * @throws HoldfastError `INTERNAL`, `MEMORY_FAILED`
   */
  constructor(delivery: Delivery, mapping: PoolMapping, lost: number, giveBack: (delivery: Delivery) => Promise<boolean>) {
    const { slot, generation, lease, epoch, seq, bytes, timestampNs, fourcc, width, height, stride, meta = {} } = delivery.event;
    this.slot = slot;
    this.generation = generation;
    this.lease = lease;
    this.epoch = epoch;
    this.seq = seq;
    this.bytes = bytes;
    this.timestampNs = timestampNs;
    this.fourcc = fourcc;
    this.width = width;
    this.height = height;
    this.stride = stride;
    this.planes = mapping.layout.planes;
    this.meta = meta;
    this.lost = lost;
    this.#delivery = delivery;
    this.#giveBack = giveBack;
    this.#memory = mapping.slot(slot, bytes);
  }

  /**
   * Its bytes. Under Bun they are the pool's own memory, and to write to them ends the process. Of a frame that has been released the
   * length is 0, even where it was kept.
   * @throws HoldfastError `FRAME_RELEASED`
   */
  get data(): Uint8Array {
    return this.#held.data;
  }

  /** The supervisor has taken the frame away, because it was held for longer than `maxHoldMs`: its content may change. */
  get revoked(): boolean {
    return this.#delivery.revoked;
  }

  /** What is called when that happens. */
  set onRevoked(told: () => void) {
    this.#delivery.onRevoked = told;
  }

  /**
   * Whether nothing has been written over what was read so far. Under Node, where `data` is a copy: whether the copy is whole.
   * @throws HoldfastError `FRAME_RELEASED`
   */
  intact(): boolean {
    return this.#held.intact(this.generation);
  }

  /**
   * Gives the slot back.
   * @returns false: the lease was over before, revoked or lost with the connection, and what was read may be torn
   * @throws HoldfastError `FRAME_RELEASED`
   */
  async release(): Promise<boolean> {
    this.#held.end();
    this.#memory = null;
    return this.#giveBack(this.#delivery);
  }

  /** Releases it unless that has been done. */
  [Symbol.dispose](): void {
    // Nobody waits for the answer, and the connection's end is told elsewhere.
    if (this.#memory !== null) this.release().catch(() => {});
  }

  get #held(): SlotMemory {
    if (this.#memory === null) throw released(`frame ${this.seq}`, "has been released");
    return this.#memory;
  }
}

/** What is thrown at who touches memory that it has given back. */
export function released(what: string, how: string): HoldfastError {
  return new HoldfastError("FRAME_RELEASED", `${what} ${how}, and its memory may not be touched any more`);
}
