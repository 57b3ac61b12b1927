import type { ProcessEnd, SupervisedEvent } from "../../../actors/supervised.ts";
import type { Clock } from "../../clock/clock.ts";
import { Watchdog } from "../../clock/watchdog.ts";
import type { HostedProcess, ProcessHost } from "../../processes/process-host.ts";
import { HoldfastError } from "../../protocol/errors.ts";
import { type ProcessSettings, type ProcessTable, processSettings } from "../../protocol/process-table.ts";
import type { ProcessInfo, ProcessState } from "../../protocol/replies.ts";
import type { Transitions } from "../addresses/transitions.ts";
import type { Client } from "../client.ts";
import { SupervisedLife } from "../supervised-life.ts";
import type { Log } from "../surroundings.ts";
import { OutputLog } from "./output-log.ts";

/** What a supervised process is given of the world. */
export interface ProcessWorld {
  readonly host: ProcessHost;
  readonly clock: Clock;
  readonly log: Log;
  /** From 0 to 1: the chance in the pauses before restarts. */
  readonly chance: () => number;
  readonly transitions: Transitions;
}

/** Who is told of a process. */
export interface ProcessHooks {
  /** It waits for what it is to be started after. */
  waits(): void;
  /** Its state has changed. */
  changed(): void;
  /** It has been through an event. Null: its time was up. */
  told?(event: string | null): void;
}

/** One program, its process while it runs, and its life. */
export class SupervisedProcess {
  readonly table: ProcessSettings;
  readonly #world: ProcessWorld;
  readonly #isWhole: boolean;
  readonly #life: SupervisedLife;
  /** Connections of its group, by which it is heard. */
  readonly #clients = new Set<Client>();
  #hosted: HostedProcess | null = null;
  #watchdog: Watchdog | null = null;
  /** When it last sent a request over a connection that it has no more; null: it has not. */
  #heardUs: number | null = null;
  #starts = 0;
  /** What kept its program from being started the last time. */
  #refusal: HoldfastError | null = null;

