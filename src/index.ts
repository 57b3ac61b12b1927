/** The library: a supervisor in your own process, and a client for one that runs elsewhere. */

export type { Alarm, Clock } from "./clock/clock.ts";
export { RealClock } from "./clock/real.ts";
export { SimulatedClock } from "./clock/simulated.ts";
export { createSupervisor, type EmbeddedSupervisor, type SupervisorOptions } from "./create-supervisor.ts";
export { FolderSharedMemory } from "./frames/folder.ts";
export type * from "./frames/memory.ts";
export { SimSharedMemory } from "./frames/sim.ts";
export type * from "./gpio/backend.ts";
export { ChardevBackend } from "./gpio/chardev/chardev.ts";
export type { Libgpiod } from "./gpio/libgpiod/addon.ts";
export { LibgpiodBackend } from "./gpio/libgpiod/libgpiod.ts";
export { SimBackend, type SimChip, simHeader } from "./gpio/sim.ts";
export type * from "./gpio/wave-player.ts";
export * from "./index-client.ts";
export * from "./index-machines.ts";
export type { AccessTable } from "./protocol/access.ts";
export type { CameraTable } from "./protocol/camera-table.ts";
export { defaultLimits, type Limits } from "./protocol/limits.ts";
export type { ProcessTable } from "./protocol/process-table.ts";
export type { OperatorSettings } from "./reconfigure.ts";
export type { Log } from "./supervisor/surroundings.ts";
export { type ActorDefinition, type ActorSettings, defineActor, type MachineParts } from "./user-actors/define-actor.ts";
