import assert from "node:assert/strict";
import type { EventOf, Grant, PoolInfo } from "../../src/protocol/replies.ts";
import type { RequestOf } from "../../src/protocol/requests.ts";
import { FrameListeners } from "./frame-listeners.ts";
import { PayloadBook } from "./payload-book.ts";
import { isDrained, type ModelConsumer, type ModelPool, type ModelSlot, type ModelWrite, PoolModel } from "./pool-model.ts";
import { assertBalances, assertHeaders, assertSame, shownPool, shownTally, wantedPool } from "./pool-shown.ts";
import { type Answer, type Asked, type ScriptedClient, World } from "./world.ts";

/** A process, of which several may have had the same number, one after the other. */
interface Process {
  readonly pid: number | null;
  /** When it ended, in µs; null: it has not, or nobody can see that. */
  endedUs: number | null;
}

interface Seat {
  readonly client: ScriptedClient;
  readonly process: Process;
}

interface Acquiring {
  readonly pool: ModelPool;
  readonly seat: Seat;
  readonly untilUs: number;
  readonly answer: Answer<"slot.acquire">;
}

type Subscribe = Omit<RequestOf<"frames.subscribe">, "id" | "op" | "pool">;
type Publish = Pick<RequestOf<"slot.publish">, "bytes" | "meta" | "acquire">;

/** The process behind each seat: two share one, one can't be seen to end, and of the last nothing is known. */
const pids = [101, 101, 102, 103, 104, null] as const;
/** How many clients come and go. */
export const SEATS = pids.length;
const HIDDEN_PID = 104;

/** Longest meta, in bytes of CBOR, and what a slot of every pool holds. */
export const META_BYTES = 32;
export const SLOT_BYTES = 100;
const MOST_SUBSCRIPTIONS = 3;
const MOST_POOLS = 2;
const DRAIN_MS = 400;

/** Until when the end of a process, and that of a pool's file, must have been noticed, in µs. */
const ENDED_WITHIN_US = 300_000;
const DELETED_WITHIN_US = 2_500_000;

/** The real supervisor, the model of its pools and the book of their payloads, asked and told the same. */
export class PoolStage {
  readonly world = new World({
    drainMs: DRAIN_MS,
    limits: { subscriptions: MOST_SUBSCRIPTIONS, metaBytes: META_BYTES, pools: MOST_POOLS },
  });
  readonly model = new PoolModel(MOST_SUBSCRIPTIONS);
  readonly book = new PayloadBook();
  readonly #seats: (Seat | null)[] = Array.from({ length: SEATS }, () => null);
  readonly #processes = new Map<number, Process>();
  readonly #everyProcess: Process[] = [];
  /** Of the writers that have been granted something, by their lease. */
  readonly #writers = new Map<number, Process>();
  /** Every lease that somebody has been told of. */
  readonly leasesSeen: number[] = [];
  #acquiring: Acquiring[] = [];
  /** Slots that were granted with the reply to a publish, and who got none. */
  #next: { readonly pool: ModelPool; readonly seat: Seat; readonly answer: Answer<"slot.publish"> }[] = [];
  /** What is to be done when an answer has come. */
  #owed: { readonly answer: Answer; readonly then: () => void }[] = [];
  readonly #listeners = new FrameListeners(this.model, this.book);
  #deadlineUs = Number.POSITIVE_INFINITY;
  #faults = 0;

  constructor() {
    this.world.processes.hide(HIDDEN_PID);
  }

  get nowUs(): number {
    return this.world.clock.nowUs();
  }

