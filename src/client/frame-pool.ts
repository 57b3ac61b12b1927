import { type Access, mapPool, type PoolMapping } from "../frames/mapping.ts";
import { closedPool } from "../frames/pool-file.ts";
import { HoldfastError } from "../protocol/errors.ts";
import type { Grant, PoolLayout, ReplyOf } from "../protocol/replies.ts";
import { type FrameOptions, FrameStream } from "./frame-stream.ts";
import type { SendRequest, Subscriptions } from "./subscriptions.ts";
import { type FrameFields, type Producer, slotIsGone, WritableFrame } from "./writable-frame.ts";

/** What pools and their frames need of their client. */
export interface PoolClient {
  readonly request: SendRequest;
  readonly subscriptions: Subscriptions;
  /** Which connection this is, or the next one will be: leases end with the one on which they were granted. */
  connection(): number;
}

/** A slot to write to, and on which connection it was granted. */
export type HeldGrant = Grant & { readonly connection: number };

/** How many other files than that of its grant a producer may meet before it gives up. */
const MOST_FILES = 3;

/** A pool of frames. Under Bun its memory is mapped; under Node every frame is copied once. `await using` closes it. */
export class FramePool implements AsyncDisposable {
  readonly #client: PoolClient;
  readonly #forget: (pool: FramePool) => void;
  #layout: PoolLayout;
  /** Of the file that `#layout` describes. */
  readonly #mappings = new Map<Access, PoolMapping>();
  readonly #streams = new Set<FrameStream>();
  /** Slots that the program writes to. */
  readonly #written = new Set<WritableFrame>();
  /** The grant that the last publish brought. */
  #next: HeldGrant | null = null;
  /** A publish is under way that will bring one. */
  #nextAsked = false;
  /** Grants of lost connections, of slots that nobody writes to any more: to be given up when there is a connection again. */
  readonly #orphans: HeldGrant[] = [];
  #isClosed = false;

  /** For the client. @param forget is told when a closed pool has no use of the connection any more */
  constructor(client: PoolClient, layout: PoolLayout, forget: (pool: FramePool) => void) {
    this.#client = client;
    this.#layout = layout;
    this.#forget = forget;
  }

  get name(): string {
    return this.#layout.pool;
  }

  /** How its file is laid out. Another file, of the same geometry, may take its place: `epoch` and `path` change then. */
  get layout(): PoolLayout {
    return this.#layout;
  }

  /**
   * A slot to write a frame to: the one that came with the last publish, or else a new grant.
   * @param waitMs how long to wait for a slot; default: no longer than the groups with policy block may demand
   * @throws HoldfastError `SLOT_NONE`, `POOL_GONE`, `POOL_UNKNOWN`, `DISCONNECTED`; `PERMISSION_DENIED`, `MEMORY_FAILED`
   */
  async produce({ waitMs }: { readonly waitMs?: number } = {}): Promise<WritableFrame> {
    void this.#giveUpOrphans();
    for (let files = 0; files < MOST_FILES; files++) {
      const grant = this.#takeNext() ?? (await this.#acquire(waitMs));
      const frame = await this.#frameFor(grant);
      if (frame !== null) return frame;
    }
    throw new HoldfastError("POOL_GONE", `pool ${this.name} has got another file each time that a slot was granted`, { pool: this.name });
  }

