import { HoldfastError } from "../../protocol/errors.ts";

/** A group as admission sees it. */
export interface Share {
  readonly label: string;
  readonly depth: number;
  readonly consumers: number;
}

/** Slots that groups need at the worst: what waits for them, and one that each consumer holds. */
function slotsOf({ depth, consumers }: Share): number {
  return depth + consumers;
}

/** Slots that a pool needs so that none of its users ever takes one from another: the groups', the writers', and that of the latest frame. */
export function slotsNeeded(groups: readonly Share[], writers: number): number {
  return groups.reduce((sum, group) => sum + slotsOf(group), 0) + Math.max(1, writers) + 1;
}

/**
 * @param usable slots that are not retired
 * @throws HoldfastError `POOL_SLOTS`, with the arithmetic, when the pool can't carry these groups
 */
export function assertAdmits(pool: string, usable: number, groups: readonly Share[], writers: number): void {
  const needed = slotsNeeded(groups, writers);
  if (needed <= usable) return;
  const terms = [...groups.map((group) => `${group.label} ${slotsOf(group)}`), `writer ${Math.max(1, writers)}`, "latest 1"];
  throw new HoldfastError("POOL_SLOTS", `pool ${pool} has ${usable} slots; ${terms.join(" + ")} = ${needed} needed`, {
    field: "pool",
    pool,
    slots: usable,
    needed,
  });
}
