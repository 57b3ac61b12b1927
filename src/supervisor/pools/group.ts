import type { Clock } from "../../clock/clock.ts";
import { HoldfastError } from "../../protocol/errors.ts";
import type { Dropped, GroupInfo } from "../../protocol/replies.ts";
import type { Policy, RequestOf } from "../../protocol/requests.ts";
import type { Client } from "../client.ts";
import type { Subscription } from "../subscription.ts";
import type { Tally } from "../tally.ts";
import type { ReadLease } from "./lease.ts";
import { Rate } from "./rate.ts";
import type { Frame, Slot } from "./slot.ts";

/** Frames that may wait for a group that does not say how many; with `latest` it is always one. */
const DEFAULT_DEPTH = 2;

/** One client that takes frames. It has one at a time. */
export interface Consumer {
  readonly subscription: Subscription;
  readonly client: Client;
  readonly group: Group;
  /** Null: as long as it likes. */
  readonly maxHoldMs: number | null;
  /** What it holds, or held until it was revoked; it gets nothing else before it has released that. */
  hold: ReadLease | null;
  delivered: number;
  revoked: number;
}

/** Gives a frame to a consumer. @param lost frames that its group has dropped since it was last given one */
export type Deliver = (consumer: Consumer, slot: Slot, lost: number) => void;

/** Consumers that share the frames of a pool, and the frames that wait for them. */
export class Group {
  readonly #clock: Clock;
  readonly #tally: Tally;
  readonly #deliver: Deliver;
  readonly #rate: Rate;
  readonly #consumers = new Set<Consumer>();
  /** Those that hold nothing, the one that has waited for longest first. */
  #idle: Consumer[] = [];
  #queue: Slot[] = [];
  readonly #dropped: { -readonly [R in keyof Dropped]: number } = { stale: 0, full: 0, reclaimed: 0, removed: 0 };
  #published = 0;
  #delivered = 0;
  #lost = 0;
  #ageMs: number | null = null;
  readonly policy: Policy;
  readonly depth: number;
  /** For how long it may keep a producer waiting; 0: it never does. */
  readonly deadlineMs: number;

  /** @param label what it is called: its name, or that of its only client */
  constructor(
    readonly label: string,
    { policy = "latest", depth, deadlineMs = 0 }: RequestOf<"frames.subscribe">,
    clock: Clock,
    tally: Tally,
    deliver: Deliver,
  ) {
    this.policy = policy;
    this.depth = policy === "latest" ? 1 : (depth ?? DEFAULT_DEPTH);
    this.deadlineMs = deadlineMs;
    this.#clock = clock;
    this.#tally = tally;
    this.#deliver = deliver;
    this.#rate = new Rate(clock);
  }

  get size(): number {
    return this.#consumers.size;
  }

  get consumers(): readonly Consumer[] {
    return [...this.#consumers];
  }

  has(consumer: Consumer): boolean {
    return this.#consumers.has(consumer);
  }

  /** How many frames wait for it. */
  get queued(): number {
    return this.#queue.length;
  }

  /** @throws HoldfastError `GROUP_CONFLICT` when a consumer asks for what the group isn't */
  assertAgrees(request: RequestOf<"frames.subscribe">): void {
    for (const field of ["policy", "depth", "deadlineMs"] as const) {
      if (request[field] === undefined || request[field] === this[field]) continue;
      const message = `group "${this.label}" has ${field} ${this[field]}, not ${request[field]}`;
      throw new HoldfastError("GROUP_CONFLICT", message, { field, [field]: this[field] });
    }
  }

  join(consumer: Consumer): void {
    this.#consumers.add(consumer);
    this.#idle.push(consumer);
  }

  /** A consumer leaves; what it holds it keeps. Without consumers nothing waits. */
  leave(consumer: Consumer): void {
    this.#consumers.delete(consumer);
    this.#idle = this.#idle.filter((other) => other !== consumer);
    if (this.size === 0) this.dropAll("removed");
  }

  /** A consumer has released what it held. */
  idle(consumer: Consumer): void {
    if (!this.#consumers.has(consumer)) return;
    this.#idle.push(consumer);
    this.deliver();
  }

  /**
   * Whether it keeps producers from making another frame.
   * @param inFlight frames that are being made
   */
  blocks(inFlight: number): boolean {
    return this.policy === "block" && this.#queue.length + inFlight >= this.depth + this.#idle.length;
  }

  /** A frame has been published, and waits for this group as far as the group wants it. */
  offer(slot: Slot): void {
    this.#published += 1;
    const isFull = this.#idle.length === 0 && this.#queue.length >= this.depth;
    if (isFull && this.policy === "drop-newest") return this.#drop(slot, "full");
    this.#queue.push(slot);
    if (isFull && this.policy !== "block") this.#drop(this.#queue.shift() as Slot, "stale");
  }

  /** Gives the frames that wait to the consumers that are idle. */
  deliver(): void {
    while (this.#queue.length > 0 && this.#idle.length > 0) {
      const slot = this.#queue.shift() as Slot;
      const consumer = this.#idle.shift() as Consumer;
      const lost = this.#lost;
      this.#lost = 0;
      this.#delivered += 1;
      this.#tally.framesDelivered += 1;
      consumer.delivered += 1;
      this.#rate.tick();
      this.#ageMs = this.#clock.nowUs() / 1000 - Number((slot.frame as Frame).timestampNs) / 1e6;
      this.#deliver(consumer, slot, lost);
    }
  }

  waitsFor(slot: Slot): boolean {
    return this.#queue.includes(slot);
  }

  /** Whether what waits for it may be dropped for a newer frame. */
  get yields(): boolean {
    return this.policy === "latest" || this.policy === "drop-oldest";
  }

  /** A producer needs the slot of a frame that may wait here. */
  giveUp(slot: Slot): void {
    if (!this.waitsFor(slot)) return;
    this.#queue = this.#queue.filter((other) => other !== slot);
    this.#drop(slot, "reclaimed");
  }

  dropAll(reason: keyof Dropped): void {
    for (const slot of this.#queue.splice(0)) this.#drop(slot, reason);
  }

  info(): GroupInfo {
    const nowUs = this.#clock.nowUs();
    return {
      group: this.label,
      policy: this.policy,
      depth: this.depth,
      deadlineMs: this.policy === "block" ? this.deadlineMs : null,
      published: this.#published,
      delivered: this.#delivered,
      dropped: { ...this.#dropped },
      queued: this.queued,
      fps: this.#rate.perSecond,
      ageMs: this.#ageMs,
      consumers: this.consumers.map(({ client, subscription, hold, delivered, revoked }) => ({
        client: client.number,
        name: client.name,
        pid: client.peer.pid,
        sub: subscription.number,
        slot: hold === null || hold.isRevoked ? null : hold.slot.index,
        epoch: hold === null || hold.isRevoked ? null : hold.slot.epoch,
        heldMs: hold === null || hold.isRevoked ? null : (nowUs - hold.sinceUs) / 1000,
        delivered,
        revoked,
      })),
    };
  }

  #drop(slot: Slot, reason: keyof Dropped): void {
    this.#dropped[reason] += 1;
    this.#lost += 1;
    this.#tally.framesDropped += 1;
    slot.pass();
  }
}
