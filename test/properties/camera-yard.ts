import assert from "node:assert/strict";
import { type Answer, type Asked, type ScriptedClient, World } from "../../src/index-testing.ts";
import type { SimProcess, SimProgram } from "../../src/processes/sim-host.ts";
import { type CameraTable, cameraSettings, previewPoolName } from "../../src/protocol/camera-table.ts";
import type { CameraInfo } from "../../src/protocol/replies.ts";
import type { CameraPartName } from "../../src/protocol/requests.ts";

/** What a process of a camera does. Times in ms. */
export interface Plan {
  readonly program: SimProgram;
  /** When it says who it is; null: never. */
  readonly attachMs: number | null;
  /** From one frame to the next. */
  readonly periodMs: number;
  /** So many it brings. */
  readonly frames: number;
  /** What it does then: it hangs, or ends, with an error that it tells first or without. */
  readonly ending: "hangs" | { readonly says: string | null; readonly status: number };
  /** Whether it follows orders. */
  readonly obeys: boolean;
  /** How much later than itself its connection ends. */
  readonly lingersMs: number;
}

/** A camera of the yard: its table, and what its processes do each time that one is started; the last of these from then on. */
export interface YardCamera {
  readonly table: CameraTable;
  readonly plans: readonly Plan[];
}

/** Rounding of microseconds, in ms. */
const GRAIN_MS = 0.01;

/** A process of a camera, which acts as planned. */
class Worker {
  readonly #world: World;
  readonly #plan: Plan;
  #client: ScriptedClient | null = null;
  #answered = 0;
  isPaused = false;
  frames = 0;
  /** When it showed last that it works. */
  signMs = Number.NEGATIVE_INFINITY;
  /** The codes that it has said. */
  readonly said: string[] = [];
  process: SimProcess | null = null;

  constructor(
    world: World,
    readonly camera: string,
    readonly part: CameraPartName,
    plan: Plan,
  ) {
    this.#world = world;
    this.#plan = plan;
    if (plan.attachMs !== null) this.#after(plan.attachMs, () => this.#attach());
  }

  get #lives(): boolean {
    return this.process !== null && !this.process.hasEnded;
  }

  /** It ends by itself with status 0. */
  get endsWell(): boolean {
    const { ending } = this.#plan;
    return ending !== "hangs" && ending.status === 0;
  }

  /** The kernel closes its connection, a little later. */
  bury(): void {
    const { process } = this;
    const client = this.#client;
    if (process === null || !process.hasEnded || client === null) return;
    this.#client = null;
    this.#world.processes.end(process.pid);
    const { clock } = this.#world;
    clock.at(clock.nowUs() + this.#plan.lingersMs * 1000, () => client.leave());
  }

  #attach(): void {
    const { process } = this;
    if (process === null) return;
    this.#world.processes.start(process.pid);
    this.#client = this.#world.join("worker", process.pid);
    const attached = this.#client.ask({ op: "camera.attach", camera: this.camera, part: this.part });
    assert.equal(attached.outcome, "ok", `${this.part} of ${this.camera} is not let in`);
    this.isPaused = attached.body.settings.paused;
    if (this.isPaused || !this.#fillsPool) this.#report({ state: this.isPaused ? "paused" : "running" });
    this.#work();
  }

  #work(): void {
    this.#after(this.#plan.periodMs, () => {
      if (this.frames >= this.#plan.frames) return this.#finish();
      this.frames += 1;
      this.signMs = this.#world.clock.nowUs() / 1000;
      this.#obey();
      if (!this.isPaused && this.#fillsPool) this.#publish();
      this.#report({ counters: { frames: this.frames } });
      this.#work();
    });
  }

  get #fillsPool(): boolean {
    return this.part === "capture" || this.part === "preview";
  }

  #publish(): void {
    const pool = this.part === "preview" ? previewPoolName(this.camera) : this.camera;
    const granted = this.#client?.ask({ op: "slot.acquire", pool });
    if (granted?.outcome === "ok") this.#client?.ask({ op: "slot.publish", lease: granted.body.lease, bytes: 1 });
  }

  #finish(): void {
    const { ending } = this.#plan;
    if (ending === "hangs") return;
    if (ending.says !== null) {
      this.said.push(ending.says);
      this.#report({ error: { code: ending.says, message: "so it says" } });
    }
    this.process?.end({ status: ending.status });
  }

  #obey(): void {
    if (!this.#plan.obeys) return;
    const orders = this.#client?.events.flatMap((event) => (event.ev === "order" ? [event] : [])) ?? [];
    for (const { type, order } of orders.slice(this.#answered)) {
      this.#answered += 1;
      if (type === "pause" || type === "resume") this.isPaused = type === "pause";
      this.#report({ order, ...(type === "snapshot" && { snapshot: { file: "/srv/a.jpg", bytes: 1, seq: 1, timestampNs: 1n } }) });
    }
  }

  #report(fields: Partial<Extract<Asked, { op: "camera.report" }>>): void {
    const answer = this.#client?.ask({ op: "camera.report", camera: this.camera, part: this.part, ...fields });
    assert(answer === undefined || answer.outcome === "ok" || answer.outcome === "CAMERA_UNKNOWN", `a report is ${answer?.outcome}`);
  }

  #after(ms: number, act: () => void): void {
    const { clock } = this.#world;
    clock.at(clock.nowUs() + ms * 1000, () => {
      if (this.#lives) act();
    });
  }
}

