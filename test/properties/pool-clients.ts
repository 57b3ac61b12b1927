import assert from "node:assert/strict";
import type { Answer, Asked, World } from "../../src/index-testing.ts";
import type { RequestOf } from "../../src/protocol/requests.ts";
import type { FrameListeners } from "./frame-listeners.ts";
import { candidates, isShort, patienceOf, type Subscribe, usable } from "./modelled-pool.ts";
import type { PayloadBook } from "./payload-book.ts";
import type { PoolFollower } from "./pool-follower.ts";
import type { PoolGrants } from "./pool-grants.ts";
import type { PoolModel } from "./pool-model.ts";
import type { PoolSeats } from "./pool-seats.ts";
import { shownPool, shownTally } from "./pool-shown.ts";

type Publish = Pick<RequestOf<"slot.publish">, "bytes" | "meta" | "acquire">;

/** All that a request may concern. */
interface Cast {
  readonly world: World;
  readonly model: PoolModel;
  readonly book: PayloadBook;
  readonly seats: PoolSeats;
  readonly listeners: FrameListeners;
  readonly grants: PoolGrants;
  readonly follower: PoolFollower;
}

/** Longest meta, in bytes of CBOR, and what a slot of every pool holds. */
export const META_BYTES = 32;
export const SLOT_BYTES = 100;
/** Most pools at a time. */
export const MOST_POOLS = 2;

/** What may become of a consumer that waits for a file without retired slots. */
const waitedInVain = [
  "MEMORY_FULL",
  "POOL_GONE",
  "POOL_UNKNOWN",
  "POOL_SLOTS",
  "GROUP_CONFLICT",
  "LIMIT_SUBSCRIPTIONS",
  "SHUTTING_DOWN",
  "DISCONNECTED",
];

/** What clients ask of pools. Each answer must be one that the model allows, and a refusal changes nothing. */
export class PoolClients {
  readonly #world: World;
  readonly #model: PoolModel;
  readonly #book: PayloadBook;
  readonly #seats: PoolSeats;
  readonly #listeners: FrameListeners;
  readonly #grants: PoolGrants;
  readonly #follower: PoolFollower;
  /** What is to be done when an answer has come. */
  #owed: { readonly answer: Answer; readonly then: () => void }[] = [];

  constructor({ world, model, book, seats, listeners, grants, follower }: Cast) {
    this.#world = world;
    this.#model = model;
    this.#book = book;
    this.#seats = seats;
    this.#listeners = listeners;
    this.#grants = grants;
    this.#follower = follower;
  }

