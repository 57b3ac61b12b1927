import type { Clock } from "../clock/clock.ts";
import type { EdgeFilter, Level, RequestOf } from "../protocol/requests.ts";
import type { Client } from "./client.ts";
import { Silence } from "./silence.ts";
import type { Subscription } from "./subscription.ts";

interface Watch {
  readonly subscription: Subscription;
  readonly edge: EdgeFilter;
  seq: number;
  /** Edges lost since the last one that it was told of. */
  lost: number;
  /** Null: it need not be told when no edge comes. */
  readonly silence: Silence | null;
}

/** Who is told of the edges of one pin. */
export class Watches {
  readonly #watches = new Set<Watch>();

  /**
   * @param pin the canonical name
   * @param changed is told when the first comes and when the last goes
   */
  constructor(
    readonly pin: string,
    readonly clock: Clock,
    readonly changed: (any: boolean) => void,
  ) {}

  /** Whether there is anybody to tell. */
  get any(): boolean {
    return this.#watches.size > 0;
  }

  /** @returns the number of the subscription @throws HoldfastError `LIMIT_SUBSCRIPTIONS` */
  add(client: Client, { edge = "both", silenceMs }: RequestOf<"watch">): number {
    const subscription = client.subscribe(() => this.#remove(watch));
    const silence = silenceMs === undefined ? null : this.#listen(subscription, silenceMs);
    const watch: Watch = { subscription, edge, seq: 0, lost: 0, silence };
    this.#watches.add(watch);
    if (this.#watches.size === 1) this.changed(true);
    return subscription.number;
  }

  /** The line has a new level; `lost` edges before it were not seen. */
  tell(level: Level, timestampNs: bigint, lost: number): void {
    for (const watch of this.#watches) {
      watch.lost += lost;
      if (watch.edge !== "both" && (watch.edge === "rising") !== (level === 1)) continue;
      watch.silence?.edge(timestampNs, watch.lost);
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
      this.#remove(watch);
      subscription.client.finish(subscription, { sub: subscription.number, ev: "end", reason });
    }
  }

  #listen(subscription: Subscription, silenceMs: number): Silence {
    const { number: sub } = subscription;
    return new Silence(this.clock, silenceMs, (timestampNs) => {
      subscription.push({ sub, ev: "silence", pin: this.pin, silenceMs, timestampNs });
    });
  }

  #remove(watch: Watch): void {
    watch.silence?.stop();
    if (this.#watches.delete(watch) && !this.any) this.changed(false);
  }
}
