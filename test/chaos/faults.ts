import { readFileSync, unlinkSync } from "node:fs";
import type { PoolInfo } from "../../src/index.ts";
import { heldBy } from "./audit.ts";
import type { Crew } from "./crew.ts";
import type { Random } from "./random.ts";
import { FIXED, type Scene, SPARE } from "./scene.ts";
import { Witness } from "./witness.ts";

/** How often each fault is done, in relation to the others. */
const weights = {
  killNative: 1000,
  stopNative: 300,
  killLibrary: 30,
  stopLibrary: 24,
  removePool: 14,
  deleteFile: 8,
  killSupervisor: 10,
  stopSupervisor: 10,
};

/** What can be done to the processes and to the files of pools. */
export type Fault = keyof typeof weights;

const faults = Object.keys(weights) as Fault[];

/** Processes killed in one go. */
const MOST_AT_ONCE = 4;
const LONGEST_PAUSE_MS = 12;
const LONGEST_STOP_MS = 120;
const LONGEST_ABSENCE_MS = 200;
/** Chance may leave out a fault for so long, and then it is due. */
const LONGEST_WITHOUT_MS = 15_000;
/** A slot that is not free after this time is lost. */
const LONGEST_RECLAIM_MS = 30_000;

/** A process that is stopped for a while, and then killed or not. */
interface Stopped {
  readonly pid: number;
  readonly untilMs: number;
  readonly isDoomed: boolean;
  readonly isNative: boolean;
}

