import { z } from "zod";
import { kindSchema } from "./addresses.ts";
import { cameraFormatSchema } from "./camera-table.ts";
import { restartPolicySchema } from "./process-table.ts";
import {
  biasSchema,
  closeLevelSchema,
  driveSchema,
  levelSchema,
  levelsSchema,
  modeSchema,
  type Op,
  onDisconnectSchema,
  policySchema,
} from "./requests.ts";

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
  address: z.string().nullable().describe("where on the network it is; null: on this machine"),
  pid: count.nullable(),
  uid: count.nullable(),
  heldMs: z.number().describe("for how long"),
  share: z.boolean(),
  onDisconnect: onDisconnectSchema,
  heartbeatMs: z.number().nullable().describe("null: it may be silent for as long as it is connected"),
});

/** The settings of an open line. */
const settings = z.object({
  activeLow: z.boolean(),
  bias: biasSchema,
  drive: driveSchema.nullable().describe("null: an input"),
  closeLevel: closeLevelSchema.nullable().describe("null: an input"),
  frequencyHz: z.number().nullable().describe("of PWM; null: an input"),
  pwm: z.string().nullable().describe("the channel of hardware PWM that the pin is configured to be; null: none"),
  maxOnMs: z.number().nullable().describe("the least of what was configured and asked for; null: no limit, or an input"),
  debounceUs: count.nullable().describe("null: an output"),
});

const members = z.array(z.string()).optional().describe("of a group: its lines, in the order of its levels");
const memberLevels = levelsSchema.nullable().optional().describe("of a group: those of its lines; null: closed, or a wave runs");

/** One line, open or not; or an open group. */
export const pinInfoSchema = z.object({
  pin: z.string().describe("the canonical name"),
  line: z.string().describe("chip-label:offset; of a group: of each line, with + between them"),
  names: z.array(z.string()),
  group: z.string().optional().describe("of a line: the open group that it belongs to, and does as"),
  members,
  state: pinStateSchema,
  direction: z.enum(["out", "in"]).nullable().describe("null: closed"),
  level: levelSchema.nullable().describe("null: closed, or a wave runs, or the lines of a group differ"),
  levels: memberLevels,
  value: z.number().nullable().describe("the duty commanded; null: not an output, or a wave runs, or the lines of a group differ"),
  mode: modeSchema.nullable().describe("null: not an output"),
  queued: count,
  command: count.nullable().describe("the number of the command that holds the line"),
  holders: z.array(holder),
  unowned: z.boolean().describe("open and held by nobody: the next open adopts it"),
  usedBy: z.string().nullable().describe("the program outside holdfast, or the kernel driver, that has the line"),
  settings: settings.nullable().describe("null: closed"),
});
/** One line, open or not; or an open group. */
export type PinInfo = z.infer<typeof pinInfoSchema>;

