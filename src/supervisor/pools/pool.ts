import { timestampNs } from "../../clock/clock.ts";
import type { FrameFormat } from "../../frames/format.ts";
import type { PoolMemory } from "../../frames/memory.ts";
import { HoldfastError } from "../../protocol/errors.ts";
import type { Grant, PoolInfo, PoolLayout, ReplyOf } from "../../protocol/replies.ts";
import type { RequestOf } from "../../protocol/requests.ts";
import type { Client } from "../client.ts";
import type { Surroundings } from "../surroundings.ts";
import { assertAdmits, slotsNeeded } from "./admission.ts";
import { type Consumer, Group } from "./group.ts";
import type { Leases, ReadLease, WriteLease } from "./lease.ts";
import { poolInfo } from "./pool-info.ts";
import { Rate } from "./rate.ts";
import { type Frame, Slot } from "./slot.ts";
import { WaitingProducers } from "./waiting-producers.ts";

/** How often a pool that is used looks whether its file is still there, in µs. */
const LOOK_EVERY_US = 1_000_000;

/** Frames in shared memory: who may write them, who reads them, and what is done when there is not room for all. */
export class Pool {
  readonly #surroundings: Surroundings;
  readonly #leases: Leases;
  readonly #changed: () => void;
  readonly #groups = new Map<string, Group>();
  readonly #rate: Rate;
  readonly waiting: WaitingProducers;
  #memory: PoolMemory;
  #slots: readonly Slot[];
  /** Holds the latest frame, which the pool itself claims as long as this says so. */
  #latest: Slot | null = null;
  #lookedUs: number;
  #renewal: Promise<void> | null = null;
  #published = 0;
  aborted = 0;
  refused = 0;
  /** It grants no slots any more. */
  #shut = false;
  #removed = false;

  /**
   * @param memory the supervisor's, from now on
   * @param changed is told when a consumer has released a frame, or a group has gone
   */
  constructor(
    readonly name: string,
    readonly format: FrameFormat,
    memory: PoolMemory,
    leases: Leases,
    surroundings: Surroundings,
    changed: () => void,
  ) {
    this.#surroundings = surroundings;
    this.#leases = leases;
    this.#changed = changed;
    this.#rate = new Rate(surroundings.clock);
    this.#lookedUs = surroundings.clock.nowUs();
    this.waiting = new WaitingProducers(this, surroundings.clock);
    this.#memory = memory;
    this.#slots = slotsOf(memory);
  }

  get layout(): PoolLayout {
    return this.#memory.layout;
  }

  get slots(): readonly Slot[] {
    return this.#slots;
  }

