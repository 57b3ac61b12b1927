import { z } from "zod";
import { accessTableSchema } from "../protocol/access.ts";
import { actorsTableSchema } from "../protocol/actors-table.ts";
import { cameraNameSchema } from "../protocol/camera-table.ts";
import { limitsSchema } from "../protocol/limits.ts";
import { listenSchema } from "../protocol/listen.ts";
import { processNameSchema, processTableSchema } from "../protocol/process-table.ts";
import { pinConfigSchema, poolSettingsSchema, requestSchemas } from "../protocol/requests.ts";
import { configuredCameraSchema, ownPipelineNameSchema, pipelineTableSchema } from "./named-pipelines.ts";

const framesTable = z.strictObject({
  directory: z
    .string()
    .startsWith("/", "must be a path from the root: /run/holdfast")
    .optional()
    .describe("the folder of the pools' files, as a path from the root; default /dev/shm"),
});

/** As a person says it: `format`, for `fourcc` is what the protocol calls it. */
const { slots, fourcc, ...poolShape } = poolSettingsSchema.shape;
const poolTable = z.strictObject({ slots: slots.describe("how many frames there is room for"), format: fourcc, ...poolShape });
/** A table `[pool.NAME]`. */
export type PoolTable = z.infer<typeof poolTable>;

const poolName = requestSchemas["pool.create"].shape.pool;

/** The whole file. */
export const configSchema = z.strictObject({
  listen: listenSchema.optional().describe("where to listen beside the Unix socket; a table that is not there is off"),
  limits: limitsSchema.optional().describe("what the supervisor may be asked to hold"),
  frames: framesTable.optional(),
  pool: z.record(poolName, poolTable).optional().describe("the pools of frames that are made at the start, by their names"),
  pin: z
    .record(requestSchemas.read.shape.pin, pinConfigSchema)
    .optional()
    .describe('what no client may go beyond with a pin, by the pins\' names; "*": with all others'),
  process: z
    .record(processNameSchema, processTableSchema)
    .optional()
    .describe("programs that run as long as the supervisor does, by their names"),
  pipeline: z
    .record(ownPipelineNameSchema, pipelineTableSchema)
    .optional()
    .describe("programs that bring the frames of cameras, by the names that those give for their pipelines"),
  camera: z.record(cameraNameSchema, configuredCameraSchema).optional().describe("cameras that fill pools of their own, by their names"),
  actors: actorsTableSchema.optional().describe("users' actors: where their files are, and how they are supervised"),
  access: z.record(z.string().min(1), accessTableSchema).optional().describe("who may do what, by any names"),
});

/**
 * The same as JSON Schema, for editors. What one key says of another, and what only the machine can tell, is not in it: `serve --check` looks at
 * that.
 */
export function configJsonSchema(): object {
  const { $schema, ...rest } = z.toJSONSchema(configSchema, {
    target: "draft-07",
    io: "input",
    // A word of zod's own; the pattern beside it says the same.
    override: ({ jsonSchema }) => {
      if (jsonSchema.format === "starts_with") delete jsonSchema.format;
    },
  });
  return { $schema, title: "The configuration of holdfast: holdfast.toml", ...rest };
}
