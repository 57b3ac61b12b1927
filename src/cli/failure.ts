import type { Command } from "commander";
import { type ErrorCode, HoldfastError } from "../protocol/errors.ts";
import { fullName } from "./full-name.ts";
import { paint, printable } from "./print.ts";

const reasons: Readonly<Record<string, string>> = {
  SUPERSEDED: "another command took its place",
  CANCELLED: "it was cancelled",
  CLOSED: "the pin was closed at once",
  MAX_ON: "it was on for as long as it may be without a break (holdfast pins --json has its maxOnMs)",
  LINE_LOST: "its chip has gone",
};

/** A command that was accepted and did not run to its end. */
export class CommandCancelled extends Error {
  constructor(op: string, pin: string, reason: string) {
    super(`${pin}: ${op} has ended before its time: ${reasons[reason] ?? reason}`);
  }
}

/** The doctor has said all there is to say: only the exit status is left. */
export class DoctorFoundFault extends Error {}

/** A file, or what comes from a pipe, is not what a command needs. */
export class FileFailed extends Error {
  /** @param cause what the system says, if it does */
  constructor(message: string, cause?: unknown) {
    super(cause instanceof Error ? `${message}: ${cause.message}` : message, { cause });
  }
}

/** Errors that are mistakes in what was typed. */
const mistakes: ReadonlySet<string> = new Set(["BAD_FIELD", "MISSING_FIELD", "FORMAT_UNKNOWN"] satisfies ErrorCode[]);

/** Whether what was typed is at fault, as far as can be told without the supervisor or with it. */
export function isMisuse(thrown: unknown): boolean {
  if (thrown instanceof AggregateError) return thrown.errors.every(isMisuse);
  return thrown instanceof HoldfastError && mistakes.has(thrown.code);
}

/** The options that are called otherwise than the fields that they fill. */
const options: Readonly<Record<string, string>> = {
  durationMs: "--for",
  onMs: "--on",
  offMs: "--off",
  fadeInMs: "--fade-in",
  fadeOutMs: "--fade-out",
  steps: "steps",
  slots: "--slots",
  fourcc: "--format",
  width: "--size",
  height: "--size",
  stride: "--stride",
  bytes: "--bytes",
  policy: "--policy",
  depth: "--depth",
  deadlineMs: "--deadline",
  maxHoldMs: "--max-hold",
  group: "--group",
  url: "--connect, or HOLDFAST_URL",
  address: "address",
  topic: "topic",
  value: "value",
};

/** What an error says, with the option in the place of the field. */
function asTyped({ message, details: { field = "" } }: HoldfastError): string {
  const option = Object.hasOwn(options, field) ? options[field] : undefined;
  if (option === undefined) return message;
  return message.replace(`the field "${field}"`, option).replace(new RegExp(`^([\\w.]+: )?${field}: `), `${option}: `);
}

/** Says on stderr what went wrong, and what to do about it. */
export function reportFailure(thrown: unknown, command: Command): void {
  if (thrown instanceof CommandCancelled) return complain("CANCELLED", thrown.message);
  if (thrown instanceof FileFailed) return complain("FILE_FAILED", thrown.message);
  if (thrown instanceof DoctorFoundFault) return;
  if (thrown instanceof AggregateError) {
    for (const each of new Set(thrown.errors)) reportFailure(each, command);
    return;
  }
  const error = HoldfastError.from(thrown);
  complain(error.code, asTyped(error), remedyFor(error, command));
}

function complain(code: string, message: string, remedy?: string): void {
  const sentence = printable(/[.?!]$/.test(message) ? message : `${message}.`);
  const lines = [`${paint(process.stderr, "red", code)}: ${sentence}`, ...(remedy === undefined ? [] : [`  ${remedy}`])];
  process.stderr.write(`${lines.join("\n")}\n`);
}

type Remedy = string | ((error: HoldfastError, command: Command) => string | undefined);

const help: Remedy = (_, command) => `How it is written: ${fullName(command)} --help`;
const pinOf = ({ details }: HoldfastError) => (typeof details["pin"] === "string" ? details["pin"] : "PIN");
const poolOf = ({ details }: HoldfastError) => (typeof details["pool"] === "string" ? details["pool"] : "NAME");
const observing = (error: HoldfastError) => `To see what an output does: holdfast watch --state ${pinOf(error)}`;
const howToClose = (error: HoldfastError) =>
  typeof error.details["holder"] === "string"
    ? "its holders must close it first: holdfast pins"
    : `close it first: holdfast close ${pinOf(error)}`;
