import { z } from "zod";
import { actorNameSchema, addressSchema } from "./addresses.ts";
import { cameraNameSchema, cameraTableSchema, framesPerSecondSchema } from "./camera-table.ts";
import { HoldfastError } from "./errors.ts";
import { issueInWords } from "./issue-in-words.ts";
import {
  MAX_CYCLES,
  MAX_DEBOUNCE_US,
  MAX_DEPTH,
  MAX_DURATION_MS,
  MAX_GROUP_NAME_LENGTH,
  MAX_LINES,
  MAX_NAME_LENGTH,
  MAX_POOL_NAME_LENGTH,
  MAX_PWM_HZ,
  MAX_SIDE_PIXELS,
  MAX_SLOT_BYTES,
  MAX_SLOTS,
  MAX_STEPS,
  MIN_DURATION_MS,
  MIN_MEAN_STEP_MS,
  MIN_PERIOD_MS,
  MIN_PWM_HZ,
  MIN_SLOTS,
} from "./limits.ts";
import { processNameSchema } from "./process-table.ts";
import { topicFilterSchema, topicNameSchema } from "./topics.ts";

export { PROTOCOL_VERSION } from "./version.ts";

const id = z.int().nonnegative().describe("chosen by the client, unique among its unanswered requests");
const name = z.string().min(1).max(MAX_NAME_LENGTH);
/** Names of clients come to terminals and logs: no control characters, of which some move the cursor, hide text or turn it round. */
const clientName = name.regex(/^[^\p{Cc}\p{Bidi_Control}]*$/u, "must not hold control characters").describe("no control characters");
const pin = z
  .string()
  .min(1)
  .max(MAX_GROUP_NAME_LENGTH)
  .refine(
    (text) => text.split("+").every((part) => part.length <= MAX_NAME_LENGTH),
    `must have at most ${MAX_NAME_LENGTH} characters for each line`,
  )
  .describe("GPIO17, 17, BOARD11, a line name, or chip-label:offset; several of one chip, with + between them, are a group");
const durationMs = z.number().min(MIN_DURATION_MS).max(MAX_DURATION_MS).describe("in ms, may be fractional; 1 µs to ten years");
const count = z.int().min(1).max(MAX_CYCLES);
const timestampNs = z
  .bigint()
  .nonnegative()
  .max(2n ** 64n - 1n)
  .describe("CLOCK_MONOTONIC, ns");
const sub = z.int().positive().describe("the number that `watch`, `observe`, `trace`, `frames.subscribe` or `topic.subscribe` answered");
/** A pool's name is part of its file's name. */
const pool = z
  .string()
  .min(1)
  .max(MAX_POOL_NAME_LENGTH)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, "must be letters, digits, and . _ - behind the first")
  .describe("letters, digits, and . _ - behind the first");
const lease = z.int().positive().describe("the number of the grant, or of the frame event");
const sidePixels = z.int().min(1).max(MAX_SIDE_PIXELS);

/** The level of a line: 1 is active, whatever the voltage (GPIO_V2_LINE_FLAG_ACTIVE_LOW). */
export const levelSchema = z.union([z.literal(0), z.literal(1)]);
/** The level of each line of a pin, in the order of its name. */
export const levelsSchema = z.array(levelSchema).min(1).max(MAX_LINES);
/** How a pin treats a command that comes while another holds it. */
export const modeSchema = z.enum(["wait", "nowait"]);
/** Which edges a watch is told of. */
export const edgeSchema = z.enum(["rising", "falling", "both"]);
/** The pull resistor of a line; `as-is` leaves it as it was found. */
export const biasSchema = z.enum(["as-is", "disabled", "pull-up", "pull-down"]);
/** How an output drives its line. */
export const driveSchema = z.enum(["push-pull", "open-drain", "open-source"]);
/** What a pin does when the last client that holds it ends without closing it. */
export const onDisconnectSchema = z.enum(["close", "stay"]);
/** Where a line is driven before it is released. */
export const closeLevelSchema = z.enum(["off", "on", "keep"]);

