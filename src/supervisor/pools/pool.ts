import { timestampNs } from "../../clock/clock.ts";
import type { FrameFormat } from "../../frames/format.ts";
import type { PoolMemory } from "../../frames/memory.ts";
import { HoldfastError } from "../../protocol/errors.ts";
import type { Grant, PoolInfo, PoolLayout, ReplyOf } from "../../protocol/replies.ts";
import type { RequestOf } from "../../protocol/requests.ts";
import { addressedPool, addressedSlot } from "../addresses/addressed-pool.ts";
import type { Client } from "../client.ts";
import type { Surroundings } from "../surroundings.ts";
import { assertAdmits, type Share, slotsNeeded } from "./admission.ts";
import type { Consumer, Group } from "./group.ts";
import { Groups } from "./groups.ts";
import type { Leases, ReadLease, WriteLease } from "./lease.ts";
import { poolInfo } from "./pool-info.ts";
import type { Quarantine } from "./quarantine.ts";
import { Rate } from "./rate.ts";
import { isUntold, Readers } from "./readers.ts";
import { type Renewable, Renewal } from "./renewal.ts";
import { type Frame, Slot } from "./slot.ts";
import { WaitingProducers } from "./waiting-producers.ts";

/** Of the events of a consumer, so many wait however few a client may have waiting: a frame, that it was revoked, and the end. */
const EVENTS_AT_ONCE = 3;

/** By how much a frame may have been captured after now: a camera's time may be that of the next frame, but not of another clock. */
const FUTURE_NS = 1_000_000_000n;

/** What pools share. */
export interface PoolSurroundings extends Surroundings {
  readonly leases: Leases;
  readonly quarantine: Quarantine;
  /**
   * Reserves memory and puts it to use; until then the supervisor does not stop.
   * @throws HoldfastError what `SharedMemory.reserve` throws; `SHUTTING_DOWN`
   */
  reserve<T>(name: string, slots: number, format: FrameFormat, use: (memory: PoolMemory) => T): Promise<T>;
  /** A consumer has released a frame, or a group has gone. */
  changed(): void;
}

/** What comes of asking for a slot. */
export type Granting =
  | { readonly outcome: "granted"; readonly grant: Grant }
  /** These groups may miss no frame, and have no room for another. */
  | { readonly outcome: "blocked"; readonly by: readonly Group[] }
  /** All slots are in use. */
  | { readonly outcome: "none" }
  /** The process that made the client's connection has ended. */
  | { readonly outcome: "ended" };

/** Frames in shared memory: who may write them, who reads them, and what is done when there is not room for all. */
export class Pool {
  readonly #surroundings: PoolSurroundings;
  readonly #groups: Groups;
  readonly #rate: Rate;
  readonly #readers: Readers;
  readonly #renewal: Renewal;
  readonly waiting: WaitingProducers;
  #memory: PoolMemory;
  #slots: readonly Slot[];
  /** Holds the latest frame, which the pool itself claims as long as this says so. */
  #latest: Slot | null = null;
  /** Slots that a consumer needs who waits for a file without retired ones; 0: none does. */
  #wanted = 0;
  #published = 0;
  #aborted = 0;
  /** It grants no slots any more. */
  #shut = false;
  #removed = false;

  /** @param memory the pool's, from now on */
  constructor(
    readonly name: string,
    readonly format: FrameFormat,
    memory: PoolMemory,
    surroundings: PoolSurroundings,
  ) {
    const { clock, log } = surroundings;
    this.#surroundings = surroundings;
    this.#rate = new Rate(clock);
    this.#readers = new Readers(this, surroundings, () => this.#freed());
    this.#groups = new Groups(surroundings, (consumer, slot, lost) => this.#readers.deliver(consumer, slot, lost));
    this.#renewal = new Renewal(name, this.#renewable, clock, log);
    this.waiting = new WaitingProducers(this, clock);
    this.#memory = memory;
    this.#slots = this.#slotsOf(memory);
  }