  at(seat: number): Seat {
    const taken = this.#seats[seat];
    if (taken !== undefined && taken !== null) return taken;
    const pid = pids[seat] ?? null;
    const seated = { client: this.world.join(`client ${seat}`, pid), process: this.#processOf(pid) };
    this.#seats[seat] = seated;
    this.model.connected.set(seated.client.number, new Set());
    return seated;
  }

  /** Who sits where, by the number of its client. */
  get seated(): { readonly seat: number; readonly client: number }[] {
    return this.#seats.flatMap((taken, seat) => (taken === null ? [] : [{ seat, client: taken.client.number }]));
  }

  isSeated(seat: number): boolean {
    return this.#seats[seat] !== null;
  }

  /** The leases of one kind that whoever sits there holds. */
  held(seat: number, kind: "write" | "read"): number[] {
    const client = this.#seats[seat]?.client.number;
    const held = [...this.model.leases.values()].filter((lease) => lease.kind === kind && lease.client === client);
    return held.map(({ lease }) => lease).filter((lease) => kind === "write" || this.#listeners.wasTold(lease));
  }

  /** The seats whose acquires wait, the first one first. */
  get waiting(): number[] {
    return this.#acquiring.map(({ seat }) => this.#seats.indexOf(seat));
  }

  /** Whether the process that was granted a slot has ended. */
  hasEnded({ lease }: ModelWrite): boolean {
    return (this.#writers.get(lease)?.endedUs ?? null) !== null;
  }

  subscriptions(seat: number): number[] {
    return [...(this.model.connected.get(this.#seats[seat]?.client.number ?? 0) ?? [])];
  }

  /** Whether whoever sits there takes frames of a pool. */
  takesFrom(seat: number, name: string): boolean {
    const client = this.#seats[seat]?.client.number;
    return this.#consumers(name).some((consumer) => consumer.client === client);
  }

  create(seat: number, name: string, slots: number, fault: boolean): void {
    const codes = [
      ...(this.model.draining ? ["SHUTTING_DOWN"] : []),
      ...(this.model.pools.has(name) ? ["POOL_EXISTS"] : []),
      ...(!this.model.pools.has(name) && this.model.pools.size >= MOST_POOLS ? ["LIMIT_POOLS"] : []),
    ];
    if (fault) this.failNext();
    if (codes.length === 0 && this.#faults > 0) {
      this.#faults--;
      codes.push("MEMORY_FULL");
    }
    const answer = this.#ask(seat, { op: "pool.create", pool: name, slots, bytes: SLOT_BYTES }, codes, true);
    if (codes.length === 0) this.#when(answer, () => this.model.create(name, answer.body));
  }

  /** The next file of a pool can't be made. */
  failNext(): void {
    this.world.memory.failNext("MEMORY_FULL");
    this.#faults++;
  }

  open(seat: number, name: string): void {
    const answer = this.#ask(seat, { op: "pool.open", pool: name }, this.#unknown(name), true);
    this.#when(answer, () => {
      const pool = this.model.pools.get(name);
      if (answer.outcome !== "ok" || this.#faults > 0) return;
      // The layout is that of the file that is there by now.
      assert.equal(this.world.memory.memoryAt(answer.body.path).layout.epoch, answer.body.epoch);
      if (pool?.file.deletedUs === null) assert.equal(answer.body.epoch, pool.file.epoch);
    });
  }

  remove(seat: number, name: string): void {
    const pool = this.model.pools.get(name);
    this.#ask(seat, { op: "pool.remove", pool: name }, this.#unknown(name));
    if (pool !== undefined) this.#removed(pool);
  }

  /** Somebody deletes the file of a pool. */
  vanish(name: string): void {
    const pool = this.model.pools.get(name) ?? assert.fail();
    this.world.memory.vanish(pool.file.path);
    pool.file.deletedUs = this.nowUs;
  }

  acquire(at: number, name: string, waitMs: number | undefined): void {
    const pool = this.model.pools.get(name);
    const codes = [...(this.model.draining ? ["SHUTTING_DOWN"] : []), ...this.#unknown(name)];
    const seat = this.at(at);
    const ready = pool !== undefined && this.model.candidates(pool).length > 0;
    const patienceMs = pool === undefined || ready ? 0 : this.model.patienceMs(pool, waitMs);
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
    this.#acquiring.push({ pool, seat, untilUs: this.nowUs + patienceMs * 1000, answer });
  }

  publish(at: number, number: number, request: Publish): void {
    const seat = this.at(at);
    const { client } = seat;
    const lease = this.model.leases.get(number);
    const codes = this.model.refusals(client.number, seat.process.pid, number, "write", "slot.publish");
    if (request.bytes > SLOT_BYTES) codes.push("FRAME_TOO_LONG");
    if (JSON.stringify(request.meta ?? {}).length > META_BYTES) codes.push("LIMIT_META");
    if (lease?.kind === "write" && lease.file.over) codes.push("POOL_GONE");
    if (this.#isVague(number)) codes.push("LEASE_UNKNOWN", "LEASE_FOREIGN");
    // Who is about to publish has stored all that it will.
    const refused = lease?.client === client.number ? this.book.doneStoring(number) : () => {};
    const answer = this.#ask(at, { op: "slot.publish", lease: number, ...request }, codes);
    if (answer.outcome === "POOL_GONE") this.model.forgetWrite(number);
    else if (answer.outcome !== "ok") refused();
    if (answer.outcome !== "ok") return;
    const { pool, file, slot } = this.model.publish(number, answer.body.seq, request.bytes);
    const publishedNs = BigInt(Math.round(this.nowUs * 1000));
    this.#listeners.published(file.epoch, answer.body.seq, { bytes: request.bytes, meta: request.meta, timestampNs: publishedNs });
    this.book.published(file.epoch, slot, answer.body.seq);
    if (request.acquire) this.#next.push({ pool, seat, answer });
    else assert(answer.body.next === undefined, "who does not ask for the next slot is told of none");
  }

  abort(at: number, number: number): void {
    const { client, process } = this.at(at);
    const codes = this.model.refusals(client.number, process.pid, number, "write", "slot.abort");
    const isVague = this.#isVague(number);
    const refused = codes.length === 0 ? this.book.doneStoring(number) : () => {};
    const answer = this.#ask(
      at,
      { op: "slot.abort", lease: number },
      isVague ? [...codes, "LEASE_UNKNOWN", "LEASE_FOREIGN"] : codes,
      isVague,
    );
    if (answer.outcome === "ok") this.model.abort(number);
    else refused();
  }

  release(at: number, number: number): void {
    const { client, process } = this.at(at);
    const codes = this.model.refusals(client.number, process.pid, number, "read", "slot.release");
    if (this.#isVague(number)) codes.push("LEASE_UNKNOWN", "LEASE_FOREIGN");
    const seen = codes.length === 0 ? this.book.doneReading(number) : undefined;
    const answer = this.#ask(at, { op: "slot.release", lease: number }, codes);
    if (codes.length > 0) return;
    assert.equal(answer.body.valid, this.model.release(number), "a release says whether the lease stood");
    assert(!(answer.body.valid && seen?.torn), "what was read under a valid lease was torn");
  }

  subscribe(at: number, name: string, request: Subscribe): void {
    const { client } = this.at(at);
    const pool = this.model.pools.get(name);
    const codes = [...(this.model.draining ? ["SHUTTING_DOWN"] : []), ...this.#unknown(name)];
    if (pool !== undefined) codes.push(...this.model.subscribeRefusals(client.number, pool, request));
    const answer = this.#ask(at, { op: "frames.subscribe", pool: name, ...request }, codes);
    if (answer.outcome === "ok" && pool !== undefined) this.model.subscribe(client.number, pool, answer.body.sub, request);
  }

  unwatch(at: number, sub: number): void {
    const { client } = this.at(at);
    const isKnown = this.model.connected.get(client.number)?.has(sub) ?? false;
    // The end of a subscription may wait for a slow client to take it.
    const isEnding = this.#listeners.isEnding(client, sub);
    this.#ask(at, { op: "unwatch", sub }, isKnown ? [] : ["SUB_UNKNOWN"], isEnding);
    if (isEnding) this.#listeners.ended(client, sub);
    if (isKnown) this.model.unsubscribe(client.number, sub);
    // What was on its way to a slow client it will never hear of.
    for (const lease of [...this.model.leases.values()]) {
      const isIts = lease.kind === "read" && lease.client === client.number && lease.consumer.sub === sub;
      if (isIts && !this.#listeners.wasTold(lease.lease)) this.model.release(lease.lease);
    }
  }

  /** A connection ends, and its process lives on. */
  async leave(at: number): Promise<void> {
    const seat = this.#seats[at];
    if (seat === undefined || seat === null) return;
    this.#seats[at] = null;
    seat.client.leave();
    this.book.gone(seat.client.number);
    this.#listeners.gone(seat.client);
    await this.world.settle();
    this.model.leave(seat.client.number, () => this.#applyGrants((pool, grant) => grant !== null && this.model.mayGrant(pool, grant)));
    if (seat.process.pid !== null && seat.process.pid !== HIDDEN_PID) return;
    for (const lease of [...this.model.leases.values()]) {
      if (lease.kind === "write" && lease.client === seat.client.number) this.model.retire(lease);
    }
  }

  /** The process behind a seat ends, and all its connections with it. */
  async die(at: number): Promise<void> {
    const process = this.#seats[at]?.process ?? this.#processes.get(pids[at] ?? 0);
    if (process === undefined || process.pid === null) return;
    this.world.processes.end(process.pid);
    this.#processes.delete(process.pid);
    process.endedUs = this.nowUs;
    this.book.ended(process);
    for (let seat = 0; seat < SEATS; seat++) {
      if (this.#seats[seat]?.process !== process) continue;
      // The connections of a process end one after the other: what one leaves may still be given to another.
      await this.leave(seat);
      this.check();
    }
  }

  shutdown(hard: boolean): void {
    this.world.supervisor.shutdown(hard);
    this.#deadlineUs = hard || this.model.draining ? this.nowUs : this.nowUs + DRAIN_MS * 1000;
    this.model.draining = true;
  }

  async pass(ms: number): Promise<void> {
    await this.world.pass(ms, () => this.check());
  }

  /** The supervisor is what the model says, nobody has met what is not his, and the books balance. */
  check(): void {
    const due = this.world.clock.nextDueUs;
    if (due === null || due > this.nowUs) this.model.revokeDue(this.nowUs);
    for (const owed of this.#owed.splice(0)) {
      if (owed.answer.outcome === "pending") this.#owed.push(owed);
      else owed.then();
    }
    const { pools, counters } = this.world.supervisor.status();
    this.#followPools(pools);
    this.#followQuarantines(pools);
    this.#followDeliveries(pools);
    this.#followGrants();
    this.#hear();
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
    this.#followDefects();
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
    for (const lease of this.leasesSeen) {
      for (const op of ["slot.release", "slot.abort"] as const) assert.equal(auditor.ask({ op, lease }).outcome, "LEASE_UNKNOWN");
    }
    auditor.leave();
  }

  /** A client asks; the answer must be one of these, or `ok` when there are none, and a refusal must change nothing. */
  #ask<A extends Asked>(at: number, asked: A, codes: readonly string[], mayAlso = false): Answer<A["op"]> {
    const { client } = this.at(at);
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
    return this.model.pools.has(name) ? [] : ["POOL_UNKNOWN"];
  }

  #processOf(pid: number | null): Process {
    const known = pid === null ? undefined : this.#processes.get(pid);
    if (known !== undefined) return known;
    const process: Process = { pid, endedUs: null };
    this.#everyProcess.push(process);
    if (pid === null) return process;
    this.world.processes.start(pid);
    this.#processes.set(pid, process);
    return process;
  }

  /** A lease for writing whose slot has gone with its file, and whose client has gone too: nobody can tell whether it has ended. */
  #isVague(number: number): boolean {
    const lease = this.model.leases.get(number);
    return lease?.kind === "write" && lease.file.over && !this.model.connected.has(lease.client);
  }

  #consumers(name: string): ModelConsumer[] {
    return (this.model.pools.get(name)?.groups ?? []).flatMap(({ consumers }) => consumers);
  }

  #removed(pool: ModelPool): void {
    for (const { client: number, sub } of this.#consumers(pool.name)) {
      const client = this.world.clients.find((one) => one.number === number) as ScriptedClient;
      this.#listeners.ends(client, sub);
    }
    this.model.remove(pool);
  }

  /** Pools that have gone because the supervisor drains, and those that have a new file. */
  #followPools(pools: readonly PoolInfo[]): void {
    const isHard = this.nowUs >= this.#deadlineUs;
    for (const pool of [...this.model.pools.values()]) {
      const info = pools.find((one) => one.pool === pool.name);
      if (info === undefined) {
        assert(this.model.draining && (isHard || isDrained(pool)), `pool ${pool.name} has gone before its time`);
        this.#removed(pool);
        continue;
      }
      assert(!this.model.draining || !(isHard || isDrained(pool)), `pool ${pool.name} is still there`);
      if (info.layout.epoch !== pool.file.epoch) {
        // What was granted before is in the old file.
        this.#applyGrants((one, grant) => one === pool && grant?.epoch === pool.file.epoch);
        this.model.renew(pool, info.layout);
      }
      const { deletedUs } = pool.file;
      const isNoticed = deletedUs === null || this.nowUs - deletedUs < DELETED_WITHIN_US || this.#faults > 0;
      assert(isNoticed, "a pool whose file was deleted gets a new one");
    }
  }

  /** A pool without its file gets another, at the second attempt when there is no room at the first. Nothing else is logged as a defect. */
  #followDefects(): void {
    for (const defect of this.world.defects.splice(0)) {
      const isFailure = defect.startsWith("the pool gets no new file");
      assert(isFailure || defect.startsWith("the pool gets a new file"), defect);
      if (!isFailure) continue;
      this.#faults--;
      for (const { file } of this.model.pools.values()) if (file.deletedUs !== null) file.deletedUs = this.nowUs;
    }
    assert(this.#faults >= 0);
  }

  /** Slots whose writers have been seen to end. */
  #followQuarantines(pools: readonly PoolInfo[]): void {
    for (const pool of this.model.pools.values()) {
      const slots = pools.find((one) => one.pool === pool.name)?.slots ?? [];
      for (const [index, { state, writer }] of pool.file.slots.entries()) {
        if (state !== "quarantined" || writer === null) continue;
        const { endedUs } = this.#writers.get(writer.lease) ?? assert.fail();
        const isKept = slots[index]?.state === "quarantined" && slots[index].holders[0]?.lease === writer.lease;
        if (isKept) assert(endedUs === null || this.nowUs - endedUs < ENDED_WITHIN_US, "the end of a writer is noticed");
        else {
          assert(endedUs !== null, "a slot is given to others while its writer may still write to it");
          this.model.clear(writer);
        }
      }
    }
  }

  /** Frames that have been given to consumers. */
  #followDeliveries(pools: readonly PoolInfo[]): void {
    const news = pools.flatMap((info) =>
      info.slots.flatMap(({ slot, holders, state }) =>
        state === "reading" ? holders.map(({ lease, client }) => ({ info, slot, lease, client })) : [],
      ),
    );
    news.sort((a, b) => a.lease - b.lease);
    for (const { info, slot, lease, client } of news) {
      if (this.model.leases.has(lease)) continue;
      const pool = this.model.pools.get(info.pool) ?? assert.fail();
      const sub = this.#subOf(client, lease);
      const consumers = this.#consumers(info.pool).filter(
        (one) => one.client === client && one.hold === null && (sub === null || sub === one.sub),
      );
      const shownThere = info.groups.flatMap((group) => group.consumers);
      const consumer = consumers.find((one) =>
        shownThere.some((other) => other.client === client && other.sub === one.sub && other.slot === slot),
      );
      assert(consumer !== undefined, `slot ${slot} is read by somebody who holds another frame, or takes none`);
      this.model.take(pool, slot, lease, consumer, this.nowUs);
      this.leasesSeen.push(lease);
    }
    for (const pool of this.model.pools.values()) assert(!this.model.owes(pool), "a frame waits while a consumer of its group is idle");
  }

  /** The subscription of a delivery, if its event has come; null: the client has yet to take it. */
  #subOf(number: number, lease: number): number | null {
    const client = this.world.clients.find((one) => one.number === number);
    const told = client?.events.find((event): event is EventOf<"frame"> => event.ev === "frame" && event.lease === lease);
    return told?.sub ?? null;
  }

  /** Slots that have been granted since the last look, in the order in which they were; null: with a publish, and there was none. */
  #applyGrants(concerns: (pool: ModelPool, grant: Grant | null) => boolean): void {
    const granted = [
      ...this.#acquiring.map(({ pool, seat, answer }) => ({ pool, seat, grant: answer.outcome === "ok" ? answer.body : undefined })),
      ...this.#next.map(({ pool, seat, answer }) => ({ pool, seat, grant: answer.body.next ?? null })),
    ];
    granted.sort((a, b) => (a.grant?.lease ?? Number.POSITIVE_INFINITY) - (b.grant?.lease ?? Number.POSITIVE_INFINITY));
    for (const { pool, seat, grant } of granted) {
      if (grant === undefined || !concerns(pool, grant) || this.#writers.has(grant?.lease ?? 0)) continue;
      if (grant === null) {
        assert(this.model.draining || this.model.candidates(pool).length === 0, "a publish grants no next slot though there is one");
        continue;
      }
      this.model.grant(pool, seat.client.number, seat.process.pid, grant);
      if (seat.process.endedUs === null) this.book.granted(grant, seat.process);
      this.#writers.set(grant.lease, seat.process);
      this.leasesSeen.push(grant.lease);
    }
  }

  /** Slots that have been granted, and acquires that have failed. */
  #followGrants(): void {
    this.#applyGrants(() => true);
    this.#next = [];
    const now = this.#acquiring.splice(0);
    for (const waiting of now) {
      const { pool, seat, untilUs, answer } = waiting;
      const isAfter =
        now.indexOf(waiting) > 0 && now.slice(0, now.indexOf(waiting)).some((one) => one.pool === pool && one.answer.outcome === "pending");
      switch (answer.outcome) {
        case "ok":
          assert(!isAfter, "who has waited for longer comes first");
          break;
        case "SLOT_NONE":
          assert(this.nowUs >= untilUs, "an acquire is refused before its time");
          pool.refused++;
          break;
        case "pending":
          assert(!this.model.draining && this.model.pools.get(pool.name) === pool, "an acquire waits for what will not come");
          assert(this.model.candidates(pool).length === 0, "an acquire waits though there is a slot");
          assert(
            this.nowUs < untilUs || (this.world.clock.nextDueUs ?? Number.POSITIVE_INFINITY) <= this.nowUs,
            "an acquire waits for too long",
          );
          this.#acquiring.push(waiting);
          break;
        case "POOL_GONE":
          assert(this.model.pools.get(pool.name) !== pool);
          break;
        case "SHUTTING_DOWN":
          assert(this.model.draining);
          break;
        default:
          assert.equal(answer.outcome, "DISCONNECTED");
          assert(!this.model.connected.has(seat.client.number));
      }
    }
  }

