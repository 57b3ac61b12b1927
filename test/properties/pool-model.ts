import assert from "node:assert/strict";
import type { Grant } from "../../src/protocol/replies.ts";
import {
  agrees,
  candidates,
  consumersOf,
  drop,
  groupNamed,
  isShort,
  type Layout,
  type ModelConsumer,
  type ModelFrame,
  type ModelPool,
  type ModelRead,
  type ModelSlot,
  type ModelTally,
  type ModelWrite,
  newFile,
  newGroup,
  offer,
  type Subscribe,
  settle,
  slotsWith,
} from "./modelled-pool.ts";

/**
 * Pools, slots, leases and groups, by the rules of docs/frames.md alone. Where those leave a choice (which free slot, which idle
 * consumer of a group, when a process is seen to have ended) the model is told what was chosen, and says whether it may be.
 */
export class PoolModel {
  readonly pools = new Map<string, ModelPool>();
  readonly leases = new Map<number, ModelWrite | ModelRead>();
  /** Subscriptions of each connected client. */
  readonly connected = new Map<number, Set<number>>();
  readonly tally: ModelTally = { framesPublished: 0, framesDelivered: 0, framesDropped: 0, leasesRevoked: 0, slotsQuarantined: 0 };
  draining = false;
  /** Every lease that there has been, also of those who have yet to be told. */
  readonly everyLease = new Set<number>();
  /** The most subscriptions that a client may have. */
  readonly #mostSubscriptions: number;

  constructor(mostSubscriptions: number) {
    this.#mostSubscriptions = mostSubscriptions;
  }

  create(name: string, layout: Layout): void {
    const pool = { name, bytes: layout.bytes, groups: [], file: newFile(layout), published: 0, aborted: 0, refused: 0, wanted: false };
    this.pools.set(name, pool);
  }

  /** Nothing waits in a pool, and nobody reads a frame of it, of whichever file. */
  isDrained(pool: ModelPool): boolean {
    return pool.groups.every(({ queue }) => queue.length === 0) && this.#readsOf(pool).length === 0;
  }

  /** Its file goes, and its subscriptions end. */
  remove(pool: ModelPool): void {
    this.#endFile(pool);
    for (const { client, sub } of consumersOf(pool)) this.connected.get(client)?.delete(sub);
    this.pools.delete(pool.name);
  }

  /** It gets a new file: somebody has deleted the old one, or it has too few slots left for its groups. */
  renew(pool: ModelPool, layout: Layout): void {
    assert(pool.file.deletedUs !== null || isShort(pool) || pool.wanted, "a new file for no reason");
    this.#endFile(pool);
    pool.file = newFile(layout);
    pool.wanted = false;
  }

  /** A producer was granted a slot. */
  grant(pool: ModelPool, client: number, pid: number | null, { slot: index, generation, lease, epoch }: Grant): ModelWrite {
    const { file } = pool;
    assert(!this.draining, "no slot is granted while the supervisor drains");
    assert(this.connected.has(client), "a slot is granted to somebody who has gone");
    assert.equal(epoch, file.epoch, "a grant says the epoch of the pool's file");
    const slot = file.slots[index] ?? assert.fail("a slot that there is not");
    assert(candidates(pool).includes(slot), `slot ${index} may not be granted`);
    for (const group of [...(slot.frame?.claims ?? [])]) drop(group, slot.frame as ModelFrame, "reclaimed", this.tally);
    if (file.latest === slot) file.latest = null;
    slot.frame = null;
    slot.state = "writing";
    slot.generation += slot.generation % 2 === 0 ? 1 : 2;
    assert.equal(generation, slot.generation, "the generation of a grant");
    this.#assertNew(lease);
    const write: ModelWrite = { kind: "write", lease, client, pid, pool, file, slot: index };
    slot.writer = write;
    this.leases.set(lease, write);
    return write;
  }

