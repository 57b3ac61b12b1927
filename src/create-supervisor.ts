import { resolve } from "node:path";
import { AccessRules } from "./access/access-rules.ts";
import { actorPlan } from "./actor-plan.ts";
import { ActorWatch } from "./actor-watch.ts";
import { type ClientOptions, HoldfastClient } from "./client/client.ts";
import type { Clock } from "./clock/clock.ts";
import { RealClock } from "./clock/real.ts";
import { FolderSharedMemory } from "./frames/folder.ts";
import type { SharedMemory } from "./frames/memory.ts";
import type { GpioBackend } from "./gpio/backend.ts";
import { type ListenerName, Listeners, type OpenListener } from "./listeners.ts";
import { ChildProcesses } from "./processes/child-processes.ts";
import { PidfdProcesses } from "./processes/pidfd.ts";
import type { ProcessHost } from "./processes/process-host.ts";
import { aliasesOf } from "./protocol/aliases.ts";
import { assertConfig } from "./protocol/assert-config.ts";
import { DEFAULT_DRAIN_MS } from "./protocol/limits.ts";
import { type ListenSettings, listenSchema } from "./protocol/listen.ts";
import type { ReplyOf } from "./protocol/replies.ts";
import { limitsOf, type OperatorSettings, reconfigure, type Serving } from "./reconfigure.ts";
import { assertCameraTables } from "./supervisor/cameras/camera-tables.ts";
import { Supervisor } from "./supervisor/supervisor.ts";
import type { Log } from "./supervisor/surroundings.ts";
import type { ActorParts } from "./supervisor/user-actors/actor-parts.ts";
import type { ActorPlan } from "./supervisor/user-actors/user-actors.ts";
import { inProcess } from "./transports/in-process.ts";
import { inTurns } from "./transports/in-turns.ts";
import type { Listener, ListenerParts } from "./transports/listener.ts";
import { listenForPigpio } from "./transports/pigpio/listener.ts";
import { listenForRemoteio } from "./transports/remoteio/listener.ts";
import { TcpListener } from "./transports/tcp/listener.ts";
import { UnixListener } from "./transports/unix.ts";
import { assertNoActorThread } from "./user-actors/actor-thread.ts";
import { fileVersions } from "./user-actors/file-versions.ts";
import { InlineActors } from "./user-actors/inline-actors.ts";
import { ThreadActors } from "./user-actors/thread-actors.ts";

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** What a supervisor is given. */
export interface SupervisorOptions extends OperatorSettings {
  /** Where the lines come from: `new SimBackend(…)`, `new ChardevBackend(…)` or your own. */
  readonly backend: GpioBackend;
  /** Serve other processes on this Unix socket; without it only this process has clients. */
  readonly socket?: string;
  /** Where pools are made; default: the machine's shared memory, `new FolderSharedMemory()`. */
  readonly memory?: SharedMemory;
  /** Where processes run; default: beside this one, as its children. */
  readonly host?: ProcessHost;
  /** What runs `holdfast`, for the processes of cameras; default: the program of this name in PATH. */
  readonly program?: readonly string[];
  /** Default: the machine's time. */
  readonly clock?: Clock;
  /** How long a soft shutdown may take before it becomes a hard one, in ms; default 10 000. */
  readonly drainMs?: number;
  /**
   * What a client's `reload` does; default: users' actors are swapped whose files have changed.
   * @throws HoldfastError what the client is told
   */
  readonly reload?: () => Promise<void>;
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
  /**
   * Obeys these settings in the place of those that it was made with: all of them, or, when something is wrong or can't be done, none. Pins keep
   * their lines, their commands and their clients; what holds for them changes at once.
   * Users' actors whose files have changed are swapped, as by `reload`.
   * @throws HoldfastError `BAD_CONFIG` with the `key`, `SHUTTING_DOWN`, and what making a pool and opening a listener throw; with everything else
   * in force, as `reload` does
   */
  reconfigure(settings: OperatorSettings): Promise<void>;
  /**
   * Looks at the files of users' actors: who is new is started, who is not there any more is ended, and who says something else is loaded beside the
   * one that runs, which then ends softly and makes room. Resolves when all that is decided.
   * @throws HoldfastError `BAD_ACTOR`, `ACTOR_FAILED`: one can't be loaded, and what ran goes on; `BAD_CONFIG`: the folder is not there
   */
  reload(): Promise<void>;
  /** Resolves when the supervisor has stopped, whoever asked it to. */
  readonly stopped: Promise<void>;
}

/**
 * Starts a supervisor in this process. The backend is closed with it, and when it can't be started.
 * @throws HoldfastError `ALREADY_RUNNING`, `SOCKET_PATH`, `PERMISSION_DENIED`, `BAD_CONFIG` with the `key`, what the backend throws, and what `pool.create` answers
 */
