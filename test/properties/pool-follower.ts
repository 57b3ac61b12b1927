import assert from "node:assert/strict";
import type { ScriptedClient, World } from "../../src/index-testing.ts";
import type { EventOf, PoolInfo } from "../../src/protocol/replies.ts";
import type { FrameListeners } from "./frame-listeners.ts";
import { consumersOf, type ModelPool, owes } from "./modelled-pool.ts";
import type { PoolGrants } from "./pool-grants.ts";
import type { PoolModel } from "./pool-model.ts";

/** How long a soft shutdown may take here. */
export const DRAIN_MS = 400;

/** Until when the end of a process, and that of a pool's file, must have been noticed, in µs. */
const ENDED_WITHIN_US = 300_000;
const DELETED_WITHIN_US = 2_500_000;

/** What pools do by themselves: the supervisor chooses what and when, and the model is told, and says whether it may be. */
export class PoolFollower {
  readonly #world: World;
  readonly #model: PoolModel;
  readonly #listeners: FrameListeners;
  readonly #grants: PoolGrants;
  /** Files of pools that can't be made, of those to come. */
  failures = 0;
  /** When a draining supervisor waits for nobody any more. */
  #drainedByUs = Number.POSITIVE_INFINITY;

  constructor(world: World, model: PoolModel, listeners: FrameListeners, grants: PoolGrants) {
    this.#world = world;
    this.#model = model;
    this.#listeners = listeners;
    this.#grants = grants;
  }

  /** The next file of a pool can't be made. */
  failNext(): void {
    this.#world.memory.failNext("MEMORY_FULL");
    this.failures++;
  }

  shutdown(hard: boolean): void {
    const nowUs = this.#world.clock.nowUs();
    this.#world.supervisor.shutdown(hard);
    this.#drainedByUs = hard || this.#model.draining ? nowUs : nowUs + DRAIN_MS * 1000;
    this.#model.draining = true;
  }

  /** A pool has gone: who took its frames is to be told. */
  removed(pool: ModelPool): void {
    for (const { client: number, sub } of consumersOf(pool)) {
      const client = this.#world.clients.find((one) => one.number === number) as ScriptedClient;
      this.#listeners.ends(client, sub);
    }
    this.#model.remove(pool);
  }

  /** Brings the model up to what is shown, but for the producers' slots. */
  follow(pools: readonly PoolInfo[]): void {
    this.#followQuarantines(pools);
    this.#followDeliveries(pools);
  }

  /** Pools that have gone because the supervisor drains, and those that have a new file. */
  followPools(pools: readonly PoolInfo[]): void {
    const isHard = this.#world.clock.nowUs() >= this.#drainedByUs;
    for (const pool of [...this.#model.pools.values()]) {
      const info = pools.find((one) => one.pool === pool.name);
      if (info === undefined) {
        assert(this.#model.draining && (isHard || this.#model.isDrained(pool)), `pool ${pool.name} has gone before its time`);
        this.removed(pool);
        continue;
      }
      assert(!this.#model.draining || !(isHard || this.#model.isDrained(pool)), `pool ${pool.name} is still there`);
      if (info.layout.epoch !== pool.file.epoch) {
        // What was granted before is in the old file.
        this.#grants.apply((one, grant) => one === pool && grant?.epoch === pool.file.epoch);
        this.#model.renew(pool, info.layout);
      }
      const { deletedUs, failures } = pool.file;
      const withinUs = DELETED_WITHIN_US * 2 ** failures;
      const isNoticed = deletedUs === null || this.#world.clock.nowUs() - deletedUs < withinUs || this.#model.draining;
      assert(isNoticed, "a pool whose file was deleted gets a new one");
    }
  }

  /** A pool without its file gets another; when there is no room, it tries again after growing pauses. Nothing else is logged as a defect. */
  followDefects(): void {
    for (const defect of this.#world.defects.splice(0)) {
      const isFailure = defect.startsWith("the pool gets no new file");
      assert(isFailure || defect.startsWith("the pool gets a new file"), defect);
      if (!isFailure) continue;
      this.failures--;
      for (const { file } of this.#model.pools.values()) {
        if (file.deletedUs === null) continue;
        file.deletedUs = this.#world.clock.nowUs();
        file.failures++;
      }
    }
    assert(this.failures >= 0);
  }

  /** Slots whose writers have been seen to end. */
  #followQuarantines(pools: readonly PoolInfo[]): void {
    for (const pool of this.#model.pools.values()) {
      const slots = pools.find((one) => one.pool === pool.name)?.slots ?? [];
      for (const [index, { state, writer }] of pool.file.slots.entries()) {
        if (state !== "quarantined" || writer === null) continue;
        const endedUs = this.#grants.endOf(writer);
        const isKept = slots[index]?.state === "quarantined" && slots[index].holders[0]?.lease === writer.lease;
        if (isKept) assert(endedUs === null || this.#world.clock.nowUs() - endedUs < ENDED_WITHIN_US, "the end of a writer is noticed");
        else {
          assert(endedUs !== null, "a slot is given to others while its writer may still write to it");
          this.#model.clear(writer);
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
      if (this.#model.leases.has(lease)) continue;
      const pool = this.#model.pools.get(info.pool) ?? assert.fail();
      const sub = this.#subOf(client, lease);
      const consumers = consumersOf(pool).filter((one) => one.client === client && one.hold === null && (sub === null || sub === one.sub));
      const shownThere = info.groups.flatMap((group) => group.consumers);
      const consumer = consumers.find((one) =>
        shownThere.some((other) => other.client === client && other.sub === one.sub && other.slot === slot),
      );
      assert(consumer !== undefined, `slot ${slot} is read by somebody who holds another frame, or takes none`);
      this.#model.take(pool, slot, lease, consumer, this.#world.clock.nowUs());
    }
    for (const pool of this.#model.pools.values()) assert(!owes(pool), "a frame waits while a consumer of its group is idle");
  }

  /** The subscription of a delivery, if its event has come; null: the client has yet to take it. */
  #subOf(number: number, lease: number): number | null {
    const client = this.#world.clients.find((one) => one.number === number);
    const told = client?.events.find((event): event is EventOf<"frame"> => event.ev === "frame" && event.lease === lease);
    return told?.sub ?? null;
  }
}
