import { dirname, resolve } from "node:path";
import { parse, TomlError } from "smol-toml";
import { z } from "zod";
import { formatOf } from "../frames/format.ts";
import type { AccessTable } from "../protocol/access.ts";
import type { ActorsTable } from "../protocol/actors-table.ts";
import { keyOf } from "../protocol/assert-config.ts";
import { type CameraTable, cameraPool, cameraSettings } from "../protocol/camera-table.ts";
import { HoldfastError } from "../protocol/errors.ts";
import { issueInWords } from "../protocol/issue-in-words.ts";
import type { Limits } from "../protocol/limits.ts";
import type { ListenSettings } from "../protocol/listen.ts";
import type { ProcessTable } from "../protocol/process-table.ts";
import type { PinConfig, PoolSettings } from "../protocol/requests.ts";
import { similarNames } from "../protocol/similar-names.ts";
import { configSchema, type PoolTable } from "./config-schema.ts";
import { KeyLines } from "./key-lines.ts";
import { withOwnPipeline } from "./named-pipelines.ts";

/** What a supervisor's configuration file says: nothing but what is in it. docs/configuration.md is its manual. */
export interface Config {
  /** Those that are not to be the default ones. */
  readonly limits: Partial<Limits>;
  readonly frames: {
    /** Of the pools' files; absent: where they are by default. */
    readonly directory?: string;
  };
  /** The pools to make at the start, by their names. */
  readonly pools: Readonly<Record<string, PoolSettings>>;
  /** The processes to supervise, by their names. */
  readonly processes: Readonly<Record<string, ProcessTable>>;
  /** The cameras, by their names. */
  readonly cameras: Readonly<Record<string, CameraTable>>;
  /** What no client may go beyond with a pin, by the pins' names; `*`: with all others. */
  readonly pins: Readonly<Record<string, PinConfig>>;
  /** How users' actors are supervised. The folder of their files is an absolute path. */
  readonly actors: ActorsTable;
  /** Where to listen beside the Unix socket. */
  readonly listen: ListenSettings;
  /** Who may do what, by the names of the tables. */
  readonly access: Readonly<Record<string, AccessTable>>;
}

/** A mistake, and the key that has it: `["pool", "cam0", "slots"]`. */
interface Fault {
  readonly key: readonly string[];
  readonly message: string;
}

/**
 * The text of a configuration file as what it asks for.
 * @param file how errors name it
 * @throws HoldfastError `BAD_CONFIG` with the `file`, and the `line` and `column` of what is not TOML, or the first wrong `key` and its `line`
 */
export function parseConfig(text: string, file: string): Config {
  const document = tables(text, file);
  const parsed = configSchema.safeParse(document);
  const faults = parsed.success ? layoutFaults(parsed.data) : schemaFaults(parsed.error.issues, document);
  // What nobody could mean as a name, zod passes over in silence.
  for (const section of ["pool", "pin", "process", "pipeline", "camera", "access"]) {
    if (Object.hasOwn((document[section] ?? {}) as object, "__proto__"))
      faults.push({ key: [section, "__proto__"], message: "is no name" });
  }
  if (!parsed.success || faults.length > 0) throw mistaken(file, text, faults);
  const {
    limits = {},
    frames: { directory } = {},
    pool = {},
    pin = {},
    process = {},
    pipeline = {},
    camera = {},
    actors = {},
    listen = {},
    access = {},
  } = parsed.data;
  return {
    limits: limits as Partial<Limits>,
    frames: directory === undefined ? {} : { directory },
    pools: Object.fromEntries(Object.entries(pool).map(([name, table]) => [name, settingsOf(table)])),
    pins: pin,
    processes: process,
    cameras: Object.fromEntries(Object.entries(camera).map(([name, table]) => [name, withOwnPipeline(table, pipeline) as CameraTable])),
    actors: actors.folder === undefined ? actors : { ...actors, folder: resolve(dirname(file), actors.folder) },
    listen,
    access,
  };
}

function tables(text: string, file: string): Readonly<Record<string, unknown>> {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const { line, column } = error;
    const [reason = ""] = error.message.replace(/^Invalid TOML document: /, "").split("\n");
    throw new HoldfastError("BAD_CONFIG", `${file}, line ${line}, column ${column}: ${reason}`, { file, line, column }, { cause: error });
  }
}

