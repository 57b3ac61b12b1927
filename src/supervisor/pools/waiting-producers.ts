import type { Clock } from "../../clock/clock.ts";
import { HoldfastError } from "../../protocol/errors.ts";
import type { Grant } from "../../protocol/replies.ts";
import type { Client } from "../client.ts";
import type { Group } from "./group.ts";
import type { Pool } from "./pool.ts";

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

  constructor(pool: Pool, clock: Clock) {
    this.#pool = pool;
    this.#clock = clock;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /**
   * A slot to write to, now or in time.
   * @param waitMs how long the producer waits at most; undefined: as long as the groups in its way may demand
   * @throws HoldfastError `SLOT_NONE`; also as a rejection, as `POOL_GONE`, `SHUTTING_DOWN` and `DISCONNECTED` are
   */
  acquire(client: Client, waitMs: number | undefined): Grant | Promise<Grant> {
    const granted = this.#pool.grant(client);
    if ("lease" in granted) return granted;
    const patienceMs =
      granted.length === 0
        ? (waitMs ?? 0)
        : Math.min(waitMs ?? Number.POSITIVE_INFINITY, Math.max(...granted.map(({ deadlineMs }) => deadlineMs)));
    if (patienceMs === 0) throw this.#refusal(granted);
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
      const granted = this.#pool.grant(producer.client);
      if (!("lease" in granted)) return;
      producer.granted(granted);
    }
  }

  /** None gets a slot any more. */
  refuse(why: () => HoldfastError): void {
    for (const producer of [...this.#waiting]) producer.refused(why());
  }

  #refusal(blocking: readonly Group[]): HoldfastError {
    const { name, slots } = this.#pool;
    this.#pool.refused += 1;
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

/** `2 are ready, 1 is reading`. */
function inUse(states: readonly string[]): string {
  // Node 20 has no Map.groupBy.
  const counts = new Map<string, number>();
  for (const state of states) counts.set(state, (counts.get(state) ?? 0) + 1);
  return [...counts].map(([state, count]) => `${count} ${count === 1 ? "is" : "are"} ${state}`).join(", ");
}
