import assert from "node:assert/strict";
import type { PoolLayout, SlotState } from "../protocol/replies.ts";
import { HEADER_OFFSET, HEADER_STRIDE, LAYOUT_VERSION, MAGIC, poolStates, poolWords, slotStateWords, slotWords } from "./layout.ts";
import type { FrameWords, SlotWords } from "./memory.ts";

/** A process, as a number that is used again can't be mistaken for it. */
export interface ProcessIdentity {
  readonly pid: number;
  /** In clock ticks since the machine was started (proc_pid_stat(5), starttime). */
  readonly start: bigint;
  /** The inode of its pid namespace: `pid` says nothing in another one. */
  readonly pidNamespace: bigint;
}

/** What the header of a pool's file says of who made it. */
export interface PoolHeader {
  readonly state: number;
  readonly epoch: number;
  readonly name: string;
  readonly supervisor: ProcessIdentity;
}

/** Puts bytes into the file. */
export type WriteAt = (bytes: Uint8Array, position: number) => void;

const UINT32 = 2 ** 32;

/** The pool's own header, `making`. */
export function poolHeader(layout: PoolLayout, supervisor: ProcessIdentity): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(poolWords.end);
  const view = new DataView(bytes.buffer);
  putText(bytes, poolWords.magic, MAGIC);
  view.setUint32(poolWords.version, LAYOUT_VERSION, true);
  view.setUint32(poolWords.state, poolStates.making, true);
  putUint64(view, poolWords.epoch, layout.epoch);
  view.setUint32(poolWords.slots, layout.slots, true);
  putUint64(view, poolWords.bytes, layout.bytes);
  putUint64(view, poolWords.headerOffset, layout.headerOffset);
  view.setUint32(poolWords.headerStride, layout.headerStride, true);
  putUint64(view, poolWords.payloadOffset, layout.payloadOffset);
  putUint64(view, poolWords.payloadStride, layout.payloadStride);
  putFormat(view, layout, poolWords);
  view.setUint32(poolWords.supervisorPid, supervisor.pid, true);
  view.setBigUint64(poolWords.supervisorStart, supervisor.start, true);
  view.setBigUint64(poolWords.pidNamespace, supervisor.pidNamespace, true);
  putText(bytes, poolWords.name, layout.pool);
  return bytes;
}

/** The headers of all slots, free and never written to: what an image of the pool looks like is in them for good. */
export function slotHeaders(layout: PoolLayout): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(layout.slots * HEADER_STRIDE);
  for (let slot = 0; slot < layout.slots; slot++) putFormat(new DataView(bytes.buffer, slot * HEADER_STRIDE), layout, slotWords);
  return bytes;
}

/** What a pool's header says, from the start of a file; null: it is none, or of another version. */
export function readPoolHeader(bytes: Uint8Array): PoolHeader | null {
  if (bytes.byteLength < poolWords.end || textAt(bytes, poolWords.magic, MAGIC.length) !== MAGIC) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(poolWords.version, true) !== LAYOUT_VERSION) return null;
  return {
    state: view.getUint32(poolWords.state, true),
    epoch: Number(view.getBigUint64(poolWords.epoch, true)),
    name: textAt(bytes, poolWords.name, poolWords.end - poolWords.name),
    supervisor: {
      pid: view.getUint32(poolWords.supervisorPid, true),
      start: view.getBigUint64(poolWords.supervisorStart, true),
      pidNamespace: view.getBigUint64(poolWords.pidNamespace, true),
    },
  };
}

/** Where the header of a slot begins in the file. */
export function slotPosition(slot: number): number {
  return HEADER_OFFSET + slot * HEADER_STRIDE;
}