/** A pin as a configuration file describes it: what no client may go beyond. */
export const pinConfigSchema = z.strictObject({
  alias: z
    .string()
    .max(MAX_NAME_LENGTH)
    .regex(/^[A-Za-z][A-Za-z0-9_.-]*$/, "must be letters, digits, and . _ - behind the first letter")
    .refine((text) => !/^(?:gpio|board)\d+$/i.test(text), "must not look like a place on a header, as GPIO17 and BOARD11 do")
    .optional()
    .describe("one more name of the pin"),
  initial: levelSchema.optional().describe("the level with which it is opened as an output: 1 is active"),
  closeLevel: closeLevelSchema.optional().describe("where it is driven when it closes, and when the supervisor ends"),
  maxOnMs: z
    .number()
    .min(MIN_DURATION_MS)
    .max(MAX_DURATION_MS)
    .optional()
    .describe("for how long it may be active without a break, in ms, also fractions of one"),
  pwm: z
    .string()
    .regex(/^[^/\s]+\/\d{1,3}$/, "must be a chip and a channel of hardware PWM: fe20c000.pwm/0")
    .optional()
    .describe("the channel of hardware PWM that the pin is, by its chip's device or number: fe20c000.pwm/0"),
});

/** What a group of consumers does with a frame for which it has no room. */
export const policySchema = z.enum(["latest", "drop-oldest", "drop-newest", "block"]);

/** What is said of a pool when it is made. */
const poolShape = {
  slots: z.int().min(MIN_SLOTS).max(MAX_SLOTS),
  fourcc: z.string().min(1).max(4).optional().describe("a V4L2 pixel format such as BGR3, or RAW, the default"),
  width: sidePixels.optional().describe("in pixels; every format but RAW needs it"),
  height: sidePixels.optional().describe("in pixels"),
  stride: z.int().min(1).max(MAX_SLOT_BYTES).optional().describe("bytes from one line of pixels to the next; default: no padding"),
  bytes: z
    .int()
    .min(1)
    .max(MAX_SLOT_BYTES)
    .optional()
    .describe("what a slot holds; RAW needs it, others have room for one image, compressed ones for 2 bytes a pixel"),
};
/** A pool as a configuration file describes it. */
export const poolSettingsSchema = z.strictObject(poolShape);

/** Which of its processes of a camera speaks. */
export const cameraPartSchema = z.enum(["capture", "preview", "record", "snapshot"]);
/** One of the processes of a camera. */
export type CameraPartName = z.infer<typeof cameraPartSchema>;

const counted = z.int().nonnegative().optional();
/** What a process of a camera has counted. */
export const cameraCountersSchema = z.strictObject({
  frames: counted.describe("that have come whole"),
  skipped: counted.describe("of these: for which there was no slot"),
  discarded: counted.describe("of these: that came while it was paused"),
  truncated: counted.describe("that ended before their end"),
  files: counted.describe("that were written"),
  bytes: counted.describe("that were written"),
});
/** What a process of a camera has counted. */
export type CameraCounters = z.infer<typeof cameraCountersSchema>;

/** Longest sentence that a process of a camera may say. */
const MAX_MESSAGE_LENGTH = 4096;

/** The longest path that the kernel takes, in bytes (PATH_MAX). */
const MAX_PATH_LENGTH = 4096;

/** A policy says which of `depth` and `deadlineMs` it has. Who names none may mean that of a group, but says no more of it. */
function policyHasItsFields(
  request: { policy?: Policy | undefined; depth?: number | undefined; deadlineMs?: number | undefined },
  context: z.RefinementCtx,
) {
  const { policy, depth, deadlineMs } = request;
  if ((policy ?? "latest") === "latest" && depth !== undefined && depth !== 1) {
    const message = policy === undefined ? "is 1 with policy latest, the default: name another policy" : "is 1 with policy latest";
    context.addIssue({ code: "custom", path: ["depth"], message });
  }
  if (policy === "block" && deadlineMs === undefined) {
    context.addIssue({ code: "custom", path: ["deadlineMs"], message: "says for how long policy block may keep a producer waiting" });
  }
  if (policy !== "block" && deadlineMs !== undefined) {
    context.addIssue({ code: "custom", path: ["deadlineMs"], message: "is for policy block" });
  }
}

/** What may be said of a pin when it is opened and, but for `maxOnMs`, changed later. */
const settings = {
  mode: modeSchema.optional().describe("outputs; default wait"),
  bias: biasSchema.optional().describe("default as-is"),
  drive: driveSchema.optional().describe("outputs; default push-pull"),
  activeLow: z.boolean().optional().describe("default false"),
  debounceUs: z.int().nonnegative().max(MAX_DEBOUNCE_US).optional().describe("inputs; 0 is none, the default"),
  onDisconnect: onDisconnectSchema.optional().describe("default close"),
  closeLevel: closeLevelSchema.optional().describe("outputs; default off, or as the supervisor is configured"),
  frequencyHz: z.number().min(MIN_PWM_HZ).max(MAX_PWM_HZ).optional().describe("outputs; of PWM, from the next command on; default 200"),
  maxOnMs: durationMs
    .optional()
    .describe(
      "outputs; the longest time active without a break, set when the pin becomes one, and never longer than before; default as long as the supervisor allows",
    ),
};