/** Does things to processes and pools at random moments, and looks at what comes of it. */
export class Faults {
  readonly #scene: Scene;
  readonly #crew: Crew;
  readonly #random: Random;
  #stopped: Stopped[] = [];
  #pools: PoolInfo[] = [];
  #looking: Promise<PoolInfo[]> | null = null;
  readonly done: Record<Fault, number> = {
    killNative: 0,
    stopNative: 0,
    killLibrary: 0,
    stopLibrary: 0,
    removePool: 0,
    deleteFile: 0,
    killSupervisor: 0,
    stopSupervisor: 0,
  };
  /** From the kill of a process to its slots being free, in ms, for each process that had some when it was killed. */
  readonly reclaimMs: { readonly reader: number[]; readonly writer: number[] } = { reader: [], writer: [] };
  /** Those of them that were stopped, and so held it for certain when the kill came. */
  killedWhileStopped = 0;
  /**
   * How many answers of the supervisor still showed a slot as held by a process that had ended when they were asked for. So it is seen how
   * soon it acts on an end, however slow the machine is.
   */
  readonly answersLate: { readonly reader: number[]; readonly writer: number[] } = { reader: [], writer: [] };
  /** Frames that the test itself held while their pool or supervisor went. */
  witnessed = 0;
  readonly #actions: { readonly [F in Fault]: () => Promise<void> } = {
    killNative: () => this.#killNative(),
    stopNative: () => this.#stop(this.#nativeHolders(), true),
    killLibrary: () => this.#killLibrary(),
    stopLibrary: () => this.#stop(this.#crew.pids, false),
    removePool: () => this.#removePool(),
    deleteFile: () => this.#deleteFile(),
    killSupervisor: () => this.#killSupervisor(),
    stopSupervisor: () => this.#stopSupervisor(),
  };

  constructor(scene: Scene, crew: Crew, random: Random) {
    this.#scene = scene;
    this.#crew = crew;
    this.#random = random;
  }

  /** One fault after the other until the time is over; every stopped process has been continued then, or killed. */
  async go(durationMs: number): Promise<void> {
    const lastMs = new Map(faults.map((fault) => [fault, performance.now()]));
    for (const endMs = performance.now() + durationMs; performance.now() < endMs; ) {
      this.#pools = await this.#scene.pools();
      const dueMs = performance.now() - LONGEST_WITHOUT_MS;
      const fault = faults.find((each) => (lastMs.get(each) ?? 0) < dueMs) ?? this.#random.weighted(weights);
      lastMs.set(fault, performance.now());
      await this.#actions[fault]();
      await this.#endStops(performance.now());
      this.#crew.look();
      await Bun.sleep(this.#random.next() * LONGEST_PAUSE_MS);
    }
    await this.#endStops(Number.POSITIVE_INFINITY);
  }

  /** The native peers that had a slot a moment ago, and are not stopped. */
  #nativeHolders(): number[] {
    const pids = this.#pools.flatMap(({ slots }) => slots.flatMap(({ holders }) => holders.map(({ pid }) => pid)));
    const stopped = new Set(this.#stopped.map(({ pid }) => pid));
    return [...new Set(pids)].filter(
      (pid): pid is number => pid !== null && pid !== process.pid && !this.#crew.has(pid) && !stopped.has(pid),
    );
  }

  /** Kills some of those who have slots, at once. */
  async #killNative(): Promise<void> {
    const pids = this.#nativeHolders();
    const doomed = new Set(
      Array.from({ length: Math.min(pids.length, 1 + this.#random.below(MOST_AT_ONCE)) }, () => this.#random.pick(pids)),
    );
    this.done.killNative += doomed.size;
    await Promise.all([...doomed].map((pid) => this.#reclaimed(pid, () => kill(pid, "SIGKILL"))));
  }

  async #killLibrary(): Promise<void> {
    const { pids } = this.#crew;
    if (pids.length === 0) return;
    const pid = this.#random.pick(pids);
    this.done.killLibrary++;
    await this.#reclaimed(pid, () => this.#crew.kill(pid));
  }

  async #stop(pids: readonly number[], isNative: boolean): Promise<void> {
    if (pids.length === 0) return;
    const pid = this.#random.pick(pids);
    if (isNative) kill(pid, "SIGSTOP");
    else this.#crew.stop(pid);
    this.done[isNative ? "stopNative" : "stopLibrary"]++;
    const untilMs = performance.now() + this.#random.next() * LONGEST_STOP_MS * (isNative ? 1 : 5);
    this.#stopped.push({ pid, untilMs, isDoomed: this.#random.below(2) === 0, isNative });
  }

  async #endStops(nowMs: number): Promise<void> {
    const over = this.#stopped.filter(({ untilMs }) => untilMs <= nowMs);
    this.#stopped = this.#stopped.filter((stopped) => !over.includes(stopped));
    for (const { pid, isDoomed, isNative } of over) {
      if (isDoomed) {
        this.#pools = await this.#scene.pools();
        if (heldBy(this.#pools, pid).length > 0) this.killedWhileStopped++;
        await this.#reclaimed(pid, () => (isNative ? kill(pid, "SIGKILL") : this.#crew.kill(pid)));
      } else if (isNative) kill(pid, "SIGCONT");
      else this.#crew.goOn(pid);
    }
  }

  /** Kills a process, and waits until nothing that it had is held any more. */
  async #reclaimed(pid: number, killIt: () => void): Promise<void> {
    const had = heldBy(this.#pools, pid);
    const killedMs = performance.now();
    killIt();
    let left = had;
    let elapsedMs = 0;
    let late = 0;
    while (left.length > 0 && elapsedMs < LONGEST_RECLAIM_MS) {
      const isOver = hasEnded(pid);
      left = heldBy(await this.#look(), pid);
      if (isOver && left.length > 0) late++;
      elapsedMs = performance.now() - killedMs;
    }
    if (left.length > 0) this.#scene.faults.push(`a process was killed and ${elapsedMs} ms later has ${JSON.stringify(left)}`);
    for (const { state } of had) {
      const role = state === "reading" ? "reader" : "writer";
      this.reclaimMs[role].push(elapsedMs);
      // Who had lost its connection before is looked at now and then only.
      if (state !== "quarantined") this.answersLate[role].push(late);
    }
  }

  /** The pools; those who ask at the same moment share an answer that was asked for after all of them. */
  #look(): Promise<PoolInfo[]> {
    this.#looking ??= Promise.resolve().then(() => {
      this.#looking = null;
      return this.#scene.pools();
    });
    return this.#looking;
  }

  async #removePool(): Promise<void> {
    await this.#witnessed(SPARE, async () => {
      const over = this.#crew.disturb("pool", SPARE);
      await this.#scene.client.request("pool.remove", { pool: SPARE });
      await Bun.sleep(this.#random.next() * LONGEST_ABSENCE_MS);
      await this.#scene.makeSpare();
      over();
    });
    this.done.removePool++;
  }

  /** Deletes a file as systemd-logind does (RemoveIPC): its pool gets another one. */
  async #deleteFile(): Promise<void> {
    const { pool, layout } = this.#random.pick(this.#pools);
    await this.#witnessed(pool, async () => {
      const over = this.#crew.disturb("pool", pool);
      unlinkSync(layout.path);
      const deletedMs = performance.now();
      while ((await this.#scene.pools()).some(({ layout: { epoch } }) => epoch === layout.epoch)) {
        if (performance.now() - deletedMs > LONGEST_RECLAIM_MS) {
          this.#scene.faults.push(`the file of pool ${pool} was deleted, and it has got no other`);
          return;
        }
        await Bun.sleep(20);
      }
      over();
    });
    this.done.deleteFile++;
  }

  async #killSupervisor(): Promise<void> {
    await this.#endStops(Number.POSITIVE_INFINITY);
    await this.#witnessed(this.#random.pick([FIXED, SPARE]), async () => {
      const over = this.#crew.disturb("supervisor", null);
      // Sometimes while it makes a pool.
      if (this.#random.below(2) === 0) void this.#scene.client.createPool("half-made", { slots: 64, bytes: 2 ** 20 }).catch(() => {});
      await Bun.sleep(this.#random.next() * 5);
      await this.#scene.kill();
      await Bun.sleep(this.#random.next() * LONGEST_ABSENCE_MS);
      await this.#scene.start();
      over();
    });
    this.done.killSupervisor++;
  }

  async #stopSupervisor(): Promise<void> {
    const over = this.#crew.disturb("supervisor", null);
    const { supervisor } = this.#scene;
    supervisor.kill("SIGSTOP");
    await Bun.sleep(this.#random.next() * LONGEST_STOP_MS);
    supervisor.kill("SIGCONT");
    over();
    this.done.stopSupervisor++;
  }

  /** Holds a frame of a pool meanwhile, and for a moment more: others may have been given what it reads. */
  async #witnessed(pool: string, act: () => Promise<void>): Promise<void> {
    await using witness = await Witness.of(this.#scene.socket, pool);
    await act();
    await Bun.sleep(this.#random.next() * LONGEST_ABSENCE_MS);
    const { complaint } = witness;
    if (complaint !== null) this.#scene.faults.push(complaint);
    if (witness.hasFrame) this.witnessed++;
  }
}

/** Whether a process has ended, and its connections with it; also when nobody has asked for its status yet. */
function hasEnded(pid: number): boolean {
  try {
    return /\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return true;
  }
}

/** Signals a process that may have ended. */
function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has been quicker.
  }
}