  get state(): "open" | "draining" {
    return this.#shut ? "draining" : "open";
  }

  /** Tells of itself, and of all its slots. */
  tellAll(event: string | null): void {
    const { transitions } = this.#surroundings;
    if (!transitions.isHeard) return;
    transitions.look(addressedPool(this), event);
    for (const slot of this.#slots) transitions.look(addressedSlot(this, slot), event);
  }

  get layout(): PoolLayout {
    return this.#memory.layout;
  }

  get slots(): readonly Slot[] {
    return this.#slots;
  }

  get groups(): readonly Group[] {
    return this.#groups.all;
  }

  /** Groups that may miss no frame, and have no room for another. */
  get blocking(): readonly Group[] {
    const inFlight = this.#inFlight;
    return this.groups.filter((group) => group.blocks(inFlight));
  }

  get published(): number {
    return this.#published;
  }

  /** Slots that producers have given up. */
  get aborted(): number {
    return this.#aborted;
  }

  /** Frames published a second, of late. */
  get fps(): number {
    return this.#rate.perSecond;
  }

  /** Nothing waits in it, and nobody reads. */
  get isDrained(): boolean {
    return this.#readers.size === 0 && this.groups.every(({ queued }) => queued === 0);
  }

  /**
   * How to map it. Where its file has been deleted, that of the file that takes its place.
   * @throws HoldfastError `POOL_GONE`, what `SharedMemory.reserve` throws
   */
  async open(): Promise<PoolLayout> {
    await this.#renewal.ensure();
    if (this.#removed) throw this.goneError();
    return this.layout;
  }

  /** A slot to write to, if there is one now. */
  grant(client: Client): Granting {
    const { clock, leases, quarantine } = this.#surroundings;
    if (!quarantine.expect(client)) return { outcome: "ended" };
    const { blocking } = this;
    if (blocking.length > 0) return { outcome: "blocked", by: blocking };
    const slot = this.#slots.find(({ state }) => state === "free") ?? this.#reclaim();
    if (slot === undefined) return { outcome: "none" };
    const number = leases.next();
    const lease: WriteLease = { kind: "write", number, client, pool: this, slot, sinceUs: clock.nowUs(), isGone: false };
    leases.add(lease);
    slot.acquire(lease);
    return { outcome: "granted", grant: { slot: slot.index, generation: slot.generation, lease: number, epoch: slot.epoch } };
  }

  /**
   * A frame is whole.
   * @throws HoldfastError `FRAME_TOO_LONG`, `BAD_FIELD`; `POOL_GONE` when the slot is in a file that has been removed, and the lease has ended
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
    if (capturedNs !== undefined && capturedNs > publishedNs + FUTURE_NS) {
      const message = `a frame can't be captured at ${capturedNs} ns of CLOCK_MONOTONIC: it is ${publishedNs} now`;
      throw new HoldfastError("BAD_FIELD", message, { field: "timestampNs" });
    }
    const seq = ++this.#published;
    this.#surroundings.leases.end(lease);
    slot.publish({ seq, bytes, timestampNs: capturedNs ?? publishedNs, publishedNs, meta }, this.#groups.size + 1);
    this.#latest?.pass();
    this.#latest = slot;
    tally.framesPublished += 1;
    this.#rate.tick();
    const { groups } = this;
    for (const group of groups) group.offer(slot);
    for (const group of groups) group.deliver();
    this.#renewal.used();
    // Those who have waited come first.
    this.waiting.serve();
    if (acquire !== true) return { seq };
    const next = this.#shut ? null : this.grant(client);
    return { seq, next: next?.outcome === "granted" ? next.grant : null };
  }

  /** A producer gives its slot up, and stores nothing there any more. */
  abort(lease: WriteLease): void {
    this.#surroundings.leases.end(lease);
    if (lease.isGone) return;
    this.#aborted += 1;
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
    this.#surroundings.leases.end(lease);
    if (lease.isGone) return;
    lease.slot.clear();
    this.waiting.serve();
  }

  /** The process of a writer that has gone can't be seen to end: its slot is lost, and when too many are, so is the file. */
  retire(lease: WriteLease): void {
    this.#surroundings.leases.end(lease);
    if (lease.isGone) return;
    lease.slot.retire();
    this.#renewal.look();
  }

  /**
   * Whether a client may take frames, or has to wait: more slots are retired than it leaves, and `open` gives the pool a new file.
   * @throws HoldfastError `GROUP_CONFLICT`, `POOL_SLOTS`
   */
  admits(client: Client, request: RequestOf<"frames.subscribe">): boolean {
    const shares = this.#sharesWith(this.#groups.find(client, request));
    const inFlight = this.#inFlight;
    assertAdmits(this.name, this.#slots.length, shares, inFlight);
    const needed = slotsNeeded(shares, inFlight);
    if (needed <= this.#usable) return true;
    this.#wanted = needed;
    return false;
  }

  /**
   * A client takes frames from now on.
   * @param soon does something when the client has been told the number of the subscription
   * @throws HoldfastError `GROUP_CONFLICT`, `POOL_SLOTS`, `LIMIT_SUBSCRIPTIONS`
   */
  subscribe(client: Client, request: RequestOf<"frames.subscribe">, soon: (task: () => void) => void): ReplyOf<"frames.subscribe"> {
    const group = this.#groups.find(client, request);
    assertAdmits(this.name, this.#usable, this.#sharesWith(group), this.#inFlight);
    const subscription = client.subscribe(() => this.#leave(consumer), EVENTS_AT_ONCE);
    const maxHoldMs = request.maxHoldMs ?? null;
    const consumer: Consumer = { subscription, client, group, maxHoldMs, hold: null, delivered: 0, revoked: 0 };
    if (group.size === 0 && request.startWithLatest === true && this.#latest !== null) this.#startWith(group, this.#latest);
    this.#groups.join(consumer, request.group);
    soon(() => {
      group.deliver();
      this.waiting.serve();
    });
    return { sub: subscription.number };
  }

  /** A consumer is done with a frame. @returns whether it had the frame for all the time */
  release(lease: ReadLease): boolean {
    return this.#readers.release(lease);
  }

  /** Grants no more slots; what waits for consumers is still delivered. */
  shut(): void {
    this.#shut = true;
    this.#surroundings.transitions.look(addressedPool(this), "shutdown");
    this.waiting.refuse(() => new HoldfastError("SHUTTING_DOWN", "the supervisor is shutting down and grants no more slots"));
  }

  /** Its file is deleted and its subscriptions end. Who holds a frame may go on reading it. */
  remove(): void {
    this.#removed = true;
    this.#renewal.close();
    this.#abandonFile();
    this.#readers.letBe();
    this.waiting.refuse(() => this.goneError());
    for (const group of this.groups) {
      for (const { client, subscription } of group.consumers) {
        client.finish(subscription, { sub: subscription.number, ev: "end", reason: "POOL_GONE" });
      }
    }
    this.#groups.clear();
    this.#tellGone();
  }

  goneError(): HoldfastError {
    return new HoldfastError("POOL_GONE", `pool ${this.name} has been removed`, { field: "pool", pool: this.name });
  }

  info(): PoolInfo {
    this.#renewal.used();
    return poolInfo(this, this.#surroundings.clock);
  }

  /** Slots that are being written to by somebody who may publish. */
  get #inFlight(): number {
    return this.#slots.filter(({ state }) => state === "writing").length;
  }

  get #usable(): number {
    return this.#slots.filter(({ state }) => state !== "retired").length;
  }

  /** What is held by consumers that take no more frames. */
  get #left(): Share[] {
    const consumers = this.#readers.left(this.layout.epoch);
    return consumers === 0 ? [] : [{ label: "held by those who have left", depth: 0, consumers }];
  }

  /** What all groups would need if this one had a consumer more. */
  #sharesWith(group: Group): Share[] {
    return [...this.#groups.sharesWith(group), ...this.#left];
  }

  /** Gives up the oldest frame that nobody reads, and for which all that wait would take a newer one. */
  #reclaim(): Slot | undefined {
    const { groups } = this;
    const [oldest] = this.#slots
      .filter((slot) => slot.state === "ready" && groups.every((group) => group.yields || !group.waitsFor(slot)))
      .sort((a, b) => (a.frame as Frame).seq - (b.frame as Frame).seq);
    if (oldest === undefined) return undefined;
    if (oldest === this.#latest) {
      this.#latest = null;
      oldest.pass();
    }
    for (const group of groups) group.giveUp(oldest);
    return oldest;
  }

  #leave(consumer: Consumer): void {
    this.#groups.leave(consumer);
    // Nobody will release what was on its way to a slow client: it will never hear of it.
    if (consumer.hold !== null && isUntold(consumer.hold)) return void this.release(consumer.hold);
    this.#freed();
  }

  /** There may be a slot for who waits, and the pool may be drained. */
  #freed(): void {
    this.waiting.serve();
    this.#surroundings.changed();
  }

  /** A new group begins with a frame that has been published before. */
  #startWith(group: Group, latest: Slot): void {
    latest.claim();
    group.offer(latest);
  }

  /** What its renewal asks of it. */
  readonly #renewable: Renewable = {
    fault: () => {
      if (this.#shut || this.#removed) return null;
      if (!this.#memory.present()) return "its file has been deleted, replaced or cut";
      const needed = Math.max(this.#wanted, slotsNeeded(this.#groups.shares, 1));
      return this.#usable < Math.min(needed, this.#slots.length) ? "too many of its slots are retired" : null;
    },
    renew: () => this.#renew(),
  };

  /** Gives it a new file, with a new epoch, as soon as that is made. What waits in the old one is dropped then, and what is held stays. */
  #renew(): Promise<void> {
    return this.#surroundings.reserve(this.name, this.#slots.length, this.format, (renewed) => {
      if (this.#removed) return renewed.remove();
      this.#abandonFile();
      this.#memory = renewed;
      this.#slots = this.#slotsOf(renewed);
      this.#wanted = 0;
      this.tellAll("renewed");
      this.waiting.serve();
    });
  }

  #slotsOf(memory: PoolMemory): readonly Slot[] {
    const { transitions } = this.#surroundings;
    // A slot of a file that has been replaced or removed is at no address any more, though somebody may still read it.
    const tell = (slot: Slot, event: string) => {
      if (!this.#removed && this.#slots[slot.index] === slot) transitions.look(addressedSlot(this, slot), event);
    };
    return Array.from({ length: memory.layout.slots }, (_, index) => new Slot(index, memory, transitions, tell));
  }

  #tellGone(): void {
    const { transitions } = this.#surroundings;
    if (!transitions.isHeard) return;
    for (const slot of this.#slots) transitions.gone(addressedSlot(this, slot), "remove");
    transitions.gone(addressedPool(this), "remove");
  }

  #abandonFile(): void {
    for (const group of this.groups) group.dropAll("removed");
    this.#latest = null;
    for (const { writer } of this.#slots) if (writer !== null) writer.isGone = true;
    this.#memory.remove();
  }

  /** @throws HoldfastError `POOL_GONE`, and the lease has ended */
  #assertStands(lease: WriteLease): void {
    if (!lease.isGone) return;
    this.#surroundings.leases.end(lease);
    throw this.#removed
      ? this.goneError()
      : new HoldfastError("POOL_GONE", `the file that pool ${this.name} had has been replaced`, { field: "lease", pool: this.name });
  }
}
