import { isDeepStrictEqual } from "node:util";
import { type FrameFormat, formatOf } from "../../frames/format.ts";
import type { PoolMemory } from "../../frames/memory.ts";
import { encode, LENGTH_BYTES } from "../../protocol/codec.ts";
import { HoldfastError } from "../../protocol/errors.ts";
import type { Grant, PoolInfo, PoolLayout, ReplyOf } from "../../protocol/replies.ts";
import type { PoolSettings, RequestOf } from "../../protocol/requests.ts";
import type { Client } from "../client.ts";
import { allRights } from "../rights.ts";
import type { Surroundings } from "../surroundings.ts";
import { Leases, type WriteLease } from "./lease.ts";
import { Pool, type PoolSurroundings } from "./pool.ts";
import { Quarantine } from "./quarantine.ts";

/** Every pool by its name, and every lease. */
export class Pools {
  readonly #surroundings: PoolSurroundings;
  readonly #pools = new Map<string, Pool>();
  /** Pools whose first memory is being made, by their names. They settle when it has been, or never will. */
  readonly #coming = new Map<string, Promise<unknown>>();
  /** How much memory is being made, that of renewed files too. */
  #reserving = 0;
  readonly #leases: Leases;
  readonly #quarantine: Quarantine;
  readonly #emptied: () => void;
  readonly #published: (client: Client, pool: string) => void;
  /** No more slots are granted, and each pool goes when it is drained. */
  #shut = false;

