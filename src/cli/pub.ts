import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { examples } from "./arguments.ts";
import { FileFailed } from "./failure.ts";
import { withClient } from "./session.ts";

interface PubFlags {
  readonly json?: boolean;
  readonly file?: string;
  readonly retain?: boolean;
}

/** `holdfast pub`. */
export function addPub(program: Command): void {
  const pub = program
    .command("pub")
    .summary("Publish a message on a topic")
    .description(
      "Tell every program that has subscribed to a topic. The value is text; with --json anything that JSON can say, with --file bytes. Without " +
        "a value the message is a mere sign. With --retain the topic keeps the value for those who subscribe later, until the supervisor ends " +
        "or another takes its place; --retain without a value has it keep none.",
    )
    .argument("<topic>", "levels with / between them: door/front/state")
    .argument("[value]", "text, or JSON with --json; one that begins with - stands behind --")
    .option("--json", "the value is JSON")
    .option("--file <path>", "the value is what is in a file; - for stdin")
    .option("--retain", "keep it for those who subscribe later")
    .action(act);
  examples(pub, {
    "holdfast pub door/front/state open --retain": "also for those who ask later",
    "holdfast pub kitchen/temperature 21.5 --json": "a number",
    "holdfast pub bell": "a message without a value",
    "holdfast pub door/front/state --retain": "keep no value any more",
    "date | holdfast pub clock --file -": "what another program prints, as bytes",
  });
}

async function act(
  topic: string,
  text: string | undefined,
  { json = false, file, retain = false }: PubFlags,
  command: Command,
): Promise<void> {
  if (text !== undefined && file !== undefined) command.error("error: a message has one value: leave out the value or --file");
  if (json && text === undefined && file === undefined) command.error("error: --json needs a value");
  const value = await valueFrom(text, file, json, command);
  await withClient(command, (client) => client.publish(topic, value, { retain }));
}

async function valueFrom(text: string | undefined, file: string | undefined, json: boolean, command: Command): Promise<unknown> {
  if (file === undefined) return json ? parsed(text as string, (reason) => command.error(`error: the value is no JSON: ${reason}`)) : text;
  const name = file === "-" ? "stdin" : file;
  const bytes = await readFile(file === "-" ? "/dev/stdin" : file).catch((cause) => {
    throw new FileFailed(`${name} can't be read`, cause);
  });
  const fail = (reason: string) => {
    throw new FileFailed(`${name} is no JSON: ${reason}`);
  };
  return json ? parsed(bytes.toString(), fail) : new Uint8Array(bytes);
}

function parsed(json: string, fail: (reason: string) => never): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    return fail((error as Error).message);
  }
}