  /** What the clients have been told since they were last asked. */
  #hear(): void {
    for (const seat of this.#seats) if (seat !== null) this.#listeners.hear(seat.client);
  }

  /** Everything that a refused request must not touch. */
  #fingerprint(): unknown {
    const { pools, counters } = this.world.supervisor.status();
    return { pools: pools.map((info) => ({ ...shownPool(info), refused: 0 })), tally: shownTally(counters) };
  }

  #wanted(pool: ModelPool): object {
    const waiting = this.#acquiring.filter((one) => one.pool === pool).length;
    return wantedPool(pool, waiting, (client) => this.world.clients.find(({ number }) => number === client)?.client.name ?? "");
  }

  /** Every lease has somebody whose it is and who can end it. */
  #checkLeases(): void {
    for (const lease of this.model.leases.values()) {
      const seat = this.#seats.find((one) => one?.client.number === lease.client);
      if (lease.kind === "read") {
        assert(seat !== undefined && seat !== null, "who has gone reads no frame");
        assert(!seat.client.ready || this.#listeners.wasTold(lease.lease), "a consumer holds a frame that it was not told of");
      } else if (seat === undefined) {
        const isQuarantined = (lease.file.slots[lease.slot] as ModelSlot).state === "quarantined";
        assert(isQuarantined, "a slot of one who has gone is in quarantine");
      }
    }
  }
}
