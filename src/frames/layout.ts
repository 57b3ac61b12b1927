import type { PoolLayout, SlotState } from "../protocol/replies.ts";
import type { FrameFormat } from "./format.ts";

/**
 * How a pool's file is laid out, byte by byte; docs/frames.md tells it to those who write in other languages. All words are
 * little-endian and lie at multiples of their size.
 */

/** The first bytes of every pool's file. */
export const MAGIC = "HOLDFAST";
/** Of this layout. */
export const LAYOUT_VERSION = 1;
/** The headers of slots begin here, behind the pool's own. */
export const HEADER_OFFSET = 4096;
/** From one slot's header to the next: two cache lines. */
export const HEADER_STRIDE = 128;
/** Payloads begin at multiples of this: the largest page of the boards that we know (Raspberry Pi 5: 16 KiB). */
export const PAYLOAD_ALIGNMENT = 16_384;

/** Where the words of the pool's header are. */
export const poolWords = {
  magic: 0,
  version: 8,
  state: 12,
  epoch: 16,
  slots: 24,
  fourcc: 28,
  bytes: 32,
  headerOffset: 40,
  headerStride: 48,
  width: 52,
  height: 56,
  planes: 60,
  payloadOffset: 64,
  payloadStride: 72,
  planeOffsets: 80,
  planeStrides: 96,
  supervisorPid: 112,
  supervisorStart: 120,
  pidNamespace: 128,
  name: 136,
  end: 200,
} as const;

/** What the pool's `state` word says. A file in the making is announced to nobody. */
export const poolStates = { making: 0, live: 1, removed: 2 } as const;

/** Where the words of a slot's header are. Those before `seq` may change at any time; the others only while `generation` is odd. */
export const slotWords = {
  generation: 0,
  state: 4,
  lease: 8,
  ownerPid: 16,
  readers: 20,
  seq: 24,
  timestampNs: 32,
  publishedNs: 40,
  bytes: 48,
  fourcc: 52,
  width: 56,
  height: 60,
  planes: 64,
  planeOffsets: 72,
  planeStrides: 88,
  end: 104,
} as const;

/** What a slot's `state` word says. */
export const slotStateWords: { readonly [S in SlotState]: number } = {
  free: 0,
  writing: 1,
  quarantined: 2,
  ready: 3,
  reading: 4,
  retired: 5,
};

/** Most planes of an image. */
export const MAX_PLANES = 4;

/** What the files of pools are called. */
export const FILE_NAME = /^holdfast-[A-Za-z0-9][A-Za-z0-9._-]*-[0-9a-f]{12}$/;

/** What the file of a pool is called. @param epoch of 48 bits */
export function fileName(pool: string, epoch: number): string {
  return `holdfast-${pool}-${epoch.toString(16).padStart(12, "0")}`;
}

/** How the file of a pool is laid out that is at `folder`. */
export function poolLayout(pool: string, folder: string, epoch: number, slots: number, format: FrameFormat): PoolLayout {
  const { payloadOffset, payloadStride } = fileLayout(slots, format.bytes);
  const { planes, ...rest } = format;
  return {
    pool,
    path: `${folder}/${fileName(pool, epoch)}`,
    epoch,
    slots,
    headerOffset: HEADER_OFFSET,
    headerStride: HEADER_STRIDE,
    payloadOffset,
    payloadStride,
    ...rest,
    planes: [...planes],
  };
}

/** Where the parts of a file with so many slots of so many bytes are. */
export function fileLayout(slots: number, bytes: number): { payloadOffset: number; payloadStride: number; fileBytes: number } {
  const payloadOffset = aligned(HEADER_OFFSET + slots * HEADER_STRIDE);
  const payloadStride = aligned(bytes);
  return { payloadOffset, payloadStride, fileBytes: payloadOffset + slots * payloadStride };
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / PAYLOAD_ALIGNMENT) * PAYLOAD_ALIGNMENT;
}
