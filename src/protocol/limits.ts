import { z } from "zod";

/** What one supervisor may be asked to hold. Going over one gives a `LIMIT_…` error, never growth. */
export interface Limits {
  /** Longest message, in bytes of CBOR. */
  readonly messageBytes: number;
  /** Deepest nesting of maps and arrays in a message. */
  readonly messageDepth: number;
  /** Clients at once. */
  readonly clients: number;
  /** Watches, observations, and subscriptions to frames and topics of one client. */
  readonly subscriptions: number;
  /** Leases of one client: frames that it holds or writes, and what it has yet to give back of those that are gone. */
  readonly leases: number;
  /** Requests of one client that await their reply. */
  readonly pendingRequests: number;
  /** Commands queued on one pin. */
  readonly queuedCommands: number;
  /** Events kept for a subscription whose client is slow; older ones are lost, and counted. */
  readonly backlogEvents: number;
  /** Bytes of the messages on topics kept for such a subscription; older ones are lost, and counted. */
  readonly backlogBytes: number;
  /** Bytes written to one client and not yet taken by its socket; beyond them it is disconnected. */
  readonly unsentBytes: number;
  /** Pools of frames at once. */
  readonly pools: number;
  /** Longest `meta` of a frame, in bytes of CBOR. */
  readonly metaBytes: number;
  /** Topics that keep their last value. */
  readonly topics: number;
  /** Longest time an output may be active without a break, across commands, in ms; Infinity: as long as it likes. */
  readonly maxOnMs: number;
}

/** The limits that hold unless they are configured. */
export const defaultLimits: Limits = {
  messageBytes: 64 * 1024,
  messageDepth: 8,
  clients: 512,
  subscriptions: 256,
  leases: 4096,
  pendingRequests: 1024,
  queuedCommands: 1024,
  backlogEvents: 1024,
  backlogBytes: 1024 * 1024,
  unsentBytes: 1024 * 1024,
  pools: 64,
  metaBytes: 4096,
  topics: 1024,
  maxOnMs: Number.POSITIVE_INFINITY,
};

/** Largest number that a limit may be. It is there to catch mistakes: no machine holds so many of anything. */
const MAX_LIMIT = 1e15;

/** How long a soft shutdown may take before it becomes a hard one, unless it is told, in ms. */
export const DEFAULT_DRAIN_MS = 10_000;

/** Longest duration of any field, in ms: ten years. It keeps every instant within the exact range of a double in µs. */
export const MAX_DURATION_MS = 10 * 365 * 24 * 3600 * 1000;

/** Shortest duration of any field, in ms: the grain of all timing is 1 µs. */
export const MIN_DURATION_MS = 0.001;

/** Shortest cycle of a blink, pulse or pattern, in ms. Faster ones are PWM's work, and would only burn the processor. */
export const MIN_PERIOD_MS = 0.1;
/** Shortest step of a pattern on the average, in ms: as many changes in its time as the shortest blink has. A single step may be shorter. */
export const MIN_MEAN_STEP_MS = MIN_PERIOD_MS / 2;
/** The lowest and the highest frequency of software PWM, in Hz: a period in ten seconds, and one in `MIN_PERIOD_MS`. */
export const MIN_PWM_HZ = 0.1;
/** See `MIN_PWM_HZ`. */
export const MAX_PWM_HZ = 1000 / MIN_PERIOD_MS;
/** The frequency of PWM unless an output says another: no eye sees it flicker, and a thousandth of its period is 5 µs. */
export const DEFAULT_PWM_HZ = 200;

/** Most cycles of a counted wave. */
export const MAX_CYCLES = 1_000_000_000;

/** Most steps of one pattern. */
export const MAX_STEPS = 1000;

/** Longest debounce that the kernel's field holds, in µs. */
export const MAX_DEBOUNCE_US = 0xffff_ffff;

/** Longest name of a line or client, in characters. */
export const MAX_NAME_LENGTH = 64;

/** Most lines of a group (GPIO_V2_LINES_MAX). */
export const MAX_LINES = 64;

/** Longest name of a group, in characters: those of its lines, with a `+` between them. */
export const MAX_GROUP_NAME_LENGTH = MAX_LINES * (MAX_NAME_LENGTH + 1) - 1;

/** Fewest slots of a pool: one to write while the latest frame is kept in the other. */
export const MIN_SLOTS = 2;

/** Fewest slots of a pool that a consumer can subscribe to: it reads one, one waits for it, one is written, one keeps the latest frame. */
export const LEAST_SLOTS_TO_READ = 4;

/** Most slots of one pool. */
export const MAX_SLOTS = 1024;

/** Largest payload of a slot, in bytes: 1 GiB. */
export const MAX_SLOT_BYTES = 2 ** 30;

/** Largest width and height of a frame, in pixels. */
export const MAX_SIDE_PIXELS = 32_768;

/** Longest name of a topic, and longest filter, in characters. */
export const MAX_TOPIC_LENGTH = 256;

/** Most levels of the name of a topic, or of a filter. */
export const MAX_TOPIC_LEVELS = 32;

/** Longest name of a pool, in characters: it is part of a file's name. */
export const MAX_POOL_NAME_LENGTH = 48;

/** The longest path of a socket: sun_path has 108 bytes, the last one is NUL (unix(7)). */
export const MAX_SOCKET_PATH_BYTES = 107;

/** Most frames that one group may have waiting. */
export const MAX_DEPTH = 256;

const countable = z.int().min(1).max(MAX_LIMIT).optional();

/** What an operator says of limits. */
export const limitsSchema = z.strictObject({
  messageBytes: countable.describe("the longest message, in bytes of CBOR"),
  messageDepth: countable.describe("the deepest nesting of maps and arrays in a message"),
  clients: countable.describe("clients at once"),
  subscriptions: countable.describe("watches, observations, and subscriptions to frames and topics of one client"),
  leases: countable.describe("leases of one client"),
  pendingRequests: countable.describe("requests of one client that await their reply"),
  queuedCommands: countable.describe("commands queued on one pin"),
  backlogEvents: countable.describe("events kept for a slow subscription"),
  backlogBytes: countable.describe("bytes of the messages on topics kept for a slow subscription"),
  unsentBytes: countable.describe("bytes written to one client that it has not read"),
  pools: countable.describe("pools at once"),
  metaBytes: countable.describe("the longest meta of a frame, in bytes of CBOR"),
  topics: countable.describe("topics that keep their last value"),
  maxOnMs: z
    .number()
    .min(MIN_DURATION_MS)
    .max(MAX_DURATION_MS)
    .optional()
    .describe("for how long an output may be active without a break, in ms, also fractions of one"),
} satisfies Record<keyof Limits, z.ZodType>);
