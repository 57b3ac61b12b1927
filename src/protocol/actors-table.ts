import { z } from "zod";
import { assertConfig, badConfig, keyOf } from "./assert-config.ts";
import { MAX_DURATION_MS, MIN_DURATION_MS } from "./limits.ts";
import { MAX_RESTARTS, restartPolicySchema } from "./process-table.ts";

const durationMs = z.number().min(MIN_DURATION_MS).max(MAX_DURATION_MS);

/** A thread shows a sign of life twice a second: who is to be missed sooner than that would be missed while it is well, in ms. */
const MIN_BLOCKED_MS = 1000;

/** How users' actors are supervised, as the configuration describes it. */
export const actorsTableSchema = z.strictObject({
  folder: z.string().min(1).optional().describe("where their files are: every .ts, .js and .mjs directly in it is an actor"),
  watch: z
    .boolean()
    .optional()
    .describe("whether a file that changes is swapped at once, not only when the configuration is read again; default false"),
  restart: restartPolicySchema.optional().describe("when one is started again after it has ended by itself; default on-failure"),
  blockedMs: durationMs
    .min(MIN_BLOCKED_MS)
    .optional()
    .describe("for so long the event loop of one's thread may stand still, then it is ended; default 2000"),
  backoffMs: durationMs.optional().describe("the first pause before one is started again; each is twice the one before; default 500"),
  maxBackoffMs: durationMs.optional().describe("the longest pause; default 60000"),
  restartLimit: z.int().min(0).max(MAX_RESTARTS).optional().describe("so many restarts of one there may be within the window; default 10"),
  restartWindowMs: durationMs.optional().describe("the window; default 600000"),
  graceMs: durationMs.optional().describe("how long one may take to end when it is to; default 5000"),
});
/** How users' actors are supervised, as the configuration describes it. */
export type ActorsTable = z.infer<typeof actorsTableSchema>;

/** What holds for every user's actor. */
export type ActorSettings = { readonly [K in Exclude<keyof ActorsTable, "folder" | "watch">]-?: NonNullable<ActorsTable[K]> };

const defaults: ActorSettings = {
  restart: "on-failure",
  blockedMs: 2000,
  backoffMs: 500,
  maxBackoffMs: 60_000,
  restartLimit: 10,
  restartWindowMs: 600_000,
  graceMs: 5000,
};

/** What holds by a table, with the defaults where it says nothing. @throws HoldfastError `BAD_CONFIG` with the `key` */
export function actorSettings(table: ActorsTable): ActorSettings {
  const said = Object.fromEntries(Object.entries(table).filter(([, value]) => value !== undefined)) as ActorsTable;
  assertConfig(actorsTableSchema, said, ["actors"]);
  const { folder: _folder, watch: _watch, ...settings } = { ...defaults, ...said } as ActorSettings & ActorsTable;
  const { backoffMs, maxBackoffMs } = settings;
  if (backoffMs > maxBackoffMs) {
    throw badConfig(keyOf(["actors", "backoffMs"]), `${backoffMs} ms is longer than maxBackoffMs, ${maxBackoffMs} ms`);
  }
  return settings;
}
