import { z } from "zod";
import { assertConfig, badConfig, keyOf } from "./assert-config.ts";
import { HoldfastError } from "./errors.ts";
import { MAX_DURATION_MS, MAX_NAME_LENGTH, MIN_DURATION_MS } from "./limits.ts";

/** Most restarts that a window may allow. */
export const MAX_RESTARTS = 1000;

const durationMs = z.number().min(MIN_DURATION_MS).max(MAX_DURATION_MS);
/** What the kernel ends a text at. */
const text = z.string().regex(/^[^\0]*$/, "must not hold NUL");

/** A process's name is said in requests, in its environment and in the log. */
export const processNameSchema = z
  .string()
  .min(1)
  .max(MAX_NAME_LENGTH)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, "must be letters, digits, and . _ - behind the first")
  .describe("letters, digits, and . _ - behind the first");

/** When a process that has ended by itself is started again. */
export const restartPolicySchema = z.enum(["always", "on-failure", "never"]);

/** A process to supervise, as the configuration describes it. */
export const processTableSchema = z.strictObject({
  command: z.array(text).min(1).describe("the program, by its path or looked for in PATH, and its arguments"),
  directory: text
    .startsWith("/", "must be a path from the root: /srv/algo")
    .optional()
    .describe("where it runs, as a path from the root; default where the supervisor does"),
  environment: z
    .record(z.string().regex(/^[^=\0]+$/, "must be the name of a variable"), text)
    .optional()
    .describe("variables beside the supervisor's own"),
  autostart: z.boolean().optional().describe("whether it runs from the start on; default true"),
  after: z.array(processNameSchema).optional().describe("processes that must run before it is started"),
  restart: restartPolicySchema.optional().describe("when it is started again after it has ended by itself; default on-failure"),
  backoffMs: durationMs.optional().describe("the first pause before that; each is twice the one before; default 500"),
  maxBackoffMs: durationMs.optional().describe("the longest pause; default 60000"),
  restartLimit: z.int().min(0).max(MAX_RESTARTS).optional().describe("so many restarts there may be within the window; default 10"),
  restartWindowMs: durationMs.optional().describe("the window; default 600000"),
  graceMs: durationMs.optional().describe("from SIGTERM to SIGKILL when it is to end; default 5000"),
  heartbeatMs: durationMs.optional().describe("so often it must send a request, or it is taken to hang; default: it need not"),
  startMs: durationMs.optional().describe("with heartbeatMs: how long it may take to be heard for the first time; default 30000"),
});
/** A process to supervise, as the configuration describes it. */
export type ProcessTable = z.infer<typeof processTableSchema>;

/** What every process has, said or not. */
type Settled =
  | "autostart"
  | "after"
  | "restart"
  | "backoffMs"
  | "maxBackoffMs"
  | "restartLimit"
  | "restartWindowMs"
  | "graceMs"
  | "startMs";

/** A table in which nothing is left open that has a default. */
export type ProcessSettings = Omit<ProcessTable, Settled> & Defaults;

type Defaults = { readonly [K in Settled]: NonNullable<ProcessTable[K]> };

const defaults: Defaults = {
  autostart: true,
  after: [],
  restart: "on-failure",
  backoffMs: 500,
  maxBackoffMs: 60_000,
  restartLimit: 10,
  restartWindowMs: 600_000,
  graceMs: 5000,
  startMs: 30_000,
};

/** A table with what holds where it says nothing. */
export function processSettings(table: ProcessTable): ProcessSettings {
  const said = Object.fromEntries(Object.entries(table).filter(([, value]) => value !== undefined)) as ProcessTable & Defaults;
  return { ...defaults, ...said };
}

/** @throws HoldfastError `BAD_CONFIG` with the `key`: the first of `mistakesInProcesses` */
export function assertProcessTables(tables: Readonly<Record<string, ProcessTable>>): void {
  for (const mistake of mistakesInProcesses(tables)) throw mistake;
}

/**
 * What is wrong with tables of processes, each `BAD_CONFIG` with the `key`: with one by itself, or with an `after` that names no process
 * or leads back to its own.
 */
export function* mistakesInProcesses(tables: Readonly<Record<string, ProcessTable>>): Generator<HoldfastError> {
  for (const [name, table] of Object.entries(tables)) {
    const mistake = mistakeIn(name, table);
    if (mistake !== null) {
      yield mistake;
      continue;
    }
    const { after, backoffMs, maxBackoffMs } = processSettings(table);
    const key = (last: string) => keyOf(["process", name, last]);
    const unknown = after.find((other) => !Object.hasOwn(tables, other));
    if (unknown !== undefined) yield badConfig(key("after"), `there is no process ${unknown}`);
    const circle = circleFrom(name, tables);
    if (circle !== null) yield badConfig(key("after"), `leads round in a circle: ${circle.join(" after ")}`);
    if (table.startMs !== undefined && table.heartbeatMs === undefined)
      yield badConfig(key("startMs"), "is for a process with heartbeatMs");
    if (backoffMs > maxBackoffMs) yield badConfig(key("backoffMs"), `${backoffMs} ms is longer than maxBackoffMs, ${maxBackoffMs} ms`);
  }
}

/** What a program says has been checked by no parser. */
function mistakeIn(name: string, table: ProcessTable): HoldfastError | null {
  try {
    assertConfig(processNameSchema, name, ["process", name]);
    assertConfig(processTableSchema, table, ["process", name]);
    return null;
  } catch (error) {
    return HoldfastError.from(error);
  }
}

/** The way from a process over those that it is started after and back to it; null: there is none. */
function circleFrom(name: string, tables: Readonly<Record<string, ProcessTable>>): readonly string[] | null {
  const seen = new Set<string>();
  const search = (at: string, path: readonly string[]): readonly string[] | null => {
    for (const next of tables[at]?.after ?? []) {
      if (next === name) return [...path, next];
      if (seen.has(next)) continue;
      seen.add(next);
      const found = search(next, [...path, next]);
      if (found !== null) return found;
    }
    return null;
  };
  return search(name, [name]);
}
