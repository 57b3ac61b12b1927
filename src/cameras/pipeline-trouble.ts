import { type ErrorCode, type ErrorDetails, HoldfastError } from "../protocol/errors.ts";

/** How a program ended: with a status of its own, or by a signal. */
export type PipelineExit = { readonly status: number } | { readonly signal: string };

/** What a program says on stderr when it can't go on, and what it means. The first that fits counts. */
const sayings: readonly (readonly [RegExp, ErrorCode, string])[] = [
  [/Device or resource busy|is busy|in use by another process|Failed to acquire camera/i, "DEVICE_BUSY", "another program uses the camera"],
  [/Permission denied/i, "PERMISSION_DENIED", "the camera may not be opened"],
  [
    /The V4L2 driver changed the video from (\d+x\d+) to (\d+x\d+)|Invalid too big or non positive size/i,
    "DEVICE_REFUSED",
    "the camera has no such size",
  ],
  [/Cannot find a proper format|not-negotiated|no such format|VIDIOC_S_FMT/i, "DEVICE_REFUSED", "the camera has no such format or size"],
  [
    /No such device|No such file or directory|no cameras available|Cannot identify device|Connection refused|No route to host|Connection timed out|Network is unreachable|Failed to resolve hostname|404 Not Found/i,
    "DEVICE_GONE",
    "there is no such camera, or it does not answer",
  ],
  [/401 Unauthorized|403 Forbidden/i, "PERMISSION_DENIED", "the camera does not let us in"],
  [
    /no element "|Unknown (encoder|decoder|input format)|Option .* not found|Unrecognized option/i,
    "PROGRAM_MISSING",
    "the program lacks a part",
  ],
];

/** What a pipeline says while it runs that makes its frames useless. @returns null: nothing of that kind */
export function fatalSaying(line: string): HoldfastError | null {
  const found = /The V4L2 driver changed the video from (\d+x\d+) to (\d+x\d+)/i.exec(line);
  if (found === null) return null;
  const [, asked, offered] = found;
  return new HoldfastError("DEVICE_REFUSED", `the camera has no frames of ${asked}; it offers ${offered}`, { asked, offered });
}

/** Why a pipeline has ended by itself, from what it has said. @param lines the last ones of its stderr */
export function troubleOf(program: string, exit: PipelineExit, lines: readonly string[]): HoldfastError {
  const details: ErrorDetails = { program, ...exit, ...(lines.length > 0 && { stderr: lines }) };
  for (const line of lines) {
    const fatal = fatalSaying(line);
    if (fatal !== null) return new HoldfastError(fatal.code, fatal.message, { ...fatal.details, ...details });
    const found = sayings.find(([pattern]) => pattern.test(line));
    if (found === undefined) continue;
    const [, code, meaning] = found;
    return new HoldfastError(code, `${meaning}: ${sentenceOf(line)}`, details);
  }
  const how = "signal" in exit ? `by ${exit.signal}` : `with status ${exit.status}`;
  const last = lines.at(-1);
  return new HoldfastError("PIPELINE_EXITED", `${program} has ended ${how}${last === undefined ? "" : `: ${sentenceOf(last)}`}`, details);
}

/** What a program has said, without the part of ffmpeg that says it, and where that is in memory: `[video4linux2,v4l2 @ 0x55…]`. */
export function sentenceOf(line: string): string {
  return line.replace(/^(?:\[[^\]]*\] *)+/, "");
}