const closeFirst = (error: HoldfastError) => `To set it anew, ${howToClose(error)}`;
const turn = (error: HoldfastError) => `${observing(error)}; to make it an input, ${howToClose(error)}`;

/** Where in its file an actor has gone wrong, as compilers say it, and with the line itself. */
function placeInFile({ details: { file, line, column, source } }: HoldfastError): string | undefined {
  if (file === undefined) return undefined;
  const place = [file, line, column].filter((part) => part !== undefined).join(":");
  return printable(source === undefined ? place : `${place}: ${String(source).trim()}`);
}

/** What not every chip has. */
const chipOptions: ReadonlySet<string> = new Set(["bias", "drive", "debounce", "activeLow", "frequency"]);

/** Which of these were typed. */
function typedChipOptions(command: Command): readonly string[] {
  const isTyped = (name: string) => chipOptions.has(name) && command.getOptionValueSource(name) === "cli";
  return command.options.flatMap((option) => (isTyped(option.attributeName()) ? [`${option.long}`] : []));
}

/** What to do where no supervisor answers. @param error `NOT_RUNNING` */
export function noAnswerRemedy({ details: { paths } }: HoldfastError): string {
  const isOnNetwork = Array.isArray(paths) && paths.every((place) => /^holdfast(\+tcp)?:\/\//.test(place));
  if (!isOnNetwork) return "Start one: holdfast serve; if it serves another socket, name that: --socket PATH, or HOLDFAST_SOCKET";
  return "Have one run there, with a table [listen.tcp] whose address this machine reaches (docs/network.md); on that machine: holdfast doctor";
}

/** What to do about an error, where there is something to do. */
const remedies: { readonly [C in ErrorCode]?: Remedy } = {
  PIN_UNKNOWN: "Every pin of this machine: holdfast pins",
  PIN_AMBIGUOUS: "Name it by its chip and offset; every pin of this machine: holdfast pins",
  PIN_NOT_OPEN: ({ details: { open } }, command) => {
    if (open !== undefined) return `Name it as it is open: ${open}`;
    if (command.name() === "send" || command.name() === "ask") return "These commands open it first: holdfast on, off, blink and so on";
    return "What is open: holdfast pins --open";
  },
  PIN_ALREADY_OPEN: "Name each pin once; two names may mean the same one: holdfast pins",
  PIN_BUSY: (error, command) => {
    const { group, member, holder } = error.details;
    if (member !== undefined) {
      const end = holder === null ? `To end that: holdfast close ${group ?? member}` : "Only its holders can end that: holdfast pins";
      return `A line is open once, by itself or in one group. ${end}`;
    }
    if (command.name() === "watch") return observing(error);
    if (command.name() === "close") return "Only its holders can close it; to see who holds what: holdfast pins";
    return "To share it, both must open it with --share; to see who holds what: holdfast pins";
  },
  PIN_CONFLICT: (error, command) => {
    if ("configured" in error.details) {
      const leave = error.details.field === "closeLevel" ? ": leave --close-level out" : "";
      return `That is for who runs the supervisor to say${leave} (docs/configuration.md)`;
    }
    return command.name() === "watch" && error.details.field === "direction" ? turn(error) : closeFirst(error);
  },
  PIN_CLOSING: (error, command) => {
    const wait = command.options.some(({ long }) => long === "--wait-closing") ? "To wait for it: --wait-closing 10s. " : "";
    if (typeof error.details["closer"] === "string") return `${wait}Only who has closed it can end it at once.`;
    return `${wait}To end it at once: holdfast close --hard ${pinOf(error)}`;
  },
  PIN_DIRECTION: closeFirst,
  LINE_BUSY: "End the program that has it (gpioinfo names it too), or release the kernel's driver in the device tree",
  LINE_UNSUPPORTED: (_, command) => {
    const typed = typedChipOptions(command);
    return typed.length === 0 ? undefined : `Not every chip has every setting: leave out ${typed.join(", ")}`;
  },
  LINE_LOST: "What is there now: holdfast doctor",
  POOL_UNKNOWN: "Every pool there is: holdfast pool list",
  POOL_EXISTS: (error) => `Use that one, or remove it first: holdfast pool remove ${poolOf(error)}`,
  POOL_GONE: "What pools there are now: holdfast pool list",
  POOL_SLOTS: "Make the pool with more slots, or ask for a smaller --depth; who uses it: holdfast pool list",
  GROUP_CONFLICT: "Leave the option out to join the group as it is; what it is: holdfast pool list",
  FORMAT_UNKNOWN: "For bytes that are no picture, leave out --format and say how many: --bytes 64KiB",
  SLOT_NONE: "Who holds the slots, and for how long: holdfast pool list",
  FRAME_TOO_LONG: "A pool for longer ones has larger slots: holdfast pool create NAME --bytes",
  MEMORY_FULL: ({ details }) => {
    const folder = typeof details["folder"] === "string" ? details["folder"] : "/dev/shm";
    return `Fewer or smaller slots, or more room in ${folder}; what uses it: holdfast pool list, and df ${folder}`;
  },
  MEMORY_FAILED: "To see what is wrong: holdfast doctor",
  CAMERA_UNKNOWN: "Every camera there is: holdfast camera list",
  CAMERA_STOPPED: ({ details }) => {
    const act = details["state"] === "paused" ? "resume" : "start";
    return `To have it capture: holdfast camera ${act} ${details["camera"]}`;
  },
  CAMERA_STALLED: "What its program says is in the supervisor's log; it is started again: holdfast camera list",
  CAMERA_FAILED: "What its process said is in the supervisor's log; it is started again: holdfast camera list",
  POOL_OWNED: ({ details }) => `It goes with the camera: holdfast camera stop ${details["camera"]}`,
  BAD_CONFIG: "All that is wrong at once: holdfast serve --check; every key there is, with an example: docs/configuration.md",
  LIMIT_POOLS: "Remove one that is not needed: holdfast pool remove; to allow more: holdfast serve --limit pools=128",
  LIMIT_TOPICS:
    "Which they are: holdfast topics; to have one keep none: holdfast pub TOPIC --retain; to allow more: holdfast serve --limit topics=4096",
  PERMISSION_DENIED: "To see what this user may do: holdfast doctor",
  ACTOR_UNKNOWN: "Every actor there is: holdfast actors",
  ACTOR_NOT_RUNNING: "What has become of it: holdfast actor",
  ACTOR_FAILED: placeInFile,
  BAD_ACTOR: placeInFile,
  EVENT_UNKNOWN: (_, { args: [address = "ADDRESS"] }) => `What it takes, with the fields: holdfast graph ${address} --json`,
  EVENT_INVALID: (_, { args: [address = "ADDRESS"] }) => `What it takes, with the fields: holdfast graph ${address} --json`,
  ASK_TIMEOUT: "To wait longer: --timeout 1m. It may yet do what it was asked",
  NOT_SIMULATED: "Simulated pins: holdfast serve --backend sim --socket /tmp/holdfast-sim.sock",
  NO_BACKEND: "To try it on simulated pins: holdfast serve --backend sim; to see what is wrong: holdfast doctor",
  LIMIT_CLIENTS: "End some of its clients, which `ss -xp` names; to allow more: holdfast serve --limit clients=1024",
  LIMIT_QUEUE: "Without --queue the command runs now and drops the queue; to allow more: holdfast serve --limit queuedCommands=4096",
  SHUTTING_DOWN: "Start another when it has ended: holdfast serve",
  ALREADY_RUNNING: "Use that one, or serve on another socket: holdfast serve --socket PATH",
  SOCKET_PATH: "Choose another: --socket PATH, or HOLDFAST_SOCKET",
  FORBIDDEN: (error) =>
    error.details.field === "token"
      ? "The token comes from --token-file PATH, or HOLDFAST_TOKEN; to make one: holdfast token"
      : "Who may do what is for who runs the supervisor to say: tables [access.NAME] (docs/configuration.md)",
  NOT_LOCAL: "Run this on the machine of the supervisor",
  TLS_FAILED:
    "To name who has signed its certificate: --ca PATH, or HOLDFAST_CA; to trust that certificate alone: HOLDFAST_FINGERPRINT (docs/network.md)",
  NOT_RUNNING: noAnswerRemedy,
  DISCONNECTED: "To see what is wrong: holdfast doctor",
  BAD_FIELD: help,
  MISSING_FIELD: help,
};

function remedyFor(error: HoldfastError, command: Command): string | undefined {
  const remedy = remedies[error.code];
  return typeof remedy === "function" ? remedy(error, command) : remedy;
}
