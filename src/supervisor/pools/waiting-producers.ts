import type { Clock } from "../../clock/clock.ts";
import { HoldfastError } from "../../protocol/errors.ts";
import type { Grant } from "../../protocol/replies.ts";
import type { Client } from "../client.ts";
import type { Group } from "./group.ts";
import type { Granting, Pool } from "./pool.ts";

interface WaitingProducer {
  readonly client: Client;
  readonly granted: (grant: Grant) => void;
  readonly refused: (error: HoldfastError) => void;
}

/** Producers for which a pool has no slot now, in the order in which they came. */
export class WaitingProducers {
  readonly #pool: Pool;
  readonly #clock: Clock;
  readonly #waiting = new Set<WaitingProducer>();
  #refused = 0;

  constructor(pool: Pool, clock: Clock) {
    this.#pool = pool;
    this.#clock = clock;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** How many got no slot in time. */
  get refused(): number {
    return this.#refused;
  }

  /**
   * A slot to write to, now or in time.
   * @param waitMs how long the producer waits at most; undefined: as long as the groups in its way may demand
   * @throws HoldfastError `SLOT_NONE`, `PROCESS_ENDED`; also as a rejection, as `POOL_GONE`, `SHUTTING_DOWN` and `DISCONNECTED` are
   */
  acquire(client: Client, waitMs: number | undefined): Grant | Promise<Grant> {
    // Those who have waited come first.
    this.serve();
    const granting = this.#pool.grant(client);
    if (granting.outcome === "granted") return granting.grant;
    if (granting.outcome === "ended") throw processEnded(client);
    const blocking = granting.outcome === "blocked" ? granting.by : [];
    const patienceMs = patience(blocking, waitMs);
    if (patienceMs === 0) throw this.#refusal(blocking);
    return client.wait((resolve, reject) => {
      const leave = () => {
        deadline.cancel();
        this.#waiting.delete(producer);
      };
      const producer: WaitingProducer = {
        client,
        granted: (grant) => {
          leave();
          resolve(grant);
        },
        refused: (error) => {
          leave();
          reject(error);
        },
      };
      const deadline = this.#clock.at(this.#clock.nowUs() + patienceMs * 1000, () => producer.refused(this.#refusal(this.#pool.blocking)));
      this.#waiting.add(producer);
      return leave;
    });
  }

  /** There may be slots now. */
  serve(): void {
    for (const producer of this.#waiting) {
      const granting: Granting = this.#pool.grant(producer.client);
      if (granting.outcome === "granted") producer.granted(granting.grant);
      else if (granting.outcome === "ended") producer.refused(processEnded(producer.client));
      else return;
    }
  }

  /** None gets a slot any more. */
  refuse(why: () => HoldfastError): void {
    for (const producer of [...this.#waiting]) producer.refused(why());
  }

  #refusal(blocking: readonly Group[]): HoldfastError {
    const { name, slots } = this.#pool;
    this.#refused += 1;
    const why =
      blocking.length > 0
        ? `${blocking.map(({ label }) => `"${label}"`).join(" and ")} may miss no frame and ${blocking.length > 1 ? "have" : "has"} no room for another`
        : `of its ${slots.length} slots ${inUse(slots.map(({ state }) => state))}`;
    return new HoldfastError("SLOT_NONE", `pool ${name} has no slot to write to: ${why}`, {
      field: "pool",
      pool: name,
      blockedBy: blocking.map(({ label }) => label),
    });
  }
}

/** How long a producer waits at most, in ms. */
function patience(blocking: readonly Group[], waitMs: number | undefined): number {
  if (blocking.length === 0) return waitMs ?? 0;
  return Math.min(waitMs ?? Number.POSITIVE_INFINITY, Math.max(...blocking.map(({ deadlineMs }) => deadlineMs)));
}

/** What a process writes to that has its connection from another one could not be kept from others when it dies. */
function processEnded({ peer }: Client): HoldfastError {
  const message = `the process that made this connection (pid ${peer.pid}) has ended: connect again, after any fork`;
  return new HoldfastError("PROCESS_ENDED", message, { pid: peer.pid });
}

/** `2 are ready, 1 is reading`. */
function inUse(states: readonly string[]): string {
  // Node 20 has no Map.groupBy.
  const counts = new Map<string, number>();
  for (const state of states) counts.set(state, (counts.get(state) ?? 0) + 1);
  return [...counts].map(([state, count]) => `${count} ${count === 1 ? "is" : "are"} ${state}`).join(", ");
}
