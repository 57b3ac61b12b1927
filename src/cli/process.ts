import type { Command } from "commander";
import type { ProcessInfo } from "../protocol/replies.ts";
import { examples } from "./arguments.ts";
import { formatSpan } from "./durations.ts";
import { addOnEach, type OnEach } from "./on-each.ts";
import { print, printJson, table } from "./print.ts";
import { withClient } from "./session.ts";

/** What `--help` says of a process. */
const PROCESS = "a process's name in the configuration";

/** `holdfast process list`, `start`, `stop` and `restart`. */
export function addProcess(program: Command): void {
  const process = program
    .command("process")
    .summary("List, start, stop and restart supervised processes")
    .description(
      "List, start, stop and restart the processes that the configuration names. What they write is in the supervisor's log. Without a command: list.",
    );
  addList(process);
  for (const command of [start, stop, restart]) addOnEach(process, PROCESS, command);
  examples(process, {
    "holdfast process": "what runs, and what has failed",
    "holdfast process restart algo": "with its new version",
  });
}

function addList(process: Command): void {
  const list = process
    .command("list", { isDefault: true })
    .summary("List the processes, and what they do")
    .description("List the processes that are supervised: what they do, since when, and how they ended last by themselves.")
    .option("--json", "print all that is known, as the reply to the protocol's `processes`")
    .action(({ json }: { readonly json?: true }, command: Command) =>
      withClient(command, async (client) => {
        const processes = await client.processes();
        if (json) await printJson({ processes });
        else await print(processTable(processes));
      }),
    );
  examples(list, {
    "holdfast process list": "for a person",
    "holdfast process list --json | jq '.processes[] | {process, state, pid}'": "for a program",
  });
}

const start: OnEach = {
  act: "start",
  summary: "Start processes",
  description: "Start processes, those first that they are to be started after. Each is waited for until it runs.",
  perform: (client, name) => client.startProcess(name),
  examples: { "holdfast process start algo": "runs, and camera too, if it is started after that" },
};

const stop: OnEach = {
  act: "stop",
  summary: "End processes",
  description:
    "Ask processes to end (SIGTERM), and all that they have started; who has not after the grace that is configured, is ended (SIGKILL). Each is waited for. " +
    "A stopped process stays so until it is started, or the supervisor is.",
  hard: "end them at once",
  perform: (client, name, options) => client.stopProcess(name, options),
  examples: {
    "holdfast process stop algo": "and wait until it has ended",
    "holdfast process stop algo camera --hard": "two of them, at once",
  },
};

const restart: OnEach = {
  act: "restart",
  summary: "End processes, and start them again",
  description: "End processes as `stop` does, and start them again as `start` does.",
  perform: (client, name) => client.restartProcess(name),
  examples: { "holdfast process restart algo": "with its new version" },
};

/** Processes for a person. */
export function processTable(processes: readonly ProcessInfo[]): string {
  if (processes.length === 0) return "There is no process that you may see.";
  return table(
    ["PROCESS", "STATE", "FOR", "PID", "RESTARTS", "ENDED", "COMMAND"],
    processes.map((info) => [
      info.process,
      stateOf(info),
      formatSpan(info.stateMs),
      String(info.pid ?? "-"),
      String(info.restarts),
      endOf(info),
      info.command.join(" "),
    ]),
  );
}

function stateOf({ state, waitsFor, nextStartMs }: ProcessInfo): string {
  if (nextStartMs !== null) return `${state}, starts in ${formatSpan(nextStartMs)}`;
  return waitsFor.length === 0 ? state : `${state} for ${waitsFor.join(" and ")}`;
}

function endOf({ end }: ProcessInfo): string {
  switch (end?.reason) {
    case "exited":
      return `with status ${end.status}`;
    case "killed":
      return `by ${end.signal}`;
    case "silent":
      return "was silent for too long";
    case "unstartable":
      return "could not be started";
    default:
      return "-";
  }
}
