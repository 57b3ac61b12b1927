import { isDeepStrictEqual } from "node:util";
import { AccessRules } from "./access/access-rules.ts";
import { type ActorsOptions, actorPlan } from "./actor-plan.ts";
import type { Listeners } from "./listeners.ts";
import type { AccessTable } from "./protocol/access.ts";
import { aliasesOf } from "./protocol/aliases.ts";
import { assertConfig, keyOf } from "./protocol/assert-config.ts";
import type { CameraTable } from "./protocol/camera-table.ts";
import { HoldfastError } from "./protocol/errors.ts";
import { defaultLimits, type Limits, limitsSchema } from "./protocol/limits.ts";
import { type ListenSettings, listenSchema } from "./protocol/listen.ts";
import type { ProcessTable } from "./protocol/process-table.ts";
import type { PinConfig, PoolSettings } from "./protocol/requests.ts";
import { assertCameraTables } from "./supervisor/cameras/camera-tables.ts";
import type { Supervisor } from "./supervisor/supervisor.ts";
import type { Log } from "./supervisor/surroundings.ts";

/** What an operator says, and may say anew while a supervisor runs. What is not said is as it is by default. */
export interface OperatorSettings {
  /** Those that are not to be the default ones. */
  readonly limits?: Partial<Limits>;
  /** What no client may go beyond with a pin, by the pins' names; `*`: with all others. */
  readonly pins?: Readonly<Record<string, PinConfig>>;
  /** Pools of frames that are to be there, by their names. */
  readonly pools?: Readonly<Record<string, PoolSettings>>;
  /** Programs that run in processes of their own as long as the supervisor does, by their names. */
  readonly processes?: Readonly<Record<string, ProcessTable>>;
  /** Cameras that fill pools of their own, by their names. */
  readonly cameras?: Readonly<Record<string, CameraTable>>;
  /** Users' actors: where their files are, and how they are supervised. */
  readonly actors?: ActorsOptions;
  /** Serve on these listeners as well. */
  readonly listen?: ListenSettings;
  /** Who may do what, by the names of the tables; without any, everybody may do everything. */
  readonly access?: Readonly<Record<string, AccessTable>>;
}

/** A supervisor that serves, and what is changed with it. */
export interface Serving {
  readonly supervisor: Supervisor;
  readonly rules: AccessRules;
  readonly listeners: Listeners;
  readonly log: Log;
}

/** The limits that hold by what is said of them. @throws HoldfastError `BAD_CONFIG` with the `key` */
export function limitsOf(said: Partial<Limits> = {}): Limits {
  const { maxOnMs, ...others } = said;
  // A program may say that there is none.
  assertConfig(limitsSchema, maxOnMs === Number.POSITIVE_INFINITY ? others : said, ["limits"]);
  return { ...defaultLimits, ...said };
}

/**
 * Has a supervisor obey what is said now in the place of what was said before: all of it, or, when something is wrong or can't be done, nothing.
 * Pins keep their lines, their commands and their clients; processes whose table has not changed go on.
 * @throws HoldfastError `BAD_CONFIG`, `SHUTTING_DOWN`, and what making a pool and opening a listener throw
 */
export async function reconfigure(serving: Serving, before: OperatorSettings, now: OperatorSettings): Promise<void> {
  const { supervisor, rules, listeners, log } = serving;
  const { pins = {}, pools = {}, processes = {}, cameras = {}, actors, listen = {}, access = {} } = now;
  if (supervisor.state !== "running")
    throw new HoldfastError("SHUTTING_DOWN", "the supervisor is shutting down and takes no other configuration");
  assertConfig(listenSchema, listen, ["listen"]);
  // A mistake is found before anything is made.
  assertCameraTables(cameras, { pools: Object.keys(pools) });
  const configured = {
    configuredPins: pins,
    configuredProcesses: processes,
    configuredCameras: cameras,
    actors: actorPlan(actors),
    access,
  };
  const apply = supervisor.reconfigured({ limits: limitsOf(now.limits), ...configured });
  const renewed = new AccessRules(access, aliasesOf(pins));
  const change = listeners.changeTo(listen);
  const rulesBefore = rules.copy();
  const made: string[] = [];
  try {
    for (const [name, settings] of Object.entries(pools)) {
      if (supervisor.pools.isLaidOut(name, settings) !== undefined) continue;
      await supervisor.pools.create(name, settings);
      made.push(name);
    }
    rules.become(renewed);
    await change.make();
    apply();
  } catch (error) {
    // First of all the rules: a listener that is opened again has the rights that it had.
    rules.become(rulesBefore);
    supervisor.review();
    await change.undo().catch((lost) => log.error({ err: lost }, "a listener that was open can't be opened again"));
    for (const name of made) await supervisor.pools.remove(name);
    throw error;
  }
  supervisor.review();
  await change.keep();
  tellOfPools(serving, before.pools ?? {}, pools);
  const changed = changes(before, now);
  log.info({ changed }, changed.length === 0 ? "the configuration says what it said before" : "the configuration is in force");
}

/** The pools that are not as the configuration says now: what is in them is their clients', so they stay. */
function tellOfPools(
  { supervisor: { pools }, log }: Serving,
  before: Record<string, PoolSettings>,
  now: Record<string, PoolSettings>,
): void {
  for (const [name, settings] of Object.entries(now)) {
    if (pools.isLaidOut(name, settings) === false) {
      log.warn({ key: keyOf(["pool", name]) }, `the pool stays as it is; to make it anew: holdfast pool remove ${name}, and reload`);
    }
  }
  for (const [name, settings] of Object.entries(before)) {
    if (Object.hasOwn(now, name) || pools.isLaidOut(name, settings) === undefined) continue;
    log.warn(
      { key: keyOf(["pool", name]) },
      `the pool stays, although it is not configured any more; to end it: holdfast pool remove ${name}`,
    );
  }
}

/** The tables that say something else than before. */
function changes(before: OperatorSettings, now: OperatorSettings): string[] {
  const sections = {
    limits: "limits",
    pins: "pin",
    pools: "pool",
    processes: "process",
    cameras: "camera",
    actors: "actors",
    listen: "listen",
    access: "access",
  } as const;
  return Object.entries(sections).flatMap(([section, table]) => {
    const [old, renewed] = [before, now].map((each) => (each[section as keyof OperatorSettings] ?? {}) as Record<string, unknown>);
    const names = [...new Set([...Object.keys(old ?? {}), ...Object.keys(renewed ?? {})])];
    return names.filter((name) => !isDeepStrictEqual(old?.[name], renewed?.[name])).map((name) => keyOf([table, name]));
  });
}