  /** The frames that are published from the first `next()` on. Leaving the loop ends the subscription. */
  frames(options: FrameOptions = {}): FrameStream {
    const stream: FrameStream = new FrameStream(this.#client, this.name, options, {
      mappingOf: (epoch) => this.#mappingOf(epoch, "read"),
      begun: () => this.#streams.add(stream),
      ended: () => this.#streams.delete(stream),
    });
    return stream;
  }

  /** Deletes the pool, whoever made it. Frames that are held stay readable. @throws HoldfastError `POOL_UNKNOWN` */
  async remove(): Promise<void> {
    await this.#client.request("pool.remove", { pool: this.name });
  }

  /** Ends the use of this object, and the loops over its frames; the pool stays. Frames that the program holds stay readable. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const stream of [...this.#streams]) void stream.return();
    const next = this.#takeNext();
    this.#dropMappings();
    if (next !== null) await this.#giveUp(next);
    this.#forgetWhenDone();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** For the client. Maps the file, so that what is wrong with it is found before the first frame. */
  map(): this {
    if (!this.#mappings.has("read")) this.#mappings.set("read", mapPool(this.#layout, "read"));
    return this;
  }

  /** For the client, whose connection is about to end: a slot that nobody can write to any more need not be quarantined. The others are. */
  end(): void {
    for (const frame of [...this.#written]) frame[Symbol.dispose]();
    void this.close();
  }

  /** For the client, which is connected again. */
  async restore(): Promise<void> {
    // A grant of the connection before is an orphan now.
    this.#next = this.#takeNext();
    await this.#giveUpOrphans();
    this.#forgetWhenDone();
  }

  /** What a slot's frame asks of its pool. */
  readonly #producer: Producer = {
    publish: (grant, fields, next) => this.#publish(grant, fields, next),
    giveUp: (grant) => this.#giveUp(grant),
    ended: (frame) => {
      this.#written.delete(frame);
      this.#forgetWhenDone();
    },
    isHeld: (grant) => this.#isHeld(grant),
  };

  #isHeld(grant: HeldGrant): boolean {
    return grant.connection === this.#client.connection();
  }

  /** The kept grant, when it still is one. */
  #takeNext(): HeldGrant | null {
    const next = this.#next;
    this.#next = null;
    if (next === null || this.#isHeld(next)) return next;
    this.#orphans.push(next);
    return null;
  }

  async #acquire(waitMs: number | undefined): Promise<HeldGrant> {
    this.#assertOpen();
    let connection = this.#client.connection();
    const grant = await this.#client.request("slot.acquire", { pool: this.name, waitMs }, () => {
      connection = this.#client.connection();
    });
    return { ...grant, connection };
  }

  /** The frame to be written; null: the pool has another file by now, and the grant has been given up. */
  async #frameFor(grant: HeldGrant): Promise<WritableFrame | null> {
    try {
      const mapping = await this.#mappingOf(grant.epoch, "write");
      if (!this.#isHeld(grant)) throw new HoldfastError("DISCONNECTED", "the connection has been lost, and the slot with it");
      // It may have been dropped in the turn in which it came.
      if (mapping !== null && this.#mappings.get("write") === mapping) {
        const { bytes } = mapping.layout;
        const frame = new WritableFrame(this.#producer, grant, mapping.slot(grant.slot, bytes), bytes);
        this.#written.add(frame);
        return frame;
      }
      await this.#giveUp(grant);
      return null;
    } catch (error) {
      await this.#giveUp(grant);
      throw error;
    }
  }

  async #publish(grant: HeldGrant, fields: FrameFields, next: boolean): Promise<ReplyOf<"slot.publish">> {
    // One grant is enough to keep: another would be a slot that nobody uses.
    const asks = next && !this.#nextAsked && this.#next === null && !this.#isClosed;
    if (asks) this.#nextAsked = true;
    try {
      return await this.#client.request("slot.publish", { ...fields, lease: grant.lease, ...(asks && { acquire: true }) }, ({ next }) => {
        if (!next) return;
        const connection = this.#client.connection();
        if (this.#isClosed) void this.#giveUp({ ...next, connection });
        else this.#next = { ...next, connection };
      });
    } finally {
      if (asks) this.#nextAsked = false;
    }
  }

  /**
   * Gives a slot up that nobody writes to any more. One that was granted on a connection that has gone is quarantined: this process may
   * free it from its new connection, when the supervisor is still the one that granted it. Never throws.
   */
  async #giveUp(grant: HeldGrant): Promise<void> {
    try {
      if (!this.#isHeld(grant)) {
        // Another supervisor has other files, and its own leases with the same numbers.
        const { epoch } = await this.#client.request("pool.open", { pool: this.name });
        if (epoch !== grant.epoch) return;
      }
      await this.#client.request("slot.abort", { lease: grant.lease });
    } catch (error) {
      // What could not be given up for another reason is tried again.
      if (!(error instanceof HoldfastError) || !slotIsGone.has(error.code)) this.#orphans.push(grant);
    }
  }

  async #giveUpOrphans(): Promise<void> {
    for (const grant of this.#orphans.splice(0)) await this.#giveUp(grant);
  }

  /** The file with this epoch, in memory; null: the pool has another one by now. */
  async #mappingOf(epoch: number, access: Access): Promise<PoolMapping | null> {
    this.#assertOpen();
    if (this.#layout.epoch !== epoch) {
      const layout = await this.#client.request("pool.open", { pool: this.name });
      if (layout.epoch !== this.#layout.epoch) this.#dropMappings();
      this.#layout = layout;
      if (layout.epoch !== epoch) return null;
    }
    this.#assertOpen();
    const mapping = this.#mappings.get(access) ?? mapPool(this.#layout, access);
    this.#mappings.set(access, mapping);
    return mapping;
  }

  #assertOpen(): void {
    if (this.#isClosed) throw closedPool(this.name);
  }

  /** A closed pool still has slots to give up, as long as the program writes to them or there is no connection. */
  #forgetWhenDone(): void {
    if (this.#isClosed && this.#written.size === 0 && this.#orphans.length === 0) this.#forget(this);
  }

  #dropMappings(): void {
    for (const mapping of this.#mappings.values()) mapping.close();
    this.#mappings.clear();
  }
}
