import type { FrameFormat } from "../../frames/format.ts";
import type { Consumer } from "./group.ts";
import type { ReadLease } from "./lease.ts";
import type { Pool, PoolSurroundings } from "./pool.ts";
import type { Frame, Slot } from "./slot.ts";

/** Who reads the frames of a pool, of whichever of its files. */
export class Readers {
  readonly #pool: Pool;
  readonly #surroundings: PoolSurroundings;
  readonly #freed: () => void;
  readonly #reading = new Set<ReadLease>();

  /** @param freed is told when a reader has its slot no more */
  constructor(pool: Pool, surroundings: PoolSurroundings, freed: () => void) {
    this.#pool = pool;
    this.#surroundings = surroundings;
    this.#freed = freed;
  }

  /** How many leases stand. */
  get size(): number {
    return this.#reading.size;
  }

  /** How many of them, in the file with this epoch, are of consumers that take no more frames. */
  left(epoch: number): number {
    return [...this.#reading].filter(({ consumer, slot }) => slot.epoch === epoch && !consumer.group.has(consumer)).length;
  }

  /** Gives a frame to a consumer. @param lost frames that its group has dropped since it was last given one */
  deliver(consumer: Consumer, slot: Slot, lost: number): void {
    const { clock, leases } = this.#surroundings;
    const { client, subscription, maxHoldMs } = consumer;
    const number = leases.next();
    const sinceUs = clock.nowUs();
    const lease: ReadLease = { kind: "read", number, client, pool: this.#pool, slot, sinceUs, consumer, isRevoked: false, alarm: null };
    if (maxHoldMs !== null) lease.alarm = clock.at(sinceUs + maxHoldMs * 1000, () => this.#revoke(lease));
    leases.add(lease);
    this.#reading.add(lease);
    consumer.hold = lease;
    slot.take(lease);
    subscription.push({
      sub: subscription.number,
      ev: "frame",
      slot: slot.index,
      generation: slot.generation,
      lease: number,
      epoch: slot.epoch,
      ...shown(slot.frame as Frame, this.#pool.format),
      lost,
    });
  }

  /** A consumer is done with a frame. @returns whether it had the frame for all the time */
  release(lease: ReadLease): boolean {
    const { consumer, isRevoked } = lease;
    this.#surroundings.leases.end(lease);
    lease.alarm?.cancel();
    if (!isRevoked) this.#free(lease);
    consumer.hold = null;
    consumer.group.idle(consumer);
    this.#freed();
    return !isRevoked;
  }

  /** Nobody else is to have their slots: they may read for as long as they like. */
  letBe(): void {
    for (const { alarm } of this.#reading) alarm?.cancel();
  }

  /** It was held for too long. */
  #revoke(lease: ReadLease): void {
    const { consumer, number } = lease;
    const { subscription } = consumer;
    lease.isRevoked = true;
    lease.alarm = null;
    consumer.revoked += 1;
    this.#surroundings.tally.leasesRevoked += 1;
    this.#free(lease);
    if (consumer.group.has(consumer)) subscription.push({ sub: subscription.number, ev: "revoked", lease: number });
    this.#freed();
  }

  #free(lease: ReadLease): void {
    this.#reading.delete(lease);
    lease.slot.release(lease);
  }
}

/** Whether the event of a lease still waits for its client. Only that it was revoked, and the end of all, come behind it. */
export function isUntold({ isRevoked, consumer: { subscription } }: ReadLease): boolean {
  return subscription.waiting > (isRevoked ? 1 : 0) + (subscription.over ? 1 : 0);
}

/** A frame as its event describes it. */
function shown({ seq, bytes, timestampNs, meta }: Frame, { fourcc, width, height, stride }: FrameFormat) {
  return { seq, bytes, timestampNs, fourcc, width, height, stride, ...(meta === undefined ? {} : { meta }) };
}
