import { RealClock } from "../clock/real.ts";
import { inFile } from "../config/in-file.ts";
import { readConfig } from "../config/read-config.ts";
import { createSupervisor, type EmbeddedSupervisor } from "../create-supervisor.ts";
import { FolderSharedMemory } from "../frames/folder.ts";
import { version } from "../version.ts";
import { chooseBackend } from "./choose-backend.ts";
import { operatorSettings, Reloading } from "./reloading.ts";
import type { ServeFlags } from "./serve.ts";
import { type ServeLog, serveLog } from "./serve-log.ts";
import { hasTerminal, ignoresHangup } from "./terminal.ts";

/** How long lines may take to be given back after a defect, before the process ends all the same, in ms. */
const LAST_WORDS_MS = 1000;

/**
 * Runs a supervisor until a signal or a client ends it, then ends the process.
 * @throws HoldfastError `ALREADY_RUNNING`, `SOCKET_PATH`, `PERMISSION_DENIED`, `NO_BACKEND`, `BAD_CONFIG`, `MEMORY_FULL`, …
 */
export async function serveUntilTold(socket: string, flags: ServeFlags): Promise<void> {
  const { backend: kind, drainTimeout, logLevel } = flags;
  const found = await readConfig(flags.config);
  const { source, config } = found;
  const settings = operatorSettings(config, flags);
  const log = serveLog(logLevel);
  const clock = new RealClock();
  const backend = chooseBackend(kind, clock);
  if (kind === "auto" && backend.name === "sim") log.warn({}, "this machine has no GPIO chip: the pins are simulated");
  const chips = backend.chips().map(({ label, path, lines }) => ({ label, path, lines: lines.length }));
  const starting: Promise<EmbeddedSupervisor> = createSupervisor({
    backend,
    socket,
    clock,
    ...settings,
    memory: new FolderSharedMemory(config.frames.directory),
    drainMs: drainTimeout,
    reload: () => reloading.reload(),
    program: ownProgram(),
    log,
  });
  const reloading = new Reloading(starting, found, flags, log);
  obeySignals(starting, reloading, log);
  const supervisor = await starting.catch((error) => {
    throw source === null ? error : inFile(error, source);
  });
  endAfterDefects(supervisor, log);
  const about = {
    socket,
    backend: backend.name,
    chips,
    config: source?.file ?? null,
    pools: Object.keys(config.pools),
    processes: Object.keys(config.processes),
    cameras: Object.keys(config.cameras),
    actors: settings.actors.folder ?? null,
  };
  log.info({ ...about, pid: process.pid, version }, "ready");
  await supervisor.stopped;
  log.info({ socket }, "stopped");
  process.exit();
}

/** What runs this program again: the executable, or what it is interpreted by and from. */
function ownProgram(): readonly string[] {
  const isCompiled = Bun.main.startsWith("/$bunfs/");
  return isCompiled ? [process.execPath] : [process.execPath, Bun.main];
}

/**
 * The first SIGTERM or SIGINT ends the supervisor softly, the second one at once; one that comes while it starts waits for it. SIGHUP has it read
 * its configuration again, unless it came with the end of the terminal that the supervisor was started in.
 */
function obeySignals(starting: Promise<EmbeddedSupervisor>, reloading: Reloading, log: ServeLog): void {
  const end = async (signal: string) => {
    log.info({ signal }, "told to end");
    await (await starting).shutdown();
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => void end(signal).catch(() => {}));
  const endsWithTerminal = hasTerminal() && !ignoresHangup();
  process.on("SIGHUP", () => void (endsWithTerminal && !hasTerminal() ? end("SIGHUP") : reloading.reload()).catch(() => {}));
}

/** What nobody has foreseen ends the process, but gives the lines back first. */
function endAfterDefects(supervisor: EmbeddedSupervisor, log: ServeLog): void {
  const end = (error: unknown) => {
    log.error({ err: error }, "a defect in holdfast; it ends now");
    process.exitCode = 1;
    setTimeout(() => process.exit(), LAST_WORDS_MS);
    void supervisor.shutdown({ hard: true });
  };
  process.on("uncaughtException", end);
  process.on("unhandledRejection", end);
}
