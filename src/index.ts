/** The library: a supervisor in your own process, and a client for one that runs elsewhere. */

export { inputMachine } from "../actors/input.ts";
export { type Command, type Outcome, pinMachine } from "../actors/pin.ts";
export { processMachine } from "../actors/process.ts";
export { slotMachine } from "../actors/slot.ts";
export type { Segment, Wave } from "../actors/wave.ts";
export { type ClientOptions, HoldfastClient, type TopicOptions } from "./client/client.ts";
export { type ConnectOptions, connect } from "./client/connect.ts";
export type { EventStream } from "./client/event-stream.ts";
export type { Frame } from "./client/frame.ts";
export type { FramePool } from "./client/frame-pool.ts";
export type { FrameOptions, FrameStream } from "./client/frame-stream.ts";
export type { CommandOptions, CommandReply, InputOptions, InputPin, OutputOptions, OutputPin, PinName } from "./client/held-pin.ts";
export type { PublishOptions, WritableFrame } from "./client/writable-frame.ts";
export type { Alarm, Clock } from "./clock/clock.ts";
export { RealClock } from "./clock/real.ts";
export { SimulatedClock } from "./clock/simulated.ts";
export { createSupervisor, type EmbeddedSupervisor, type SupervisorOptions } from "./create-supervisor.ts";
export { FolderSharedMemory } from "./frames/folder.ts";
export type { FrameFormat } from "./frames/format.ts";
export type * from "./frames/memory.ts";
export { SimSharedMemory } from "./frames/sim.ts";
export type * from "./gpio/backend.ts";
export { ChardevBackend } from "./gpio/chardev/chardev.ts";
export { SimBackend, type SimChip, simHeader } from "./gpio/sim.ts";
export type * from "./gpio/wave-player.ts";
export type { AccessTable } from "./protocol/access.ts";
export { type ErrorCode, type ErrorDetails, errorCodes, HoldfastError } from "./protocol/errors.ts";
export { defaultLimits, type Limits } from "./protocol/limits.ts";
export type { ProcessTable } from "./protocol/process-table.ts";
export type {
  ClientInfo,
  Counters,
  Event,
  EventOf,
  GroupInfo,
  PinInfo,
  PinState,
  Plane,
  PoolInfo,
  PoolLayout,
  ProcessInfo,
  ProcessState,
  ReplyOf,
  SlotInfo,
  SlotState,
  TopicInfo,
} from "./protocol/replies.ts";
export type {
  Bias,
  CloseLevel,
  CommandRequest,
  Drive,
  EdgeFilter,
  Level,
  Mode,
  OnDisconnect,
  Op,
  PinConfig,
  Policy,
  PoolSettings,
  Request,
  RequestOf,
} from "./protocol/requests.ts";
export type { OperatorSettings } from "./reconfigure.ts";
export type { Log } from "./supervisor/surroundings.ts";
