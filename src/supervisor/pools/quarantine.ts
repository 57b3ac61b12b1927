import type { Alarm, Clock } from "../../clock/clock.ts";
import type { Processes, ProcessHandle } from "../../processes/processes.ts";
import type { Client } from "../client.ts";
import type { WriteLease } from "./lease.ts";

/** The pause before a process that may have ended is looked at again, in ms: the first one, and the longest. */
const FIRST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 250;

/** A client that writes, or has gone while it wrote. */
interface Writer {
  /** Null: its process can't be seen to end. */
  readonly process: ProcessHandle | null;
  /** What it left behind. */
  readonly leases: Set<WriteLease>;
  alarm: Alarm | null;
}

/** Keeps the slots of writers that went without a word from everybody until the processes of these have ended. */
export class Quarantine {
  readonly #processes: Processes;
  readonly #clock: Clock;
  readonly #writers = new Map<Client, Writer>();

  constructor(processes: Processes, clock: Clock) {
    this.#processes = processes;
    this.#clock = clock;
  }

  /**
   * A client is about to write. Its process runs now, so that its end can be told from that of another with the same number.
   * @returns false: it has ended, and whoever has the connection from it can't be seen to end
   */
  expect(client: Client): boolean {
    const { process } = this.#writers.get(client) ?? this.#begin(client);
    return process === null || !process.hasEnded();
  }

  /** A client has gone, and left these leases. */
  take(client: Client, leases: readonly WriteLease[]): void {
    const writer = this.#writers.get(client);
    if (writer === undefined) return;
    for (const lease of leases) {
      lease.pool.vanish(lease);
      writer.leases.add(lease);
    }
    this.#look(client, writer, FIRST_PAUSE_MS);
  }

  /** The process has given a slot up itself, over another connection. */
  forget(lease: WriteLease): void {
    const writer = this.#writers.get(lease.client);
    if (writer === undefined) return;
    writer.leases.delete(lease);
    if (writer.leases.size === 0) this.#end(lease.client, writer);
  }

  /** Nothing is waited for any more. */
  close(): void {
    for (const [client, writer] of this.#writers) this.#end(client, writer);
  }

  #begin(client: Client): Writer {
    const { pid } = client.peer;
    const writer: Writer = { process: pid === null ? null : this.#processes.watch(pid), leases: new Set(), alarm: null };
    this.#writers.set(client, writer);
    return writer;
  }

  #look(client: Client, writer: Writer, pauseMs: number): void {
    const { process, leases } = writer;
    for (const lease of leases) if (lease.isGone) this.#clear(writer, lease);
    if (process !== null && leases.size > 0 && !process.hasEnded()) {
      const next = () => this.#look(client, writer, Math.min(pauseMs * 2, LONGEST_PAUSE_MS));
      writer.alarm = this.#clock.at(this.#clock.nowUs() + pauseMs * 1000, next);
      return;
    }
    this.#end(client, writer);
    for (const lease of leases) {
      if (process === null) lease.pool.retire(lease);
      else this.#clear(writer, lease);
    }
  }

  #clear(writer: Writer, lease: WriteLease): void {
    writer.leases.delete(lease);
    lease.pool.clear(lease);
  }

  #end(client: Client, { process, alarm }: Writer): void {
    this.#writers.delete(client);
    alarm?.cancel();
    process?.close();
  }
}
