import { z } from "zod";
import { topicFilterSchema } from "./topics.ts";

/** Names of pins, pools or actors, or filters of topics; `*`: all. */
export type Names = "*" | readonly string[];

const names = z.union([z.literal("*"), z.array(z.string().min(1))], {
  error: 'must be a list of names, such as ["GPIO17", "GPIO27"], or "*" for all',
});
/** `*` among others is the name of a topic, and no person who writes it means that. */
const filter = topicFilterSchema.refine((topic) => topic !== "*", 'is a name in a list; for all topics leave the list out: "*"');
const filters = z.union([z.literal("*"), z.array(filter)], {
  error: 'must be a list of filters of topics, such as ["door/#", "alarm"], or "*" for all',
});
const account = z.union([z.string().min(1), z.int().nonnegative()], { error: "must be a name, or a number from 0 on" });

/** What an operator says of some clients, in a table `[access.NAME]`: who they are, and what they may do. */
export const accessTableSchema = z.strictObject({
  token: z
    .string()
    .regex(/^sha256:[0-9a-f]{64}$/, "must be what `holdfast token` prints: sha256: and 64 hexadecimal digits")
    .optional()
    .describe("clients on the network that send this token: `holdfast token` makes one"),
  user: account.optional().describe("a user of this machine's Unix socket, by name or number"),
  group: account.optional().describe("users of this machine's Unix socket whose process is in this group"),
  certificate: z.string().min(1).optional().describe("clients on the network whose certificate has this common name"),
  read: names.optional().describe("pins whose level and state they may see"),
  watch: names.optional().describe("pins that they may open as inputs, and watch"),
  command: names.optional().describe("pins that they may open as outputs, and command"),
  frames: names.optional().describe("pools that they may make, use and remove"),
  publish: filters.optional().describe("topics that they may publish on, as filters"),
  subscribe: filters.optional().describe("topics that they may subscribe to, as filters of which one must cover theirs"),
  actors: names.optional().describe("users' actors that they may see and send events to"),
  admin: z.boolean().optional().describe("they may end the supervisor, and drive simulated lines from outside"),
});
/** What an operator says of some clients. */
export type AccessTable = z.infer<typeof accessTableSchema>;

/** The rights that are to something. */
const listed = ["read", "watch", "command", "frames", "publish", "subscribe", "actors"] as const;

/** What a client may do. */
export interface Access {
  /** The tables of the configuration that say so, by their names; none: nothing is said of it, and it may do everything. */
  readonly rules: readonly string[];
  /** Pins whose levels and states it may see. */
  readonly read: Names;
  /** Pins that it may open as inputs, and whose edges it may be told of. It may see them, too. */
  readonly watch: Names;
  /** Pins that it may open as outputs, and command. It may see them, too. */
  readonly command: Names;
  /** Pools that it may use. */
  readonly frames: Names;
  /** Topics that it may publish to, as filters. */
  readonly publish: Names;
  /** Topics that it may subscribe to, as filters of which one must mean all that it subscribes to. */
  readonly subscribe: Names;
  /** Users' actors that it may see, send to and ask. */
  readonly actors: Names;
  /** Whether it may end the supervisor, see, start and stop processes, and drive simulated lines from outside. */
  readonly admin: boolean;
}

/** That of clients of whom nothing is said. */
export const fullAccess: Access = {
  rules: [],
  read: "*",
  watch: "*",
  command: "*",
  frames: "*",
  publish: "*",
  subscribe: "*",
  actors: "*",
  admin: true,
};

/** That of clients of whom all these tables speak: what one of them allows is allowed. */
export function accessBy(tables: readonly (readonly [name: string, table: AccessTable])[]): Access {
  const all = (right: (typeof listed)[number]) => union(tables.map(([, table]) => table[right] ?? []));
  return {
    rules: tables.map(([name]) => name),
    read: all("read"),
    watch: all("watch"),
    command: all("command"),
    frames: all("frames"),
    publish: all("publish"),
    subscribe: all("subscribe"),
    actors: all("actors"),
    admin: tables.some(([, { admin }]) => admin === true),
  };
}

/** Whether a right is lost that there was before. Names count as they are written. */
export function isLess(now: Access, before: Access): boolean {
  const has = (names: Names, name: string) => names === "*" || names.includes(name);
  const lost = listed.some((right) => [...before[right]].some((name) => !has(now[right], name)));
  return lost || (before.admin && !now.admin);
}

function union(lists: readonly Names[]): Names {
  const joined = new Set(lists.flat());
  return joined.has("*") ? "*" : [...joined];
}
