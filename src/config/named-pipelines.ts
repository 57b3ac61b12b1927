import { z } from "zod";
import { type CameraTable, cameraTableSchema, pipelineNameSchema } from "../protocol/camera-table.ts";
import { similarNames } from "../protocol/similar-names.ts";

const { pipeline } = cameraTableSchema.shape;
const [, commandSchema] = pipeline.options;

/** What a pipeline of the file is called. It may be a name that is known already: then it stands for that one. */
export const ownPipelineNameSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, "must be letters, digits, and . _ - behind the first");

/** A table `[pipeline.NAME]`. */
export const pipelineTableSchema = z.strictObject({
  command: commandSchema.describe("a program with its arguments, that writes the frames to its stdout"),
});
/** A table `[pipeline.NAME]`. */
export type PipelineTable = z.infer<typeof pipelineTableSchema>;

/** A table `[camera.NAME]`, which may also name a pipeline of the file. */
export const configuredCameraSchema = cameraTableSchema.extend({
  pipeline: z
    .union([pipelineNameSchema, z.string(), commandSchema])
    .describe("the program that writes the frames to its stdout: one that is known, one of the file, or a command with its arguments"),
});
/** A table `[camera.NAME]`, which may also name a pipeline of the file. */
export type ConfiguredCamera = z.infer<typeof configuredCameraSchema>;

/**
 * A camera with the command that its pipeline stands for, where that is one of the file.
 * @returns a sentence: there is no pipeline of that name
 */
export function withOwnPipeline(camera: ConfiguredCamera, own: Readonly<Record<string, PipelineTable>>): CameraTable | string {
  const { pipeline: named } = camera;
  if (typeof named !== "string") return { ...camera, pipeline: named };
  if (Object.hasOwn(own, named)) return { ...camera, pipeline: (own[named] as PipelineTable).command };
  const known = pipelineNameSchema.safeParse(named);
  if (known.success) return { ...camera, pipeline: known.data };
  const names = [...new Set([...pipelineNameSchema.options, ...Object.keys(own)])];
  const similar = similarNames(named, names);
  return `there is no pipeline "${named}"${similar.length > 0 ? `; did you mean ${similar.join(", ")}?` : `: ${names.join(", ")}`}`;
}