  /** @param isWhole whether those that it starts end with it, wherever they have gone */
  constructor(
    readonly name: string,
    table: ProcessTable,
    world: ProcessWorld,
    hooks: ProcessHooks,
    { isWhole = false }: { readonly isWhole?: boolean } = {},
  ) {
    this.table = processSettings(table);
    this.#world = world;
    this.#isWhole = isWhole;
    const actions = {
      spawn: () => this.#spawn(),
      terminate: () => this.#hosted?.signal("SIGTERM"),
      kill: () => this.#hosted?.signal("SIGKILL"),
    };
    const { restart, startMs, graceMs, backoffMs, maxBackoffMs, restartLimit, restartWindowMs, heartbeatMs } = this.table;
    const limits = { startMs, graceMs, backoffMs, maxBackoffMs, restartLimit, restartWindowMs };
    const input = { restart, silence: { reason: "silent" } as const, speaks: heartbeatMs !== undefined, ...limits };
    this.#life = new SupervisedLife(input, world.clock, actions, {
      changed: (state) => {
        this.#watch(state);
        this.#tell(state);
        if (state === "waiting") hooks.waits();
        hooks.changed();
      },
      told: (event) => hooks.told?.(event),
    });
  }

  get state(): ProcessState {
    return this.#life.state;
  }

  get pid(): number | null {
    return this.#hosted?.pid ?? null;
  }

  /** It neither runs nor is to. */
  get isAtRest(): boolean {
    return this.#life.isAtRest;
  }

  /** Nobody wants it to run. It may yet have to end. */
  get isStopped(): boolean {
    return this.#life.isStopped;
  }

  /** What is to be started after it may be. */
  get isThere(): boolean {
    return this.state === "running" || this.state === "done";
  }

  send(event: SupervisedEvent): void {
    this.#life.send(event);
  }

  /** A client has come out of its group. */
  joined(client: Client): void {
    this.#clients.add(client);
    this.send({ type: "heard" });
  }

  /** That client has gone. */
  left(client: Client): void {
    if (!this.#clients.has(client)) return;
    this.#heardUs = this.#lastHeardUs;
    this.#clients.delete(client);
  }

  /** Why it does not run, as a caller is told. */
  failure(why: string = this.endInWords): HoldfastError {
    const { state } = this;
    const end = this.#end;
    if (end?.reason === "unstartable" && this.#refusal !== null) {
      const { code, message, details } = this.#refusal;
      return new HoldfastError(code, `process ${this.name}: ${message}`, { ...details, field: "process", process: this.name });
    }
    return new HoldfastError("PROCESS_FAILED", `process ${this.name} ${why}`, { field: "process", process: this.name, state, end });
  }

  /** How it ended, in words. */
  get endInWords(): string {
    const end = this.#end;
    switch (end?.reason) {
      case "exited":
        return `has ended with status ${end.status}`;
      case "killed":
        return `was ended by ${end.signal}`;
      case "silent":
        return `sent nothing for too long, and was ended`;
      case "unstartable":
        return `could not be started: ${end.message}`;
      default:
        return "has not been started";
    }
  }

  /** What `processes` shows. @param waitsFor those that it is to be started after and that are not there */
  info(waitsFor: readonly string[]): ProcessInfo {
    const heardUs = this.#lastHeardUs;
    const { command, restart, after, heartbeatMs = null } = this.table;
    return {
      process: this.name,
      ...this.#life.shown,
      pid: this.pid,
      command: [...command],
      restart,
      after: [...after],
      waitsFor: this.state === "waiting" ? [...waitsFor] : [],
      starts: this.#starts,
      end: this.#end,
      heartbeatMs,
      heardMs: heartbeatMs === null || heardUs === null ? null : (this.#world.clock.nowUs() - heardUs) / 1000,
    };
  }

  /** How it ended last by itself. */
  get #end(): ProcessEnd | null {
    return this.#life.context.end as ProcessEnd | null;
  }

  get #lastHeardUs(): number | null {
    const heard = [...this.#clients].map(({ heardUs }) => heardUs);
    if (this.#heardUs !== null) heard.push(this.#heardUs);
    return heard.length === 0 ? null : Math.max(...heard);
  }

  #spawn(): void {
    const { host, clock, log, chance } = this.#world;
    const { command, directory, environment } = this.table;
    // A connection that somebody of an earlier process has kept is no sign of life of this one.
    this.#clients.clear();
    this.#heardUs = null;
    this.#refusal = null;
    this.#starts += 1;
    let output: OutputLog | null = null;
    const gone = () => {
      this.#hosted = null;
      this.send({ type: "gone", nowMs: clock.nowUs() / 1000, chance: chance() });
    };
    const unstartable = (refusal: HoldfastError) => {
      const { message, details } = refusal;
      if (details["isPassing"] === true) {
        this.send({ type: "exited", end: { reason: "unstartable", message } });
        return gone();
      }
      this.#hosted = null;
      this.#refusal = refusal;
      this.send({ type: "unstartable", message });
    };
    try {
      const spec = { command, directory, environment: { ...environment, HOLDFAST_PROCESS: this.name } };
      const hosted = host.spawn(this.#isWhole ? { ...spec, isWhole: true } : spec, {
        started: () => {
          log.info({ process: this.name, pid: hosted.pid, command }, "process started");
          this.send({ type: "spawned" });
        },
        failed: unstartable,
        output: (stream, bytes) => output?.push(stream, bytes),
        exited: (exit) => {
          const end: ProcessEnd = "status" in exit ? { reason: "exited", ...exit } : { reason: "killed", ...exit };
          log.info({ process: this.name, pid: hosted.pid, ...exit }, "process ended");
          this.send({ type: "exited", end });
        },
        gone: () => {
          output?.end();
          gone();
        },
      });
      this.#hosted = hosted;
      output = new OutputLog(this.name, hosted.pid, clock, log);
    } catch (error) {
      unstartable(HoldfastError.from(error));
    }
  }

  /** Listens for its heartbeat while it runs, and to no one when it does not. */
  #watch(state: ProcessState): void {
    const { heartbeatMs } = this.table;
    this.#watchdog?.stop();
    this.#watchdog = null;
    if (state !== "running" || heartbeatMs === undefined) return;
    const { clock } = this.#world;
    const periodUs = heartbeatMs * 1000;
    const dueUs = () => Math.max(this.#lastHeardUs ?? 0, this.#life.changedUs) + periodUs;
    this.#watchdog = new Watchdog(clock, periodUs, dueUs, () => this.send({ type: "silent" }));
  }

  #tell(state: ProcessState): void {
    const { log } = this.#world;
    const end = this.#end;
    const { pauseMs, restarts, restartLimit } = this.#life.context;
    if (state === "stopping" && end?.reason === "silent") log.warn({ process: this.name, pid: this.pid }, "process hangs: it is ended");
    if (state === "backoff") log.warn({ process: this.name, ...end, pauseMs: Math.round(pauseMs) }, "process failed: it is started again");
    if (state !== "failed") return;
    const gaveUp = end?.reason !== "unstartable" && this.table.restart !== "never" && restarts.length >= restartLimit;
    log.error({ process: this.name, ...end, ...(gaveUp && { restartLimit }) }, "process failed: it is not started again");
  }
}
