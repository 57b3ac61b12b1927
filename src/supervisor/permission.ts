import { addressOf } from "../protocol/addresses.ts";
import { HoldfastError } from "../protocol/errors.ts";
import type { Op, Request, RequestOf } from "../protocol/requests.ts";
import type { Client } from "./client.ts";
import { withDetails } from "./error-details.ts";
import type { Pins } from "./pins.ts";
import type { PinRight } from "./rights.ts";

/** Whether a client may do what a request of one kind asks. @throws HoldfastError `FORBIDDEN`, `NOT_LOCAL`, what `Pins.lookUp` throws */
type Check<O extends Op> = (client: Client, request: RequestOf<O>, pins: Pins) => void;

/** It concerns the client itself alone, or shows no more than it may see. */
const free = () => {};

/** @param right to every line of the pin */
function needs(right: PinRight): (client: Client, request: { readonly pin: string }, pins: Pins) => void {
  return ({ rights }, { pin }, pins) => rights.assertPin([right], pins.lookUp(pin).named);
}

const command = needs("command");

/** Outputs are for those who may command them, inputs for those who may watch them. */
const rightTo = { out: "command", in: "watch" } as const;

/** What changes or ends an open pin needs the right to what it is. */
function needsRightToWhatItIs({ rights }: Client, request: { readonly pin: string }, pins: Pins): void {
  const { named, pin } = pins.lookUp(request.pin);
  rights.assertPin(pin === undefined ? ["command", "watch"] : [rightTo[pin.tenant.direction]], named);
}

/** Who uses the memory of frames must be where it is. */
function needsMemory({ peer }: Client): void {
  if (peer.address === null) return;
  const message = "frames are in the shared memory of the supervisor's machine, which is not to be had over the network";
  throw new HoldfastError("NOT_LOCAL", message, { address: peer.address });
}

const pool = ({ rights }: Client, request: { readonly pool: string }) => rights.assertPool(request.pool);

const frames = (client: Client, request: { readonly pool: string }) => {
  pool(client, request);
  needsMemory(client);
};

/** A camera has the name of its pool: who may use the one may have the other. */
const camera = ({ rights }: Client, request: { readonly camera: string }) => rights.assertPool(request.camera);

/** Who may see an actor, whether it is there or not. Which events it may send is asked when it is known which those are. */
function sees(client: Client, text: string, pins: Pins): void {
  const { rights, number } = client;
  const address = addressOf(text);
  switch (address.kind) {
    case "supervisor":
      return;
    case "pin":
      return withDetails({ field: "address" }, () => rights.assertPin(["read"], pins.lookUp(address.pin).named));
    case "pool":
    case "slot":
      return rights.assertPool(address.pool);
    case "process":
      return rights.assertAdmin();
    case "camera":
      return rights.assertPool(address.camera);
    case "client":
      return address.client === number ? undefined : rights.assertAdmin();
    case "actor":
      return rights.assertActor(address.actor);
  }
}

const actor = (client: Client, request: { readonly address: string }, pins: Pins) => sees(client, request.address, pins);

/** What it may not see is left out of all that there is. */
const actors = (client: Client, { address }: { readonly address?: string | undefined }, pins: Pins) => {
  if (address !== undefined) sees(client, address, pins);
};

const admin = ({ rights }: Client) => rights.assertAdmin();

/** What each operation needs. A lease is its owner's, who had the right to it. */
const checks: { readonly [O in Op]: Check<O> } = {
  hello: free,
  ping: free,
  status: free,
  pins: free,
  shutdown: admin,

  open: ({ rights }, { pin, direction }, pins) => rights.assertPin([rightTo[direction]], pins.lookUp(pin).named),
  configure: (client, request, pins) => {
    needsRightToWhatItIs(client, request, pins);
    if (request.direction !== undefined) client.rights.assertPin([rightTo[request.direction]], pins.lookUp(request.pin).named);
  },
  on: command,
  off: command,
  toggle: command,
  write: command,
  value: command,
  blink: command,
  pulse: command,
  pattern: command,
  mode: command,
  cancel: command,
  read: needs("read"),
  watch: needs("watch"),
  observe: (client, { pin, address }, pins) => {
    if (address !== undefined) sees(client, address, pins);
    else needs("read")(client, { pin: pin as string }, pins);
  },
  unwatch: free,
  close: needsRightToWhatItIs,

  pools: free,
  "pool.create": pool,
  "pool.open": frames,
  "pool.remove": pool,
  "slot.acquire": frames,
  "slot.publish": needsMemory,
  "slot.abort": needsMemory,
  "slot.release": needsMemory,
  "frames.subscribe": frames,

  topics: free,
  "topic.publish": ({ rights }, { topic }) => rights.assertPublish(topic),
  "topic.subscribe": ({ rights }, { topic }) => rights.assertSubscribe(topic),

  processes: free,
  "process.start": admin,
  "process.stop": admin,
  "process.restart": admin,

  cameras: free,
  "camera.start": camera,
  "camera.stop": camera,
  "camera.pause": camera,
  "camera.resume": camera,
  "camera.fps": camera,
  "camera.preview": camera,
  "camera.save": camera,
  "camera.snapshot": camera,
  // It says which program is run.
  "camera.create": admin,
  "camera.remove": admin,
  // Only a process that the supervisor has started as this camera's is one, whatever else it may do.
  "camera.attach": free,
  "camera.report": free,
  "actor.start": admin,
  "actor.stop": admin,
  "actor.restart": admin,
  reload: admin,

  actors,
  "actor.describe": actor,
  "actor.send": actor,
  "actor.ask": actor,
  trace: actors,

  "sim.set": admin,
  "sim.wire": admin,
};

/**
 * Whether a client may ask this: the one place where that is decided, before anything is done.
 * @throws HoldfastError `FORBIDDEN`, `NOT_LOCAL`, and what the names of pins lead to
 */
export function assertPermitted(client: Client, request: Request, pins: Pins): void {
  try {
    (checks[request.op] as Check<Op>)(client, request as never, pins);
  } catch (error) {
    throw client.rights.seesAll ? error : withoutNames(error);
  }
}

/** Whoever may not see all pins is not told what those are called that are not the one that it has named. */
function withoutNames(error: unknown): unknown {
  const { code, details } = HoldfastError.from(error);
  if (code !== "PIN_UNKNOWN" || details["nearest"] === undefined) return error;
  return new HoldfastError(code, "no line is called so", { ...details, nearest: [] });
}