const initial = z.union([levelSchema, levelsSchema]).optional();

const outputOnly = ["share", "mode", "drive", "closeLevel", "frequencyHz", "maxOnMs", "initial"] as const;
const inputOnly = ["debounceUs"] as const;

/** A setting that the direction has no use for is a mistake, and is named. */
function settingsFitDirection(request: { direction?: "out" | "in" | undefined } & Record<string, unknown>, context: z.RefinementCtx): void {
  if (request.direction === undefined) return;
  const misplaced = (request.direction === "in" ? outputOnly : inputOnly).find((field) => request[field] !== undefined);
  if (misplaced !== undefined) {
    const belongs = request.direction === "in" ? "outputs" : "inputs";
    context.addIssue({ code: "custom", path: [misplaced], message: `is for ${belongs}` });
  }
}

/** What every command of an output has beside its own fields. */
const command = {
  pin,
  durationMs: durationMs.optional().describe("the command's whole time; absent: endless, or n cycles"),
  mode: modeSchema.optional().describe("for this command alone; default the pin's"),
  ack: z.enum(["accepted", "started", "done"]).optional().describe("when the reply comes; default accepted"),
};

/** A cycle shorter than the grain of PWM would only burn the processor. */
function cycleIsLongEnough(field: string, cycleMs: number, context: z.RefinementCtx): void {
  if (cycleMs < MIN_PERIOD_MS || cycleMs > MAX_DURATION_MS) {
    context.addIssue({
      code: "custom",
      path: [field],
      message: `makes a cycle of ${cycleMs} ms; it must last ${MIN_PERIOD_MS} to ${MAX_DURATION_MS} ms`,
    });
  }
}

/** More changes than that would keep a processor busy with nothing else: in real time nothing else would run on it. */
function stepsAreLongEnough(steps: number, cycleMs: number, context: z.RefinementCtx): void {
  // What the sum of many fractions has in its last digits is no reason.
  const ms = Math.round(cycleMs * 1000) / 1000;
  if (ms >= steps * MIN_MEAN_STEP_MS) return;
  const message = `has ${steps} steps in ${ms} ms; they must last ${MIN_MEAN_STEP_MS} ms each on the average`;
  context.addIssue({ code: "custom", path: ["steps"], message });
}

/** A step says what all lines do, or what each does. */
function stepHasItsLevel(step: { level?: Level | undefined; levels?: Level[] | undefined }, context: z.RefinementCtx): void {
  if ((step.level === undefined) === (step.levels === undefined)) {
    context.addIssue({ code: "custom", path: ["level"], message: "must be there, or levels, and not both" });
  }
}

/** Whatever pin it is, it can't have as many lines as the one step says and as the other says. */
function stepsAreOfOnePin(steps: readonly { readonly levels?: Level[] | undefined }[], context: z.RefinementCtx): void {
  const lines = steps.find(({ levels }) => levels !== undefined)?.levels?.length;
  const index = steps.findIndex(({ levels }) => levels !== undefined && levels.length !== lines);
  if (index === -1) return;
  const message = `has ${steps[index]?.levels?.length} levels, and a step before it has ${lines}`;
  context.addIssue({ code: "custom", path: ["steps", index, "levels"], message });
}

/** Whether all numbers in a value that is a program's own are finite: its readers may have no word for others, as JSON. */
function isAllFinite(value: unknown): boolean {
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return true;
  return Object.values(value).every(isAllFinite);
}

/** What an actor is sent. Which events it takes, and with which fields, is its own matter. */
export const actorEventSchema = z
  .looseObject({ type: z.string().min(1).max(MAX_NAME_LENGTH).describe("which event it is") })
  .refine(isAllFinite, "must not hold NaN or an infinity");

