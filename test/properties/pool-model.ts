import assert from "node:assert/strict";
import type { Dropped, Grant, SlotState } from "../../src/protocol/replies.ts";
import type { Policy, RequestOf } from "../../src/protocol/requests.ts";

/** A producer's right to a slot. */
export interface ModelWrite {
  readonly kind: "write";
  readonly lease: number;
  readonly client: number;
  readonly pid: number | null;
  readonly pool: ModelPool;
  readonly file: ModelFile;
  readonly slot: number;
}

/** A consumer's right to a slot. */
export interface ModelRead {
  readonly kind: "read";
  readonly lease: number;
  readonly client: number;
  readonly consumer: ModelConsumer;
  readonly pool: ModelPool;
  readonly file: ModelFile;
  readonly slot: number;
  readonly frame: ModelFrame;
  /** What its group had dropped since its delivery before. */
  readonly lost: number;
  readonly dueUs: number;
  revoked: boolean;
}

/** A frame that has been published. */
export interface ModelFrame {
  readonly seq: number;
  readonly file: ModelFile;
  readonly slot: ModelSlot;
  readonly generation: number;
  readonly bytes: number;
  /** Groups that are still to take it: it is in the queue of each. */
  readonly claims: Set<ModelGroup>;
  readonly readers: Set<ModelRead>;
}

/** One slot. It is `framed` while a frame is in it: `ready` or `reading`, as it has readers. */
export interface ModelSlot {
  state: "free" | "writing" | "quarantined" | "framed" | "retired";
  generation: number;
  writer: ModelWrite | null;
  frame: ModelFrame | null;
}

/** One file of a pool. */
export interface ModelFile {
  readonly epoch: number;
  readonly path: string;
  readonly slots: ModelSlot[];
  /** The slot of the latest frame. */
  latest: ModelSlot | null;
  /** Replaced, or removed with its pool. */
  over: boolean;
  /** When somebody else has deleted it, in µs; null: it is there. */
  deletedUs: number | null;
}

/** One client that takes frames. */
export interface ModelConsumer {
  readonly client: number;
  readonly sub: number;
  readonly group: ModelGroup;
  readonly maxHoldMs: number | null;
  hold: ModelRead | null;
  delivered: number;
  revoked: number;
}

/** Consumers that share frames. */
export interface ModelGroup {
  /** Null: it is that of one client without a group. */
  readonly name: string | null;
  readonly policy: Policy;
  readonly depth: number;
  readonly deadlineMs: number | null;
  readonly consumers: ModelConsumer[];
  readonly queue: ModelFrame[];
  readonly dropped: { -readonly [R in keyof Dropped]: number };
  published: number;
  delivered: number;
  /** Dropped since its last delivery. */
  lost: number;
}

/** One pool. */
export interface ModelPool {
  readonly name: string;
  readonly bytes: number;
  readonly groups: ModelGroup[];
  file: ModelFile;
  published: number;
  aborted: number;
  refused: number;
}

type Subscribe = Omit<RequestOf<"frames.subscribe">, "id" | "op" | "pool">;
type Layout = { readonly epoch: number; readonly path: string; readonly slots: number; readonly bytes: number };

/**
 * Pools, slots, leases and groups, by the rules of docs/frames.md alone. Where those leave a choice (which free slot, which idle
 * consumer of a group, when a process is seen to have ended) the model is told what was chosen, and says whether it may be.
 */
export class PoolModel {
  readonly pools = new Map<string, ModelPool>();
  readonly leases = new Map<number, ModelWrite | ModelRead>();
  /** Subscriptions of each connected client. */
  readonly connected = new Map<number, Set<number>>();
  readonly tally = { framesPublished: 0, framesDelivered: 0, framesDropped: 0, leasesRevoked: 0, slotsQuarantined: 0 };
  draining = false;
  /** The most subscriptions that a client may have. */
  readonly #mostSubscriptions: number;
  /** Every lease that there has been. */
  readonly #granted = new Set<number>();

  constructor(mostSubscriptions: number) {
    this.#mostSubscriptions = mostSubscriptions;
  }

  create(name: string, layout: Layout): void {
    const pool = { name, bytes: layout.bytes, groups: [], file: newFile(layout), published: 0, aborted: 0, refused: 0 };
    this.pools.set(name, pool);
  }

  /** Its file goes, and its subscriptions end. */
  remove(pool: ModelPool): void {
    this.#endFile(pool);
    for (const { client, sub } of pool.groups.flatMap(({ consumers }) => consumers)) this.connected.get(client)?.delete(sub);
    this.pools.delete(pool.name);
  }

