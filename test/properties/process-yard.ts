import assert from "node:assert/strict";
import { type ScriptedClient, World } from "../../src/index-testing.ts";
import type { SimProcess, SimProgram } from "../../src/processes/sim-host.ts";
import { type ProcessTable, processSettings } from "../../src/protocol/process-table.ts";
import type { ProcessInfo, ProcessState } from "../../src/protocol/replies.ts";

/** A process of the yard: its table, and what its program does each time that it is started; the last of them from then on. */
export interface Worker {
  readonly table: ProcessTable;
  readonly programs: readonly SimProgram[];
}

/** What is known of one process beside what the supervisor says. */
interface Seen {
  /** When it was started again by itself, since somebody started it, in ms. */
  restarts: number[];
  /** Since when it is in backoff; null: it is not. */
  pausedMs: number | null;
  starts: number;
}

/** Rounding of microseconds, in ms. */
const GRAIN_MS = 0.01;

/** Supervised processes, and what must hold of them at every moment. */
export class ProcessYard {
  readonly world: World;
  readonly client: ScriptedClient;
  readonly names: readonly string[];
  readonly #workers: ReadonlyMap<string, Worker>;
  readonly #seen = new Map<string, Seen>();
  /** Those of whom somebody has asked that they end at once. */
  readonly #condemned = new Set<SimProcess>();
  readonly #askedMs = new Map<SimProcess, number>();
  /** What was wrong with a start: the supervisor takes it for the program's. */
  #fault: unknown = null;
  shut: "no" | "soft" | "hard" = "no";

