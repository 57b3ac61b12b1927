import { formatBytes } from "../frames/bytes-in-words.ts";
import type { GroupInfo, PoolInfo, SlotInfo } from "../protocol/replies.ts";
import { formatSpan } from "./durations.ts";
import { counted, paint, printable, table } from "./print.ts";

/** Pools for a person: a line for each, the slots, and the groups of consumers. */
export function poolTables(pools: readonly PoolInfo[]): string {
  if (pools.length === 0) return "There is no pool.";
  return pools
    .map((pool) => [titleOf(pool), slotTable(pool), ...(pool.groups.length === 0 ? [] : [groupTable(pool)])].join("\n\n"))
    .join("\n\n");
}

function titleOf({ pool, layout, published, aborted, refused, waiting, fps }: PoolInfo): string {
  const { fourcc, width, height, slots, bytes } = layout;
  const shape = width === null ? fourcc : `${fourcc} ${width}x${height}`;
  const told = [
    `${published} published${fps > 0 ? `, ${fps.toFixed(1)} a second` : ""}`,
    ...(aborted === 0 ? [] : [`${aborted} given up`]),
    ...(refused === 0 ? [] : [`${counted(refused, "time")} no slot`]),
    ...(waiting === 0 ? [] : [`${waiting} waiting for a slot`]),
  ];
  return `${paint(process.stdout, "bold", `Pool ${pool}`)}: ${counted(slots, "slot")} of ${formatBytes(bytes)}, ${shape}; ${told.join(", ")}`;
}

function slotTable({ slots }: PoolInfo): string {
  return table(
    ["SLOT", "STATE", "FRAME", "AGE", "HELD BY"],
    slots.map((slot) => [String(slot.slot), slot.state, slot.seq === null ? "-" : `#${slot.seq}`, ageOf(slot.ageMs), holdersOf(slot)]),
  );
}

/** Who takes the frames of a pool, for a person. */
export function groupTable({ groups, layout }: PoolInfo): string {
  return table(
    ["GROUP", "POLICY", "DEPTH", "DELIVERED", "DROPPED", "QUEUED", "FPS", "AGE", "CONSUMERS"],
    groups.map((group) => [
      group.group,
      group.policy,
      String(group.depth),
      String(group.delivered),
      String(Object.values(group.dropped).reduce((sum, dropped) => sum + dropped, 0)),
      String(group.queued),
      group.fps.toFixed(1),
      ageOf(group.ageMs),
      consumersOf(group, layout.epoch),
    ]),
  );
}

/** Frames are as old as a fraction of a second, mostly. */
function ageOf(ageMs: number | null): string {
  if (ageMs === null) return "-";
  return ageMs < 1000 ? `${ageMs.toFixed(1)} ms` : formatSpan(ageMs);
}

function holdersOf({ holders }: SlotInfo): string {
  return holders.map(({ name, pid, heldMs }) => `"${name}"${processOf(pid)} for ${formatSpan(heldMs)}`).join("; ") || "-";
}

/** @param present epoch of the pool's file: what was taken from one before it is in none of the slots that are shown */
function consumersOf({ consumers }: GroupInfo, present: number): string {
  return consumers
    .map(({ name, pid, slot, epoch, revoked }) => {
      const holds = slot === null ? "" : ` holds slot ${slot}${epoch === present ? "" : " of the old file"}`;
      return `"${printable(name)}"${processOf(pid)}${holds}${revoked === 0 ? "" : `, revoked ${revoked}`}`;
    })
    .join("; ");
}

function processOf(pid: number | null): string {
  return pid === null ? "" : ` (pid ${pid})`;
}