  /** It gets a new file: somebody has deleted the old one, or it has too few slots left for its groups. */
  renew(pool: ModelPool, layout: Layout): void {
    assert(pool.file.deletedUs !== null || usable(pool) < needed(pool.groups.map(shareOf), 1), "a new file for no reason");
    this.#endFile(pool);
    pool.file = newFile(layout);
  }

  /** The groups that may miss no frame and have no room for another beside those that are being made. */
  blocking(pool: ModelPool): ModelGroup[] {
    const inFlight = pool.file.slots.filter(({ state }) => state === "writing").length;
    const room = ({ depth, consumers, queue }: ModelGroup) => depth - queue.length + consumers.filter(({ hold }) => hold === null).length;
    return pool.groups.filter((group) => group.policy === "block" && inFlight >= room(group));
  }

  /** The slots of which a producer may have any: the free ones, else the one whose frame is to be given up. */
  candidates(pool: ModelPool): ModelSlot[] {
    if (this.blocking(pool).length > 0) return [];
    const { slots, latest } = pool.file;
    const free = slots.filter(({ state }) => state === "free");
    if (free.length > 0) return free;
    const unread = slots.filter(({ frame }) => frame !== null && frame.readers.size === 0);
    if (latest !== null && unread.includes(latest) && latest.frame?.claims.size === 0) return [latest];
    const yields = ({ policy }: ModelGroup) => policy === "latest" || policy === "drop-oldest";
    const dispensable = unread.filter(({ frame }) => frame !== null && frame.claims.size > 0 && [...frame.claims].every(yields));
    return dispensable.sort((a, b) => (a.frame?.seq ?? 0) - (b.frame?.seq ?? 0)).slice(0, 1);
  }

  /** Whether a slot may be granted now. */
  mayGrant(pool: ModelPool, { epoch, slot }: Grant): boolean {
    return epoch === pool.file.epoch && this.candidates(pool).includes(pool.file.slots[slot] as ModelSlot);
  }

  /** How long an acquire waits that gets no slot at once, in ms. */
  patienceMs(pool: ModelPool, waitMs: number | undefined): number {
    const blocking = this.blocking(pool);
    if (blocking.length === 0) return waitMs ?? 0;
    return Math.min(waitMs ?? Number.POSITIVE_INFINITY, Math.max(...blocking.map(({ deadlineMs }) => deadlineMs ?? 0)));
  }

  /** A producer was granted a slot. */
  grant(pool: ModelPool, client: number, pid: number | null, { slot: index, generation, lease, epoch }: Grant): ModelWrite {
    const { file } = pool;
    assert(!this.draining, "no slot is granted while the supervisor drains");
    assert(this.connected.has(client), "a slot is granted to somebody who has gone");
    assert.equal(epoch, file.epoch, "a grant says the epoch of the pool's file");
    const slot = file.slots[index] ?? assert.fail("a slot that there is not");
    assert(this.candidates(pool).includes(slot), `slot ${index} may not be granted`);
    for (const group of [...(slot.frame?.claims ?? [])]) this.#drop(group, slot.frame as ModelFrame, "reclaimed");
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
    for (const group of pool.groups) this.#offer(group, frame);
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
    const group = groupNamed(pool, request.group);
    const { policy, depth, deadlineMs } = group ?? newGroup(request);
    const differs = (["policy", "depth", "deadlineMs"] as const).some(
      (field) => request[field] !== undefined && request[field] !== { policy, depth, deadlineMs }[field],
    );
    if (group !== undefined && differs) codes.push("GROUP_CONFLICT");
    const shares = pool.groups.filter((other) => other !== group).map(shareOf);
    const writers = pool.file.slots.filter(({ state }) => state === "writing").length;
    if (needed([...shares, depth + (group?.consumers.length ?? 0) + 1], writers) > usable(pool)) codes.push("POOL_SLOTS");
    if ((this.connected.get(client)?.size ?? 0) >= this.#mostSubscriptions) codes.push("LIMIT_SUBSCRIPTIONS");
    return codes;
  }

  subscribe(client: number, pool: ModelPool, sub: number, request: Subscribe): void {
    const existing = groupNamed(pool, request.group);
    const group = existing ?? newGroup(request);
    if (existing === undefined) {
      pool.groups.push(group);
      const latest = pool.file.latest?.frame ?? null;
      if (request.startWithLatest === true && latest !== null) this.#offer(group, latest);
    }
    const maxHoldMs = request.maxHoldMs ?? null;
    group.consumers.push({ client, sub, group, maxHoldMs, hold: null, delivered: 0, revoked: 0 });
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
        for (const frame of [...group.queue]) this.#drop(group, frame, "removed");
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
    const read: ModelRead = {
      kind: "read",
      lease,
      client,
      consumer,
      pool,
      file: pool.file,
      slot: index,
      frame,
      lost: group.lost,
      dueUs,
      revoked: false,
    };
    frame.readers.add(read);
    consumer.hold = read;
    consumer.delivered++;
    group.delivered++;
    group.lost = 0;
    this.tally.framesDelivered++;
    this.leases.set(lease, read);
    return read;
  }

  /** Whether frames wait for consumers that hold none: they must have been given to them. */
  owes(pool: ModelPool): boolean {
    return pool.groups.some(({ queue, consumers }) => queue.length > 0 && consumers.some(({ hold }) => hold === null));
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

  /** Revokes what has been held for too long. Nobody needs a slot of a file that is over. */
  revokeDue(nowUs: number): void {
    for (const read of this.leases.values()) {
      if (read.kind !== "read" || read.revoked || read.file.over || nowUs < read.dueUs) continue;
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
      if (lease.file.over || (this.draining && isDrained(lease.pool))) this.leases.delete(lease.lease);
      else {
        (lease.file.slots[lease.slot] as ModelSlot).state = "quarantined";
        this.tally.slotsQuarantined++;
      }
    }
  }

  #endFile(pool: ModelPool): void {
    const { file } = pool;
    for (const group of pool.groups) for (const frame of [...group.queue]) this.#drop(group, frame, "removed");
    file.latest = null;
    file.over = true;
  }

  #offer(group: ModelGroup, frame: ModelFrame): void {
    group.published++;
    const isIdle = group.consumers.some(({ hold }) => hold === null);
    const isFull = !isIdle && group.queue.length >= group.depth;
    if (isFull && group.policy === "drop-newest") {
      this.#count(group, "full");
      return;
    }
    group.queue.push(frame);
    frame.claims.add(group);
    if (isFull && group.policy !== "block") this.#drop(group, group.queue[0] as ModelFrame, "stale");
  }

