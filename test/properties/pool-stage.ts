import assert from "node:assert/strict";
import { World } from "../../src/index-testing.ts";
import { FrameListeners } from "./frame-listeners.ts";
import { consumersOf, type ModelPool, type ModelSlot, type ModelWrite, mayGrant } from "./modelled-pool.ts";
import { PayloadBook } from "./payload-book.ts";
import { META_BYTES, MOST_POOLS, PoolClients } from "./pool-clients.ts";
import { DRAIN_MS, PoolFollower } from "./pool-follower.ts";
import { PoolGrants } from "./pool-grants.ts";
import { PoolModel } from "./pool-model.ts";
import { PoolSeats, SEATS } from "./pool-seats.ts";
import { assertBalances, assertHeaders, assertSame, shownPool, shownTally, wantedPool } from "./pool-shown.ts";

const MOST_SUBSCRIPTIONS = 3;

/** The real supervisor, the model of its pools and the book of their payloads, asked and told the same. */
export class PoolStage {
  readonly world = new World({
    drainMs: DRAIN_MS,
    limits: { subscriptions: MOST_SUBSCRIPTIONS, metaBytes: META_BYTES, pools: MOST_POOLS },
  });
  readonly model = new PoolModel(MOST_SUBSCRIPTIONS);
  readonly book = new PayloadBook();
  readonly seats = new PoolSeats(this.world, this.model);
  readonly #listeners = new FrameListeners(this.model, this.book);
  readonly #grants = new PoolGrants(this.world, this.model, this.book);
  readonly #follower = new PoolFollower(this.world, this.model, this.#listeners, this.#grants);
  /** What they ask for. */
  readonly clients = new PoolClients({
    world: this.world,
    model: this.model,
    book: this.book,
    seats: this.seats,
    listeners: this.#listeners,
    grants: this.#grants,
    follower: this.#follower,
  });

