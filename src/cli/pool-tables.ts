import type { GroupInfo, PoolInfo, SlotInfo } from "../protocol/replies.ts";
import { formatSpan } from "./durations.ts";
import { paint, printable, table } from "./print.ts";
import { formatBytes } from "./sizes.ts";

/** Pools for a person: a line for each, the slots, and the groups of consumers. */
export function poolTables(pools: readonly PoolInfo[]): string {
  return pools
    .map((pool) => [titleOf(pool), slotTable(pool), ...(pool.groups.length === 0 ? [] : [groupTable(pool.groups)])].join("\n\n"))
    .join("\n\n");
}

function titleOf({ pool, layout, published, aborted, refused, waiting, fps }: PoolInfo): string {
  const { fourcc, width, height, slots, bytes } = layout;
  const shape = width === null ? fourcc : `${fourcc} ${width}x${height}`;
  const counted = [
    `${published} published${fps > 0 ? `, ${fps.toFixed(1)} a second` : ""}`,
    ...(aborted === 0 ? [] : [`${aborted} given up`]),
    ...(refused === 0 ? [] : [`${refused} times no slot`]),
    ...(waiting === 0 ? [] : [`${waiting} waiting for a slot`]),
  ];
  return `${paint(process.stdout, "bold", `Pool ${pool}`)}: ${slots} slots of ${formatBytes(bytes)}, ${shape}; ${counted.join(", ")}`;
}

function slotTable({ slots }: PoolInfo): string {
  return table(
    ["SLOT", "STATE", "FRAME", "AGE", "HELD BY"],
    slots.map((slot) => [String(slot.slot), slot.state, slot.seq === null ? "-" : `#${slot.seq}`, ageOf(slot.ageMs), holdersOf(slot)]),
  );
}

function groupTable(groups: readonly GroupInfo[]): string {
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
      consumersOf(group),
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

function consumersOf({ consumers }: GroupInfo): string {
  return consumers
    .map(({ name, pid, slot, revoked }) => {
      const holds = slot === null ? "" : ` holds slot ${slot}`;
      return `"${printable(name)}"${processOf(pid)}${holds}${revoked === 0 ? "" : `, revoked ${revoked}`}`;
    })
    .join("; ");
}

function processOf(pid: number | null): string {
  return pid === null ? "" : ` (pid ${pid})`;
}