  #drop(group: ModelGroup, frame: ModelFrame, reason: keyof Dropped): void {
    assert(group.policy !== "block" || reason === "removed", "a group with block drops nothing");
    group.queue.splice(group.queue.indexOf(frame), 1);
    frame.claims.delete(group);
    this.#count(group, reason);
    settle(frame);
  }

  #count(group: ModelGroup, reason: keyof Dropped): void {
    group.dropped[reason]++;
    group.lost++;
    this.tally.framesDropped++;
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
    assert(!this.#granted.has(lease), "a lease is never given twice");
    this.#granted.add(lease);
  }
}

/** A slot whose frame nobody is to have any more is free. */
function settle(frame: ModelFrame): void {
  const { file, slot, claims, readers } = frame;
  if (slot.frame !== frame || slot === file.latest || claims.size > 0 || readers.size > 0) return;
  Object.assign(slot, { state: "free", frame: null });
}

/** Nothing waits in a pool, and nobody reads. */
export function isDrained({ groups, file }: ModelPool): boolean {
  return groups.every(({ queue }) => queue.length === 0) && file.slots.every(({ frame }) => (frame?.readers.size ?? 0) === 0);
}

/** What a slot shows. */
export function shownState({ state, frame }: ModelSlot): SlotState {
  if (state !== "framed") return state;
  return (frame?.readers.size ?? 0) > 0 ? "reading" : "ready";
}

function newFile({ epoch, path, slots }: Layout): ModelFile {
  const free = (): ModelSlot => ({ state: "free", generation: 0, writer: null, frame: null });
  return { epoch, path, slots: Array.from({ length: slots }, free), latest: null, over: false, deletedUs: null };
}

function newGroup({ group, policy = "latest", depth, deadlineMs }: Subscribe): ModelGroup {
  return {
    name: group ?? null,
    policy,
    depth: policy === "latest" ? 1 : (depth ?? 2),
    deadlineMs: deadlineMs ?? null,
    consumers: [],
    queue: [],
    dropped: { stale: 0, full: 0, reclaimed: 0, removed: 0 },
    published: 0,
    delivered: 0,
    lost: 0,
  };
}

function groupNamed(pool: ModelPool, name: string | undefined): ModelGroup | undefined {
  return name === undefined ? undefined : pool.groups.find((group) => group.name === name);
}

function shareOf({ depth, consumers }: ModelGroup): number {
  return depth + consumers.length;
}

/** The arithmetic of admission: the groups' shares, every writer (at least one), and the latest frame. */
function needed(shares: readonly number[], writers: number): number {
  return shares.reduce((sum, share) => sum + share, 0) + Math.max(1, writers) + 1;
}

function usable(pool: ModelPool): number {
  return pool.file.slots.filter(({ state }) => state !== "retired").length;
}
