import { isDeepStrictEqual } from "node:util";
import { HoldfastError } from "../../protocol/errors.ts";
import { assertProcessTables, type ProcessTable, processSettings } from "../../protocol/process-table.ts";
import type { ProcessInfo } from "../../protocol/replies.ts";
import { didYouMean, similarNames } from "../../protocol/similar-names.ts";
import { addressedProcess } from "../addresses/addressed-process.ts";
import type { Client } from "../client.ts";
import type { Rights } from "../rights.ts";
import { Succession } from "../succession.ts";
import { Waits } from "../waits.ts";
import { type ProcessWorld, SupervisedProcess } from "./supervised-process.ts";

/** All supervised processes, by their names: in which order they are started and stopped, and who of them speaks. */
export class SupervisedProcesses {
  readonly #byName = new Map<string, SupervisedProcess>();
  /** Of those that end because of what the configuration says now. */
  readonly #succession = new Succession<SupervisedProcess, ProcessTable>();
  readonly #world: ProcessWorld;
  readonly #ended: () => void;
  /** Who waits for a process to be something. */
  readonly #waits = new Waits();
  #closing = false;

  /**
   * @param ended is called when none of them runs, once they are being shut
   * @throws HoldfastError `BAD_CONFIG` with the `key`
   */
  constructor(tables: Readonly<Record<string, ProcessTable>>, world: ProcessWorld, ended: () => void) {
    assertProcessTables(tables);
    this.#world = world;
    this.#ended = ended;
    for (const [name, table] of Object.entries(tables)) this.#add(name, table);
  }

