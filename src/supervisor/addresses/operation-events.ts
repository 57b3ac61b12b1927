import { z } from "zod";
import { type Address, formatAddress } from "../../protocol/addresses.ts";
import { HoldfastError } from "../../protocol/errors.ts";
import { type ActorEvent, type Op, parseRequest, type Request, requestSchemas } from "../../protocol/requests.ts";
import type { Accepted } from "./addressed.ts";

/** The operations that an actor takes as events, by the types of these. */
const operations: { readonly [K in Address["kind"]]: Readonly<Record<string, Op>> } = {
  supervisor: { shutdown: "shutdown", reload: "reload" },
  pin: {
    on: "on",
    off: "off",
    toggle: "toggle",
    write: "write",
    value: "value",
    blink: "blink",
    pulse: "pulse",
    pattern: "pattern",
    mode: "mode",
    cancel: "cancel",
    configure: "configure",
    read: "read",
    close: "close",
  },
  pool: { remove: "pool.remove" },
  slot: {},
  process: { start: "process.start", stop: "process.stop", restart: "process.restart" },
  camera: {
    start: "camera.start",
    stop: "camera.stop",
    pause: "camera.pause",
    resume: "camera.resume",
    fps: "camera.fps",
    preview: "camera.preview",
    save: "camera.save",
    snapshot: "camera.snapshot",
    remove: "camera.remove",
  },
  client: {},
  actor: {},
};

/** What a request says beside the fields of the event: who it is, and which actor it is for. */
const ENVELOPE = ["id", "op"];

/** The events that an actor takes as operations. */
export function operationsOf(address: Address): readonly Accepted[] {
  return Object.entries(operations[address.kind]).map(([type, op]) => ({ type, schema: schemaOf(op, envelopeOf(address)) }));
}

/**
 * The request that an event is.
 * @param id of the request that has brought it
 * @throws HoldfastError `EVENT_UNKNOWN`, `EVENT_INVALID`
 */
export function operationFor(address: Address, { type, ...fields }: ActorEvent, id: number): Request {
  const taken = operations[address.kind];
  const op = Object.hasOwn(taken, type) ? taken[type] : undefined;
  if (op === undefined) throw unknownEvent(formatAddress(address), type, Object.keys(taken));
  const envelope = envelopeOf(address);
  const accepts = Object.keys(requestSchemas[op].shape).filter((field) => !envelope.includes(field));
  const misplaced = envelope.find((field) => Object.hasOwn(fields, field));
  if (misplaced !== undefined) {
    throw invalidEvent(`${type} has no field "${misplaced}"`, misplaced, accepts);
  }
  try {
    return parseRequest({ ...fields, ...meant(address), id, op });
  } catch (error) {
    const { message, details } = HoldfastError.from(error);
    throw invalidEvent(message, details.field ?? "", accepts);
  }
}

/** An event that the actor does not take. @param accepts the types of those that it takes */
export function unknownEvent(address: string, type: string, accepts: readonly string[]): HoldfastError {
  const known = accepts.length === 0 ? "it takes none" : `it takes ${accepts.join(", ")}`;
  return new HoldfastError("EVENT_UNKNOWN", `${address} takes no event "${type}": ${known}`, { field: "event.type", accepts });
}

/** An event with a field that is wrong. @param accepts the names of those that it may have */
function invalidEvent(message: string, field: string, accepts: readonly string[]): HoldfastError {
  return new HoldfastError("EVENT_INVALID", message, { field: `event.${field}`, accepts });
}

/** The fields of an operation that say which actor it is for. */
function meant(address: Address): Record<string, unknown> {
  switch (address.kind) {
    case "pin":
      return { pin: address.pin };
    case "pool":
      return { pool: address.pool };
    case "process":
      return { process: address.process };
    case "camera":
      return { camera: address.camera };
    default:
      return {};
  }
}

function envelopeOf(address: Address): readonly string[] {
  return [...ENVELOPE, ...Object.keys(meant(address))];
}

/** The fields of an operation as JSON Schema, but for those that the address and the protocol say. */
function schemaOf(op: Op, envelope: readonly string[]): Record<string, unknown> {
  const { $schema: _, properties = {}, required = [], ...schema } = z.toJSONSchema(requestSchemas[op], { unrepresentable: "any" });
  const isOwn = (field: string) => !envelope.includes(field);
  return {
    ...schema,
    properties: Object.fromEntries(Object.entries(properties).filter(([field]) => isOwn(field))),
    required: required.filter(isOwn),
  };
}