  /** The leases of one kind that whoever sits there holds. */
  held(seat: number, kind: "write" | "read"): number[] {
    const client = this.seats.taken(seat)?.client.number;
    const held = [...this.model.leases.values()].filter((lease) => lease.kind === kind && lease.client === client);
    return held.map(({ lease }) => lease).filter((lease) => kind === "write" || this.#listeners.wasTold(lease));
  }

  /** The seats whose acquires wait, the first one first. */
  get waiting(): number[] {
    return this.#grants.waiting.map(({ seat }) => this.seats.indexOf(seat));
  }

  /** Whether the process that was granted a slot has ended. */
  hasEnded(write: ModelWrite): boolean {
    return this.#grants.endOf(write) !== null;
  }

  subscriptions(seat: number): number[] {
    return [...(this.model.connected.get(this.seats.taken(seat)?.client.number ?? 0) ?? [])];
  }

  /** Whether whoever sits there takes frames of a pool. */
  takesFrom(seat: number, name: string): boolean {
    const client = this.seats.taken(seat)?.client.number;
    const pool = this.model.pools.get(name);
    return pool !== undefined && consumersOf(pool).some((consumer) => consumer.client === client);
  }

  /** Somebody deletes the file of a pool. */
  vanish(name: string): void {
    const pool = this.model.pools.get(name) ?? assert.fail();
    this.world.memory.vanish(pool.file.path);
    pool.file.deletedUs = this.world.clock.nowUs();
  }

  /** A connection ends, and its process lives on. */
  async leave(at: number): Promise<void> {
    const seat = this.seats.taken(at);
    if (seat === null) return;
    this.seats.empty(at);
    seat.client.leave();
    this.book.gone(seat.client.number);
    this.#listeners.gone(seat.client);
    await this.world.settle();
    this.model.leave(seat.client.number, () => this.#grants.apply((pool, grant) => grant !== null && mayGrant(pool, grant)));
    if (this.seats.isSeen(seat.process)) return;
    for (const lease of [...this.model.leases.values()]) {
      if (lease.kind === "write" && lease.client === seat.client.number) this.model.retire(lease);
    }
  }

  /** The process behind a seat ends, and all its connections with it. */
  async die(at: number): Promise<void> {
    const process = this.seats.end(at);
    if (process === null) return;
    this.book.ended(process);
    for (let seat = 0; seat < SEATS; seat++) {
      if (this.seats.taken(seat)?.process !== process) continue;
      // The connections of a process end one after the other: what one leaves may still be given to another.
      await this.leave(seat);
      this.check();
    }
  }

  shutdown(hard: boolean): void {
    this.#follower.shutdown(hard);
  }

  async pass(ms: number): Promise<void> {
    await this.world.pass(ms, () => this.check());
  }

  /** The supervisor is what the model says, nobody has met what is not his, and the books balance. */
  check(): void {
    const nowUs = this.world.clock.nowUs();
    const due = this.world.clock.nextDueUs;
    if (due === null || due > nowUs) this.model.revokeDue(nowUs);
    const { pools, counters } = this.world.supervisor.status();
    this.#follower.followPools(pools);
    this.clients.follow();
    this.#follower.follow(pools);
    this.#grants.follow();
    for (const { client } of this.seats.all) this.#listeners.hear(client);
    this.book.live((number) => {
      const lease = this.model.leases.get(number);
      return lease?.kind === "read" && lease.revoked;
    });
    assertSame(
      pools.map(shownPool),
      [...this.model.pools.values()].map((pool) => this.#wanted(pool)),
    );
    for (const { groups } of pools) for (const group of groups) assertBalances(group);
    assertSame(shownTally(counters), this.model.tally);
    for (const { file } of this.model.pools.values()) {
      if (file.deletedUs === null) assertHeaders(this.world.memory.memoryAt(file.path), file);
    }
    this.#checkLeases();
    this.#follower.followDefects();
    for (const { answers } of this.world.clients.flatMap((client) => client.answers)) assert(answers <= 1, "a request has one answer");
  }

  /** Everybody goes, then the supervisor; nothing may be left. */
  async end(): Promise<void> {
    for (let seat = 0; seat < SEATS; seat++) {
      await this.leave(seat);
      this.check();
    }
    for (let seat = 0; seat < SEATS; seat++) await this.die(seat);
    await this.pass(1000);
    for (const { slots, groups, waiting } of this.world.supervisor.status().pools) {
      assert.deepEqual({ groups, waiting }, { groups: [], waiting: 0 });
      const kept = slots.filter(({ state }) => state !== "free" && state !== "retired");
      assert(kept.length <= 1 && kept.every(({ state }) => state === "ready"), "only the latest frame is kept");
    }
    if (!this.world.stopped) this.#audit();
    this.world.supervisor.shutdown(false);
    await this.world.pass(DRAIN_MS + 1);
    assert(this.world.stopped, "the supervisor has stopped");
    assert.deepEqual(this.world.memory.paths, [], "after the end there is no file");
    assert.equal(this.world.processes.openHandles, 0, "after the end no process is watched");
    assert.equal(this.world.clock.pending, 0, "no alarm is left");
    for (const { answers } of this.world.clients.flatMap((client) => client.answers))
      assert.equal(answers, 1, "every request has its answer");
  }

  /** Nobody's lease lives: not one can be used. */
  #audit(): void {
    const auditor = this.world.join("auditor");
    for (const lease of this.model.everyLease) {
      for (const op of ["slot.release", "slot.abort"] as const) assert.equal(auditor.ask({ op, lease }).outcome, "LEASE_UNKNOWN");
    }
    auditor.leave();
  }

  #wanted(pool: ModelPool): object {
    const waiting = this.#grants.waiting.filter((one) => one.pool === pool).length;
    return wantedPool(pool, waiting, (client) => this.world.clients.find(({ number }) => number === client)?.client.name ?? "");
  }

  /** Every lease has somebody whose it is and who can end it. */
  #checkLeases(): void {
    for (const lease of this.model.leases.values()) {
      const seat = this.seats.all.find(({ client }) => client.number === lease.client);
      if (lease.kind === "read") {
        assert(seat !== undefined, "who has gone reads no frame");
        assert(!seat.client.ready || this.#listeners.wasTold(lease.lease), "a consumer holds a frame that it was not told of");
      } else if (seat === undefined) {
        const isQuarantined = (lease.file.slots[lease.slot] as ModelSlot).state === "quarantined";
        assert(isQuarantined, "a slot of one who has gone is in quarantine");
      }
    }
  }
}
