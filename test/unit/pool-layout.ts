import { formatOf } from "../../src/frames/format.ts";
import { fileLayout, HEADER_OFFSET, HEADER_STRIDE } from "../../src/frames/layout.ts";
import type { PoolLayout } from "../../src/protocol/replies.ts";
import type { PoolSettings } from "../../src/protocol/requests.ts";

/** What a supervisor answers of a pool with such settings. */
export function layoutOf(settings: PoolSettings): PoolLayout {
  const { planes, ...format } = formatOf(settings);
  const { payloadOffset, payloadStride } = fileLayout(settings.slots, format.bytes);
  return {
    pool: "cam0",
    path: "/dev/shm/holdfast-cam0-1",
    epoch: 1,
    slots: settings.slots,
    headerOffset: HEADER_OFFSET,
    headerStride: HEADER_STRIDE,
    payloadOffset,
    payloadStride,
    ...format,
    planes: [...planes],
  };
}
