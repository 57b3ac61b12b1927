import type { Clock } from "../../clock/clock.ts";
import type { PoolInfo, SlotInfo } from "../../protocol/replies.ts";
import type { Lease } from "./lease.ts";
import type { Pool } from "./pool.ts";
import type { Slot } from "./slot.ts";

/** A pool as `pools` and `status` show it. */
export function poolInfo(pool: Pool, clock: Clock): PoolInfo {
  const { name, layout, published, aborted, waiting, fps, slots, groups } = pool;
  const nowUs = clock.nowUs();
  return {
    pool: name,
    layout,
    published,
    aborted,
    refused: waiting.refused,
    waiting: waiting.size,
    fps,
    slots: slots.map((slot) => slotInfo(slot, nowUs)),
    groups: groups.map((group) => group.info()),
  };
}

function slotInfo({ index, state, generation, frame, writer, readers }: Slot, nowUs: number): SlotInfo {
  const holders: readonly Lease[] = writer === null ? [...readers] : [writer];
  return {
    slot: index,
    state,
    generation,
    seq: frame?.seq ?? null,
    ageMs: frame === null ? null : nowUs / 1000 - Number(frame.timestampNs) / 1e6,
    holders: holders.map(({ number, client, sinceUs }) => ({
      lease: number,
      client: client.number,
      name: client.name,
      pid: client.peer.pid,
      heldMs: (nowUs - sinceUs) / 1000,
    })),
  };
}
