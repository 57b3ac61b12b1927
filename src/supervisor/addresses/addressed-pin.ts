import { inputMachine } from "../../../actors/input.ts";
import { pinMachine } from "../../../actors/pin.ts";
import type { NamedPin } from "../../gpio/named-pin.ts";
import { machineDefinition } from "../../machine-definition.ts";
import { formatAddress } from "../../protocol/addresses.ts";
import type { Pin } from "../pin.ts";
import { doingsOf } from "../pin-doings.ts";
import type { Addressed } from "./addressed.ts";

/**
 * A line or a group at its address, open or not.
 * @param pin the open one that it is, or is a part of
 */
export function addressedPin(named: NamedPin, pin: Pin | undefined): Addressed {
  return {
    kind: "pin",
    address: formatAddress({ kind: "pin", pin: named.pin }),
    state: pin?.state ?? "closed",
    data: () => {
      const { state: _, ...doings } = doingsOf(named, pin);
      const { direction = null, mode = null, queued = 0 } = pin?.tenant ?? {};
      return { direction, ...doings, mode, queued };
    },
    machine: () => machineDefinition(pin?.tenant.direction === "in" ? inputMachine : pinMachine),
    isPart: pin !== undefined && pin.named.lines.length > named.lines.length,
    isSeenBy: ({ rights }) => rights.mayDo("read", named.lines),
  };
}
