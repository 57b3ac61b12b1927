import { type Command, Option } from "commander";
import type { HoldfastClient } from "../client/client.ts";
import type { OutputPin } from "../client/held-pin.ts";
import { HoldfastError } from "../protocol/errors.ts";
import {
  type Bias,
  type CloseLevel,
  type CommandRequest,
  type Drive,
  type Fields,
  type Level,
  type OnDisconnect,
  parseRequest,
} from "../protocol/requests.ts";
import { duration, examples, level, oneOf, PIN, pwmFrequency } from "./arguments.ts";
import { CommandCancelled } from "./failure.ts";
import { printJson } from "./print.ts";
import { withClient } from "./session.ts";

/** The options of every command that drives an output. */
export interface OutputFlags {
  readonly for?: number;
  readonly queue?: true;
  readonly started?: true;
  readonly done?: true;
  readonly share?: true;
  readonly activeLow?: true;
  readonly bias?: Bias;
  readonly drive?: Drive;
  readonly initial?: Level;
  readonly closeLevel?: CloseLevel;
  readonly frequency?: number;
  readonly maxOn?: number;
  readonly onDisconnect: OnDisconnect;
  readonly waitClosing?: number;
  readonly json?: true;
}

/** What a command has of its own. */
type OwnFields<O extends CommandRequest["op"]> = Omit<Fields<O>, "pin" | "durationMs" | "mode" | "ack">;

/** A sub-command that drives an output: `holdfast NAME PIN`, with all that such commands have in common. */
export function outputCommand(program: Command, name: string, summary: string, lines: Readonly<Record<string, string>>): Command {
  const command = program
    .command(name)
    .summary(summary)
    .description(`${summary}. The pin stays as it is set when the command has ended; \`holdfast close\` gives it back.`)
    .argument("<pin>", PIN)
    .option("--for <duration>", "the whole time of the command; then the pin goes off, or the next queued command runs", duration)
    .option("--queue", "wait for what runs and is queued, instead of taking its place now")
    .addOption(new Option("--started", "wait until it has started").conflicts("done"))
    .option("--done", "wait until it has really been done; exit status 1 when it was cancelled")
    .option("--share", "let others who say so too command the pin at the same time")
    .option("--active-low", "on is the low level")
    .addOption(oneOf("--bias <bias>", "the pull resistor", ["as-is", "disabled", "pull-up", "pull-down"]))
    .addOption(oneOf("--drive <drive>", "how the line is driven", ["push-pull", "open-drain", "open-source"]))
    .option("--initial <level>", "0 or 1: the level from the first moment on, when the pin is not open yet", level)
    .addOption(oneOf("--close-level <level>", "where closing leaves the line", ["off", "on", "keep"]))
    .option("--frequency <hz>", "of PWM, for value and pulse; 200 unless the pin is opened with another", pwmFrequency)
    .option("--max-on <duration>", "how long the pin may be on without a break, whoever commands it, until it is closed", duration)
    .addOption(oneOf("--on-disconnect <what>", "what the pin does after this command", ["stay", "close"]).default("stay"))
    .option("--wait-closing <duration>", "how long to wait for a pin that is closing", duration)
    .option("--json", "print the supervisor's answer");
  return examples(command, lines);
}

/**
 * Opens the pin, or adopts it, and gives it a command.
 * @throws HoldfastError what the supervisor answers; CommandCancelled
 */
export function give<O extends CommandRequest["op"]>(
  op: O,
  name: string,
  own: OwnFields<O>,
  flags: OutputFlags,
  command: Command,
): Promise<void> {
  const { for: durationMs, queue, started, done, json } = flags;
  const endless = durationMs === undefined && !("n" in own && own.n !== undefined);
  if (done && endless) {
    const bound = `--for${"n" in own ? " or -n" : ""}`;
    const limit = flags.maxOn === undefined ? "" : " (--max-on would cut it short, which is no end of its own)";
    command.error(`error: --done would wait until somebody else commands the pin: ${op} has no end of its own${limit}; say ${bound}`);
  }
  const ack = done ? "done" : started ? "started" : undefined;
  const fields = { ...own, durationMs, mode: queue ? "wait" : "nowait", ack } as Fields<"on">;
  // What is refused whatever the pin does must not have touched it.
  parseRequest({ ...fields, id: 0, op, pin: name });
  return withClient(command, async (client) => {
    const pin = await openOutput(client, name, flags, firstLevel(op, own));
    const reply = await client.request<CommandRequest["op"]>(op, { ...fields, pin: pin.name }).catch(async (error) => {
      await leaveAsFound(pin).catch(() => {});
      throw error;
    });
    if (json) await printJson({ pin: pin.name, ...reply });
    if (reply.outcome === "cancelled") throw new CommandCancelled(op, pin.name, reply.reason ?? "");
  });
}

/** What a command is about to drive, where that is known. Where it is for a group it says so of each line: another pin is not opened for it. */
function firstLevel<O extends CommandRequest["op"]>(op: O, own: OwnFields<O>): Fields<"open">["initial"] {
  if (op === "on") return 1;
  const { levels, steps = [] } = own as Partial<OwnFields<"write"> & OwnFields<"pattern">>;
  const first = levels ?? steps[0]?.levels ?? steps[0]?.level;
  const ofEach = steps.find((step) => step.levels !== undefined)?.levels;
  return typeof first === "number" && ofEach !== undefined ? ofEach.map(() => first) : first;
}

/** A command that was refused leaves no trace: what it has opened it closes, and what was open stays. */
async function leaveAsFound(pin: OutputPin): Promise<void> {
  if (pin.wasOpen) await pin.configure({ onDisconnect: "stay" });
  else await pin.close({ hard: true });
}

async function openOutput(client: HoldfastClient, name: string, flags: OutputFlags, first: Fields<"open">["initial"]): Promise<OutputPin> {
  const { share, activeLow, bias, drive, initial, closeLevel, frequency: frequencyHz, maxOn: maxOnMs } = flags;
  const { onDisconnect, waitClosing: waitMs } = flags;
  const fields = {
    direction: "out",
    share,
    activeLow,
    bias,
    drive,
    initial,
    closeLevel,
    frequencyHz,
    maxOnMs,
    onDisconnect,
    waitMs,
  } as const;
  if (first === undefined || initial !== undefined) return client.output(name, fields);
  try {
    // A line that is on although nobody has opened it must not go off for a moment on its way to on.
    return await client.output(name, { ...fields, initial: first });
  } catch (error) {
    // It is open already, so the level that it was opened with is of no interest.
    if (error instanceof HoldfastError && error.code === "PIN_CONFLICT" && error.details.field === "initial") {
      return client.output(name, fields);
    }
    throw error;
  }
}
