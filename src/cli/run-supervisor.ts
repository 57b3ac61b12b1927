import type { Clock } from "../clock/clock.ts";
import { RealClock } from "../clock/real.ts";
import { inFile } from "../config/in-file.ts";
import { readConfig } from "../config/read-config.ts";
import { createSupervisor, type EmbeddedSupervisor } from "../create-supervisor.ts";
import { FolderSharedMemory } from "../frames/folder.ts";
import type { GpioBackend } from "../gpio/backend.ts";
import { ChardevBackend } from "../gpio/chardev/chardev.ts";
import { chipPaths } from "../gpio/chardev/nodes.ts";
import { SimBackend } from "../gpio/sim.ts";
import { HoldfastError } from "../protocol/errors.ts";
import { version } from "../version.ts";
import type { ServeFlags } from "./serve.ts";
import { type ServeLog, serveLog } from "./serve-log.ts";

/** How long lines may take to be given back after a defect, before the process ends all the same, in ms. */
const LAST_WORDS_MS = 1000;

/**
 * Runs a supervisor until a signal or a client ends it, then ends the process.
 * @throws HoldfastError `ALREADY_RUNNING`, `SOCKET_PATH`, `PERMISSION_DENIED`, `NO_BACKEND`, `BAD_CONFIG`, `MEMORY_FULL`, …
 */
export async function serveUntilTold(socket: string, flags: ServeFlags): Promise<void> {
  const { backend: kind, drainTimeout, maxOn, logLevel, limit } = flags;
  const { source, config } = await readConfig(flags.config);
  const log = serveLog(logLevel);
  const clock = new RealClock();
  const backend = chooseBackend(kind, clock, log);
  const chips = backend.chips().map(({ label, path, lines }) => ({ label, path, lines: lines.length }));
  const starting = createSupervisor({
    backend,
    socket,
    clock,
    pools: config.pools,
    pins: config.pins,
    listen: config.listen,
    access: config.access,
    memory: new FolderSharedMemory(config.frames.directory),
    limits: { ...config.limits, ...limit, ...(maxOn === undefined ? {} : { maxOnMs: maxOn }) },
    drainMs: drainTimeout,
    log,
  });
  obeySignals(starting, log);
  const supervisor = await starting.catch((error) => {
    throw source === null ? error : inFile(error, source);
  });
  endAfterDefects(supervisor, log);
  log.info(
    { socket, backend: backend.name, chips, config: source?.file ?? null, pools: Object.keys(config.pools), pid: process.pid, version },
    "ready",
  );
  await supervisor.stopped;
  log.info({ socket }, "stopped");
  process.exit();
}

/**
 * Real chips wherever there is any sign of them: nobody gets a pretended success.
 * @throws HoldfastError `NO_BACKEND`; `PERMISSION_DENIED` when there are chips that may not be opened
 */
function chooseBackend(kind: ServeFlags["backend"], clock: Clock, log: ServeLog): GpioBackend {
  if (kind === "sim") return new SimBackend({ clock });
  const { usable, denied } = chipPaths();
  if (usable.length + denied.length > 0) {
    const chardev = new ChardevBackend();
    if (chardev.chips().length > 0) return chardev;
    throw new HoldfastError("NO_BACKEND", `no GPIO chip answers behind ${usable.join(", ")}`, { paths: usable });
  }
  if (kind === "chardev") throw new HoldfastError("NO_BACKEND", "this machine has no GPIO chip: there is no /dev/gpiochip*");
  log.warn({}, "this machine has no GPIO chip: the pins are simulated");
  return new SimBackend({ clock });
}

/** The first signal ends the supervisor softly, the second one at once; one that comes while it starts waits for it. */
function obeySignals(starting: Promise<EmbeddedSupervisor>, log: ServeLog): void {
  const end = async (signal: string) => {
    log.info({ signal }, "told to end");
    await (await starting).shutdown();
  };
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => void end(signal).catch(() => {}));
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