  /** The errors that a request about a lease may come to; none: it is the client's own to use. */
  refusals(client: number, pid: number | null, number: number, kind: "write" | "read", op: string): string[] {
    const lease = this.leases.get(number);
    if (lease === undefined) return ["LEASE_UNKNOWN"];
    const codes: string[] = [];
    const isLeftBehind = lease.kind === "write" && !this.connected.has(lease.client);
    const givesUpItsOwn = op === "slot.abort" && isLeftBehind && pid !== null && pid === lease.pid;
    if (lease.client !== client && !givesUpItsOwn) codes.push("LEASE_FOREIGN");
    if (lease.kind !== kind) codes.push("LEASE_KIND");
    return codes;
  }

  publish(number: number, seq: number, bytes: number): ModelWrite {
    const write = this.#writeOf(number);
    const { pool, file } = write;
    const slot = file.slots[write.slot] as ModelSlot;
    assert(!file.over && slot.state === "writing" && slot.writer === write, "a frame is published in a slot that is not its writer's");
    this.leases.delete(number);
    pool.published++;
    this.tally.framesPublished++;
    assert.equal(seq, pool.published, "a pool numbers its frames");
    slot.generation++;
    const frame: ModelFrame = { seq, file, slot, generation: slot.generation, bytes, claims: new Set(), readers: new Set() };
    Object.assign(slot, { state: "framed", writer: null, frame });
    const before = file.latest;
    file.latest = slot;
    for (const group of pool.groups) offer(group, frame, this.tally);
    if (before?.frame) settle(before.frame);
    return write;
  }

  /** The producer gives its slot up; also one that its process left behind when it lost its connection. */
  abort(number: number): ModelWrite {
    const write = this.#writeOf(number);
    this.leases.delete(number);
    if (write.file.over) return write;
    write.pool.aborted++;
    this.#free(write);
    return write;
  }

