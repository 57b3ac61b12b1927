import { AccessRules } from "./access/access-rules.ts";
import { type ClientOptions, HoldfastClient } from "./client/client.ts";
import type { Clock } from "./clock/clock.ts";
import { RealClock } from "./clock/real.ts";
import { FolderSharedMemory } from "./frames/folder.ts";
import type { SharedMemory } from "./frames/memory.ts";
import type { GpioBackend } from "./gpio/backend.ts";
import { PidfdProcesses } from "./processes/pidfd.ts";
import type { AccessTable } from "./protocol/access.ts";
import { assertConfig } from "./protocol/assert-config.ts";
import { DEFAULT_DRAIN_MS, defaultLimits, type Limits } from "./protocol/limits.ts";
import { type ListenSettings, listenSchema } from "./protocol/listen.ts";
import type { ReplyOf } from "./protocol/replies.ts";
import type { PinConfig, PoolSettings } from "./protocol/requests.ts";
import { Supervisor, type SupervisorParts } from "./supervisor/supervisor.ts";
import type { Log } from "./supervisor/surroundings.ts";
import { inProcess } from "./transports/in-process.ts";
import type { Listener } from "./transports/listener.ts";
import { listenForPigpio } from "./transports/pigpio/listener.ts";
import { listenForRemoteio } from "./transports/remoteio/listener.ts";
import { TcpListener } from "./transports/tcp/listener.ts";
import { UnixListener } from "./transports/unix.ts";

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** What a supervisor is given. */
export interface SupervisorOptions {
  /** Where the lines come from: `new SimBackend(…)`, `new ChardevBackend(…)` or your own. */
  readonly backend: GpioBackend;
  /** Serve other processes on this Unix socket; without it only this process has clients. */
  readonly socket?: string;
  /** Serve on these listeners as well. */
  readonly listen?: ListenSettings;
  /** Pools of frames that are there from the start, by their names. */
  readonly pools?: Readonly<Record<string, PoolSettings>>;
  /** Who may do what, by the names of the tables; without any, whoever reaches the supervisor may do everything. */
  readonly access?: Readonly<Record<string, AccessTable>>;
  /** What no client may go beyond with a pin, by the pins' names; `*`: with all others. */
  readonly pins?: Readonly<Record<string, PinConfig>>;
  /** Where pools are made; default: the machine's shared memory, `new FolderSharedMemory()`. */
  readonly memory?: SharedMemory;
  /** Default: the machine's time. */
  readonly clock?: Clock;
  /** Those that are not to be the default ones. */
  readonly limits?: Partial<Limits>;
  /** How long a soft shutdown may take before it becomes a hard one, in ms; default 10 000. */
  readonly drainMs?: number;
  /** A pino logger, or anything alike; default: silence. */
  readonly log?: Log;
}

/** A supervisor that runs within this process. */
export interface EmbeddedSupervisor extends AsyncDisposable {
  /** A client in this process, with the same methods as one over the socket. */
  client(options?: ClientOptions): Promise<HoldfastClient>;
  /** What the protocol's `status` answers. */
  status(): ReplyOf<"status">;
  /**
   * Gives every line back and ends every pool, softly or at once, closes the socket, and resolves when all that is done. A soft one lets pins
   * run what they have accepted and consumers take and release the frames that wait, for `drainMs` at most. A second call is a hard one.
   */
  shutdown(options?: { readonly hard?: boolean }): Promise<void>;
  /** Resolves when the supervisor has stopped, whoever asked it to. */
  readonly stopped: Promise<void>;
}

/**
 * Starts a supervisor in this process. The backend is closed with it, and when it can't be started.
 * @throws HoldfastError `ALREADY_RUNNING`, `SOCKET_PATH`, `PERMISSION_DENIED`, `BAD_CONFIG` for `pins`, what the backend throws, and what `pool.create` answers
 */
export async function createSupervisor(options: SupervisorOptions): Promise<EmbeddedSupervisor> {
  const { backend, memory = new FolderSharedMemory(), clock = new RealClock(), drainMs = DEFAULT_DRAIN_MS } = options;
  const { log = silent, pins = {}, access = {} } = options;
  const limits = { ...defaultLimits, ...options.limits };
  const parts = { backend, memory, processes: new PidfdProcesses(), clock, limits, configuredPins: pins, access, drainMs, log };
  const { supervisor, listeners } = await start(parts, options).catch((error) => {
    backend.close();
    throw error;
  });
  const stopped = supervisor.stopped.then(async () => {
    await Promise.all(listeners.map((listener) => listener.close()));
    backend.close();
  });
  const shutdown = async ({ hard = false } = {}) => {
    supervisor.shutdown(hard);
    await stopped;
  };
  return {
    client: ({ name = "embedded", ...rest } = {}) => HoldfastClient.over(inProcess(supervisor, name), { name, ...rest }),
    status: () => supervisor.status(),
    shutdown,
    stopped,
    [Symbol.asyncDispose]: () => shutdown(),
  };
}

/** Makes the pools and serves. Nothing of it is left when something fails. */
async function start(
  parts: SupervisorParts,
  { socket, pools = {}, listen = {}, access = {} }: SupervisorOptions,
): Promise<{ readonly supervisor: Supervisor; readonly listeners: readonly Listener[] }> {
  const { memory, log } = parts;
  const rules = new AccessRules(access);
  assertConfig(listenSchema, listen, ["listen"]);
  if (socket !== undefined) await UnixListener.assertFree(socket);
  const supervisor = new Supervisor(parts);
  const listeners: Listener[] = [];
  try {
    parts.backend.start?.();
    for (const path of memory.removeLeftovers()) log.info({ path }, "removed the file of a pool whose supervisor has ended");
    for (const [name, settings] of Object.entries(pools)) await supervisor.pools.create(name, settings);
    for await (const listener of serve(supervisor, parts, rules, socket, listen)) listeners.push(listener);
    return { supervisor, listeners };
  } catch (error) {
    supervisor.shutdown(true);
    await supervisor.stopped;
    await Promise.all(listeners.map((listener) => listener.close()));
    throw error;
  }
}

/** Every listener that is asked for, one after the other. */
async function* serve(
  supervisor: Supervisor,
  { clock, limits, log }: SupervisorParts,
  rules: AccessRules,
  socket: string | undefined,
  { tcp, pigpio, remoteio }: ListenSettings,
): AsyncGenerator<Listener> {
  if (socket !== undefined) yield await UnixListener.open(socket, supervisor, rules, limits, log);
  if (tcp !== undefined) yield await TcpListener.open(tcp, { supervisor, rules, limits, log });
  if (pigpio !== undefined) yield await listenForPigpio(pigpio, supervisor, rules, clock, limits, log);
  if (remoteio !== undefined) yield await listenForRemoteio(remoteio, supervisor, rules, limits, log);
}
