import { HoldfastError } from "../protocol/errors.ts";
import type { ReplyOf } from "../protocol/replies.ts";
import { type Op, PROTOCOL_VERSION, type Request, type RequestOf } from "../protocol/requests.ts";
import { version } from "../version.ts";
import type { Client } from "./client.ts";
import type { Reply, Supervisor } from "./supervisor.ts";

type Handler<O extends Op> = (supervisor: Supervisor, client: Client, request: RequestOf<O>) => ReplyOf<O> | Promise<ReplyOf<O>>;

const command = (({ pins }: Supervisor, client: Client, request: RequestOf<"on">) =>
  pins.find(client, request.pin).command(client, request)) as Handler<
  "on" | "off" | "toggle" | "write" | "value" | "blink" | "pulse" | "pattern"
>;

/** Where each operation goes. */
const handlers: { readonly [O in Op]: Handler<O> } = {
  hello: ({ limits }, client, { protocol, name }) => {
    if (protocol !== PROTOCOL_VERSION) {
      throw new HoldfastError("BAD_PROTOCOL", `this supervisor speaks version ${PROTOCOL_VERSION} of the protocol, not ${protocol}`, {
        field: "protocol",
        protocol: PROTOCOL_VERSION,
      });
    }
    client.rename(name);
    const { heartbeatMs } = client.peer;
    return {
      client: client.number,
      server: `holdfast ${version}`,
      protocol: PROTOCOL_VERSION,
      messageBytes: limits.messageBytes,
      ...(heartbeatMs !== undefined && { heartbeatMs }),
    };
  },
  ping: () => ({}),
  status: (supervisor, client) => supervisor.status(client),
  pins: ({ pins }, { rights }) => ({ pins: [...pins.all(rights)] }),
  shutdown: (supervisor, _, { hard }) => {
    supervisor.shutdown(hard);
    return {};
  },

  open: ({ pins }, client, request) => pins.openFor(client, request),
  configure: ({ pins }, client, request) => {
    pins.find(client, request.pin).configure(client, request);
    return {};
  },
  on: command,
  off: command,
  toggle: command,
  write: command,
  value: command,
  blink: command,
  pulse: command,
  pattern: command,
  mode: ({ pins }, client, request) => {
    pins.find(client, request.pin).setMode(client, request);
    return {};
  },
  cancel: ({ pins }, client, request) => ({ cancelled: pins.find(client, request.pin).cancel(client, request) }),
  read: ({ pins }, _, { pin }) => pins.read(pin),
  watch: ({ pins }, client, request) => pins.find(client, request.pin).watch(client, request),
  observe: ({ pins, addresses }, client, { pin, address }) =>
    address === undefined ? pins.observe(client, pin as string) : addresses.observe(client, address),
  unwatch: (_, client, { sub }) => {
    client.unsubscribe(sub);
    return {};
  },
  close: ({ pins }, client, { pin, hard = false }) => client.wait((closed) => pins.find(client, pin).close(client, hard, () => closed({}))),

  pools: ({ pools }, { rights }) => ({ pools: pools.all(rights) }),
  "pool.create": ({ pools }, _, { id: _id, op: _op, pool, ...settings }) => pools.create(pool, settings),
  "pool.open": ({ pools }, _, { pool }) => pools.open(pool),
  "pool.remove": ({ pools, cameras }, _, { pool }) => {
    cameras.assertNotOwned(pool);
    return pools.remove(pool);
  },
  "slot.acquire": ({ pools }, client, request) => pools.acquire(client, request),
  "slot.publish": ({ pools }, client, request) => pools.publish(client, request),
  "slot.abort": ({ pools }, client, { lease }) => {
    pools.abort(client, lease);
    return {};
  },
  "slot.release": ({ pools }, client, { lease }) => ({ valid: pools.release(client, lease) }),
  "frames.subscribe": ({ pools }, client, request) => pools.subscribe(client, request),

  topics: ({ topics }, { rights }) => ({ topics: topics.all(rights) }),
  "topic.publish": ({ topics, cameraTopics }, client, request) => {
    const reply = topics.publish(client, request);
    cameraTopics.heard(client, request);
    return reply;
  },
  "topic.subscribe": ({ topics }, client, request) => topics.subscribe(client, request),

  processes: ({ processes }, { rights }) => ({ processes: processes.all(rights) }),
  "process.start": ({ processes }, client, { process }) => processes.start(client, process),
  "process.stop": ({ processes }, client, { process, hard }) => processes.stop(client, process, hard),
  "process.restart": ({ processes }, client, { process }) => processes.restart(client, process),

  cameras: ({ cameras }, { rights }) => ({ cameras: cameras.all(rights) }),
  "camera.start": ({ cameras }, client, { camera }) => cameras.start(client, camera),
  "camera.stop": ({ cameras }, client, { camera, hard }) => cameras.stop(client, camera, hard),
  "camera.pause": ({ cameras }, client, { camera }) => cameras.order(client, camera, { type: "pause" }),
  "camera.resume": ({ cameras }, client, { camera }) => cameras.order(client, camera, { type: "resume" }),
  "camera.fps": ({ cameras }, client, { camera, fps }) => cameras.order(client, camera, { type: "fps", fps }),
  "camera.preview": ({ cameras }, client, { camera, on }) => cameras.want(client, camera, "preview", on),
  "camera.save": ({ cameras }, client, { camera, on }) => cameras.want(client, camera, "record", on),
  "camera.snapshot": ({ cameras }, client, { camera }) => cameras.snapshot(client, camera),
  "camera.create": ({ cameras }, _, { id: _id, op: _op, camera, ...table }) => cameras.create(camera, table),
  "camera.remove": ({ cameras }, client, { camera }) => cameras.remove(client, camera),
  "camera.attach": ({ cameras }, client, request) => cameras.attach(client, request),
  "camera.report": ({ cameras }, client, request) => {
    cameras.report(client, request);
    return {};
  },
  "actor.start": ({ actors }, client, { actor }) => actors.start(client, actor),
  "actor.stop": ({ actors }, client, { actor, hard }) => actors.stop(client, actor, hard),
  "actor.restart": ({ actors }, client, { actor }) => actors.restart(client, actor),
  reload: (supervisor, client) => supervisor.reload(client),

  actors: ({ addresses }, client, { address }) => ({ actors: addresses.list(client, address) }),
  "actor.describe": ({ addresses }, client, { address }) => addresses.describe(client, address),
  "actor.send": ({ addresses }, client, request) => addresses.send(client, request),
  "actor.ask": ({ addresses }, client, request) => addresses.ask(client, request),
  trace: ({ addresses }, client, { address }) => addresses.trace(client, address),

  "sim.set": ({ pins }, _, { pin, level }) => {
    pins.simulation.drive(pins.locate(pin), level);
    return {};
  },
  "sim.wire": ({ pins }, _, { pin, to }) => {
    pins.simulation.wire(pins.locate(pin), pins.locate(to, "to"));
    return {};
  },
};

/** Does what a request asks. @throws HoldfastError as its operation does, thrown or as a rejection */
export function route(supervisor: Supervisor, client: Client, request: Request): Reply | Promise<Reply> {
  return (handlers[request.op] as Handler<Op>)(supervisor, client, request as never);
}