/** What a slot's header says. @param headers the file from its start, at least as far as that header */
export function readSlotHeader(headers: Uint8Array, slot: number): SlotWords & FrameWords {
  const view = new DataView(headers.buffer, headers.byteOffset + slotPosition(slot), HEADER_STRIDE);
  const state = view.getUint32(slotWords.state, true);
  const [name] = Object.entries(slotStateWords).find(([, word]) => word === state) ?? [];
  if (name === undefined) throw new RangeError(`slot ${slot} has the state ${state}`);
  return {
    generation: view.getUint32(slotWords.generation, true),
    state: name as SlotState,
    lease: Number(view.getBigUint64(slotWords.lease, true)),
    ownerPid: view.getUint32(slotWords.ownerPid, true),
    readers: view.getUint32(slotWords.readers, true),
    seq: Number(view.getBigUint64(slotWords.seq, true)),
    timestampNs: view.getBigUint64(slotWords.timestampNs, true),
    publishedNs: view.getBigUint64(slotWords.publishedNs, true),
    bytes: view.getUint32(slotWords.bytes, true),
  };
}

/** Writes the words that change, each kind in one piece. */
export class HeaderWriter {
  readonly #slots: number;
  readonly #write: WriteAt;
  readonly #owner = new DataView(new ArrayBuffer(slotWords.seq));
  readonly #frame = new DataView(new ArrayBuffer(slotWords.fourcc - slotWords.seq));
  readonly #ownerBytes = new Uint8Array(this.#owner.buffer);
  readonly #frameBytes = new Uint8Array(this.#frame.buffer);

  /** @param slots of the pool: a word beyond them would be in a frame */
  constructor(slots: number, write: WriteAt) {
    this.#slots = slots;
    this.#write = write;
  }

  /** @param state one of `poolStates` */
  poolState(state: number): void {
    const word = new DataView(new ArrayBuffer(4));
    word.setUint32(0, state, true);
    this.#write(new Uint8Array(word.buffer), poolWords.state);
  }

  /** As `PoolMemory.mirror`. */
  mirror(slot: number, { generation, state, lease, ownerPid, readers }: SlotWords): void {
    const owner = this.#owner;
    owner.setUint32(slotWords.generation, generation, true);
    owner.setUint32(slotWords.state, slotStateWords[state], true);
    putUint64(owner, slotWords.lease, lease);
    owner.setUint32(slotWords.ownerPid, ownerPid, true);
    owner.setUint32(slotWords.readers, readers, true);
    this.#write(this.#ownerBytes, this.#positionOf(slot));
  }

  /** As `PoolMemory.describe`. */
  describe(slot: number, { seq, timestampNs, publishedNs, bytes }: FrameWords): void {
    const frame = this.#frame;
    putUint64(frame, 0, seq);
    frame.setBigUint64(slotWords.timestampNs - slotWords.seq, timestampNs, true);
    frame.setBigUint64(slotWords.publishedNs - slotWords.seq, publishedNs, true);
    frame.setUint32(slotWords.bytes - slotWords.seq, bytes, true);
    this.#write(this.#frameBytes, this.#positionOf(slot) + slotWords.seq);
  }

  #positionOf(slot: number): number {
    assert(Number.isInteger(slot) && slot >= 0 && slot < this.#slots, `of ${this.#slots} slots, none is ${slot}`);
    return slotPosition(slot);
  }
}

/** The words that say what an image looks like: the pool's header and those of its slots have the same. */
function putFormat(view: DataView, layout: PoolLayout, words: typeof poolWords | typeof slotWords): void {
  for (const [index, character] of [...layout.fourcc.padEnd(4)].entries()) view.setUint8(words.fourcc + index, character.charCodeAt(0));
  view.setUint32(words.width, layout.width ?? 0, true);
  view.setUint32(words.height, layout.height ?? 0, true);
  view.setUint32(words.planes, layout.planes.length, true);
  for (const [index, { offset, stride }] of layout.planes.entries()) {
    view.setUint32(words.planeOffsets + 4 * index, offset, true);
    view.setUint32(words.planeStrides + 4 * index, stride, true);
  }
}

/** A whole number up to 2⁵³, without the BigInt that DataView would have. */
function putUint64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % UINT32, true);
  view.setUint32(at + 4, Math.floor(value / UINT32), true);
}

function putText(bytes: Uint8Array, at: number, text: string): void {
  bytes.set(Buffer.from(text, "latin1"), at);
}

/** Text that ends with its field, or with the first NUL in it. */
function textAt(bytes: Uint8Array, at: number, length: number): string {
  return (
    Buffer.from(bytes.subarray(at, at + length))
      .toString("latin1")
      .split("\0", 1)[0] ?? ""
  );
}
