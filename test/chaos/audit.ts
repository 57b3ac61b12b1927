import type { PoolInfo } from "../../src/index.ts";

type SlotInfo = PoolInfo["slots"][number];

/** What is wrong with pools as the supervisor shows them, whatever moment it is. */
export function wrongIn(pools: readonly PoolInfo[]): string[] {
  return pools.flatMap(({ pool, slots, groups }) => [
    ...slots.filter((slot) => !isPossible(slot)).map((slot) => `pool ${pool} shows a slot that can't be: ${JSON.stringify(slot)}`),
    ...groups.flatMap(({ group, published, delivered, dropped, queued }) => {
      const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0);
      if (published === delivered + lost + queued) return [];
      return [`pool ${pool}, group ${group}: ${published} published, but ${delivered} delivered + ${lost} dropped + ${queued} queued`];
    }),
  ]);
}

/** Never two writers, never a writer beside a reader; the generation is odd as long as the content may change. */
function isPossible({ state, generation, seq, holders }: SlotInfo): boolean {
  switch (state) {
    case "free":
      return holders.length === 0;
    case "writing":
    case "quarantined":
      return holders.length === 1 && generation % 2 === 1;
    case "ready":
      return holders.length === 0 && generation % 2 === 0 && seq !== null;
    case "reading":
      return holders.length > 0 && generation % 2 === 0 && seq !== null;
    case "retired":
      // Every process of this test can be seen to end.
      return false;
  }
}

/** The slots that a process has. */
export function heldBy(pools: readonly PoolInfo[], pid: number): SlotInfo[] {
  return pools.flatMap(({ slots }) => slots.filter(({ holders }) => holders.some((holder) => holder.pid === pid)));
}