  get groups(): readonly Group[] {
    return [...this.#groups.values()];
  }

  /** Groups that may miss no frame, and have no room for another. */
  get blocking(): readonly Group[] {
    return this.groups.filter((group) => group.blocks(this.#inFlight));
  }

  get published(): number {
    return this.#published;
  }

  /** Frames published a second, of late. */
  get fps(): number {
    return this.#rate.perSecond;
  }

  /** Nothing waits in it, and nobody reads. */
  get isDrained(): boolean {
    return this.groups.every(({ queued }) => queued === 0) && this.#slots.every(({ readers }) => readers.size === 0);
  }

  /** How to map it. Where its file has been deleted, that of the file that takes its place. */
  async open(): Promise<PoolLayout> {
    if (!this.#memory.present()) this.#renew("its file has been deleted");
    await this.#renewal;
    if (this.#removed) throw this.goneError();
    return this.layout;
  }

  /** A slot to write to, if there is one now; else who keeps it from being made: no group, when all slots are in use. */
  grant(client: Client): Grant | readonly Group[] {
    const { blocking } = this;
    if (blocking.length > 0) return blocking;
    const slot = this.#slots.find(({ state }) => state === "free") ?? this.#reclaim();
    if (slot === undefined) return [];
    const number = this.#leases.next();
    const { clock } = this.#surroundings;
    const lease: WriteLease = { kind: "write", number, client, pool: this, slot, sinceUs: clock.nowUs(), isGone: false };
    this.#leases.add(lease);
    slot.acquire(lease);
    return { slot: slot.index, generation: slot.generation, lease: number, epoch: slot.epoch };
  }

  /**
   * A frame is whole.
   * @throws HoldfastError `FRAME_TOO_LONG`; `POOL_GONE` when the slot is in a file that has been removed, and the lease has ended
   */
  publish(lease: WriteLease, { bytes, timestampNs: capturedNs, meta, acquire }: RequestOf<"slot.publish">): ReplyOf<"slot.publish"> {
    this.#assertStands(lease);
    if (bytes > this.format.bytes) {
      const message = `a slot of pool ${this.name} holds ${this.format.bytes} bytes, and the frame has ${bytes}`;
      throw new HoldfastError("FRAME_TOO_LONG", message, { field: "bytes", limit: this.format.bytes });
    }
    const { slot, client } = lease;
    const { clock, tally } = this.#surroundings;
    const publishedNs = timestampNs(clock);
    const seq = ++this.#published;
    this.#leases.end(lease);
    slot.publish({ seq, bytes, timestampNs: capturedNs ?? publishedNs, publishedNs, meta }, this.#groups.size + 1);
    this.#latest?.pass();
    this.#latest = slot;
    tally.framesPublished += 1;
    this.#rate.tick();
    for (const group of this.#groups.values()) group.offer(slot);
    for (const group of this.#groups.values()) group.deliver();
    this.#lookAtFile();
    // Those who have waited come first.
    this.waiting.serve();
    if (acquire !== true) return { seq };
    return { seq, next: this.#shut ? null : grantOrNull(this.grant(client)) };
  }

  /** A producer gives its slot up, and stores nothing there any more. */
  abort(lease: WriteLease): void {
    this.#leases.end(lease);
    if (lease.isGone) return;
    this.aborted += 1;
    lease.slot.abort();
    this.waiting.serve();
  }

  /** A writer has gone without a word. The frame that it was making takes nobody's room any more. */
  vanish(lease: WriteLease): void {
    this.#surroundings.tally.slotsQuarantined += 1;
    lease.slot.vanish();
    this.waiting.serve();
  }

  /** The process of a writer that had gone has ended. */
  clear(lease: WriteLease): void {
    this.#leases.end(lease);
    if (lease.isGone) return;
    lease.slot.clear();
    this.waiting.serve();
  }

  /** The process of a writer that has gone can't be seen to end: its slot is lost, and when too many are, so is the file. */
  retire(lease: WriteLease): void {
    this.#leases.end(lease);
    if (lease.isGone) return;
    lease.slot.retire();
    if (this.#usable < slotsNeeded(this.groups.map(shareOf), 1)) this.#renew("too many of its slots are retired");
  }

  /**
   * A client takes frames from now on.
   * @throws HoldfastError `GROUP_CONFLICT`, `POOL_SLOTS`, `LIMIT_SUBSCRIPTIONS`
   */
  subscribe(client: Client, request: RequestOf<"frames.subscribe">): ReplyOf<"frames.subscribe"> {
    const { clock, tally } = this.#surroundings;
    const existing = request.group === undefined ? undefined : this.#groups.get(named(request.group));
    existing?.assertAgrees(request);
    const group =
      existing ??
      new Group(request.group ?? client.name, request, clock, tally, (consumer, slot, lost) => this.#deliver(consumer, slot, lost));
    const others = this.groups.filter((other) => other !== group).map(shareOf);
    assertAdmits(this.name, this.#usable, [...others, { ...shareOf(group), consumers: group.size + 1 }], this.#inFlight);
    const subscription = client.subscribe(() => this.#leave(consumer));
    const maxHoldMs = request.maxHoldMs ?? null;
    const consumer: Consumer = { subscription, client, group, maxHoldMs, hold: null, delivered: 0, revoked: 0 };
    if (existing === undefined) {
      this.#groups.set(request.group === undefined ? nameless(consumer) : named(request.group), group);
      if (request.startWithLatest === true && this.#latest !== null) this.#startWith(group, this.#latest);
    }
    group.join(consumer);
    // A frame comes behind the reply that names the subscription.
    queueMicrotask(() => {
      group.deliver();
      this.waiting.serve();
    });
    return { sub: subscription.number };
  }

  /** A consumer is done with a frame. @returns whether it had the frame for all the time */
  release(lease: ReadLease): boolean {
    this.#leases.end(lease);
    lease.alarm?.cancel();
    const { consumer, slot, isRevoked } = lease;
    if (!isRevoked) slot.release(lease);
    consumer.hold = null;
    consumer.group.idle(consumer);
    this.waiting.serve();
    this.#changed();
    return !isRevoked;
  }

  /** Grants no more slots; what waits for consumers is still delivered. */
  shut(): void {
    this.#shut = true;
    this.waiting.refuse(() => new HoldfastError("SHUTTING_DOWN", "the supervisor is shutting down and grants no more slots"));
  }

  /** Its file is deleted and its subscriptions end. Who holds a frame may go on reading it. */
  remove(): void {
    this.#removed = true;
    this.#abandonFile();
    this.waiting.refuse(() => this.goneError());
    for (const group of this.groups) {
      for (const { client, subscription } of group.consumers) {
        client.finish(subscription, { sub: subscription.number, ev: "end", reason: "POOL_GONE" });
      }
    }
    this.#groups.clear();
  }

  goneError(): HoldfastError {
    return new HoldfastError("POOL_GONE", `pool ${this.name} has been removed`, { field: "pool", pool: this.name });
  }

  info(): PoolInfo {
    this.#lookAtFile();
    return poolInfo(this, this.#surroundings.clock);
  }

  /** Slots that are being written to by somebody who may publish. */
  get #inFlight(): number {
    return this.#slots.filter(({ state }) => state === "writing").length;
  }

  get #usable(): number {
    return this.#slots.filter(({ state }) => state !== "retired").length;
  }

  /** Gives up a frame that nobody reads: the latest if no group waits for it, or the oldest for which all that wait would take a newer one. */
  #reclaim(): Slot | undefined {
    const latest = this.#latest;
    if (latest !== null && latest.state === "ready" && latest.claims === 1) {
      this.#latest = null;
      latest.pass();
      return latest;
    }
    const [oldest] = this.#slots
      .filter((slot) => slot.state === "ready" && this.groups.every((group) => group.yields || !group.waitsFor(slot)))
      .sort((a, b) => (a.frame as Frame).seq - (b.frame as Frame).seq);
    if (oldest === undefined) return undefined;
    if (oldest === latest) {
      this.#latest = null;
      latest.pass();
    }
    for (const group of this.#groups.values()) group.giveUp(oldest);
    return oldest;
  }

  #deliver(consumer: Consumer, slot: Slot, lost: number): void {
    const { clock } = this.#surroundings;
    const { client, subscription, maxHoldMs } = consumer;
    const number = this.#leases.next();
    const sinceUs = clock.nowUs();
    const lease: ReadLease = { kind: "read", number, client, pool: this, slot, sinceUs, consumer, isRevoked: false, alarm: null };
    if (maxHoldMs !== null) lease.alarm = clock.at(sinceUs + maxHoldMs * 1000, () => this.#revoke(lease));
    this.#leases.add(lease);
    consumer.hold = lease;
    slot.take(lease);
    const { seq, bytes, timestampNs: capturedNs, meta } = slot.frame as Frame;
    const { fourcc, width, height, stride } = this.format;
    subscription.push({
      sub: subscription.number,
      ev: "frame",
      slot: slot.index,
      generation: slot.generation,
      lease: number,
      epoch: slot.epoch,
      seq,
      bytes,
      timestampNs: capturedNs,
      fourcc,
      width,
      height,
      stride,
      ...(meta === undefined ? {} : { meta }),
      lost,
    });
  }

  #revoke(lease: ReadLease): void {
    const { consumer, slot, number } = lease;
    const { subscription } = consumer;
    lease.isRevoked = true;
    lease.alarm = null;
    consumer.revoked += 1;
    this.#surroundings.tally.leasesRevoked += 1;
    slot.release(lease);
    if (!this.#removed && consumer.group.has(consumer)) subscription.push({ sub: subscription.number, ev: "revoked", lease: number });
    this.waiting.serve();
    this.#changed();
  }

  #leave(consumer: Consumer): void {
    const { group } = consumer;
    group.leave(consumer);
    if (group.size === 0) {
      for (const [key, other] of this.#groups) if (other === group) this.#groups.delete(key);
    }
    // Nobody will release what was on its way to a slow client: it will never hear of it.
    if (consumer.hold !== null && isUntold(consumer.hold)) return void this.release(consumer.hold);
    this.waiting.serve();
    this.#changed();
  }

  /** A new group begins with a frame that has been published before. */
  #startWith(group: Group, latest: Slot): void {
    latest.claim();
    group.offer(latest);
  }

  #lookAtFile(): void {
    const nowUs = this.#surroundings.clock.nowUs();
    if (nowUs - this.#lookedUs < LOOK_EVERY_US) return;
    this.#lookedUs = nowUs;
    if (!this.#removed && !this.#memory.present()) this.#renew("its file has been deleted");
  }

  /** Gives the pool a new file, with a new epoch, as soon as that is made. What waits in the old one is dropped then. */
  #renew(why: string): void {
    if (this.#renewal !== null) return;
    const { log, memory } = this.#surroundings;
    const { path } = this.layout;
    log.warn({ pool: this.name, path, why }, "the pool gets a new file");
    this.#renewal = memory
      .reserve(this.name, this.#slots.length, this.format)
      .then(
        (renewed) => {
          if (this.#removed) return renewed.remove();
          this.#abandonFile();
          this.#memory = renewed;
          this.#slots = slotsOf(renewed);
          this.waiting.serve();
        },
        (error) => log.error({ err: error, pool: this.name }, "the pool gets no new file"),
      )
      .finally(() => {
        this.#renewal = null;
      });
  }

  #abandonFile(): void {
    for (const group of this.#groups.values()) group.dropAll("removed");
    this.#latest = null;
    for (const { writer, readers } of this.#slots) {
      if (writer !== null) writer.isGone = true;
      for (const { alarm } of readers) alarm?.cancel();
    }
    this.#memory.remove();
  }

  /** @throws HoldfastError `POOL_GONE`, and the lease has ended */
  #assertStands(lease: WriteLease): void {
    if (!lease.isGone) return;
    this.#leases.end(lease);
    throw this.#removed
      ? this.goneError()
      : new HoldfastError("POOL_GONE", `the file that pool ${this.name} had has been replaced`, { field: "lease", pool: this.name });
  }
}

/** Whether the event of a lease still waits for its client. Only that it was revoked, and the end of all, come behind it. */
function isUntold({ isRevoked, consumer: { subscription } }: ReadLease): boolean {
  return subscription.waiting > (isRevoked ? 1 : 0) + (subscription.over ? 1 : 0);
}

function slotsOf(memory: PoolMemory): readonly Slot[] {
  return Array.from({ length: memory.layout.slots }, (_, index) => new Slot(index, memory));
}

function shareOf(group: Group): { label: string; depth: number; consumers: number } {
  return { label: group.label, depth: group.depth, consumers: group.size };
}

function grantOrNull(granted: Grant | readonly Group[]): Grant | null {
  return "lease" in granted ? granted : null;
}

/** Groups with a name and those without never meet under one key. */
function named(group: string): string {
  return `group ${group}`;
}

function nameless({ client, subscription }: Consumer): string {
  return `client ${client.number} ${subscription.number}`;
}
