import type { EdgeFilter, Level } from "../protocol/requests.ts";
import type { Client } from "./client.ts";
import type { Subscription } from "./subscription.ts";

interface Watch {
  readonly subscription: Subscription;
  readonly edge: EdgeFilter;
  seq: number;
  /** Edges lost since the last one that it was told of. */
  lost: number;
}

/** Who is told of the edges of one pin. */
export class Watches {
  readonly #watches = new Set<Watch>();

  /** @param pin the canonical name */
  constructor(readonly pin: string) {}

  /** @returns the number of the subscription @throws HoldfastError `LIMIT_SUBSCRIPTIONS` */
  add(client: Client, edge: EdgeFilter): number {
    const subscription = client.subscribe(() => this.#watches.delete(watch));
    const watch: Watch = { subscription, edge, seq: 0, lost: 0 };
    this.#watches.add(watch);
    return subscription.number;
  }

  /** The line has a new level; `lost` edges before it were not seen. */
  tell(level: Level, timestampNs: bigint, lost: number): void {
    for (const watch of this.#watches) {
      watch.lost += lost;
      if (watch.edge !== "both" && (watch.edge === "rising") !== (level === 1)) continue;
      watch.seq += 1 + watch.lost;
      const { subscription, seq } = watch;
      subscription.push({ sub: subscription.number, ev: "edge", pin: this.pin, level, timestampNs, seq, lost: watch.lost });
      watch.lost = 0;
    }
  }

  /** Ends those of one client, or all. */
  end(reason: string, of?: Client): void {
    for (const watch of [...this.#watches]) {
      const { subscription } = watch;
      if (of !== undefined && subscription.client !== of) continue;
      this.#watches.delete(watch);
      subscription.client.finish(subscription, { sub: subscription.number, ev: "end", reason });
    }
  }
}
