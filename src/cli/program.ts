import { Command, CommanderError, type Option } from "commander";
import { version } from "../version.ts";
import { addActor } from "./actor.ts";
import { addActors } from "./actors.ts";
import { examples } from "./arguments.ts";
import { addAsk } from "./ask.ts";
import { addBlink } from "./blink.ts";
import { addCamera } from "./camera.ts";
import { addCameraWorker } from "./camera-worker.ts";
import { addClose } from "./close.ts";
import { addConfig } from "./config.ts";
import { addDoctor } from "./doctor.ts";
import { isMisuse, reportFailure } from "./failure.ts";
import { addFrames } from "./frames.ts";
import { fullName } from "./full-name.ts";
import { addGraph } from "./graph.ts";
import { addInspect } from "./inspect.ts";
import { addObserve } from "./observe.ts";
import { addOff } from "./off.ts";
import { addOn } from "./on.ts";
import { addPattern } from "./pattern.ts";
import { addPins } from "./pins.ts";
import { addPool } from "./pool.ts";
import { endWithReader, flush } from "./print.ts";
import { addProcess } from "./process.ts";
import { addPub } from "./pub.ts";
import { addPulse } from "./pulse.ts";
import { addRead } from "./read.ts";
import { addReload } from "./reload.ts";
import { addSend } from "./send.ts";
import { addServe } from "./serve.ts";
import { addSim } from "./sim.ts";
import { addStatus } from "./status.ts";
import { addSub } from "./sub.ts";
import { addToggle } from "./toggle.ts";
import { addToken } from "./token.ts";
import { addTopics } from "./topics.ts";
import { addTrace } from "./trace.ts";
import { addValue } from "./value.ts";
import { addWatch } from "./watch.ts";
import { addWrite } from "./write.ts";

/** What the process ends with. */
const exitStatus = { ok: 0, failed: 1, misuse: 2 } as const;

/** Does what a command line says, and ends the process with the exit status: 0 ok, 1 refused or failed, 2 misuse. */
export async function run(args: readonly string[]): Promise<never> {
  endWithReader();
  const status = await perform(args);
  await flush();
  process.exit(status);
}

async function perform(args: readonly string[]): Promise<number> {
  let command = createProgram();
  // What the supervisor starts beside itself; nobody types it.
  addCameraWorker(command);
  command.hook("preAction", (_, acting) => {
    command = acting;
  });
  if (args.length === 0) {
    command.outputHelp();
    return exitStatus.ok;
  }
  try {
    await command.parseAsync(args, { from: "user" });
    return exitStatus.ok;
  } catch (error) {
    // Commander has said already what is wrong, or shown the help or the version that it was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitStatus.ok : exitStatus.misuse;
    reportFailure(error, command);
    return isMisuse(error) ? exitStatus.misuse : exitStatus.failed;
  }
}

/** The command line of holdfast. */
export function createProgram(): Command {
  const program = new Command("holdfast");
  program
    .description("One process holds the GPIO lines fast; everyone else talks to it.")
    .version(`holdfast ${version}`, "--version", "print the version")
    .helpOption("-h, --help", "show this help")
    .helpCommand("help [command]", "show the help of a command")
    .option(
      "--socket <path>",
      "the supervisor's socket (default: HOLDFAST_SOCKET, else the first that answers: $XDG_RUNTIME_DIR/holdfast.sock, /run/holdfast/holdfast.sock)",
    )
    .option(
      "--connect <url>",
      "the supervisor's address, also over the network: holdfast://host:port, unix:/path (default: HOLDFAST_URL, else the socket)",
    )
    .option("--token-file <path>", "the token for a supervisor on the network (default: HOLDFAST_TOKEN, which is the token itself)")
    .option(
      "--ca <path>",
      "who must have signed the certificate of a supervisor on the network, as PEM (default: HOLDFAST_CA, else whom this system trusts)",
    )
    .configureHelp({ showGlobalOptions: true, visibleGlobalOptions: globalOptions })
    .exitOverride();
  program.commandsGroup("The supervisor:");
  addServe(program);
  addReload(program);
  addStatus(program);
  addDoctor(program);
  addConfig(program);
  addToken(program);
  program.commandsGroup("Outputs:");
  for (const add of [addOn, addOff, addToggle, addWrite, addValue, addBlink, addPulse, addPattern]) add(program);
  program.commandsGroup("All pins:");
  for (const add of [addRead, addWatch, addClose, addPins]) add(program);
  program.commandsGroup("Frames in shared memory:");
  addPool(program);
  addFrames(program);
  program.commandsGroup("Cameras:");
  addCamera(program);
  program.commandsGroup("Topics:");
  addPub(program);
  addSub(program);
  addTopics(program);
  program.commandsGroup("Actors, by their addresses:");
  for (const add of [addActors, addSend, addAsk, addObserve, addTrace, addInspect, addGraph, addActor]) add(program);
  program.commandsGroup("Supervised processes:");
  addProcess(program);
  program.commandsGroup("Simulated pins:");
  addSim(program);
  examples(program, {
    "holdfast serve": "the supervisor, in one terminal",
    "holdfast blink 17 --on 100ms --off 400ms -n 5": "a pin, from another",
    "holdfast watch 4 --bias pull-up": "a button",
    "holdfast frames tap cam0": "frames of a camera",
    "holdfast sub 'door/#'": "what programs tell each other",
    "holdfast trace": "all that happens",
    "holdfast --connect holdfast://shed.local on 17": "a pin of another machine",
    "holdfast blink --help": "all about a command",
  });
  hintAtUsage(program);
  return program;
}

/** What the help of a sub-command says of the options of `holdfast`: its own help lists them anyway. */
function globalOptions({ parent }: Command): Option[] {
  for (let root = parent; root !== null; root = root.parent) {
    if (root.parent === null) return root.options.filter(({ long }) => long !== "--version");
  }
  return [];
}

/** Misuse is answered with how the command is used. */
function hintAtUsage(command: Command): void {
  command.showHelpAfterError(`Usage: ${command.createHelp().commandUsage(command)}\n  More: ${fullName(command)} --help`);
  for (const sub of command.commands) hintAtUsage(sub);
}