/** An actor is named by its address, or, as a pin, by a name. */
function namesOneActor({ pin, address }: { pin?: string | undefined; address?: string | undefined }, context: z.RefinementCtx): void {
  if (pin === undefined && address === undefined) {
    context.addIssue({ code: "custom", path: ["pin"], message: "must be there, or address" });
  }
  if (pin !== undefined && address !== undefined) {
    context.addIssue({ code: "custom", path: ["address"], message: "stands in the place of pin, and not beside it" });
  }
}

function request<Op extends string, Shape extends z.ZodRawShape>(op: Op, shape: Shape) {
  return z.strictObject({ id, op: z.literal(op), ...shape });
}

/** Every request, by its operation: the single source of truth for parsing, types and docs/protocol.md. */
export const requestSchemas = {
  hello: request("hello", {
    protocol: z.int().nonnegative(),
    name: clientName,
    token: z.string().max(1024).optional().describe("over the network: shows which rights the client has"),
  }),
  ping: request("ping", {
    link: z
      .literal(true)
      .optional()
      .describe("a sign of life of the connection alone, as libraries send it by themselves, and not of the program"),
  }),
  status: request("status", {}),
  pins: request("pins", {}),
  shutdown: request("shutdown", { hard: z.boolean().optional() }),

  open: request("open", {
    pin,
    direction: z.enum(["out", "in"]),
    share: z.boolean().optional().describe("outputs; others may hold it beside this client; default false"),
    ...settings,
    initial: initial.describe("outputs; the level, or that of each line, that is part of the line request; default 0"),
    heartbeatMs: durationMs.optional().describe("the hold ends when this client sends nothing for so long; default: with the connection"),
    waitMs: durationMs.optional().describe("how long to wait for a pin that is closing"),
  }).superRefine(settingsFitDirection),
  configure: request("configure", {
    pin,
    direction: z.enum(["out", "in"]).optional(),
    ...settings,
    initial: initial.describe("the level, or that of each line, that an input takes when it becomes an output"),
  }).superRefine(settingsFitDirection),

  on: request("on", command),
  off: request("off", command),
  toggle: request("toggle", command),
  write: request("write", { ...command, levels: levelsSchema.describe("of each line, all set at once") }),
  value: request("value", { ...command, value: z.number().min(0).max(1).describe("duty, 0 to 1") }),
  blink: request("blink", { ...command, onMs: durationMs, offMs: durationMs, n: count.optional() }).superRefine(
    ({ onMs, offMs }, context) => cycleIsLongEnough("onMs", onMs + offMs, context),
  ),
  pulse: request("pulse", { ...command, fadeInMs: durationMs, fadeOutMs: durationMs, n: count.optional() }).superRefine(
    ({ fadeInMs, fadeOutMs }, context) => cycleIsLongEnough("fadeInMs", fadeInMs + fadeOutMs, context),
  ),
  pattern: request("pattern", {
    ...command,
    steps: z
      .array(
        z
          .strictObject({
            level: levelSchema.optional().describe("of all lines"),
            levels: levelsSchema.optional().describe("in its place: of each line"),
            ms: durationMs,
          })
          .superRefine(stepHasItsLevel),
      )
      .min(1)
      .max(MAX_STEPS),
    n: count.optional(),
  }).superRefine(({ steps }, context) => {
    const cycleMs = steps.reduce((sum, { ms }) => sum + ms, 0);
    cycleIsLongEnough("steps", cycleMs, context);
    stepsAreLongEnough(steps.length, cycleMs, context);
    stepsAreOfOnePin(steps, context);
  }),
  mode: request("mode", { pin, mode: modeSchema }),
  cancel: request("cancel", { pin, command: z.int().positive().optional().describe("absent: every one that this client may cancel") }),
  read: request("read", { pin }),
  watch: request("watch", {
    pin,
    edge: edgeSchema.optional().describe("default both"),
    silenceMs: durationMs.optional().describe("tell when none of these edges comes for so long; default: never"),
  }),
  observe: request("observe", {
    pin: pin.optional(),
    address: addressSchema.optional().describe("in the place of pin: of any actor"),
  }).superRefine(namesOneActor),
  unwatch: request("unwatch", { sub }),
  close: request("close", { pin, hard: z.boolean().optional().describe("drop what is queued; default false") }),

  pools: request("pools", {}),
  "pool.create": request("pool.create", { pool, ...poolShape }),
  "pool.open": request("pool.open", { pool }),
  "pool.remove": request("pool.remove", { pool }),
  "slot.acquire": request("slot.acquire", {
    pool,
    waitMs: durationMs.optional().describe("how long to wait for a slot; default: no longer than the groups with policy block may demand"),
  }),
  "slot.publish": request("slot.publish", {
    lease,
    bytes: z.int().nonnegative().max(MAX_SLOT_BYTES).describe("of the payload that are used"),
    timestampNs: timestampNs.optional().describe("when the frame was captured, 1 s from now at most; default: now"),
    meta: z
      .record(z.string(), z.unknown())
      .refine(isAllFinite, "must not hold NaN or an infinity")
      .optional()
      .describe("anything small, for the consumers"),
    acquire: z.literal(true).optional().describe("grant the next slot with the reply"),
  }),
  "slot.abort": request("slot.abort", { lease }),
  "slot.release": request("slot.release", { lease }),
  "frames.subscribe": request("frames.subscribe", {
    pool,
    group: clientName.optional().describe("consumers of one group share its frames; default: a group of its own"),
    policy: policySchema.optional().describe("default latest, or that of the group"),
    depth: z
      .int()
      .min(1)
      .max(MAX_DEPTH)
      .optional()
      .describe("frames that may wait for the group: 1 with latest, else as said with the policy; default 2"),
    deadlineMs: durationMs.optional().describe("with block, which needs it: how long a producer may be kept waiting"),
    maxHoldMs: durationMs.optional().describe("a frame that is held for longer is revoked; default: never"),
    startWithLatest: z.boolean().optional().describe("begin with the latest frame that there is; default false"),
  }).superRefine(policyHasItsFields),

  topics: request("topics", {}),
  "topic.publish": request("topic.publish", {
    topic: topicNameSchema,
    value: z.unknown().refine(isAllFinite, "must not hold NaN or an infinity").optional().describe("absent: a message without a value"),
    retain: z
      .boolean()
      .optional()
      .describe("keep the value for those who subscribe later, in the place of the one before; without a value: keep none; default false"),
  }),
  "topic.subscribe": request("topic.subscribe", { topic: topicFilterSchema }),

  processes: request("processes", {}),
  "process.start": request("process.start", { process: processNameSchema }),
  "process.stop": request("process.stop", {
    process: processNameSchema,
    hard: z.boolean().optional().describe("end it at once, without its grace; default false"),
  }),
  "process.restart": request("process.restart", { process: processNameSchema }),

  cameras: request("cameras", {}),
  "camera.start": request("camera.start", { camera: cameraNameSchema }),
  "camera.stop": request("camera.stop", {
    camera: cameraNameSchema,
    hard: z.boolean().optional().describe("end it at once, without its grace; default false"),
  }),
  "camera.pause": request("camera.pause", { camera: cameraNameSchema }),
  "camera.resume": request("camera.resume", { camera: cameraNameSchema }),
  "camera.fps": request("camera.fps", { camera: cameraNameSchema, fps: framesPerSecondSchema.describe("frames a second") }),
  "camera.preview": request("camera.preview", { camera: cameraNameSchema, on: z.boolean() }),
  "camera.save": request("camera.save", { camera: cameraNameSchema, on: z.boolean() }),
  "camera.snapshot": request("camera.snapshot", { camera: cameraNameSchema }),
  "camera.create": request("camera.create", { camera: cameraNameSchema, ...cameraTableSchema.shape }),
  "camera.remove": request("camera.remove", { camera: cameraNameSchema }),
  "camera.attach": request("camera.attach", { camera: cameraNameSchema, part: cameraPartSchema }),
  "camera.report": request("camera.report", {
    camera: cameraNameSchema,
    part: cameraPartSchema,
    order: z.int().positive().optional().describe("the one that is answered: it is done, or can't be, as error says"),
    state: z.enum(["running", "paused"]).optional().describe("what it does from now on, where that is not what it was told"),
    snapshot: z
      .strictObject({ file: z.string().max(MAX_PATH_LENGTH), bytes: z.int().nonnegative(), seq: z.int().positive(), timestampNs })
      .optional()
      .describe("that it was to make by the order"),
    counters: cameraCountersSchema.optional().describe("of this process since its start; once a second"),
    error: z
      .looseObject({ code: z.string().max(MAX_NAME_LENGTH), message: z.string().max(MAX_MESSAGE_LENGTH) })
      .optional()
      .describe("why it can't do so; without an order: why it is about to end"),
  }),

  actors: request("actors", { address: addressSchema.optional().describe("that actor and all below it; default: all") }),
  "actor.describe": request("actor.describe", { address: addressSchema }),
  "actor.send": request("actor.send", { address: addressSchema, event: actorEventSchema }),
  "actor.ask": request("actor.ask", {
    address: addressSchema,
    event: actorEventSchema,
    timeoutMs: durationMs.optional().describe("how long the answer may take; default 5000"),
  }),
  trace: request("trace", { address: addressSchema.optional().describe("that actor and all below it; default: all") }),

  "actor.start": request("actor.start", { actor: actorNameSchema }),
  "actor.stop": request("actor.stop", {
    actor: actorNameSchema,
    hard: z.boolean().optional().describe("ends it at once, without the grace"),
  }),
  "actor.restart": request("actor.restart", { actor: actorNameSchema }),
  reload: request("reload", {}),
  "sim.set": request("sim.set", { pin, level: levelSchema.nullable().describe("what the outside drives the wire to; null lets go") }),
  "sim.wire": request("sim.wire", { pin, to: pin }),
};