/** One client of the supervisor. */
export const clientInfoSchema = z.object({
  client: count,
  name: z.string(),
  transport: z.string().describe("unix, tcp, in-process, …"),
  address: z.string().nullable().describe("where on the network it is; null: on this machine"),
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

const fourcc = z.string().describe("a V4L2 pixel format, or RAW");
const epoch = count.describe("of the pool's file: another file has another one");
const generation = count.describe("of the slot's content: even while a frame is in it");
const lease = count.describe("never given twice");
const seq = count.describe("counts the frames of the pool from 1");

/** Where the lines of one plane of an image are. */
export const planeSchema = z.object({
  offset: count.describe("bytes from the start of the payload"),
  stride: count.describe("bytes from one line to the next"),
});
/** Where the lines of one plane of an image are. */
export type Plane = z.infer<typeof planeSchema>;

/** What an image of a pool looks like; all that RAW has is its name. */
const format = {
  fourcc,
  width: count.nullable().describe("in pixels; null: RAW"),
  height: count.nullable(),
  stride: count.nullable().describe("of the first plane; null: RAW, or compressed"),
};

/** How a pool's file is laid out; docs/frames.md has it byte by byte. */
export const poolLayoutSchema = z.object({
  pool: z.string(),
  path: z.string(),
  epoch,
  slots: count,
  bytes: count.describe("what a slot holds"),
  headerOffset: count,
  headerStride: count,
  payloadOffset: count,
  payloadStride: count,
  ...format,
  planes: z.array(planeSchema).describe("empty: RAW, or compressed"),
});
/** How a pool's file is laid out. */
export type PoolLayout = z.infer<typeof poolLayoutSchema>;

/** A slot to write to. */
export const grantSchema = z.object({ slot: count, generation: count.describe("odd while it is written"), lease, epoch });
/** A slot to write to. */
export type Grant = z.infer<typeof grantSchema>;

/** What a slot is for. A writer that has gone without a word leaves it `quarantined` until its process has ended. */
export const slotStateSchema = z.enum(["free", "writing", "quarantined", "ready", "reading", "retired"]);
/** What a slot is for. */
export type SlotState = z.infer<typeof slotStateSchema>;

/** Who holds a slot, and since when. */
const leaseInfo = z.object({
  lease,
  client: count,
  name: z.string(),
  pid: count.nullable(),
  heldMs: z.number(),
});

/** One slot. */
export const slotInfoSchema = z.object({
  slot: count,
  state: slotStateSchema,
  generation: count,
  seq: seq.nullable().describe("of the frame in it; null: none"),
  ageMs: z.number().nullable().describe("since that frame was captured"),
  holders: z.array(leaseInfo).describe("its writer, or its readers"),
});
/** One slot. */
export type SlotInfo = z.infer<typeof slotInfoSchema>;

/** One consumer of a group. */
const consumer = z.object({
  client: count,
  name: z.string(),
  pid: count.nullable(),
  sub: count,
  slot: count.nullable().describe("the one that it holds"),
  epoch: count.nullable().describe("of the file of that slot"),
  heldMs: z.number().nullable().describe("for how long"),
  delivered: count,
  revoked: count,
});

/** Why frames were not delivered. */
const dropped = z.object({
  stale: count.describe("a newer one took its place (latest, drop-oldest)"),
  full: count.describe("there was no room for it (drop-newest)"),
  reclaimed: count.describe("a producer needed its slot"),
  removed: count.describe("the pool's file was replaced or removed"),
});
/** Why frames were not delivered, and how many. */
export type Dropped = z.infer<typeof dropped>;

/** One group of consumers. At every moment published = delivered + dropped + queued. */
export const groupInfoSchema = z.object({
  group: z.string().describe("its name, or that of its only client"),
  policy: policySchema,
  depth: count,
  deadlineMs: z.number().nullable(),
  published: count.describe("since it was there"),
  delivered: count,
  dropped,
  queued: count,
  fps: z.number().describe("delivered a second, of late"),
  ageMs: z.number().nullable().describe("of the last frame when it was delivered, since its capture"),
  consumers: z.array(consumer),
});
/** One group of consumers. */
export type GroupInfo = z.infer<typeof groupInfoSchema>;

/** One pool. */
export const poolInfoSchema = z.object({
  pool: z.string(),
  layout: poolLayoutSchema,
  published: count,
  aborted: count.describe("given up by their producers"),
  refused: count.describe("acquires for which no slot came free in time"),
  waiting: count.describe("producers that wait for a slot"),
  fps: z.number().describe("published a second, of late"),
  slots: z.array(slotInfoSchema),
  groups: z.array(groupInfoSchema),
});
/** One pool. */
export type PoolInfo = z.infer<typeof poolInfoSchema>;

/** A topic that keeps its last value. */
export const topicInfoSchema = z.object({
  topic: z.string(),
  bytes: count.describe("of the value, as CBOR"),
  timestampNs: timestampNs.describe("when it was published, CLOCK_MONOTONIC, ns"),
  by: z.string().describe("the name of the client that has published it"),
  subscribers: count.describe("subscriptions to it"),
});
/** A topic that keeps its last value. */
export type TopicInfo = z.infer<typeof topicInfoSchema>;

/** What a process is doing. It is `done` when it has ended well and is not to be started again, and `failed` when it has not. */
export const processStateSchema = z.enum(["stopped", "waiting", "starting", "running", "stopping", "backoff", "done", "failed"]);
/** What a process is doing. */
export type ProcessState = z.infer<typeof processStateSchema>;

/** How a supervised process came to its end by itself. */
export const processEndSchema = z.object({
  reason: z.enum(["exited", "killed", "silent", "unstartable"]),
  status: count.optional().describe("of exited"),
  signal: z.string().optional().describe("of killed"),
  message: z.string().optional().describe("of unstartable"),
});

/** One supervised process. */
export const processInfoSchema = z.object({
  process: z.string(),
  state: processStateSchema,
  stateMs: z.number().describe("for how long it has been in this state"),
  pid: count.nullable().describe("also the number of its group; null: it does not run"),
  command: z.array(z.string()).describe("the program and its arguments"),
  restart: restartPolicySchema,
  after: z.array(z.string()).describe("what it is started after"),
  waitsFor: z.array(z.string()).describe("those of them that are not there yet; empty unless it is waiting"),
  starts: count.describe("how often it was started, by whomever"),
  restarts: count.describe("how often it was started again by itself, within the window that counts"),
  nextStartMs: z.number().nullable().describe("when it is started again; null: it is not in backoff"),
  end: processEndSchema.nullable().describe("how it ended last by itself; null: it has not, since it was started"),
  heartbeatMs: z.number().nullable().describe("so often it must send a request; null: it need not"),
  heardMs: z.number().nullable().describe("since its last request; null: it has no heartbeat, or has sent none"),
});
/** One supervised process. */
export type ProcessInfo = z.infer<typeof processInfoSchema>;

/** What a camera is doing. */
export const cameraStateSchema = z.enum(["stopped", "starting", "capturing", "paused", "stopping", "backoff", "failed"]);
/** What a camera is doing. */
export type CameraState = z.infer<typeof cameraStateSchema>;

/** An error that is shown and not answered: how a camera has failed. */
export const cameraFaultSchema = z.object({ code: z.string().describe("of an error"), message: z.string() });

/** What is done with the frames of a camera. */
export const cameraPartInfoSchema = z.object({
  state: z.enum(["off", "starting", "on", "stopping", "backoff", "failed"]),
  pid: count.nullable().describe("of its process; null: there is none"),
  frames: count.describe("that it has taken"),
  files: count.describe("that it has written"),
  bytes: count.describe("that it has written"),
  fault: cameraFaultSchema.nullable().describe("how it failed last; null: it has not, since it was begun"),
});
/** What is done with the frames of a camera. */
export type CameraPartInfo = z.infer<typeof cameraPartInfoSchema>;

/** One camera. Of its frames its pool, which has the same name, tells more. */
export const cameraInfoSchema = z.object({
  camera: z.string().describe("also the name of its pool"),
  state: cameraStateSchema,
  stateMs: z.number().describe("for how long it has been in this state"),
  pipeline: z.union([z.string(), z.array(z.string())]).describe("by its name, or the command, with *** for passwords"),
  source: z.string().nullable().describe("with *** for a password in it; null: as the pipeline has it"),
  width: count,
  height: count,
  fps: z.number().describe("that it is asked for, a second"),
  format: cameraFormatSchema,
  slots: count,
  pid: count.nullable().describe("of its capture process, also the number of its group; null: there is none"),
  starts: count.describe("how often that was started, by whomever"),
  nextStartMs: z.number().nullable().describe("when it is started again; null: it is not in backoff"),
  frameMs: z.number().nullable().describe("since its last frame was published; null: none was since it was started"),
  counters: z
    .object({
      frames: count.describe("that have come whole from the source, also those behind it"),
      skipped: count.describe("for which there was no slot"),
      discarded: count.describe("that came while it was paused"),
      truncated: count.describe("that ended before their end"),
    })
    .describe("since the supervisor started; up to a second old"),
  fault: cameraFaultSchema.nullable().describe("how it failed last; null: it has not, since somebody started it"),
  preview: cameraPartInfoSchema.describe("small JPEG frames in a second pool, NAME-preview"),
  save: cameraPartInfoSchema.describe("what is written to files"),
});
/** One camera. */
export type CameraInfo = z.infer<typeof cameraInfoSchema>;

/** A frame that was saved as a JPEG picture. */
export const cameraSnapshotSchema = z.object({
  file: z.string().describe("its path"),
  bytes: count,
  seq: count.describe("of the frame, as its pool counts"),
  timestampNs: timestampNs.describe("of its capture, CLOCK_MONOTONIC, ns"),
});
/** A frame that was saved as a JPEG picture. */
export type CameraSnapshot = z.infer<typeof cameraSnapshotSchema>;

/** What a process of a camera is to do. */
export const cameraOrdersSchema = z.object({
  pipeline: z.union([z.string(), z.array(z.string())]),
  source: z.string().nullable(),
  width: count,
  height: count,
  fps: z.number(),
  format: cameraFormatSchema,
  paused: z.boolean().describe("it is not to publish before it is told to"),
  preview: z
    .object({
      pool: z.string().describe("where its JPEG frames go"),
      width: count,
      height: count,
      fps: z.number(),
      quality: count.describe("of JPEG, 1 to 100"),
    })
    .nullable()
    .describe("null: it is another part"),
  save: z
    .object({
      folder: z.string(),
      everyNth: count.nullable().describe("so many frames apart are those of which each is a JPEG file; null: video"),
      segmentMs: z.number().describe("of video in one file"),
      maxBytes: count.nullable().describe("of all that this camera has saved: the oldest files are removed; null: no limit"),
      maxAgeMs: z.number().nullable().describe("of a file, before it is removed; null: no limit"),
    })
    .nullable()
    .describe("null: it is another part"),
});
/** What a process of a camera is to do. */
export type CameraOrders = z.infer<typeof cameraOrdersSchema>;
/** How a user's actor came to its end by itself, and what is known of its failure. */
export const userActorEndSchema = z.object({
  reason: z.enum(["done", "failed", "blocked", "unstartable"]),
  code: z.string().optional().describe("of the error; absent: it is done"),
  message: z.string().optional(),
  file: z.string().optional().describe("where it has failed, as far as that is known"),
  line: count.optional(),
  column: count.optional(),
});

/** One user's actor. */
export const userActorInfoSchema = z.object({
  actor: z.string(),
  file: z.string().nullable().describe("that it is made from; null: it is the program's own"),
  state: processStateSchema,
  stateMs: z.number().describe("for how long it has been in this state"),
  restart: restartPolicySchema,
  starts: count.describe("how often it was started, by whomever"),
  restarts: count.describe("how often it was started again by itself, within the window that counts"),
  nextStartMs: z.number().nullable().describe("when it is started again; null: it is not in backoff"),
  end: userActorEndSchema.nullable().describe("how it ended last by itself; null: it has not, since it was started"),
});
/** One user's actor. */
export type UserActorInfo = z.infer<typeof userActorInfoSchema>;

/** One actor: what the supervisor is made of, and what users have written. */
export const actorInfoSchema = z.object({
  address: z.string().describe("the canonical one"),
  kind: kindSchema,
  parent: z.string().nullable().describe("the address of the actor that it is a part of; null: the root"),
  state: z.string(),
});
/** One actor. */
export type ActorInfo = z.infer<typeof actorInfoSchema>;

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
  framesPublished: count,
  framesDelivered: count.describe("to consumers; one frame goes to every group"),
  framesDropped: count.describe("by groups"),
  leasesRevoked: count.describe("of consumers that held a frame for longer than they said"),
  slotsQuarantined: count.describe("by writers that went without a word"),
  holdsLost: count.describe("by clients that were silent for longer than their heartbeat"),
  messagesPublished: count.describe("on topics"),
  messagesTold: count.describe("to subscriptions; one message goes to every one that fits"),
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

const pin = z.string().describe("the canonical name");
const readLevels = levelsSchema.optional().describe("of a group: those of its lines, all read at once");

const empty = z.object({});

/** What each operation answers beside `id` and `ok: true`. */
export const replySchemas = {
  hello: z.object({
    client: count,
    server: z.string(),
    protocol: count,
    messageBytes: count.optional().describe("the longest request, in bytes of CBOR; one that is longer ends the connection"),
    heartbeatMs: z
      .number()
      .optional()
      .describe("over the network: who sends nothing for longer is disconnected, on either side; absent: never"),
  }),
  ping: empty,
  status: z.object({
    state: z.enum(["starting", "running", "draining", "stopped"]),
    version: z.string(),
    pid: count,
    uptimeMs: z.number(),
    backend: z.string(),
    boardRevision: count.nullable().describe("the revision code of the Raspberry Pi that the lines are on; null: another machine"),
    waves: z
      .enum(["real-time", "normal"])
      .nullable()
      .describe("how the kernel runs the thread that plays waves; null: there is none, or not yet"),
    counters: countersSchema,
    clients: z.array(clientInfoSchema),
    pins: z.array(pinInfoSchema).describe("the open ones"),
    pools: z.array(poolInfoSchema),
    processes: z.array(processInfoSchema).describe("for clients with the right admin"),
    cameras: z.array(cameraInfoSchema),
    actors: z.array(userActorInfoSchema).describe("users' actors, for clients with the right admin"),
  }),
  pins: z.object({ pins: z.array(pinInfoSchema) }),
  shutdown: empty,
  open: z.object({
    pin,
    state: pinStateSchema,
    wasOpen: z.literal(true).optional().describe("the pin was open already: this client has joined its holders, or adopted it"),
  }),
  configure: empty,
  on: commandReply,
  off: commandReply,
  toggle: commandReply,
  write: commandReply,
  value: commandReply,
  blink: commandReply,
  pulse: commandReply,
  pattern: commandReply,
  mode: empty,
  cancel: z.object({ cancelled: count }),
  read: z.object({
    pin,
    level: levelSchema.nullable().describe("null: the lines of a group differ"),
    levels: readLevels,
    value: z.number().nullable().describe("the duty commanded; null: not an output, or a wave runs, or the lines of a group differ"),
    state: pinStateSchema,
    timestampNs,
  }),
  watch: z.object({ sub: count, level: levelSchema.nullable().describe("null: the lines of a group differ"), levels: readLevels }),
  observe: z.object({ sub: count, state: z.string() }),
  unwatch: empty,
  close: empty,
  pools: z.object({ pools: z.array(poolInfoSchema) }),
  "pool.create": poolLayoutSchema,
  "pool.open": poolLayoutSchema,
  "pool.remove": empty,
  "slot.acquire": grantSchema,
  "slot.publish": z.object({
    seq,
    next: grantSchema.nullable().optional().describe("with acquire; null: no slot is free now"),
  }),
  "slot.abort": empty,
  "slot.release": z.object({ valid: z.boolean().describe("false: the lease was revoked, and what was read may be torn") }),
  "frames.subscribe": z.object({ sub: count }),
  topics: z.object({ topics: z.array(topicInfoSchema).describe("those that keep a value, the one published last at the end") }),
  "topic.publish": z.object({ subscribers: count.describe("subscriptions that are told") }),
  "topic.subscribe": z.object({ sub: count, retained: count.describe("how many kept values come first") }),
  processes: z.object({ processes: z.array(processInfoSchema).describe("for clients with the right admin") }),
  "process.start": processInfoSchema,
  "process.stop": processInfoSchema,
  "process.restart": processInfoSchema,
  cameras: z.object({ cameras: z.array(cameraInfoSchema).describe("those whose pool one may use") }),
  "camera.start": cameraInfoSchema,
  "camera.stop": cameraInfoSchema,
  "camera.pause": cameraInfoSchema,
  "camera.resume": cameraInfoSchema,
  "camera.fps": cameraInfoSchema,
  "camera.preview": cameraInfoSchema,
  "camera.save": cameraInfoSchema,
  "camera.snapshot": cameraSnapshotSchema,
  "camera.create": cameraInfoSchema,
  "camera.remove": empty,
  "camera.attach": z.object({ sub: count, settings: cameraOrdersSchema }),
  "camera.report": empty,
  actors: z.object({
    actors: z.array(actorInfoSchema).describe("those that the client may see, each behind the one that it is a part of"),
  }),
  "actor.describe": z.object({
    address: z.string().describe("the canonical one"),
    kind: kindSchema,
    machine: z
      .record(z.string(), z.unknown())
      .nullable()
      .describe(
        "its definition, as XState's createMachine takes it, with names in the place of functions; null: it is no machine, or a user's actor that has never run",
      ),
    accepts: z.array(
      z.object({
        type: z.string().describe("of the event"),
        schema: z.record(z.string(), z.unknown()).describe("its other fields, as JSON Schema"),
      }),
    ),
  }),
  "actor.send": empty,
  "actor.ask": z.object({ reply: z.unknown().optional().describe("what the actor answers; absent: nothing") }),
  trace: z.object({ sub: count }),
  "actor.start": userActorInfoSchema,
  "actor.stop": userActorInfoSchema,
  "actor.restart": userActorInfoSchema,
  reload: empty,
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
    member: z.string().optional().describe("of a group: the line whose edge it is"),
    index: count.optional().describe("of a group: the place of that line, from 0"),
    memberSeq: count.optional().describe("of a group: counts that line's edges of this watch, as seq counts all"),
    level: levelSchema.describe("after the edge"),
    timestampNs,
    seq: count.describe("counts the edges of this watch from 1, lost ones included"),
    lost,
  }),
  silence: z.object({
    sub: count,
    ev: z.literal("silence"),
    pin: z.string(),
    silenceMs: z.number().describe("as the watch has said: no edge of it came for so long"),
    timestampNs: timestampNs.describe("when that time was up"),
  }),
  state: z.object({
    sub: count,
    ev: z.literal("state"),
    pin: z.string(),
    state: pinStateSchema,
    level: levelSchema.nullable().describe("null: closed, or a wave runs, or the lines of a group differ"),
    levels: memberLevels,
    value: z.number().nullable(),
    command: count.nullable().describe("the command that holds the line"),
    by: z.string().nullable().describe("the name of the client that gave it"),
    lost,
  }),
  transition: z.object({
    sub: count,
    ev: z.literal("transition"),
    address: z.string().describe("of the actor"),
    event: z.string().nullable().describe("what it was told; null: this is what it was found in, or its time was up"),
    from: z.string().nullable().describe("its state before; null: nothing has been told of it yet"),
    state: z.string().describe("gone: there is no such actor any more"),
    data: z.record(z.string(), z.unknown()).describe("what its kind has to show"),
    timestampNs: timestampNs.describe("when it was told, CLOCK_MONOTONIC, ns"),
    lost: count.describe("events lost since the one before, because this client was slow"),
  }),
  frame: z.object({
    sub: count,
    ev: z.literal("frame"),
    slot: count,
    generation,
    lease,
    epoch,
    seq,
    bytes: count,
    timestampNs: timestampNs.describe("of its capture, CLOCK_MONOTONIC, ns"),
    ...format,
    meta: z.record(z.string(), z.unknown()).optional().describe("what the producer has said of it"),
    lost: count.describe("frames that the group has dropped since the one before"),
  }),
  revoked: z.object({
    sub: count,
    ev: z.literal("revoked"),
    lease: count.describe("held for longer than maxHoldMs; the next frame comes when it is released"),
  }),
  message: z.object({
    sub: count,
    ev: z.literal("message"),
    topic: z.string().describe("the name that it was published on"),
    value: z.unknown().optional().describe("absent: it has none"),
    retained: z.boolean().describe("it was kept, and published before this subscription was there"),
    timestampNs: timestampNs.describe("when it was published, CLOCK_MONOTONIC, ns"),
    by: z.string().describe("the name of the client that has published it"),
    lost: count.describe("messages lost since the one before, because this client was slow"),
  }),
  order: z.object({
    sub: count,
    ev: z.literal("order"),
    order: count.describe("its number, for the report that answers it"),
    type: z.enum(["pause", "resume", "soon", "fps", "snapshot"]),
    fps: z.number().optional().describe("of soon and fps: frames a second that the camera is about to bring, or brings"),
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