  constructor(workers: Readonly<Record<string, Worker>>, chance: () => number) {
    this.#workers = new Map(Object.entries(workers));
    this.names = [...this.#workers.keys()];
    for (const name of this.names) this.#seen.set(name, { restarts: [], pausedMs: null, starts: 0 });
    this.world = new World({
      drainMs: 1_000_000,
      processes: Object.fromEntries(Object.entries(workers).map(([name, { table }]) => [name, table])),
      chance,
      programOf: ({ environment }) => {
        try {
          return this.#begin(String(environment["HOLDFAST_PROCESS"]));
        } catch (error) {
          this.#fault ??= error;
          throw error;
        }
      },
    });
    this.client = this.world.join("operator");
    this.world.supervisor.processes.startAll();
  }

  get nowMs(): number {
    return this.world.clock.nowUs() / 1000;
  }

  /** Living processes of one name, of which there is one at most. */
  living(name: string): SimProcess | undefined {
    const all = this.world.host.living.filter(({ spec }) => spec.environment["HOLDFAST_PROCESS"] === name);
    assert(all.length <= 1, `${name} runs ${all.length} times at once`);
    return all[0];
  }

  info(name: string): ProcessInfo {
    const info = this.world.supervisor.status().processes.find(({ process }) => process === name);
    assert(info !== undefined);
    return info;
  }

  start(name: string, op: "process.start" | "process.restart"): void {
    this.client.ask({ op, process: name });
  }

  stop(name: string, hard: boolean): void {
    const process = this.living(name);
    if (hard && process !== undefined) this.#condemned.add(process);
    this.client.ask({ op: "process.stop", process: name, hard });
  }

  shutDown(): void {
    this.shut = this.shut === "no" ? "soft" : "hard";
    this.world.supervisor.shutdown();
    this.check();
  }

  /** Looks at everything that may be seen, after each step and each instant. */
  check(): void {
    if (this.#fault !== null) throw this.#fault;
    for (const name of this.names) {
      const process = this.living(name);
      const { state, pid, end } = this.info(name);
      const runs: readonly ProcessState[] = ["starting", "running", "stopping"];
      assert.equal(process !== undefined, runs.includes(state), `${name} is ${state}`);
      assert.equal(pid, process?.pid ?? null);
      const seen = this.#of(name);
      if (state === "failed" && end?.reason !== "unstartable") this.#checkFailure(name);
      if (state !== "backoff") seen.pausedMs = null;
      else seen.pausedMs ??= this.nowMs;
    }
    this.#checkSignals();
  }

  /** Everything ends: within all graces, one after the other. */
  async end(): Promise<void> {
    if (this.shut === "no") this.shutDown();
    const graces = [...this.#workers.values()].map(({ table }) => processSettings(table).graceMs);
    await this.world.pass(
      graces.reduce((sum, graceMs) => sum + graceMs, 1),
      () => this.check(),
    );
    assert(this.world.stopped, "the supervisor has not ended");
    assert.deepEqual(this.world.host.living, []);
    for (const answer of this.client.answers) assert.equal(answer.answers, 1, "a request has no answer");
  }

  #of(name: string): Seen {
    return this.#seen.get(name) as Seen;
  }

  /** A program is about to be started: may it be? */
  #begin(name: string): SimProgram {
    const { table, programs } = this.#workers.get(name) as Worker;
    const seen = this.#of(name);
    const before = this.info(name).state;
    assert.equal(this.living(name), undefined, `${name} is started beside itself`);
    assert.equal(this.shut, "no", `${name} is started in the end`);
    assert(before === "waiting" || before === "backoff", `${name} is started while it is ${before}`);
    if (before === "backoff") this.#checkRestart(name);
    else {
      seen.restarts = [];
      for (const other of table.after ?? [])
        assert(["running", "done"].includes(this.info(other).state), `${name} is started before ${other}`);
    }
    const program = programs[Math.min(seen.starts, programs.length - 1)] as SimProgram;
    seen.starts += 1;
    return program;
  }

  #checkRestart(name: string): void {
    const seen = this.#of(name);
    const { restart, backoffMs, maxBackoffMs, restartLimit, restartWindowMs } = processSettings((this.#workers.get(name) as Worker).table);
    assert.notEqual(restart, "never", `${name} is started again`);
    const sinceMs = seen.pausedMs ?? this.nowMs;
    const recent = seen.restarts.filter((atMs) => atMs > sinceMs - restartWindowMs);
    assert(recent.length < restartLimit, `${name} is started again ${recent.length + 1} times within ${restartWindowMs} ms`);
    const longestMs = Math.min(maxBackoffMs, backoffMs * 2 ** recent.length);
    const pauseMs = this.nowMs - sinceMs;
    assert(
      pauseMs >= longestMs / 2 - GRAIN_MS && pauseMs <= longestMs + GRAIN_MS,
      `${name} paused for ${pauseMs} ms, not up to ${longestMs}`,
    );
    seen.restarts.push(sinceMs);
    seen.pausedMs = null;
  }

  /** One that is not started again is not to be, or has been as often as it may. */
  #checkFailure(name: string): void {
    const { restart, restartLimit, restartWindowMs } = processSettings((this.#workers.get(name) as Worker).table);
    if (restart === "never") return;
    const sinceMs = this.nowMs - this.info(name).stateMs;
    const recent = this.#of(name).restarts.filter((atMs) => atMs > sinceMs - restartWindowMs);
    assert(recent.length >= restartLimit, `${name} is given up after ${recent.length} restarts`);
  }

  /** Who is killed was asked before, and had its grace; nobody is asked while one runs that was started after it, when all end. */
  #checkSignals(): void {
    for (const process of this.world.host.started) {
      const name = String(process.spec.environment["HOLDFAST_PROCESS"]);
      const { graceMs } = processSettings((this.#workers.get(name) as Worker).table);
      const isHard = this.shut === "hard" || this.#condemned.has(process);
      if (process.signals.includes("SIGTERM") && !this.#askedMs.has(process)) this.#askedMs.set(process, this.nowMs);
      const askedMs = this.#askedMs.get(process) ?? Number.POSITIVE_INFINITY;
      if (process.signals.includes("SIGKILL") && !isHard) assert(this.nowMs >= askedMs + graceMs - GRAIN_MS, `${name} had no grace`);
    }
  }
}
