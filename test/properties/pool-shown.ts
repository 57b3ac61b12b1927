import assert from "node:assert/strict";
import type { SimPoolMemory } from "../../src/frames/sim.ts";
import type { Counters, GroupInfo, PoolInfo, SlotInfo } from "../../src/protocol/replies.ts";
import { type ModelFile, type ModelGroup, type ModelPool, type ModelRead, type ModelSlot, shownState } from "./modelled-pool.ts";

/** A pool as `status` shows it, without what depends on the time. */
export function shownPool({ pool, layout, published, aborted, refused, waiting, slots, groups }: PoolInfo) {
  return { pool, epoch: layout.epoch, published, aborted, refused, waiting, slots: slots.map(shownSlot), groups: groups.map(shownGroup) };
}

/** The same pool as the model has it. @param nameOf the name of a client */
export function wantedPool(pool: ModelPool, waiting: number, nameOf: (client: number) => string): ReturnType<typeof shownPool> {
  const { name, file, published, aborted, refused, groups } = pool;
  return {
    pool: name,
    epoch: file.epoch,
    published,
    aborted,
    refused,
    waiting,
    slots: file.slots.map((slot, index) => ({
      slot: index,
      state: shownState(slot),
      generation: slot.generation,
      seq: slot.frame?.seq ?? null,
      holders: holdersOf(slot),
    })),
    groups: groups.map((group) => wantedGroup(group, nameOf)),
  };
}

/** What is counted of frames. */
export function shownTally(counters: Counters) {
  const { framesPublished, framesDelivered, framesDropped, leasesRevoked, slotsQuarantined } = counters;
  return { framesPublished, framesDelivered, framesDropped, leasesRevoked, slotsQuarantined };
}

/** published = delivered + dropped + queued, and a group with `block` drops nothing that was not removed. */
export function assertBalances({ policy, published, delivered, dropped, queued, consumers }: GroupInfo): void {
  const { stale, full, reclaimed, removed } = dropped;
  assert.equal(published, delivered + stale + full + reclaimed + removed + queued, "published = delivered + dropped + queued");
  if (policy === "block") assert.equal(stale + full + reclaimed, 0, "nothing is lost to a group with block");
  assert(consumers.reduce((sum, { delivered: own }) => sum + own, 0) <= delivered);
}

/** What is written in the headers of a pool's file is what is so. */
export function assertHeaders(memory: SimPoolMemory, { slots }: ModelFile): void {
  for (const [index, slot] of slots.entries()) {
    const { generation, state, readers, ownerPid, lease, seq, bytes } = memory.words(index);
    const { frame, writer } = slot;
    const wanted = { generation: slot.generation, state: shownState(slot), readers: frame?.readers.size ?? 0, ownerPid: writer?.pid ?? 0 };
    assertSame({ generation, state, readers, ownerPid }, wanted);
    if (writer !== null) assert.equal(lease, writer.lease);
    if (frame !== null) assert.deepEqual({ seq, bytes }, { seq: frame.seq, bytes: frame.bytes });
    const mayChange = frame === null && state !== "free";
    assert(state === "free" || (generation % 2 === 1) === mayChange, "the generation is odd while the content may change");
  }
}

/** Like `deepEqual`, which takes its time, for what is compared after every step and is nearly always the same. */
export function assertSame(actual: object, wanted: object): void {
  if (JSON.stringify(actual) !== JSON.stringify(wanted)) assert.deepEqual(actual, wanted);
}

function shownSlot({ slot, state, generation, seq, holders }: SlotInfo) {
  return { slot, state, generation, seq, holders: holders.map(({ lease, client }) => ({ lease, client })).sort(byLease) };
}

function shownGroup({ group, policy, depth, deadlineMs, published, delivered, dropped, queued, consumers }: GroupInfo) {
  return {
    group,
    policy,
    depth,
    deadlineMs,
    published,
    delivered,
    dropped,
    queued,
    consumers: consumers.map(({ client, sub, slot, delivered: own, revoked }) => ({ client, sub, slot, delivered: own, revoked })),
  };
}

function wantedGroup(group: ModelGroup, nameOf: (client: number) => string): ReturnType<typeof shownGroup> {
  const { name, policy, depth, deadlineMs, published, delivered, dropped, queue, consumers } = group;
  return {
    group: name ?? nameOf(consumers[0]?.client ?? 0),
    policy,
    depth,
    deadlineMs,
    published,
    delivered,
    dropped,
    queued: queue.length,
    consumers: consumers.map(({ client, sub, hold, delivered: own, revoked }) => ({
      client,
      sub,
      slot: hold === null || hold.revoked ? null : hold.slot,
      delivered: own,
      revoked,
    })),
  };
}

function holdersOf({ writer, frame }: ModelSlot): { lease: number; client: number }[] {
  const holders = writer === null ? [...(frame?.readers ?? new Set<ModelRead>())] : [writer];
  return holders.map(({ lease, client }) => ({ lease, client })).sort(byLease);
}

function byLease(a: { readonly lease: number }, b: { readonly lease: number }): number {
  return a.lease - b.lease;
}