  /**
   * @param emptied is told when, after `shut`, the last pool has gone
   * @param published is told of each frame: who has published it, and where
   */
  constructor(surroundings: Surroundings, emptied: () => void, published: (client: Client, pool: string) => void) {
    this.#emptied = emptied;
    this.#published = published;
    this.#leases = new Leases(surroundings.limits);
    this.#quarantine = new Quarantine(surroundings.processes, surroundings.clock);
    this.#surroundings = {
      ...surroundings,
      leases: this.#leases,
      quarantine: this.#quarantine,
      reserve: (name, slots, format, use) => this.#reserve(name, slots, format, use),
      changed: () => this.#removeDrained(),
    };
  }

  /** Those that there are. */
  get there(): readonly Pool[] {
    return [...this.#pools.values()];
  }

  /** Whether there is none, nor memory for one. */
  get isEmpty(): boolean {
    return this.#pools.size === 0 && this.#reserving === 0;
  }

  /**
   * Makes a pool.
   * @throws HoldfastError `SHUTTING_DOWN`, `POOL_EXISTS`, `LIMIT_POOLS`, what `formatOf` and `SharedMemory.reserve` throw
   */
  async create(name: string, settings: PoolSettings): Promise<PoolLayout> {
    this.#assertOpen();
    const { limits, log } = this.#surroundings;
    if (this.#pools.has(name) || this.#coming.has(name)) {
      throw new HoldfastError("POOL_EXISTS", `there is a pool ${name} already`, { field: "pool", pool: name });
    }
    if (this.#pools.size + this.#coming.size >= limits.pools) {
      throw new HoldfastError("LIMIT_POOLS", `there may be ${limits.pools} pools`, { limit: limits.pools });
    }
    const format = formatOf(settings);
    const made = this.#reserve(name, settings.slots, format, (memory) => {
      const pool = new Pool(name, format, memory, this.#surroundings);
      this.#pools.set(name, pool);
      pool.tellAll(null);
      log.info({ pool: name, path: pool.layout.path, slots: settings.slots, bytes: format.bytes }, "pool made");
      return pool.layout;
    });
    this.#coming.set(
      name,
      made.catch(() => {}),
    );
    try {
      return await made;
    } finally {
      this.#coming.delete(name);
    }
  }

  /** Whether a pool has this layout; undefined: there is none of that name. @throws HoldfastError what `formatOf` throws */
  isLaidOut(name: string, settings: PoolSettings): boolean | undefined {
    const pool = this.#pools.get(name);
    return pool && pool.layout.slots === settings.slots && isDeepStrictEqual(pool.format, formatOf(settings));
  }

  /** @throws HoldfastError `POOL_UNKNOWN`, what `Pool.open` throws */
  open(name: string): PoolLayout | Promise<PoolLayout> {
    return this.#with(name, (pool) => pool.open());
  }

  /** @throws HoldfastError `POOL_UNKNOWN` */
  remove(name: string): ReplyOf<"pool.remove"> | Promise<ReplyOf<"pool.remove">> {
    return this.#with(name, (pool) => this.#remove(pool));
  }

  /** @throws HoldfastError `SHUTTING_DOWN`, `POOL_UNKNOWN`, `LIMIT_LEASES`, `SLOT_NONE`, … as `WaitingProducers.acquire` does */
  acquire(client: Client, { pool, waitMs }: RequestOf<"slot.acquire">): Grant | Promise<Grant> {
    this.#assertOpen();
    return this.#with(pool, (found) => {
      this.#assertMayHold(client);
      return found.waiting.acquire(client, waitMs);
    });
  }

  /** @throws HoldfastError what `Leases.find` throws, `LIMIT_META`, `FRAME_TOO_LONG`, `POOL_GONE` */
  publish(client: Client, request: RequestOf<"slot.publish">): ReplyOf<"slot.publish"> {
    const lease = this.#leases.find(client, request.lease, "write");
    // What a process left behind when it lost its connection is never published.
    if (lease.client !== client) {
      throw new HoldfastError("LEASE_FOREIGN", `lease ${lease.number} is of a connection that has ended: abort it`, { field: "lease" });
    }
    if (request.meta !== undefined) this.#assertShort(request.meta);
    const reply = lease.pool.publish(lease, request);
    this.#published(client, lease.pool.name);
    return reply;
  }

  /** @throws HoldfastError what `Leases.find` throws */
  abort(client: Client, number: number): void {
    const lease = this.#leases.find(client, number, "write");
    if (lease.client !== client) this.#quarantine.forget(lease);
    lease.pool.abort(lease);
  }

  /** @returns whether the lease stood for all the time @throws HoldfastError what `Leases.find` throws */
  release(client: Client, number: number): boolean {
    const lease = this.#leases.find(client, number, "read");
    return lease.pool.release(lease);
  }

  /** @throws HoldfastError `SHUTTING_DOWN`, `POOL_UNKNOWN`, `LIMIT_LEASES`, what `Pool.subscribe` throws */
  subscribe(client: Client, request: RequestOf<"frames.subscribe">): ReplyOf<"frames.subscribe"> | Promise<ReplyOf<"frames.subscribe">> {
    this.#assertMayHold(client);
    const pool = this.#coming.has(request.pool) ? null : this.#find(request.pool);
    if (pool?.admits(client, request) === true) return pool.subscribe(client, request, queueMicrotask);
    return this.#subscribeLater(client, request);
  }

  /** A client has gone: what it read is free at once, what it wrote to when its process has ended, also where that is our own. */
  leave(client: Client): void {
    const leases = this.#leases.of(client);
    for (const lease of leases) if (lease.kind === "read") lease.pool.release(lease);
    const writes = leases.filter((lease): lease is WriteLease => lease.kind === "write");
    for (const lease of writes) if (lease.isGone) lease.pool.abort(lease);
    const left = writes.filter(({ isGone }) => !isGone);
    this.#quarantine.take(client, left);
  }

  /** Every pool that one may use. */
  all(rights = allRights): PoolInfo[] {
    return [...this.#pools.values()].filter(({ name }) => rights.mayUse(name)).map((pool) => pool.info());
  }

  /** Ends every pool: softly, when what waits for consumers has been delivered and released, or at once. */
  shut(hard: boolean): void {
    this.#shut = true;
    for (const pool of [...this.#pools.values()]) {
      pool.shut();
      if (hard) this.#remove(pool);
    }
    this.#removeDrained();
    this.#tellIfEmptied();
  }

  /** @throws HoldfastError what `SharedMemory.reserve` throws; `SHUTTING_DOWN` */
  async #reserve<T>(name: string, slots: number, format: FrameFormat, use: (memory: PoolMemory) => T): Promise<T> {
    this.#reserving += 1;
    try {
      const memory = await this.#surroundings.memory.reserve(name, slots, format);
      if (!this.#shut) return use(memory);
      memory.remove();
      throw shuttingDown();
    } finally {
      this.#reserving -= 1;
      this.#tellIfEmptied();
    }
  }

  #removeDrained(): void {
    if (!this.#shut) return;
    for (const pool of [...this.#pools.values()]) if (pool.isDrained) this.#remove(pool);
  }

  #remove(pool: Pool): ReplyOf<"pool.remove"> {
    this.#surroundings.log.info({ pool: pool.name, path: pool.layout.path }, "pool removed");
    this.#pools.delete(pool.name);
    pool.remove();
    this.#tellIfEmptied();
    return {};
  }

  #tellIfEmptied(): void {
    if (!this.#shut || !this.isEmpty) return;
    this.#quarantine.close();
    this.#emptied();
  }

  /** To a pool that is being made, or that gets another file because of its retired slots. */
  async #subscribeLater(client: Client, request: RequestOf<"frames.subscribe">): Promise<ReplyOf<"frames.subscribe">> {
    const { clock } = this.#surroundings;
    await this.open(request.pool);
    this.#assertMayHold(client);
    // The reply takes some microtasks more.
    return this.#find(request.pool).subscribe(client, request, (task) => clock.at(clock.nowUs(), task));
  }

  /**
   * Does something with a pool; with one that is being made, when it is there.
   * @throws HoldfastError `POOL_UNKNOWN`, and what `use` throws, thrown or as a rejection
   */
  #with<T>(name: string, use: (pool: Pool) => T | Promise<T>): T | Promise<T> {
    const coming = this.#coming.get(name);
    return coming === undefined ? use(this.#find(name)) : coming.then(() => use(this.#find(name)));
  }

  #find(name: string): Pool {
    const pool = this.#pools.get(name);
    if (pool === undefined) throw new HoldfastError("POOL_UNKNOWN", `there is no pool ${name}`, { field: "pool", pool: name });
    return pool;
  }

  #assertOpen(): void {
    if (this.#shut) throw shuttingDown();
  }

  /** Whether a client may have another lease. @throws HoldfastError `SHUTTING_DOWN`, `DISCONNECTED`, `LIMIT_LEASES` */
  #assertMayHold(client: Client): void {
    this.#assertOpen();
    if (client.state !== "connected") throw new HoldfastError("DISCONNECTED", "the client has gone");
    this.#leases.assertRoom(client);
  }

  #assertShort(meta: Record<string, unknown>): void {
    const { metaBytes } = this.#surroundings.limits;
    const length = encode(meta).length - LENGTH_BYTES;
    if (length > metaBytes) {
      throw new HoldfastError("LIMIT_META", `the meta of a frame has at most ${metaBytes} bytes, not ${length}`, {
        field: "meta",
        limit: metaBytes,
      });
    }
  }
}

function shuttingDown(): HoldfastError {
  return new HoldfastError("SHUTTING_DOWN", "the supervisor is shutting down and takes no more work with frames");
}