  /** What a publish comes to whose file has gone: its lease ends. */
  forgetWrite(number: number): void {
    this.leases.delete(this.#writeOf(number).lease);
  }

  /** The process of a writer that has gone has been seen to end. */
  clear(write: ModelWrite): void {
    this.leases.delete(write.lease);
    if (!write.file.over) this.#free(write);
  }

  /** That process can't be seen to end. */
  retire(write: ModelWrite): void {
    this.leases.delete(write.lease);
    Object.assign(write.file.slots[write.slot] as ModelSlot, { state: "retired", writer: null });
  }

  /** The errors that a subscription may come to. */
  subscribeRefusals(client: number, pool: ModelPool, request: Subscribe): string[] {
    const codes: string[] = [];
    const existing = groupNamed(pool, request.group);
    if (existing !== undefined && !agrees(existing, request)) codes.push("GROUP_CONFLICT");
    if (this.slotsFor(pool, request) > pool.file.slots.length) codes.push("POOL_SLOTS");
    if ((this.connected.get(client)?.size ?? 0) >= this.#mostSubscriptions) codes.push("LIMIT_SUBSCRIPTIONS");
    return codes;
  }

  /** How many slots a pool needs that is to have this consumer too. */
  slotsFor(pool: ModelPool, request: Subscribe): number {
    const left = this.#readsOf(pool).filter(({ file, consumer }) => file === pool.file && !consumer.group.consumers.includes(consumer));
    return slotsWith(pool, groupNamed(pool, request.group) ?? newGroup(request), left.length);
  }

  subscribe(client: number, pool: ModelPool, sub: number, request: Subscribe): void {
    const existing = groupNamed(pool, request.group);
    const group = existing ?? newGroup(request);
    if (existing === undefined) {
      pool.groups.push(group);
      const latest = pool.file.latest?.frame ?? null;
      if (request.startWithLatest === true && latest !== null) offer(group, latest, this.tally);
    }
    group.consumers.push({ client, sub, group, maxHoldMs: request.maxHoldMs ?? null, hold: null, delivered: 0, revoked: 0 });
    this.connected.get(client)?.add(sub);
  }

  /** A subscription ends; what its consumer holds it keeps. A group without consumers ends, and drops what waits. */
  unsubscribe(client: number, sub: number): void {
    this.connected.get(client)?.delete(sub);
    for (const pool of this.pools.values()) {
      for (const group of [...pool.groups]) {
        const index = group.consumers.findIndex((consumer) => consumer.client === client && consumer.sub === sub);
        if (index < 0) continue;
        group.consumers.splice(index, 1);
        if (group.consumers.length > 0) continue;
        for (const frame of [...group.queue]) drop(group, frame, "removed", this.tally);
        pool.groups.splice(pool.groups.indexOf(group), 1);
      }
    }
  }

  /** A consumer was given a frame. */
  take(pool: ModelPool, index: number, lease: number, consumer: ModelConsumer, nowUs: number): ModelRead {
    const { group } = consumer;
    const slot = pool.file.slots[index] as ModelSlot;
    assert(consumer.hold === null, "a consumer holds one frame at a time, revoked or not");
    const [frame] = group.queue;
    assert(frame !== undefined && slot.frame === frame, "a group is given the frames that wait for it, the oldest first");
    this.#assertNew(lease);
    group.queue.shift();
    frame.claims.delete(group);
    const dueUs = consumer.maxHoldMs === null ? Number.POSITIVE_INFINITY : nowUs + consumer.maxHoldMs * 1000;
    const { client } = consumer;
    const { file } = pool;
    const { lost } = group;
    const read: ModelRead = { kind: "read", lease, client, consumer, pool, file, slot: index, frame, lost, dueUs, revoked: false };
    frame.readers.add(read);
    consumer.hold = read;
    consumer.delivered++;
    group.delivered++;
    group.lost = 0;
    this.tally.framesDelivered++;
    this.leases.set(lease, read);
    return read;
  }

  /** @returns whether the lease has stood for all the time */
  release(number: number): boolean {
    const read = this.leases.get(number);
    assert(read?.kind === "read");
    this.leases.delete(number);
    read.consumer.hold = null;
    this.#read(read);
    return !read.revoked;
  }

  /** Revokes what has been held for too long. Nobody needs a slot of a pool that has gone. */
  revokeDue(nowUs: number): void {
    for (const read of this.leases.values()) {
      if (read.kind !== "read" || read.revoked || this.pools.get(read.pool.name) !== read.pool || nowUs < read.dueUs) continue;
      read.revoked = true;
      read.consumer.revoked++;
      this.tally.leasesRevoked++;
      this.#read(read);
    }
  }

  /**
   * A connection ends. Its process may go on writing to what is quarantined from then on.
   * @param meanwhile is told after each thing that it lets go of: others may be given that before the next
   */
  leave(client: number, meanwhile: () => void): void {
    const subs = [...(this.connected.get(client) ?? [])];
    this.connected.delete(client);
    for (const sub of subs) {
      this.unsubscribe(client, sub);
      meanwhile();
    }
    const held = [...this.leases.values()].filter((lease) => lease.client === client);
    for (const lease of held) if (lease.kind === "read") this.release(lease.lease);
    for (const lease of held) {
      meanwhile();
      if (lease.kind === "read") continue;
      // A pool that drains goes with its last reader.
      if (lease.file.over || (this.draining && this.isDrained(lease.pool))) this.leases.delete(lease.lease);
      else {
        (lease.file.slots[lease.slot] as ModelSlot).state = "quarantined";
        this.tally.slotsQuarantined++;
      }
    }
    meanwhile();
  }

  #endFile(pool: ModelPool): void {
    const { file } = pool;
    for (const group of pool.groups) for (const frame of [...group.queue]) drop(group, frame, "removed", this.tally);
    file.latest = null;
    file.over = true;
  }

  /** The leases of a pool that stand. */
  #readsOf(pool: ModelPool): ModelRead[] {
    return [...this.leases.values()].filter((lease) => lease.kind === "read" && lease.pool === pool && !lease.revoked) as ModelRead[];
  }

  /** A reader is done with its frame. */
  #read(read: ModelRead): void {
    read.frame.readers.delete(read);
    settle(read.frame);
  }

  #free(write: ModelWrite): void {
    Object.assign(write.file.slots[write.slot] as ModelSlot, { state: "free", writer: null });
  }

  #writeOf(number: number): ModelWrite {
    const lease = this.leases.get(number);
    assert(lease?.kind === "write");
    return lease;
  }

  #assertNew(lease: number): void {
    assert(!this.everyLease.has(lease), "a lease is never given twice");
    this.everyLease.add(lease);
  }
}
