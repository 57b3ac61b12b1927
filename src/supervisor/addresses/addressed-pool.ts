import { slotMachine } from "../../../actors/slot.ts";
import { machineDefinition } from "../../machine-definition.ts";
import { formatAddress } from "../../protocol/addresses.ts";
import type { Pool } from "../pools/pool.ts";
import type { Slot } from "../pools/slot.ts";
import type { Addressed } from "./addressed.ts";

/** A pool at its address. It is no machine: its slots are. */
export function addressedPool(pool: Pool): Addressed {
  return {
    kind: "pool",
    address: formatAddress({ kind: "pool", pool: pool.name }),
    state: pool.state,
    data: () => {
      const { epoch, slots, bytes, fourcc, width, height } = pool.layout;
      return { epoch, slots, bytes, fourcc, width, height };
    },
    machine: () => null,
    parts: () => pool.slots.map((slot) => addressedSlot(pool, slot)),
    isSeenBy: ({ rights }) => rights.mayUse(pool.name),
  };
}

/** A slot of a pool at its address. */
export function addressedSlot({ name }: Pool, slot: Slot): Addressed {
  return {
    kind: "slot",
    address: formatAddress({ kind: "slot", pool: name, slot: slot.index }),
    state: slot.state,
    data: () => {
      const { generation, frame, claims, readers, writer, epoch } = slot;
      return { epoch, generation, seq: frame?.seq ?? null, writer: writer?.client.number ?? null, readers: readers.size, claims };
    },
    machine: () => machineDefinition(slotMachine),
    isSeenBy: ({ rights }) => rights.mayUse(name),
  };
}
