import { HoldfastError } from "../protocol/errors.ts";
import { file } from "./pipelines/file.ts";
import { gstreamer } from "./pipelines/gstreamer.ts";
import type { Pipeline, StreamSettings } from "./pipelines/pipeline.ts";
import { rkmpp } from "./pipelines/rkmpp.ts";
import { rpicam } from "./pipelines/rpicam.ts";
import { rtsp } from "./pipelines/rtsp.ts";
import { test } from "./pipelines/test.ts";
import { v4l2 } from "./pipelines/v4l2.ts";

/** Every pipeline that can be named. */
const pipelines: Readonly<Record<string, Pipeline>> = { v4l2, rpicam, gstreamer, rtsp, file, test, rkmpp };

/** The names of the pipelines that are built in. */
export const pipelineNames: readonly string[] = Object.keys(pipelines);

/** A program that writes frames to its stdout, ready to be run. */
export interface PipelineCommand {
  readonly command: readonly string[];
  /** The package of Debian that has the program; null: not known. */
  readonly debianPackage: string | null;
}

/**
 * The program that delivers a stream.
 * @param pipeline the name of one that is built in, or a program and its arguments, with places for what it is to deliver: `{width}x{height}`
 * @throws HoldfastError `BAD_FIELD` or `MISSING_FIELD` with the `field`: there is no such pipeline or place, or it can't deliver that
 */
export function pipelineCommand(pipeline: string | readonly string[], stream: StreamSettings): PipelineCommand {
  if (typeof pipeline !== "string") {
    const command = pipeline.map((argument) => filledIn(argument, stream));
    return { command, debianPackage: packageOf(command[0]) };
  }
  const known = Object.hasOwn(pipelines, pipeline) ? pipelines[pipeline] : undefined;
  if (known === undefined) {
    const message = `pipeline: "${pipeline}" is none: ${pipelineNames.join(", ")}, or a program and its arguments`;
    throw new HoldfastError("BAD_FIELD", message, { field: "pipeline", known: pipelineNames });
  }
  const { program, debianPackage, formats, args } = known;
  if (!formats.includes(stream.format)) {
    const message = `format: the pipeline ${pipeline} delivers ${formats.join(", ")}, and not ${stream.format}`;
    throw new HoldfastError("BAD_FIELD", message, { field: "format", known: formats });
  }
  return { command: [program, ...args(stream)], debianPackage };
}

/** The package of Debian that has the program of a pipeline of ours. */
function packageOf(program: string | undefined): string | null {
  return Object.values(pipelines).find((known) => known.program === program)?.debianPackage ?? null;
}

/** An argument with what is to be delivered in its places. */
function filledIn(argument: string, { source, width, height, fps, format }: StreamSettings): string {
  const places: Readonly<Record<string, string | number | null>> = { width, height, fps, format, source };
  return argument.replace(/\{(\w+)\}/g, (place, name: string) => {
    const value = Object.hasOwn(places, name) ? places[name] : undefined;
    if (value === undefined) {
      const known = Object.keys(places);
      const message = `pipeline: there is no place ${place}, but ${known.map((key) => `{${key}}`).join(", ")}`;
      throw new HoldfastError("BAD_FIELD", message, { field: "pipeline", known });
    }
    if (value !== null) return String(value);
    throw new HoldfastError("MISSING_FIELD", `source: the pipeline has a place for it`, { field: "source" });
  });
}