  /** Those that there are. */
  get there(): readonly SupervisedProcess[] {
    return [...this.#byName.values()];
  }

  /** None of them runs or is to. */
  get areAtRest(): boolean {
    return [...this.#byName.values()].every(({ isAtRest }) => isAtRest);
  }

  /** What `processes` answers: only operators see them. */
  all({ access }: Rights): ProcessInfo[] {
    return access.admin ? [...this.#byName.values()].map((process) => this.#info(process)) : [];
  }

  /** Starts those that are to run from the start on. */
  startAll(): void {
    for (const process of [...this.#byName.values()]) if (process.table.autostart) process.send({ type: "start" });
  }

  /**
   * Starts a process, after those that it is to be started after, and answers when it runs or has done its work.
   * @throws HoldfastError `PROCESS_UNKNOWN`, `PROCESS_FAILED`, `PROGRAM_MISSING`, `SHUTTING_DOWN`, `DISCONNECTED`
   */
  start(client: Client, name: string): Promise<ProcessInfo> {
    return this.#bring(client, name, "start");
  }

  /** The same for one that runs: it is ended before that. @throws HoldfastError as `start` */
  restart(client: Client, name: string): Promise<ProcessInfo> {
    return this.#bring(client, name, "restart");
  }

  /**
   * Ends a process, and answers when nobody of its group is left.
   * @throws HoldfastError `PROCESS_UNKNOWN`, `DISCONNECTED`
   */
  stop(client: Client, name: string, hard = false): Promise<ProcessInfo> {
    const process = this.#find(name);
    this.#succession.wants(process, false);
    process.send({ type: "stop", hard });
    return this.#until(client, name, ({ state }) => state !== "stopping");
  }

  /**
   * What the configuration says anew. Nothing has changed yet.
   * @returns what makes it hold: who is not named any more is ended, who has changed is ended and started again, and all others go on
   * @throws HoldfastError `BAD_CONFIG` with the `key`
   */
  reconfigured(tables: Readonly<Record<string, ProcessTable>>): () => void {
    assertProcessTables(tables);
    return () => {
      for (const process of this.#byName.values()) {
        const table = Object.hasOwn(tables, process.name) ? (tables[process.name] as ProcessTable) : null;
        if (table !== null && !this.#succession.has(process) && isDeepStrictEqual(processSettings(table), process.table)) continue;
        this.#succession.replace(process, table);
      }
      const added = Object.entries(tables).flatMap(([name, table]) => (this.#byName.has(name) ? [] : [this.#add(name, table)]));
      for (const process of this.#succession.ending) process.send({ type: "stop" });
      this.#look();
      for (const process of added) if (process.table.autostart) process.send({ type: "start" });
    };
  }

  /** A client has come: it may be one of a process that must be heard. */
  attached(client: Client): void {
    const { pid, address } = client.peer;
    const heard = [...this.#byName.values()].filter(({ table, pid: own }) => table.heartbeatMs !== undefined && own !== null);
    if (pid === null || address !== null || heard.length === 0) return;
    const group = this.#world.host.groupOf(pid);
    heard.find((process) => process.pid === group)?.joined(client);
  }

  /** A client has gone. */
  left(client: Client): void {
    for (const process of this.#byName.values()) process.left(client);
  }

  /** Ends all of them, softly in the order in which none is left alone by one that it was started after. None is started any more. */
  shut(hard: boolean): void {
    this.#closing = true;
    if (hard) for (const process of this.#byName.values()) process.send({ type: "stop", hard });
    this.#look();
  }

  #add(name: string, table: ProcessTable): SupervisedProcess {
    const process: SupervisedProcess = new SupervisedProcess(name, table, this.#world, {
      waits: () => this.#clear(process),
      changed: () => this.#look(),
      told: (event) => this.#world.transitions.look(addressedProcess(process), event),
    });
    this.#byName.set(name, process);
    this.#world.transitions.look(addressedProcess(process), null);
    return process;
  }

  #find(name: string): SupervisedProcess {
    const process = this.#byName.get(name);
    if (process !== undefined && !this.#succession.isLast(process)) return process;
    const known = [...this.#byName.keys()];
    const hint = didYouMean(similarNames(name, known));
    throw new HoldfastError("PROCESS_UNKNOWN", `there is no process "${name}"${hint}`, { field: "process", known });
  }

  #bring(client: Client, name: string, type: "start" | "restart"): Promise<ProcessInfo> {
    if (this.#closing) throw new HoldfastError("SHUTTING_DOWN", "the supervisor is ending, and starts no process");
    const asked = this.#find(name);
    if (!this.#succession.wants(asked, true)) {
      asked.send({ type });
      this.#clear(asked);
    }
    return this.#until(client, name, (process) => {
      if (this.#succession.has(process)) return false;
      if (process.state === "waiting") this.#assertMayCome(process);
      if (process.state === "failed" || process.state === "backoff") throw process.failure();
      if (process.state === "stopped") throw process.failure("was stopped before it ran");
      return process.isThere;
    });
  }

  /** Whether what it waits for is at least on its way. @throws HoldfastError `PROCESS_FAILED` */
  #assertMayCome(process: SupervisedProcess): void {
    const missing = this.#missing(process).find(({ isAtRest }) => isAtRest);
    if (missing !== undefined) throw process.failure(`waits for ${missing.name}, which ${missing.endInWords}`);
  }

  /** Waits until something is so of the process that has this name then. */
  #until(client: Client, name: string, isSo: (process: SupervisedProcess) => boolean): Promise<ProcessInfo> {
    return this.#waits.until(client, () => {
      const process = this.#find(name);
      return isSo(process) ? this.#info(process) : undefined;
    });
  }

  #info(process: SupervisedProcess): ProcessInfo {
    return process.info(this.#missing(process).map(({ name }) => name));
  }

  #missing({ table: { after } }: SupervisedProcess): SupervisedProcess[] {
    return after.flatMap((name) => this.#byName.get(name) ?? []).filter(({ isThere }) => !isThere);
  }

  /** Starts a process that waits, or first those that it waits for and nobody has started. */
  #clear(process: SupervisedProcess): void {
    if (process.state !== "waiting" || this.#closing) return;
    const missing = this.#missing(process);
    if (missing.length === 0) process.send({ type: "cleared" });
    for (const other of missing) if (other.isAtRest) other.send({ type: "start" });
  }

  /** Something has changed: others may be started or ended now, or have what they waited for. */
  #look(): void {
    const all = [...this.#byName.values()];
    if (this.#closing) for (const process of all) this.#end(process, all);
    else {
      this.#succession.succeed((process, table, starts) => this.#replace(process, table, starts));
      for (const process of all) if (process.state === "waiting" && this.#missing(process).length === 0) process.send({ type: "cleared" });
    }
    this.#waits.look();
    if (this.#closing && this.areAtRest) this.#ended();
  }

  #replace(process: SupervisedProcess, table: ProcessTable | null, starts: boolean): void {
    if (table === null) {
      this.#byName.delete(process.name);
      this.#world.transitions.gone(addressedProcess(process), "reload");
    } else if (starts) this.#add(process.name, table).send({ type: "start" });
    else this.#add(process.name, table);
  }

  /** Ends a process unless another one lives that was started after it. */
  #end(process: SupervisedProcess, all: readonly SupervisedProcess[]): void {
    if (process.isAtRest || process.state === "stopping") return;
    const isNeeded = all.some(({ table, isAtRest }) => !isAtRest && table.after.includes(process.name));
    const isRunning = process.state === "running" || process.state === "starting";
    if (!isNeeded || !isRunning) process.send({ type: "stop" });
  }
}
