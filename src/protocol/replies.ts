import { z } from "zod";
import { biasSchema, closeLevelSchema, driveSchema, levelSchema, modeSchema, type Op, onDisconnectSchema } from "./requests.ts";

const count = z.int().nonnegative();
const timestampNs = z.bigint().nonnegative().describe("CLOCK_MONOTONIC, ns");

/** What a pin is doing. An input is `watching`; a line that nobody has opened is `closed`. */
export const pinStateSchema = z.enum(["idle", "on", "blinking", "pulsing", "watching", "closing", "closed"]);
/** What a pin is doing. */
export type PinState = z.infer<typeof pinStateSchema>;

/** Who holds a pin. */
const holder = z.object({
  client: count,
  name: z.string(),
  pid: count.nullable(),
  uid: count.nullable(),
  heldMs: z.number().describe("for how long"),
  share: z.boolean(),
  onDisconnect: onDisconnectSchema,
});

/** The settings of an open line. */
const settings = z.object({
  activeLow: z.boolean(),
  bias: biasSchema,
  drive: driveSchema.nullable().describe("null: an input"),
  closeLevel: closeLevelSchema.nullable().describe("null: an input"),
  debounceUs: count.nullable().describe("null: an output"),
});

/** One line, open or not. */
export const pinInfoSchema = z.object({
  pin: z.string().describe("the canonical name"),
  line: z.string().describe("chip-label:offset"),
  names: z.array(z.string()),
  state: pinStateSchema,
  direction: z.enum(["out", "in"]).nullable().describe("null: closed"),
  level: levelSchema.nullable().describe("null: closed, or a wave runs"),
  value: z.number().nullable().describe("the duty commanded; null: not an output, or a wave runs"),
  mode: modeSchema.nullable().describe("null: not an output"),
  queued: count,
  command: count.nullable().describe("the number of the command that holds the line"),
  holders: z.array(holder),
  unowned: z.boolean().describe("open and held by nobody: the next open adopts it"),
  usedBy: z.string().nullable().describe("the program outside holdfast, or the kernel driver, that has the line"),
  settings: settings.nullable().describe("null: closed"),
});
/** One line, open or not. */
export type PinInfo = z.infer<typeof pinInfoSchema>;

/** One client of the supervisor. */
export const clientInfoSchema = z.object({
  client: count,
  name: z.string(),
  transport: z.string().describe("unix, in-process"),
  state: z.enum(["connected", "leaving"]),
  pid: count.nullable(),
  uid: count.nullable(),
  connectedMs: z.number(),
  pins: z.array(z.string()),
  subscriptions: count,
  pending: count.describe("requests without a reply yet"),
});
/** One client of the supervisor. */
export type ClientInfo = z.infer<typeof clientInfoSchema>;

/** What has been counted since the start. */
export const countersSchema = z.object({
  clients: count,
  requests: count,
  errors: count,
  accepted: count.describe("commands"),
  done: count,
  cancelled: count,
  edges: count.describe("delivered to the supervisor by the lines"),
  lostEvents: count.describe("dropped because a client was slow, or by the kernel"),
  skippedCycles: count.describe("cycles of endless waves and PWM that the machine was too slow to play"),
});
/** What has been counted since the start. */
export type Counters = z.infer<typeof countersSchema>;

const commandReply = z.object({
  state: pinStateSchema,
  queued: count,
  command: count.describe("the command's number on this pin"),
  outcome: z.enum(["started", "done", "cancelled"]).optional().describe("with ack started or done"),
  reason: z.string().optional().describe("why it was cancelled"),
  lateMs: z.number().optional().describe("by how much the wave ended late"),
});

const empty = z.object({});

/** What each operation answers beside `id` and `ok: true`. */
export const replySchemas = {
  hello: z.object({ client: count, server: z.string(), protocol: count }),
  ping: empty,
  status: z.object({
    state: z.enum(["starting", "running", "draining", "stopped"]),
    version: z.string(),
    pid: count,
    uptimeMs: z.number(),
    backend: z.string(),
    counters: countersSchema,
    clients: z.array(clientInfoSchema),
    pins: z.array(pinInfoSchema).describe("the open ones"),
  }),
  pins: z.object({ pins: z.array(pinInfoSchema) }),
  shutdown: empty,
  open: z.object({ pin: z.string().describe("the canonical name"), state: pinStateSchema }),
  configure: empty,
  on: commandReply,
  off: commandReply,
  toggle: commandReply,
  value: commandReply,
  blink: commandReply,
  pulse: commandReply,
  pattern: commandReply,
  mode: empty,
  cancel: z.object({ cancelled: count }),
  read: z.object({
    level: levelSchema,
    value: z.number().nullable().describe("the duty commanded; null: not an output, or a wave runs"),
    state: pinStateSchema,
    timestampNs,
  }),
  watch: z.object({ sub: count, level: levelSchema }),
  observe: z.object({ sub: count, state: pinStateSchema }),
  unwatch: empty,
  close: empty,
  "sim.set": empty,
  "sim.wire": empty,
} satisfies Record<Op, z.ZodObject>;

/** What one operation answers. */
export type ReplyOf<O extends Op> = z.infer<(typeof replySchemas)[O]>;

const lost = count.describe("events lost since the one before, because the client was slow or the kernel's buffer full");

/** Every event, by its `ev`. */
export const eventSchemas = {
  edge: z.object({
    sub: count,
    ev: z.literal("edge"),
    pin: z.string(),
    level: levelSchema.describe("after the edge"),
    timestampNs,
    seq: count.describe("counts the edges of this watch from 1, lost ones included"),
    lost,
  }),
  state: z.object({
    sub: count,
    ev: z.literal("state"),
    pin: z.string(),
    state: pinStateSchema,
    level: levelSchema.nullable().describe("null: closed, or a wave runs"),
    value: z.number().nullable(),
    command: count.nullable().describe("the command that holds the line"),
    by: z.string().nullable().describe("the name of the client that gave it"),
    lost,
  }),
  end: z.object({
    sub: count,
    ev: z.literal("end"),
    reason: z.string().describe("why the watch ended by itself: an error code or CLOSED"),
  }),
};

/** The event of one kind. */
export type EventOf<E extends keyof typeof eventSchemas> = z.infer<(typeof eventSchemas)[E]>;
/** Any event. */
export type Event = { [E in keyof typeof eventSchemas]: EventOf<E> }[keyof typeof eventSchemas];
