import { expect, test } from "bun:test";
import { join } from "node:path";
import type { Habits } from "./consumer.ts";
import { Crew, type Role } from "./crew.ts";
import { Faults } from "./faults.ts";
import type { Breed, NurseryReport } from "./nursery.ts";
import { omissions, shortfalls, summary } from "./outcome.ts";
import { Random } from "./random.ts";
import { FIXED, Scene, SPARE } from "./scene.ts";

const seconds = Number(process.env["CHAOS_SECONDS"] ?? 60);
const seed = Number(process.env["CHAOS_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

/** Beside the faults: the start of all, and their end. */
const MARGIN_MS = 120_000;

/** A machine that has much else to do comes to less in the time, and is given so many times as much of it. */
const MOST_TIMES = 5;

const producer = (number: number, pool: string): Role => ({
  name: `producer ${number}`,
  pool,
  program: "producer.ts",
  args: [pool, String(number)],
});
const consumer = (habits: Habits): Role => ({
  name: habits.name,
  pool: habits.pool,
  program: "consumer.ts",
  args: [JSON.stringify(habits)],
});

const roles: readonly Role[] = [
  producer(1, FIXED),
  producer(2, SPARE),
  consumer({ name: "algo", pool: FIXED, options: { group: "algo" }, holdMs: 8, longHoldMs: 40, seed: 1 }),
  consumer({ name: "saver", pool: FIXED, options: { policy: "block", deadlineMs: 200, depth: 3 }, holdMs: 3, longHoldMs: 20, seed: 2 }),
  consumer({ name: "hasty", pool: FIXED, options: { maxHoldMs: 6, policy: "drop-newest" }, holdMs: 5, longHoldMs: 40, seed: 3 }),
  consumer({ name: "late", pool: SPARE, options: { startWithLatest: true }, holdMs: 10, longHoldMs: 200, seed: 4 }),
];

const breeds: readonly Breed[] = [
  { name: "writer", count: 3, pool: FIXED, pauseUs: 1500 },
  { name: "writer", count: 2, pool: SPARE, pauseUs: 1500 },
  { name: "reader", count: 3, pool: FIXED, pauseUs: 12_000, subscribe: { group: "herd", policy: "drop-oldest", depth: 4 } },
  { name: "reader", count: 2, pool: FIXED, pauseUs: 20_000, subscribe: { policy: "latest", startWithLatest: true } },
  { name: "reader", count: 1, pool: FIXED, pauseUs: 12_000, subscribe: { policy: "latest", maxHoldMs: 4 } },
  { name: "reader", count: 2, pool: SPARE, pauseUs: 8000, subscribe: { group: "pair", policy: "block", deadlineMs: 50 } },
  { name: "reader", count: 2, pool: SPARE, pauseUs: 30_000, subscribe: { policy: "drop-newest" } },
];

/** The process that forks native peers. */
class NurseryProcess implements AsyncDisposable {
  readonly #process: Bun.Subprocess;
  #answer = Promise.withResolvers<NurseryReport>();
  #end: Error | null = null;

  constructor(socket: string) {
    // It is told of only where a report is waited for.
    this.#answer.promise.catch(() => {});
    this.#process = Bun.spawn([process.execPath, join(import.meta.dir, "nursery.ts"), socket, JSON.stringify(breeds)], {
      stdin: "ignore",
      stdout: "inherit",
      stderr: "inherit",
      serialization: "advanced",
      ipc: (report: NurseryReport) => this.#answer.resolve(report),
      onExit: (_, status, signal) => {
        this.#end = new Error(`the nursery has ended: status ${status}, signal ${signal}`);
        this.#answer.reject(this.#end);
      },
    });
  }

  /** What has become of its peers so far. */
  report(): Promise<NurseryReport> {
    return this.#ask("report");
  }

  /** Ends all of its peers. */
  async end(): Promise<NurseryReport> {
    const report = await this.#ask("end");
    await this.#process.exited;
    return report;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#process.exited;
  }

  async #ask(what: "report" | "end"): Promise<NurseryReport> {
    if (this.#end !== null) throw this.#end;
    this.#answer = Promise.withResolvers();
    this.#process.send(what);
    return this.#answer.promise;
  }
}

test(
  "whoever is killed or stopped, and whatever is removed: nobody reads a torn, wrong or stale frame, and every slot comes back",
  async () => {
    console.log(`chaos of ${seconds} s; to see it again: CHAOS_SEED=${seed} CHAOS_SECONDS=${seconds} make test-chaos`);
    await using scene = new Scene();
    await scene.start();
    await using nursery = new NurseryProcess(scene.socket);
    const crew = new Crew(scene.socket);
    await using _ = { [Symbol.asyncDispose]: () => crew.end() };
    for (const role of roles) crew.start(role);

    const faults = new Faults(scene, crew, new Random(seed));
    const wreak = async () => {
      for (let times = 0; times < MOST_TIMES; times++) {
        await faults.go(seconds * 1000);
        if (omissions({ seconds, faults, crew, native: await nursery.report() }).length === 0) break;
      }
    };
    await wreak().catch((error) => scene.faults.push(`the faults could not go on: ${error.stack}`));

    await crew.end();
    const native = await nursery.end();
    await scene.end();
    const outcome = { seconds, faults, crew, native };
    console.log(summary(outcome));
    expect([...scene.faults, ...crew.faults, ...native.faults, ...shortfalls(outcome)]).toEqual([]);
  },
  MOST_TIMES * seconds * 1000 + MARGIN_MS,
);
