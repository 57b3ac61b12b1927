import assert from "node:assert/strict";
import type { Answer, World } from "../../src/index-testing.ts";
import type { Grant } from "../../src/protocol/replies.ts";
import { candidates, type ModelPool, type ModelWrite } from "./modelled-pool.ts";
import type { PayloadBook } from "./payload-book.ts";
import type { PoolModel } from "./pool-model.ts";
import type { Process, Seat } from "./pool-seats.ts";

/** A producer that has asked for a slot. */
interface Acquiring {
  readonly pool: ModelPool;
  readonly seat: Seat;
  /** Until when it waits. */
  readonly untilUs: number;
  readonly answer: Answer<"slot.acquire">;
}

/** A producer that has asked for the next slot with a frame. */
interface Next {
  readonly pool: ModelPool;
  readonly seat: Seat;
  readonly answer: Answer<"slot.publish">;
}

/** The slots that producers are granted: which ones, to whom and when the supervisor chooses, and the model says whether it may. */
export class PoolGrants {
  readonly #world: World;
  readonly #model: PoolModel;
  readonly #book: PayloadBook;
  /** Of the writers that have been granted something, by their lease. */
  readonly #writers = new Map<number, Process>();
  #acquiring: Acquiring[] = [];
  #next: Next[] = [];

  constructor(world: World, model: PoolModel, book: PayloadBook) {
    this.#world = world;
    this.#model = model;
    this.#book = book;
  }

  /** Those who wait for a slot, the first one first. */
  get waiting(): readonly { readonly pool: ModelPool; readonly seat: Seat }[] {
    return this.#acquiring;
  }

  /** When the process that was granted a slot has ended, in µs; null: it has not. */
  endOf({ lease }: ModelWrite): number | null {
    const process = this.#writers.get(lease) ?? assert.fail("nobody was granted that slot");
    return process.endedUs;
  }

  acquires(acquiring: Acquiring): void {
    this.#acquiring.push(acquiring);
  }

  asksForNext(next: Next): void {
    this.#next.push(next);
  }

  /**
   * Tells the model of the slots that have been granted since the last look, in the order in which they were.
   * @param concerns whether to tell of this one now; null: it was asked for with a publish, and there was none
   */
  apply(concerns: (pool: ModelPool, grant: Grant | null) => boolean): void {
    const granted = [
      ...this.#acquiring.map(({ pool, seat, answer }) => ({ pool, seat, grant: answer.outcome === "ok" ? answer.body : undefined })),
      ...this.#next.map(({ pool, seat, answer }) => ({ pool, seat, grant: answer.body.next ?? null })),
    ];
    granted.sort((a, b) => (a.grant?.lease ?? Number.POSITIVE_INFINITY) - (b.grant?.lease ?? Number.POSITIVE_INFINITY));
    for (const { pool, seat, grant } of granted) {
      if (grant === undefined || !concerns(pool, grant) || this.#writers.has(grant?.lease ?? 0)) continue;
      if (grant === null) {
        assert(this.#model.draining || candidates(pool).length === 0, "a publish grants no next slot though there is one");
        continue;
      }
      this.#model.grant(pool, seat.client.number, seat.process.pid, grant);
      if (seat.process.endedUs === null) this.#book.granted(grant, seat.process);
      this.#writers.set(grant.lease, seat.process);
    }
  }

  /** Slots that have been granted, and acquires that have failed. */
  follow(): void {
    this.apply(() => true);
    this.#next = [];
    const now = this.#acquiring.splice(0);
    for (const [index, acquiring] of now.entries()) {
      const isFirst = !now.slice(0, index).some(({ pool, answer }) => pool === acquiring.pool && answer.outcome === "pending");
      this.#followAcquiring(acquiring, isFirst);
    }
  }

  #followAcquiring(acquiring: Acquiring, isFirst: boolean): void {
    const { pool, seat, untilUs, answer } = acquiring;
    const { clock } = this.#world;
    const isOver = clock.nowUs() >= untilUs;
    switch (answer.outcome) {
      case "ok":
        assert(isFirst, "who has waited for longer comes first");
        break;
      case "SLOT_NONE":
        assert(isOver, "an acquire is refused before its time");
        pool.refused++;
        break;
      case "pending":
        assert(!this.#model.draining && this.#model.pools.get(pool.name) === pool, "an acquire waits for what will not come");
        assert(candidates(pool).length === 0, "an acquire waits though there is a slot");
        assert(!isOver || (clock.nextDueUs ?? Number.POSITIVE_INFINITY) <= clock.nowUs(), "an acquire waits for too long");
        this.#acquiring.push(acquiring);
        break;
      case "POOL_GONE":
        assert(this.#model.pools.get(pool.name) !== pool);
        break;
      case "PROCESS_ENDED":
        assert(seat.process.endedUs !== null, "an acquire is refused to a process that lives");
        break;
      case "SHUTTING_DOWN":
        assert(this.#model.draining);
        break;
      default:
        assert.equal(answer.outcome, "DISCONNECTED");
        assert(!this.#model.connected.has(seat.client.number));
    }
  }
}