export async function createSupervisor(options: SupervisorOptions): Promise<EmbeddedSupervisor> {
  const { backend } = options;
  const { supervisor, unix, watch, ...serving } = await start(options).catch((error) => {
    backend.close();
    throw error;
  });
  let said: OperatorSettings = options;
  let settled: Promise<unknown> = Promise.resolve();
  const stopped = supervisor.stopped.then(async () => {
    // Another configuration may be about to open a listener.
    await settled;
    watch.close();
    await Promise.all([unix?.close(), serving.listeners.close()]);
    backend.close();
  });
  const shutdown = async ({ hard = false } = {}) => {
    supervisor.shutdown(hard);
    await stopped;
  };
  return {
    client: ({ name = "embedded", ...rest } = {}) => HoldfastClient.over(inProcess(supervisor, name), { name, ...rest }),
    status: () => supervisor.status(),
    reconfigure: (settings) => {
      const done = settled.then(async () => {
        await reconfigure({ supervisor, ...serving }, said, settings);
        said = settings;
        watch.become(settings.actors);
      });
      settled = done.catch(() => {});
      return done.then(() => supervisor.actors.reload());
    },
    reload: () => supervisor.actors.reload(),
    shutdown,
    stopped,
    [Symbol.asyncDispose]: () => shutdown(),
  };
}

/** Makes the pools, serves, and starts the processes. Nothing of it is left when something fails. */
async function start(options: SupervisorOptions): Promise<Serving & { readonly unix: Listener | null; readonly watch: ActorWatch }> {
  assertNoActorThread();
  const { backend, socket, memory = new FolderSharedMemory(), clock = new RealClock(), drainMs = DEFAULT_DRAIN_MS, log = silent } = options;
  const { pins = {}, pools = {}, processes = {}, cameras = {}, listen = {}, access = {}, program, reload } = options;
  const limits = limitsOf(options.limits);
  assertConfig(listenSchema, listen, ["listen"]);
  assertCameraTables(cameras, { pools: Object.keys(pools) });
  const actors = actorParts(actorPlan(options.actors), clock);
  // A folder that is not there is found before anything is made.
  actors.plan.sources();
  if (socket !== undefined) await UnixListener.assertFree(socket);
  const host = options.host ?? childProcesses(socket);
  const surroundings = { backend, memory, processes: new PidfdProcesses(), host, clock, limits, log };
  const configured = { configuredPins: pins, configuredProcesses: processes, configuredCameras: cameras, access };
  const supervisor = new Supervisor({
    ...surroundings,
    ...configured,
    drainMs,
    actors,
    ...(program && { program }),
    ...(reload && { reload }),
  });
  void supervisor.stopped.then(() => host.close());
  const rules = new AccessRules(access, aliasesOf(pins));
  const parts: ListenerParts = { supervisor, rules, clock, limits, log };
  const listeners = new Listeners(opener(parts));
  let unix: Listener | null = null;
  try {
    backend.start?.();
    for (const path of memory.removeLeftovers()) log.info({ path }, "removed the file of a pool whose supervisor has ended");
    for (const [name, settings] of Object.entries(pools)) await supervisor.pools.create(name, settings);
    if (socket !== undefined) unix = await UnixListener.open(socket, parts);
    await listeners.changeTo(listen).make();
    supervisor.startAll();
    const watch = new ActorWatch(supervisor.actors, clock, log);
    watch.become(options.actors);
    return { supervisor, rules, listeners, log, unix, watch };
  } catch (error) {
    supervisor.shutdown(true);
    await supervisor.stopped;
    await Promise.all([unix?.close(), listeners.close()]);
    throw error;
  }
}

/** Users' actors: files run in threads of their own, definitions in this one, and all of them are clients in this process. */
function actorParts(plan: ActorPlan, clock: Clock): ActorParts {
  const [threads, inline] = [new ThreadActors(), new InlineActors(clock)];
  return {
    plan,
    host: { load: (source, listener, signal) => ("file" in source ? threads.load(source, listener, signal) : inline.load(source)) },
    versions: fileVersions,
    dial: (supervisor, name) => inTurns(inProcess(supervisor, name, "actor")),
  };
}

/** Those that a supervisor starts find it, wherever it was told to be and whatever it was told to connect to itself. */
function childProcesses(socket: string | undefined): ChildProcesses {
  return new ChildProcesses(socket === undefined ? {} : { HOLDFAST_SOCKET: resolve(socket), HOLDFAST_URL: undefined });
}

/** How the listeners are opened that the configuration speaks of. */
function opener(parts: ListenerParts): OpenListener {
  const open: { readonly [N in ListenerName]: (settings: NonNullable<ListenSettings[N]>, parts: ListenerParts) => Promise<Listener> } = {
    tcp: TcpListener.open,
    pigpio: listenForPigpio,
    remoteio: listenForRemoteio,
  };
  return (name, settings) => open[name](settings, parts);
}
