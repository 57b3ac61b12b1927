import type { ScriptedClient, World } from "../../src/index-testing.ts";
import type { PoolModel } from "./pool-model.ts";

/** A process, of which several may have had the same number, one after the other. */
export interface Process {
  readonly pid: number | null;
  /** When it ended, in µs; null: it has not, or nobody can see that. */
  endedUs: number | null;
}

/** A client, and the process that it runs in. */
export interface Seat {
  readonly client: ScriptedClient;
  readonly process: Process;
}

/** The process behind each seat: two share one, one can't be seen to end, and of the last nothing is known. */
const pids = [101, 101, 102, 103, 104, null] as const;
/** How many clients come and go. */
export const SEATS = pids.length;
const HIDDEN_PID = 104;

/** The clients that come and go, and the processes behind them. */
export class PoolSeats {
  readonly #world: World;
  readonly #model: PoolModel;
  readonly #seats: (Seat | null)[] = Array.from({ length: SEATS }, () => null);
  readonly #processes = new Map<number, Process>();

  constructor(world: World, model: PoolModel) {
    this.#world = world;
    this.#model = model;
    world.processes.hide(HIDDEN_PID);
  }

  /** Whoever sits there; somebody comes when nobody does. */
  at(index: number): Seat {
    const taken = this.taken(index);
    if (taken !== null) return taken;
    const pid = pids[index] ?? null;
    const seat = { client: this.#world.join(`client ${index}`, pid), process: this.#processOf(pid) };
    this.#seats[index] = seat;
    this.#model.connected.set(seat.client.number, new Set());
    return seat;
  }

  /** Whoever sits there now; null: nobody does. */
  taken(index: number): Seat | null {
    return this.#seats[index] ?? null;
  }

  /** Those who sit. */
  get all(): readonly Seat[] {
    return this.#seats.filter((seat) => seat !== null);
  }

  indexOf(seat: Seat): number {
    return this.#seats.indexOf(seat);
  }

  empty(index: number): void {
    this.#seats[index] = null;
  }

  /** Whether the supervisor can see the end of a process. */
  isSeen({ pid }: Process): boolean {
    return pid !== null && pid !== HIDDEN_PID;
  }

  /** The process behind a seat ends, and with it whoever sits there. @returns null: there is none, or nothing is known of it */
  end(index: number): Process | null {
    const process = this.taken(index)?.process ?? this.#processes.get(pids[index] ?? 0);
    if (process === undefined || process.pid === null) return null;
    this.#world.processes.end(process.pid);
    this.#processes.delete(process.pid);
    process.endedUs = this.#world.clock.nowUs();
    return process;
  }

  #processOf(pid: number | null): Process {
    const known = pid === null ? undefined : this.#processes.get(pid);
    if (known !== undefined) return known;
    const process: Process = { pid, endedUs: null };
    if (pid === null) return process;
    this.#world.processes.start(pid);
    this.#processes.set(pid, process);
    return process;
  }
}