  create(seat: number, name: string, slots: number, fault: boolean): void {
    const codes = [
      ...(this.#model.draining ? ["SHUTTING_DOWN"] : []),
      ...(this.#model.pools.has(name) ? ["POOL_EXISTS"] : []),
      ...(!this.#model.pools.has(name) && this.#model.pools.size >= MOST_POOLS ? ["LIMIT_POOLS"] : []),
    ];
    if (fault) this.#follower.failNext();
    if (codes.length === 0 && this.#follower.failures > 0) {
      this.#follower.failures--;
      codes.push("MEMORY_FULL");
    }
    const answer = this.#ask(seat, { op: "pool.create", pool: name, slots, bytes: SLOT_BYTES }, codes, true);
    if (codes.length === 0) this.#when(answer, () => this.#model.create(name, answer.body));
  }

  open(seat: number, name: string): void {
    const known = this.#model.pools.get(name);
    const needsFile = known !== undefined && (known.file.deletedUs !== null || isShort(known) || known.wanted);
    const codes = [...this.#unknown(name), ...(needsFile && this.#follower.failures > 0 ? ["MEMORY_FULL"] : [])];
    const answer = this.#ask(seat, { op: "pool.open", pool: name }, codes, true);
    this.#when(answer, () => {
      const pool = this.#model.pools.get(name);
      if (answer.outcome !== "ok" || this.#follower.failures > 0) return;
      // The layout is that of the file that is there by now.
      assert.equal(this.#world.memory.memoryAt(answer.body.path).layout.epoch, answer.body.epoch);
      if (pool !== undefined && pool.file.deletedUs === null && !isShort(pool) && !pool.wanted)
        assert.equal(answer.body.epoch, pool.file.epoch);
    });
  }

  remove(seat: number, name: string): void {
    const pool = this.#model.pools.get(name);
    this.#ask(seat, { op: "pool.remove", pool: name }, this.#unknown(name));
    if (pool !== undefined) this.#follower.removed(pool);
  }

  acquire(at: number, name: string, waitMs: number | undefined): void {
    const pool = this.#model.pools.get(name);
    const codes = [...(this.#model.draining ? ["SHUTTING_DOWN"] : []), ...this.#unknown(name)];
    const seat = this.#seats.at(at);
    const ready = pool !== undefined && candidates(pool).length > 0;
    const patienceMs = pool === undefined || ready ? 0 : patienceOf(pool, waitMs);
    const asked = { op: "slot.acquire", pool: name, ...(waitMs === undefined ? {} : { waitMs }) } as const;
    if (codes.length > 0 || pool === undefined) {
      this.#ask(at, asked, codes);
      return;
    }
    const before = ready || patienceMs > 0 ? null : this.#fingerprint();
    const answer = seat.client.ask(asked);
    const allowed = ready ? ["ok"] : patienceMs > 0 ? ["pending"] : ["SLOT_NONE", "pending"];
    assert(allowed.includes(answer.outcome), `an acquire came to ${answer.outcome}, not to ${allowed.join(" or ")}`);
    if (answer.outcome === "SLOT_NONE") assert.deepEqual(this.#fingerprint(), before, "a refused acquire changes nothing");
    this.#grants.acquires({ pool, seat, untilUs: this.#world.clock.nowUs() + patienceMs * 1000, answer });
  }

  publish(at: number, number: number, request: Publish): void {
    const seat = this.#seats.at(at);
    const { client } = seat;
    const lease = this.#model.leases.get(number);
    const codes = this.#model.refusals(client.number, seat.process.pid, number, "write", "slot.publish");
    if (request.bytes > SLOT_BYTES) codes.push("FRAME_TOO_LONG");
    if (JSON.stringify(request.meta ?? {}).length > META_BYTES) codes.push("LIMIT_META");
    if (lease?.kind === "write" && lease.file.over) codes.push("POOL_GONE");
    if (this.#isVague(number)) codes.push("LEASE_UNKNOWN", "LEASE_FOREIGN");
    // Who is about to publish has stored all that it will.
    const refused = lease?.client === client.number ? this.#book.doneStoring(number) : () => {};
    const answer = this.#ask(at, { op: "slot.publish", lease: number, ...request }, codes);
    if (answer.outcome === "POOL_GONE") this.#model.forgetWrite(number);
    else if (answer.outcome !== "ok") refused();
    if (answer.outcome !== "ok") return;
    const { pool, file, slot } = this.#model.publish(number, answer.body.seq, request.bytes);
    const publishedNs = BigInt(Math.round(this.#world.clock.nowUs() * 1000));
    this.#listeners.published(file.epoch, answer.body.seq, { bytes: request.bytes, meta: request.meta, timestampNs: publishedNs });
    this.#book.published(file.epoch, slot, answer.body.seq);
    if (request.acquire) this.#grants.asksForNext({ pool, seat, answer });
    else assert(answer.body.next === undefined, "who does not ask for the next slot is told of none");
  }

  abort(at: number, number: number): void {
    const { client, process } = this.#seats.at(at);
    const codes = this.#model.refusals(client.number, process.pid, number, "write", "slot.abort");
    const isVague = this.#isVague(number);
    const refused = codes.length === 0 ? this.#book.doneStoring(number) : () => {};
    const answer = this.#ask(
      at,
      { op: "slot.abort", lease: number },
      isVague ? [...codes, "LEASE_UNKNOWN", "LEASE_FOREIGN"] : codes,
      isVague,
    );
    if (answer.outcome === "ok") this.#model.abort(number);
    else refused();
  }

  release(at: number, number: number): void {
    const { client, process } = this.#seats.at(at);
    const codes = this.#model.refusals(client.number, process.pid, number, "read", "slot.release");
    if (this.#isVague(number)) codes.push("LEASE_UNKNOWN", "LEASE_FOREIGN");
    const seen = codes.length === 0 ? this.#book.doneReading(number) : undefined;
    const answer = this.#ask(at, { op: "slot.release", lease: number }, codes);
    if (codes.length > 0) return;
    assert.equal(answer.body.valid, this.#model.release(number), "a release says whether the lease stood");
    assert(!(answer.body.valid && seen?.torn), "what was read under a valid lease was torn");
  }

  subscribe(at: number, name: string, request: Subscribe): void {
    const { client } = this.#seats.at(at);
    const pool = this.#model.pools.get(name);
    const codes = [...(this.#model.draining ? ["SHUTTING_DOWN"] : []), ...this.#unknown(name)];
    if (pool !== undefined) codes.push(...this.#model.subscribeRefusals(client.number, pool, request));
    const asked = { op: "frames.subscribe", pool: name, ...request } as const;
    if (codes.length > 0 || pool === undefined) return void this.#ask(at, asked, codes);
    const waits = this.#model.slotsFor(pool, request) > usable(pool);
    if (waits) pool.wanted = true;
    const answer = this.#ask(at, asked, waits ? waitedInVain : [], waits);
    const subscribed = () => {
      if (answer.outcome !== "ok" || !this.#model.connected.has(client.number)) return;
      this.#model.subscribe(client.number, pool, answer.body.sub, request);
    };
    if (waits) this.#when(answer, subscribed);
    else subscribed();
  }

  unwatch(at: number, sub: number): void {
    const { client } = this.#seats.at(at);
    const isKnown = this.#model.connected.get(client.number)?.has(sub) ?? false;
    // The end of a subscription may wait for a slow client to take it.
    const isEnding = this.#listeners.isEnding(client, sub);
    this.#ask(at, { op: "unwatch", sub }, isKnown ? [] : ["SUB_UNKNOWN"], isEnding);
    if (isEnding) this.#listeners.ended(client, sub);
    if (isKnown) this.#model.unsubscribe(client.number, sub);
    // What was on its way to a slow client it will never hear of.
    for (const lease of [...this.#model.leases.values()]) {
      const isIts = lease.kind === "read" && lease.client === client.number && lease.consumer.sub === sub;
      if (isIts && !this.#listeners.wasTold(lease.lease)) this.#model.release(lease.lease);
    }
  }

  /** Answers that have come since the last look must have been allowed when they were asked for. */
  follow(): void {
    for (const owed of this.#owed.splice(0)) {
      if (owed.answer.outcome === "pending") this.#owed.push(owed);
      else owed.then();
    }
  }

  /** A client asks; the answer must be one of these, or `ok` when there are none, and a refusal must change nothing. */
  #ask<A extends Asked>(at: number, asked: A, codes: readonly string[], mayAlso = false): Answer<A["op"]> {
    const { client } = this.#seats.at(at);
    const before = codes.length > 0 ? this.#fingerprint() : null;
    const answer = client.ask(asked);
    const assertFits = () => {
      const { outcome } = answer;
      const fits = codes.includes(outcome) || (outcome === "ok" && (codes.length === 0 || mayAlso));
      assert(fits, `${asked.op} came to ${outcome}, not to ${codes.length === 0 ? "ok" : codes.join(" or ")}`);
    };
    if (answer.outcome === "pending") this.#when(answer, assertFits);
    else assertFits();
    if (before !== null && answer.error !== null) assert.deepEqual(this.#fingerprint(), before, `a refused ${asked.op} changes nothing`);
    return answer;
  }

  #when(answer: Answer, then: () => void): void {
    this.#owed.push({ answer, then });
  }

  #unknown(name: string): string[] {
    return this.#model.pools.has(name) ? [] : ["POOL_UNKNOWN"];
  }

  /** A lease for writing whose slot has gone with its file, and whose client has gone too: nobody can tell whether it has ended. */
  #isVague(number: number): boolean {
    const lease = this.#model.leases.get(number);
    return lease?.kind === "write" && lease.file.over && !this.#model.connected.has(lease.client);
  }

  /** Everything that a refused request must not touch. */
  #fingerprint(): unknown {
    const { pools, counters } = this.#world.supervisor.status();
    return { pools: pools.map((info) => ({ ...shownPool(info), refused: 0 })), tally: shownTally(counters) };
  }
}
