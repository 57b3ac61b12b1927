import { type ErrorCode, type ErrorDetails, HoldfastError } from "../protocol/errors.ts";
import { packageOfElement } from "./pipelines/gstreamer.ts";

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
  [
    /Cannot find a proper format/i,
    "DEVICE_REFUSED",
    "the camera has no such format; `ffmpeg -f v4l2 -list_formats all -i DEVICE` shows those that it has",
  ],
  [
    /not-negotiated|no such format|VIDIOC_S_FMT|can't handle caps|failed to (valid|configure) stream/i,
    "DEVICE_REFUSED",
    "the camera has no such format or size",
  ],
  [
    /No such device|No such file or directory|Resource not found|Cannot identify device|isn't a v4l2 driver|no cameras available|selected camera is not available|failed to find camera|Connection refused|No route to host|Connection timed out|Network is unreachable|Failed to resolve hostname|404 Not Found/i,
    "DEVICE_GONE",
    "there is no such camera, or it does not answer",
  ],
  // The kernel ends the stream of a camera that is unplugged, and only then says that it has gone.
  [/ioctl\(VIDIOC_DQBUF\)/, "DEVICE_GONE", "the camera brings no more frames"],
  [/401 Unauthorized|403 Forbidden/i, "PERMISSION_DENIED", "the camera does not let us in"],
  [/Inappropriate ioctl for device|Not a video capture device/i, "DEVICE_REFUSED", "this is no camera"],
  [/Invalid data found when processing input/i, "PIPELINE_EXITED", "there is no video in what comes from there"],
  [
    /no (element|property) "|syntax error|Unknown (encoder|decoder|input format)|(Option|Filter) .* not found|unknown device type|No such filter|unrecogni[sz]ed (option|codec)|cannot find video encoder|find an appropriate H.264 codec/i,
    "PROGRAM_MISSING",
    "the program lacks a part",
  ],
];

/** What a program says that is no reason to end, or only follows from one: warnings, progress, what ffmpeg says of its streams. */
const asides: readonly RegExp[] = [
  /deprecated|Last message repeated|^(?:frame|size|video|fps)\s*=|\bfps=\s*[\d.]+/i,
  /^(?:Input|Output) #\d|^\s+\S|^Stream mapping|^Press \[q\]|^Exiting normally|^(?:Setting pipeline|Pipeline is|Freeing pipeline)/i,
  /^Conversion failed!|^Error (?:reinitializing|while processing|parsing|splitting|opening (?:input|output))|^Failed to (?:inject|set value)/i,
];

/** Words that tell a reason. */
const REASON =
  /error|fail|invalid|can(?:not|'t)|could not|unable|no such|not found|refused|denied|unknown|missing|no space|exception|out of/i;

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
    const lacking = packageOfElement(line);
    const hint = lacking === null ? "" : `; it is in Debian's package ${lacking}`;
    return new HoldfastError(code, `${meaning}: ${sentenceOf(line)}${hint}`, { ...details, ...(lacking !== null && { package: lacking }) });
  }
  const how = "signal" in exit ? `by ${exit.signal}` : `with status ${exit.status}`;
  const reason = reasonIn(lines);
  return new HoldfastError("PIPELINE_EXITED", `${program} has ended ${how}${reason === null ? "" : `: ${reason}`}`, details);
}

/** Of what a program has said, the sentence that tells why it has ended; null: none does. */
export function reasonIn(lines: readonly string[]): string | null {
  // GStreamer goes on to say what follows from an error.
  const error = lines.find((line) => line.startsWith("ERROR: "));
  if (error !== undefined) return sentenceOf(error);
  const said = lines.map(sentenceOf).filter((line) => line.trim() !== "" && !asides.some((aside) => aside.test(line)));
  return said.findLast((line) => REASON.test(line)) ?? said.at(-1) ?? null;
}

/** What stands before and behind what a program says: the part of ffmpeg and where that is in memory, the element of GStreamer, stars. */
const frames: readonly RegExp[] = [
  /^(?:\[[^\]]*\] *)+(.*)$/,
  /^ERROR: from element \S+: (.*)$/,
  /^WARNING: erroneous pipeline: (.*)$/,
  /^ERROR: \*\*\* (.*) \*\*\*$/,
];

/** What a program has said, without what stands around it: `[video4linux2,v4l2 @ 0x55…]`. */
function sentenceOf(line: string): string {
  return frames.map((frame) => frame.exec(line)?.[1]).find((sentence) => sentence !== undefined) ?? line;
}