/** What is known of a camera beside what the supervisor says. */
interface Seen {
  plans: number;
  /** When it was started again by itself, since somebody started it, in ms. */
  restarts: number[];
  /** Since when it is in backoff; null: it is not. */
  pausedMs: number | null;
  /** It was paused, and nobody has said anything else since. */
  isPaused: boolean;
  /** Its worker may not have heard yet that it is to go on. */
  readonly resumed: Answer[];
  /** Somebody has asked for it, and nobody has said anything else since. */
  isWanted: boolean;
  /** Why it has failed the last time, since somebody started it; null: it has not. */
  fault: string | null;
  /** Somebody has killed its process. */
  killed: Set<SimProcess>;
}

/** Cameras whose processes act as planned, and what must hold of them at every moment. */
export class CameraYard {
  readonly world: World;
  readonly client: ScriptedClient;
  readonly #cameras: ReadonlyMap<string, YardCamera>;
  readonly #workers: Worker[] = [];
  readonly #seen = new Map<string, Seen>();
  /** What was wrong with a start: the supervisor takes it for the program's. */
  #fault: unknown = null;
  shut: "no" | "soft" | "hard" = "no";

  constructor(cameras: Readonly<Record<string, YardCamera>>, chance: () => number) {
    this.#cameras = new Map(Object.entries(cameras));
    for (const [name, { table }] of this.#cameras) {
      const isWanted = cameraSettings(table).autostart;
      this.#seen.set(name, {
        plans: 0,
        restarts: [],
        pausedMs: null,
        isPaused: false,
        resumed: [],
        isWanted,
        fault: null,
        killed: new Set(),
      });
    }
    this.world = new World({
      drainMs: 1_000_000,
      cameras: Object.fromEntries(Object.entries(cameras).map(([name, { table }]) => [name, table])),
      chance,
      programOf: ({ command }) => {
        try {
          return this.#begin(String(command.at(-1)), command.at(-2) as CameraPartName);
        } catch (error) {
          this.#fault ??= error;
          throw error;
        }
      },
    });
    this.client = this.world.join("operator");
    this.world.supervisor.startAll();
  }

  get nowMs(): number {
    return this.world.clock.nowUs() / 1000;
  }

  ask(asked: Asked & { readonly camera: string }): void {
    const seen = this.#seen.get(asked.camera) as Seen;
    const { state } = this.info(asked.camera);
    if (asked.op === "camera.start" && ["stopped", "failed", "backoff", "stopping"].includes(state)) {
      seen.restarts = [];
      seen.pausedMs = null;
      seen.isPaused = false;
      seen.fault = null;
    }
    if (asked.op === "camera.start" && this.shut === "no") seen.isWanted = true;
    if (asked.op === "camera.stop") seen.isWanted = false;
    if (asked.op === "camera.stop" || asked.op === "camera.resume") seen.isPaused = false;
    const answer = this.client.ask(asked);
    if (asked.op === "camera.resume") seen.resumed.push(answer);
    this.check();
  }

  /** The process of a camera's capture is killed. */
  kill(camera: string): void {
    const process = this.#living(camera, "capture");
    if (process === undefined) return;
    this.#seen.get(camera)?.killed.add(process);
    process.end({ signal: "SIGKILL" });
    this.check();
  }

  shutDown(): void {
    this.shut = this.shut === "no" ? "soft" : "hard";
    this.world.supervisor.shutdown();
    this.check();
  }

  info(camera: string): CameraInfo {
    const info = this.world.supervisor.status().cameras.find((each) => each.camera === camera);
    assert(info !== undefined);
    return info;
  }

  /** Looks at everything that may be seen, after each step and each instant. */
  check(): void {
    if (this.#fault !== null) throw this.#fault;
    for (const worker of this.#workers) {
      worker.process ??=
        this.world.host.living.find(({ spec }) => isOf(spec.command, worker) && !this.#isTaken(spec.command, worker)) ?? null;
      worker.bury();
    }
    for (const name of this.#cameras.keys()) this.#check(name);
  }

  /** Everything ends: within all graces. */
  async end(): Promise<void> {
    if (this.shut === "no") this.shutDown();
    const graces = [...this.#cameras.values()].map(({ table }) => cameraSettings(table).graceMs);
    await this.world.pass(Math.max(...graces) + 200, () => this.check());
    assert(this.world.stopped, "the supervisor has not ended");
    assert.deepEqual(this.world.host.living, []);
    assert.deepEqual(this.world.memory.paths, []);
    for (const answer of this.client.answers) assert.equal(answer.answers, 1, "a request has not one answer");
  }

  #check(name: string): void {
    const info = this.info(name);
    const { state, pid, fault } = info;
    const process = this.#living(name, "capture");
    const others = ["preview", "record", "snapshot"] as const;
    const extras = others.map((part) => this.#living(name, part)).filter((each) => each !== undefined);
    const seen = this.#seen.get(name) as Seen;
    assert.equal(pid, process?.pid ?? null);
    if (state === "stopped" || state === "failed" || state === "backoff") assert.equal(process, undefined, `${name} is ${state} and runs`);
    if (state === "stopped" || state === "failed") {
      assert.deepEqual(extras, [], `${name} is ${state}, and more is done with its frames`);
      if (this.shut === "no") {
        const pools = this.world.supervisor.pools.all().map(({ pool }) => pool);
        assert(!pools.includes(name) && !pools.includes(previewPoolName(name)), `${name} is ${state} and has ${pools}`);
      }
    }
    if (state === "capturing" || state === "paused") {
      const worker = this.#workers.findLast((each) => each.process === process);
      assert(process !== undefined && worker !== undefined, `${name} is ${state}, and nothing runs`);
      if (state === "paused") assert(worker.isPaused, `${name} is paused, and its worker does not know`);
      else assert(worker.frames > 0 && !worker.isPaused, `${name} captures, and has no frame`);
      this.#checkSigns(name, worker);
    }
    if (state === "paused" && !seen.resumed.some(({ outcome }) => outcome === "pending")) seen.isPaused = true;
    if (state === "capturing") assert(!seen.isPaused, `${name} captures, and nobody has resumed it`);
    if (state === "stopped" && this.shut === "no" && seen.isWanted) {
      const last = this.#workers.findLast((each) => each.camera === name && each.part === "capture");
      assert(last?.endsWell === true, `${name} is stopped, and somebody wants it`);
    }
    if (state === "backoff") seen.pausedMs ??= this.nowMs;
    else seen.pausedMs = null;
    if (state === "backoff" || state === "failed") this.#checkFault(name, fault?.code ?? null, seen);
  }

  /** One of which nothing has come for too long does not work. */
  #checkSigns(name: string, { signMs, isPaused }: Worker): void {
    const { startMs, stallPeriods } = cameraSettings((this.#cameras.get(name) as YardCamera).table);
    const longestMs = isPaused ? 2000 : Math.max(2000, stallPeriods * 1000, startMs);
    const { stateMs, state } = this.info(name);
    assert(Math.min(stateMs, this.nowMs - signMs) <= longestMs + GRAIN_MS, `${name} is ${state}, and nothing comes`);
  }

  /** Why it has failed is what the last process has said, or else how it ended; one that ended well leaves what was known. */
  #checkFault(name: string, code: string | null, seen: Seen): void {
    const { killed, fault } = seen;
    seen.fault = code;
    const worker = this.#workers.findLast((each) => each.camera === name && each.part === "capture");
    const { process = null, said = [] } = worker ?? {};
    if (code === "PROGRAM_MISSING") return;
    assert(process !== null && worker !== undefined, `${name} has failed, and nothing ran`);
    const allowed: (string | null)[] = [...said];
    if (worker.endsWell) allowed.push(fault);
    if (process.signals.length > 0) allowed.push("CAMERA_STALLED");
    if (said.length === 0 || killed.has(process)) allowed.push("CAMERA_FAILED");
    assert(allowed.includes(code), `${name} has failed by ${code}, not by ${allowed}`);
  }

  #living(camera: string, part: CameraPartName): SimProcess | undefined {
    const all = this.world.host.living.filter(({ spec }) => isOf(spec.command, { camera, part }));
    assert(all.length <= 1, `${part} of ${camera} runs ${all.length} times at once`);
    return all[0];
  }

  #isTaken(command: readonly string[], { camera, part }: Worker): boolean {
    const process = this.#living(camera, part);
    return !isOf(command, { camera, part }) || this.#workers.some((each) => each.process === process);
  }

  /** A program is about to be started: may it be? */
  #begin(camera: string, part: CameraPartName): SimProgram {
    const { plans, table } = this.#cameras.get(camera) as YardCamera;
    const seen = this.#seen.get(camera) as Seen;
    assert.equal(this.#living(camera, part), undefined, `${part} of ${camera} is started beside itself`);
    assert.equal(this.shut, "no", `${part} of ${camera} is started in the end`);
    const { state } = this.info(camera);
    if (part === "capture") {
      assert(["starting", "stopping", "backoff"].includes(state), `${camera} is started while it is ${state}`);
      if (seen.pausedMs !== null) this.#checkRestart(camera, table, seen);
    } else assert(!["stopped", "failed"].includes(state), `${part} of ${camera} is started while that is ${state}`);
    const plan = plans[Math.min(seen.plans, plans.length - 1)] as Plan;
    seen.plans += 1;
    if (plan.program.missing !== true) this.#workers.push(new Worker(this.world, camera, part, plan));
    return plan.program;
  }

  #checkRestart(camera: string, table: CameraTable, seen: Seen): void {
    const { restart, backoffMs, maxBackoffMs } = cameraSettings(table);
    assert.notEqual(restart, "never", `${camera} is started again`);
    const longestMs = Math.min(maxBackoffMs, backoffMs * 2 ** seen.restarts.length);
    const pauseMs = this.nowMs - (seen.pausedMs as number);
    assert(
      pauseMs >= longestMs / 2 - GRAIN_MS && pauseMs <= longestMs + GRAIN_MS,
      `${camera} paused for ${pauseMs} ms, not up to ${longestMs}`,
    );
    seen.restarts.push(this.nowMs);
    seen.pausedMs = null;
  }
}

function isOf(command: readonly string[], { camera, part }: { readonly camera: string; readonly part: CameraPartName }): boolean {
  return command.at(-1) === camera && command.at(-2) === part;
}
