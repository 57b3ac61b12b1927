/** The client alone: of a supervisor that runs elsewhere. It brings no supervisor, no GPIO and no machine with it. */

export { type ClientOptions, HoldfastClient, type TopicOptions } from "./client/client.ts";
export { type ConnectOptions, connect } from "./client/connect.ts";
export type { EventStream } from "./client/event-stream.ts";
export type { Frame } from "./client/frame.ts";
export type { FramePool } from "./client/frame-pool.ts";
export type { FrameOptions, FrameStream } from "./client/frame-stream.ts";
export type { CommandOptions, CommandReply, InputOptions, InputPin, OutputOptions, OutputPin, PinName } from "./client/held-pin.ts";
export type { PublishOptions, WritableFrame } from "./client/writable-frame.ts";
export type { FrameFormat } from "./frames/format.ts";
export { type ErrorCode, type ErrorDetails, errorCodes, HoldfastError } from "./protocol/errors.ts";
export type {
  ActorInfo,
  CameraInfo,
  CameraSnapshot,
  CameraState,
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
  UserActorInfo,
} from "./protocol/replies.ts";
export type {
  ActorEvent,
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
