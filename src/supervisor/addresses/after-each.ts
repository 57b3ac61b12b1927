import type { InspectionEvent } from "xstate";

/**
 * For `inspect` of `createActor`: tells of each event that an actor has been through, in their order, also of those that it was sent meanwhile.
 * @param told is told what it was; null: its time was up
 */
export function afterEach(told: (event: string | null) => void): (inspected: InspectionEvent) => void {
  return (inspected) => {
    if (inspected.type !== "@xstate.snapshot" || inspected.event.type === "xstate.init") return;
    const { type } = inspected.event;
    told(type.startsWith("xstate.") ? null : type);
  };
}