function settingsOf({ format, ...settings }: PoolTable): PoolSettings {
  return { ...settings, fourcc: format };
}

/** What each key says for itself is right; here is what does not fit together, such as an image without a width. */
function layoutFaults({ pool = {}, pipeline = {}, camera = {} }: z.infer<typeof configSchema>): Fault[] {
  const cameras = Object.entries(camera);
  return [
    ...Object.entries(pool).flatMap(([name, table]) => layoutFault(["pool", name], settingsOf(table))),
    ...cameras.flatMap(([name, table]) => {
      const resolved = withOwnPipeline(table, pipeline);
      if (typeof resolved === "string") return [{ key: ["camera", name, "pipeline"], message: resolved }];
      return layoutFault(["camera", name], cameraPool(cameraSettings(resolved)));
    }),
  ];
}

function layoutFault(table: readonly string[], settings: PoolSettings): Fault[] {
  try {
    formatOf(settings);
    return [];
  } catch (thrown) {
    const { details, message } = HoldfastError.from(thrown);
    const field = String(details.field);
    const key = field === "fourcc" ? "format" : field;
    // A camera says nothing of bytes: they come of its size.
    const said = key === "bytes" && table[0] === "camera" ? "width" : key;
    return [{ key: [...table, said], message: message.replace(`${key}: `, "") }];
  }
}

/** A misspelt key comes before the one that is missing because of it. */
function schemaFaults(issues: readonly z.core.$ZodIssue[], document: unknown): Fault[] {
  const unknown = issues.flatMap((issue) => {
    if (issue.code !== "unrecognized_keys") return [];
    const at = issue.path.map(String);
    return issue.keys.map((name) => ({ key: [...at, name], message: `there is no such key${alternatives(name, knownKeys(at))}` }));
  });
  const others = issues.flatMap((issue) => {
    if (issue.code === "unrecognized_keys") return [];
    const key = issue.path.map(String);
    if (issue.code === "invalid_key") return [{ key, message: inWords(issue.issues[0] ?? issue) }];
    const value = key.reduce<unknown>((table, name) => (table as Record<string, unknown> | undefined)?.[name], document);
    return [{ key, message: value === undefined ? "is missing" : inWords(issue) }];
  });
  // A number far too large breaks two rules, of which one is enough.
  return [...unknown, ...others.filter(({ key }, at) => others.findIndex((other) => keyOf(other.key) === keyOf(key)) === at)];
}

const inWords = (issue: z.core.$ZodIssue) => issueInWords(issue, "a table");

function alternatives(name: string, known: readonly string[]): string {
  const similar = similarNames(name, known);
  return similar.length > 0 ? ` (did you mean ${similar.join(", ")}?)` : `; known are ${known.join(", ")}`;
}

/** The keys that a table may have. */
function knownKeys(path: readonly string[]): readonly string[] {
  let schema: z.core.$ZodType = configSchema;
  for (const name of path) {
    const at = withoutOptional(schema);
    if (at instanceof z.ZodObject) schema = at.shape[name];
    else if (at instanceof z.ZodRecord) schema = at.valueType;
  }
  const table = withoutOptional(schema);
  return table instanceof z.ZodObject ? Object.keys(table.shape) : [];
}

function withoutOptional(schema: z.core.$ZodType): z.core.$ZodType {
  return schema instanceof z.ZodOptional ? schema.unwrap() : schema;
}

/** All of them, each with its line; the first is the one that a program is told. */
function mistaken(file: string, text: string, faults: readonly Fault[]): HoldfastError {
  const lines = new KeyLines(text);
  const told = faults.map(({ key, message }) => {
    const line = lines.lineOf(keyOf(key));
    return `${line === null ? "" : `line ${line}: `}${keyOf(key)}: ${message}`;
  });
  const key = keyOf(faults[0]?.key ?? []);
  const line = lines.lineOf(key);
  const details = { file, key, ...(line !== null && { line }) };
  return new HoldfastError("BAD_CONFIG", `${file}${line === null ? ":" : ","} ${told.join("; ")}`, details);
}
