/** The machines alone, as XState has them: to draw, to inspect, to test. They touch nothing; a supervisor gives them their actions. */

export { type CameraContext, type CameraEvent, type CameraInput, cameraMachine } from "../actors/camera.ts";
export { type ClientEvent, clientMachine } from "../actors/client.ts";
export { type InputEvent, inputMachine } from "../actors/input.ts";
export {
  type Cancellation,
  type CancelReason,
  type Command,
  type Outcome,
  type PinContext,
  type PinEvent,
  type PinInput,
  type Playing,
  pinMachine,
  type Running,
} from "../actors/pin.ts";
export { type SlotContext, type SlotEvent, slotMachine } from "../actors/slot.ts";
export {
  type ProcessEnd,
  type RestartPolicy,
  type SupervisedContext,
  type SupervisedEvent,
  type SupervisedInput,
  supervisedMachine,
  type UserActorEnd,
} from "../actors/supervised.ts";
export { type SupervisorEvent, supervisorMachine } from "../actors/supervisor.ts";
export type { Segment, Wave } from "../actors/wave.ts";
