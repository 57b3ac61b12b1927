/** To test machines and programs without hardware and without waiting: a world in simulated time, and what may happen in it. Needs fast-check. */

export { SimulatedClock } from "./clock/simulated.ts";
export { SimBackend, type SimChip, simHeader } from "./gpio/sim.ts";
export {
  disconnects,
  passes,
  pinSteps,
  type Scene,
  slotSteps,
  slowClients,
  stalls,
  topicSteps,
  wireSteps,
} from "./testing/client-steps.ts";
export { Explorer, type Move } from "./testing/explorer.ts";
export { subscribeRequests } from "./testing/frame-requests.ts";
export { holds } from "./testing/holds.ts";
export { commandRequests, configureRequests, openRequests } from "./testing/pin-requests.ts";
export { play, type Step, scripts, step } from "./testing/script.ts";
export type { Answer, Asked, ScriptedClient } from "./testing/scripted-client.ts";
export { type Commanded, type SimulatedActor, type SimulateOptions, simulate, type Transition } from "./testing/simulated-actor.ts";
export { topicFilters, topicNames } from "./testing/topic-names.ts";
export type { TimeOn, Wire, WireEdge } from "./testing/wire.ts";
export { World, type WorldOptions } from "./testing/world.ts";
