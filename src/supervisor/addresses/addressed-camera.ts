import { cameraMachine } from "../../../actors/camera.ts";
import { machineDefinition } from "../../machine-definition.ts";
import { formatAddress } from "../../protocol/addresses.ts";
import type { Camera } from "../cameras/camera.ts";
import type { Addressed } from "./addressed.ts";

/** A camera at its address: who may use its pool sees it. */
export function addressedCamera(camera: Camera): Addressed {
  return {
    kind: "camera",
    address: formatAddress({ kind: "camera", camera: camera.name }),
    state: camera.state,
    data: () => {
      const { pipeline, source, width, height, fps, format, pid, starts, fault } = camera.info();
      return { pipeline, source, width, height, fps, format, pid, starts, fault };
    },
    machine: () => machineDefinition(cameraMachine),
    isSeenBy: ({ rights }) => rights.mayUse(camera.name),
  };
}
