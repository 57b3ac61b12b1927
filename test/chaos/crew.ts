import { join } from "node:path";
import type { Told } from "./library-peer.ts";

/** A process that uses the library, as it is started again and again. */
export interface Role {
  readonly name: string;
  readonly pool: string;
  readonly program: "producer.ts" | "consumer.ts" | "camera-consumer.ts";
  readonly args: readonly string[];
}

/** What keeps processes from getting frames: the supervisor is away, or a pool is. */
export type Cause = "supervisor" | "pool" | "others";

interface Disturbance {
  readonly cause: Cause;
  readonly pool: string | null;
  readonly fromMs: number;
  toMs: number;
}

/** Nothing of what is done to the others may keep a process from its frames for longer, in ms. Slow machines pass. */
const LONGEST_STALL_MS = 30_000;

interface Member {
  readonly role: Role;
  readonly process: Bun.Subprocess<"ignore", "inherit", "inherit">;
  frames: number;
  held: number;
  revoked: number;
  /** Null: it has not told anything yet. */
  progressMs: number | null;
  /** Since when it has been stopped; null: it runs. */
  stoppedMs: number | null;
  isDoomed: boolean;
}

/** The processes that use the library: they are to go on, whatever happens to others. */
export class Crew {
  readonly #socket: string;
  readonly #members = new Map<number, Member>();
  readonly #disturbances: Disturbance[] = [];
  readonly faults: string[] = [];
  /** The longest that a process was kept from its frames, by what kept it. */
  readonly longestStallMs: Record<Cause, number> = { supervisor: 0, pool: 0, others: 0 };
  readonly totals = { published: 0, read: 0, held: 0, revoked: 0, killed: 0 };
  #isOver = false;

  constructor(socket: string) {
    this.#socket = socket;
  }

  /** Those that run, and have told something. */
  get pids(): readonly number[] {
    return [...this.#members.values()]
      .filter(({ stoppedMs, progressMs, isDoomed }) => stoppedMs === null && progressMs !== null && !isDoomed)
      .map(({ process }) => process.pid);
  }

  has(pid: number): boolean {
    return this.#members.has(pid);
  }

  start(role: Role): void {
    const child = Bun.spawn([process.execPath, join(import.meta.dir, role.program), this.#socket, ...role.args], {
      stdin: "ignore",
      stdout: "inherit",
      stderr: "inherit",
      serialization: "advanced",
      ipc: (told: Told) => this.#hear(member, told),
      onExit: (_, status, signal) => this.#ended(member, `status ${status}, signal ${signal}`),
    });
    const member: Member = { role, process: child, frames: 0, held: 0, revoked: 0, progressMs: null, stoppedMs: null, isDoomed: false };
    this.#members.set(child.pid, member);
  }

  /** Another takes its place. */
  kill(pid: number): void {
    const member = this.#members.get(pid) as Member;
    member.isDoomed = true;
    this.totals.killed++;
    member.process.kill("SIGKILL");
  }

  stop(pid: number): void {
    const member = this.#members.get(pid) as Member;
    member.stoppedMs = performance.now();
    member.process.kill("SIGSTOP");
  }

  goOn(pid: number): void {
    const member = this.#members.get(pid) as Member;
    member.process.kill("SIGCONT");
    // What it has missed it has not been kept from.
    member.stoppedMs = null;
    member.progressMs = performance.now();
  }

  /** Something keeps processes from their frames until the function that this returns is called. @param pool null: every one */
  disturb(cause: Cause, pool: string | null): () => void {
    const disturbance: Disturbance = { cause, pool, fromMs: performance.now(), toMs: Number.POSITIVE_INFINITY };
    this.#disturbances.push(disturbance);
    return () => {
      disturbance.toMs = performance.now();
    };
  }

  /** Finds those that get no frames any more. */
  look(): void {
    const nowMs = performance.now();
    for (const member of this.#members.values()) {
      const { role, progressMs, stoppedMs } = member;
      if (progressMs === null || stoppedMs !== null || nowMs - progressMs < LONGEST_STALL_MS) continue;
      this.faults.push(`${role.name} has got no frame for ${LONGEST_STALL_MS} ms`);
      member.progressMs = nowMs;
    }
  }

  async end(): Promise<void> {
    this.#isOver = true;
    const members = [...this.#members.values()];
    for (const { process } of members) process.kill("SIGKILL");
    await Promise.all(members.map(({ process }) => process.exited));
  }

  #hear(member: Member, told: Told): void {
    if ("fault" in told) {
      this.faults.push(told.fault);
      return;
    }
    const nowMs = performance.now();
    if (member.progressMs !== null && told.frames > member.frames && member.stoppedMs === null) {
      this.#stalled(member, member.progressMs, nowMs);
      member.progressMs = nowMs;
    }
    member.progressMs ??= nowMs;
    this.totals[member.role.program === "producer.ts" ? "published" : "read"] += told.frames - member.frames;
    this.totals.held += told.held - member.held;
    this.totals.revoked += told.revoked - member.revoked;
    Object.assign(member, told);
  }

  #stalled({ role }: Member, fromMs: number, toMs: number): void {
    const causes = this.#disturbances
      .filter((other) => (other.pool === null || other.pool === role.pool) && other.fromMs < toMs && other.toMs > fromMs)
      .map(({ cause }) => cause);
    const cause = causes.includes("supervisor") ? "supervisor" : (causes[0] ?? "others");
    this.longestStallMs[cause] = Math.max(this.longestStallMs[cause], toMs - fromMs);
  }

  #ended(member: Member, how: string): void {
    this.#members.delete(member.process.pid);
    if (this.#isOver) return;
    if (!member.isDoomed) this.faults.push(`${member.role.name} has ended by itself: ${how}`);
    this.start(member.role);
  }
}