/** The name of an operation. */
export type Op = keyof typeof requestSchemas;
/** The request of one operation. */
export type RequestOf<O extends Op> = z.infer<(typeof requestSchemas)[O]>;
/** Any request. */
export type Request = { [O in Op]: RequestOf<O> }[Op];
/** The level of a line: 1 is active. */
export type Level = z.infer<typeof levelSchema>;
/** How a pin treats a command that comes while another holds it. */
export type Mode = z.infer<typeof modeSchema>;
/** Which edges a watch is told of. */
export type EdgeFilter = z.infer<typeof edgeSchema>;
/** The pull resistor of a line. */
export type Bias = z.infer<typeof biasSchema>;
/** How an output drives its line. */
export type Drive = z.infer<typeof driveSchema>;
/** What a pin does when the last client that holds it ends without closing it. */
export type OnDisconnect = z.infer<typeof onDisconnectSchema>;
/** Where a line is driven before it is released. */
export type CloseLevel = z.infer<typeof closeLevelSchema>;

/** What an actor is sent. */
export type ActorEvent = z.infer<typeof actorEventSchema>;

/** What the configuration says of a pin: no client may go beyond it. */
export type PinConfig = z.infer<typeof pinConfigSchema>;

/** What a group of consumers does with a frame for which it has no room. */
export type Policy = z.infer<typeof policySchema>;
/** How a pool is laid out, as it is asked for. */
export type PoolSettings = z.infer<typeof poolSettingsSchema>;

