import { type Command, InvalidArgumentError, Option } from "commander";
import { MAX_CAMERA_FPS, MIN_CAMERA_FPS } from "../protocol/camera-table.ts";
import { MAX_CYCLES, MAX_DEBOUNCE_US, MAX_PWM_HZ, MIN_PWM_HZ } from "../protocol/limits.ts";
import type { Level } from "../protocol/requests.ts";
import { parseDuration } from "./durations.ts";
import { parseBytes, parsePictureSize } from "./sizes.ts";

/** What `--help` says of a pin. */
export const PIN = "GPIO17, 17, BOARD11, a line's own name, or chip-label:offset; a group: GPIO17+GPIO27";

/** What `--help` says of an actor's address. */
export const ADDRESS = "supervisor, pin/GPIO17, pool/cam0, pool/cam0/slot/3, process/algo, camera/front, client/12, actor/door";

/** Makes a parser's complaint one of the command line's. */
function asArgument<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      throw new InvalidArgumentError((error as Error).message);
    }
  };
}

/** A duration, as ms. */
export const duration = asArgument(parseDuration);

/** How long a level must last to count, as µs. */
export const debounce = asArgument((text) => {
  const us = Math.round(parseDuration(text) * 1000);
  if (us > MAX_DEBOUNCE_US) throw new RangeError("It must be 71 minutes or shorter.");
  return us;
});

/** A whole number within bounds. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return asArgument((text) => {
    const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(number >= least && number <= most)) throw new RangeError(`It must be a whole number from ${least} to ${most}.`);
    return number;
  });
}

/** How often. */
export const count = wholeNumber(1, MAX_CYCLES);

/** A number of bytes, also with a unit. */
export const byteSize = asArgument(parseBytes);

/** Width and height in pixels. */
export const pictureSize = asArgument(parsePictureSize);

/** Frames a second. */
export const frameRate = rateFrom(0.001, 100_000);

/** Frames a second of a camera. */
export const cameraFrameRate = rateFrom(MIN_CAMERA_FPS, MAX_CAMERA_FPS);

function rateFrom(min: number, max: number): (text: string) => number {
  return asArgument((text) => {
    const rate = /^(\d+\.?\d*|\.\d+)$/.test(text) ? Number(text) : Number.NaN;
    if (!(rate >= min && rate <= max)) throw new RangeError(`It must be a number from ${min} to ${max}, such as 29.97.`);
    return rate;
  });
}

/** An option that takes a duration, and has one unless it is told. */
export function durationOption(flags: string, description: string, otherwise: string): Option {
  return new Option(flags, description).argParser(duration).default(parseDuration(otherwise), otherwise);
}

/** A level, 0 or 1. */
export const level = asArgument((text): Level => {
  if (text !== "0" && text !== "1") throw new RangeError("A level is 0 or 1.");
  return text === "0" ? 0 : 1;
});

/** The level of each line of a group: `101`. */
export const levels = asArgument((text): Level[] => {
  if (!/^[01]{1,64}$/.test(text)) throw new RangeError("Levels are a 0 or 1 for each line, such as 101.");
  return [...text].map((digit) => (digit === "1" ? 1 : 0));
});

/** The steps of a pattern, each `LEVEL:DURATION`, or `LEVELS:DURATION` for a group. */
export const steps = (text: string, before: readonly Step[] | undefined): readonly Step[] => [...(before ?? []), step(text)];

/** What a pattern does for a time. */
export type Step = { readonly level: Level; readonly ms: number } | { readonly levels: Level[]; readonly ms: number };

const step = asArgument((text): Step => {
  const [, digits = "", time] = /^([01]+):(.+)$/.exec(text) ?? [];
  if (time === undefined)
    throw new RangeError("A step is LEVEL:DURATION, such as 1:100ms. Of a group it may have a level for each line: 10:100ms.");
  return { ...(digits.length === 1 ? { level: level(digits) } : { levels: levels(digits) }), ms: parseDuration(time) };
});

/** A duty from 0 to 1, also written as a percentage. */
export const duty = asArgument((text) => {
  const percent = text.endsWith("%");
  const number = percent ? text.slice(0, -1) : text;
  const value = /^(\d+\.?\d*|\.\d+)$/.test(number) ? Number(number) / (percent ? 100 : 1) : Number.NaN;
  if (!(value >= 0 && value <= 1)) throw new RangeError("A duty is a number from 0 to 1, or from 0% to 100%.");
  return value;
});

/** A frequency of PWM, in Hz, also with its unit: `50`, `50Hz`, `1.5kHz`. */
export const pwmFrequency = asArgument((text) => {
  const [, digits, kilo] = /^(\d+\.?\d*|\.\d+)(?:(k)?hz)?$/i.exec(text) ?? [];
  const hz = Number(digits ?? Number.NaN) * (kilo === undefined ? 1 : 1000);
  if (!(hz >= MIN_PWM_HZ && hz <= MAX_PWM_HZ))
    throw new RangeError(`A frequency is ${MIN_PWM_HZ} to ${MAX_PWM_HZ} Hz, such as 50 or 1kHz.`);
  return hz;
});

/** Collects `NAME=VALUE` pairs whose names are known. */
export function limit(
  names: readonly string[],
): (text: string, before?: Readonly<Record<string, number>>) => Readonly<Record<string, number>> {
  return (text, before = {}) => {
    const [, name = "", value = ""] = /^(\w+)=([1-9]\d{0,14})$/.exec(text) ?? [];
    if (!names.includes(name)) throw new InvalidArgumentError(`It is written NAME=VALUE, the name one of ${names.join(", ")}.`);
    return { ...before, [name]: Number(value) };
  };
}

/** An option of which the values are known. */
export function oneOf(flags: string, description: string, choices: readonly string[]): Option {
  return new Option(flags, description).choices([...choices]);
}

/** Adds examples to a command's `--help`, each with what it does. */
export function examples(command: Command, lines: Readonly<Record<string, string>>): Command {
  const width = Math.max(...Object.keys(lines).map((line) => line.length));
  const text = Object.entries(lines).map(([line, meaning]) => `  ${line.padEnd(width)}  ${meaning}`);
  return command.addHelpText("after", `\nExamples:\n${text.join("\n")}`);
}
