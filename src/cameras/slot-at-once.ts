import type { FramePool } from "../client/frame-pool.ts";
import type { WritableFrame } from "../client/writable-frame.ts";
import { HoldfastError } from "../protocol/errors.ts";

/** The shortest wait for a slot that can be asked for, in ms: the next frame does not wait. */
const NO_WAIT_MS = 1;

/** Errors of a slot after which the next one may be had. */
const passing: ReadonlySet<string> = new Set(["SLOT_NONE", "POOL_GONE"]);

/** A slot for a frame that waits for none; null: there is none at the moment. @throws HoldfastError as `FramePool.produce` does, but for that */
export function slotAtOnce(pool: FramePool): Promise<WritableFrame | null> {
  return unlessPassing(pool.produce({ waitMs: NO_WAIT_MS }));
}

/** What is asked of a slot; null: it can't be had for this frame, and perhaps for the next. */
export async function unlessPassing<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof HoldfastError && passing.has(error.code)) return null;
    throw error;
  }
}