/** A request that commands an output. */
export type CommandRequest = RequestOf<"on" | "off" | "toggle" | "write" | "value" | "blink" | "pulse" | "pattern">;

/** A request but for its `id` and `op`, which its client adds. */
export type Fields<O extends Op> = Omit<RequestOf<O>, "id" | "op">;

/**
 * A decoded message as a request.
 * @throws HoldfastError `UNKNOWN_OP`, `UNKNOWN_FIELD`, `MISSING_FIELD` or `BAD_FIELD`, with the `field`
 */
export function parseRequest(message: Readonly<Record<string, unknown>>): Request {
  const { op } = message;
  if (typeof op !== "string")
    throw new HoldfastError(op === undefined ? "MISSING_FIELD" : "BAD_FIELD", "op must name an operation", { field: "op" });
  if (!Object.hasOwn(requestSchemas, op)) {
    throw new HoldfastError("UNKNOWN_OP", `there is no operation "${op.slice(0, MAX_NAME_LENGTH)}"`, {
      field: "op",
      known: Object.keys(requestSchemas),
    });
  }
  const parsed = requestSchemas[op as Op].safeParse(message);
  if (parsed.success) return parsed.data;
  throw explain(op, message, parsed.error.issues[0] as z.core.$ZodIssue);
}

/** The first thing that is wrong with a request, as an error that names the field. */
function explain(op: string, message: Readonly<Record<string, unknown>>, issue: z.core.$ZodIssue): HoldfastError {
  if (issue.code === "unrecognized_keys") {
    const field = [...issue.path, issue.keys[0]?.slice(0, MAX_NAME_LENGTH)].join(".");
    return new HoldfastError("UNKNOWN_FIELD", `${op} has no field "${field}"`, { field });
  }
  const field = issue.path.join(".");
  const value = issue.path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], message);
  if (value === undefined) return new HoldfastError("MISSING_FIELD", `${op} needs the field "${field}"`, { field });
  return new HoldfastError("BAD_FIELD", `${op}: ${field}: ${issueInWords(issue)}`, { field });
}
