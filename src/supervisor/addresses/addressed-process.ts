import { supervisedMachine } from "../../../actors/supervised.ts";
import { machineDefinition } from "../../machine-definition.ts";
import { formatAddress } from "../../protocol/addresses.ts";
import type { SupervisedProcess } from "../processes/supervised-process.ts";
import type { Addressed } from "./addressed.ts";

/** A supervised process at its address: only operators see it. */
export function addressedProcess(process: SupervisedProcess): Addressed {
  return {
    kind: "process",
    address: formatAddress({ kind: "process", process: process.name }),
    state: process.state,
    data: () => {
      const { pid, starts, restarts, end } = process.info([]);
      return { pid, starts, restarts, end };
    },
    machine: () => machineDefinition(supervisedMachine),
    isSeenBy: ({ rights }) => rights.access.admin,
  };
}
