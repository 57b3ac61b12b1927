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
  /** When somebody else has deleted it, or the last attempt failed to make another, in µs; null: it is there. */
  deletedUs: number | null;
  /** Attempts in a row to make another that have failed. */
  failures: number;
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
  /** A consumer waits for a file without retired slots. */
  wanted: boolean;
}

/** What is counted of all frames and slots there have been. */
export interface ModelTally {
  framesPublished: number;
  framesDelivered: number;
  framesDropped: number;
  leasesRevoked: number;
  slotsQuarantined: number;
}

/** What a consumer asks for. */
export type Subscribe = Omit<RequestOf<"frames.subscribe">, "id" | "op" | "pool">;

/** How a pool's file is laid out, as far as the model heeds it. */
export interface Layout {
  readonly epoch: number;
  readonly path: string;
  readonly slots: number;
  readonly bytes: number;
}

/** Whether a consumer asks for what the group is. */
export function agrees(group: ModelGroup, request: Subscribe): boolean {
  return (["policy", "depth", "deadlineMs"] as const).every((field) => request[field] === undefined || request[field] === group[field]);
}

/** All that take its frames. */
export function consumersOf({ groups }: ModelPool): ModelConsumer[] {
  return groups.flatMap(({ consumers }) => consumers);
}

/** The groups that may miss no frame and have no room for another beside those that are being made. */
export function blockingGroups(pool: ModelPool): ModelGroup[] {
  const inFlight = pool.file.slots.filter(({ state }) => state === "writing").length;
  const room = ({ depth, consumers, queue }: ModelGroup) => depth - queue.length + consumers.filter(({ hold }) => hold === null).length;
  return pool.groups.filter((group) => group.policy === "block" && inFlight >= room(group));
}

/** The slots of which a producer may have any: the free ones, else the one whose frame is to be given up. */
export function candidates(pool: ModelPool): ModelSlot[] {
  if (blockingGroups(pool).length > 0) return [];
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
export function mayGrant(pool: ModelPool, { epoch, slot }: Grant): boolean {
  return epoch === pool.file.epoch && candidates(pool).includes(pool.file.slots[slot] as ModelSlot);
}

/** How long an acquire waits that gets no slot at once, in ms. */
export function patienceOf(pool: ModelPool, waitMs: number | undefined): number {
  const blocking = blockingGroups(pool);
  if (blocking.length === 0) return waitMs ?? 0;
  return Math.min(waitMs ?? Number.POSITIVE_INFINITY, Math.max(...blocking.map(({ deadlineMs }) => deadlineMs ?? 0)));
}

/** Whether frames wait for consumers that hold none: they must have been given to them. */
export function owes(pool: ModelPool): boolean {
  return pool.groups.some(({ queue, consumers }) => queue.length > 0 && consumers.some(({ hold }) => hold === null));
}

/** A frame has been published, and waits for a group as far as the group wants it. */
export function offer(group: ModelGroup, frame: ModelFrame, tally: ModelTally): void {
  group.published++;
  const isIdle = group.consumers.some(({ hold }) => hold === null);
  const isFull = !isIdle && group.queue.length >= group.depth;
  if (isFull && group.policy === "drop-newest") {
    count(group, "full", tally);
    return;
  }
  group.queue.push(frame);
  frame.claims.add(group);
  if (isFull && group.policy !== "block") drop(group, group.queue[0] as ModelFrame, "stale", tally);
}

/** A group is not to have a frame that has waited for it. */
export function drop(group: ModelGroup, frame: ModelFrame, reason: keyof Dropped, tally: ModelTally): void {
  assert(group.policy !== "block" || reason === "removed", "a group with block drops nothing");
  group.queue.splice(group.queue.indexOf(frame), 1);
  frame.claims.delete(group);
  count(group, reason, tally);
  settle(frame);
}

function count(group: ModelGroup, reason: keyof Dropped, tally: ModelTally): void {
  group.dropped[reason]++;
  group.lost++;
  tally.framesDropped++;
}

/** A slot whose frame nobody is to have any more is free. */
export function settle(frame: ModelFrame): void {
  const { file, slot, claims, readers } = frame;
  if (slot.frame !== frame || slot === file.latest || claims.size > 0 || readers.size > 0) return;
  Object.assign(slot, { state: "free", frame: null });
}

/** What a slot shows. */
export function shownState({ state, frame }: ModelSlot): SlotState {
  if (state !== "framed") return state;
  return (frame?.readers.size ?? 0) > 0 ? "reading" : "ready";
}

/** A file of which every slot is free. */
export function newFile({ epoch, path, slots }: Layout): ModelFile {
  const free = (): ModelSlot => ({ state: "free", generation: 0, writer: null, frame: null });
  return { epoch, path, slots: Array.from({ length: slots }, free), latest: null, over: false, deletedUs: null, failures: 0 };
}

/** A group as its first consumer sets it, without that consumer. */
export function newGroup({ group, policy = "latest", depth, deadlineMs }: Subscribe): ModelGroup {
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

/** Undefined: there is none yet, or the consumer is to be a group of its own. */
export function groupNamed(pool: ModelPool, name: string | undefined): ModelGroup | undefined {
  return name === undefined ? undefined : pool.groups.find((group) => group.name === name);
}

/** Whether it has too few slots left for the groups that it has, and one writer. */
export function isShort(pool: ModelPool): boolean {
  return slotsNeeded(pool.groups.map(shareOf), 1) > usable(pool);
}

/**
 * How many slots it needs to carry one consumer more, in a group that there is or in another.
 * @param left frames held by those who take no more
 */
export function slotsWith(pool: ModelPool, group: ModelGroup, left: number): number {
  const shares = pool.groups.filter((other) => other !== group).map(shareOf);
  const writers = pool.file.slots.filter(({ state }) => state === "writing").length;
  return slotsNeeded([...shares, shareOf(group) + 1, left], writers);
}

function shareOf({ depth, consumers }: ModelGroup): number {
  return depth + consumers.length;
}

/** The arithmetic of admission: the groups' shares, every writer (at least one), and the latest frame. */
function slotsNeeded(shares: readonly number[], writers: number): number {
  return shares.reduce((sum, share) => sum + share, 0) + Math.max(1, writers) + 1;
}

/** Slots that are not retired. */
export function usable(pool: ModelPool): number {
  return pool.file.slots.filter(({ state }) => state !== "retired").length;
}
