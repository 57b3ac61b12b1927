import type { Clock } from "../clock/clock.ts";
import type { Edge } from "../gpio/backend.ts";
import type { NamedPin } from "../gpio/named-pin.ts";
import type { EdgeFilter, RequestOf } from "../protocol/requests.ts";
import type { Client } from "./client.ts";
import { Silence } from "./silence.ts";
import type { Subscription } from "./subscription.ts";

interface Watch {
  readonly subscription: Subscription;
  readonly edge: EdgeFilter;
  seq: number;
  /** Edges lost since the last one that it was told of. */
  lost: number;
  /** The same of each line. */
  readonly lines: { seq: number; lost: number }[];
  /** It is told of other actors, too, and does not end with this pin. */
  readonly isTrace: boolean;
  /** Null: it need not be told when no edge comes. */
  readonly silence: Silence | null;
}

/** Who is told of the edges of one pin. */
export class Watches {
  readonly #watches = new Set<Watch>();

  /** @param changed is told when the first comes and when the last goes */
  constructor(
    readonly named: NamedPin,
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
    const watch = this.#begin(subscription, edge, silence, false);
    return subscription.number;
  }

  /** These traces are told of every edge from now on, and no others. */
  trace(subscriptions: readonly Subscription[]): void {
    for (const watch of [...this.#watches]) if (watch.isTrace && !subscriptions.includes(watch.subscription)) this.#remove(watch);
    const traced = [...this.#watches].flatMap(({ isTrace, subscription }) => (isTrace ? [subscription] : []));
    for (const subscription of subscriptions) if (!traced.includes(subscription)) this.#begin(subscription, "both", null, true);
  }

  /** A line has a new level. */
  tell({ index, level, timestampNs, lost }: Edge): void {
    for (const watch of this.#watches) {
      const line = watch.lines[index] as Watch["lines"][number];
      watch.lost += lost;
      line.lost += lost;
      if (watch.edge !== "both" && (watch.edge === "rising") !== (level === 1)) continue;
      watch.silence?.edge(timestampNs, watch.lost);
      watch.seq += 1 + watch.lost;
      line.seq += 1 + line.lost;
      const { subscription, seq } = watch;
      const { pin, lines } = this.named;
      const of = lines.length > 1 && { member: lines[index]?.pin as string, index, memberSeq: line.seq };
      subscription.push({ sub: subscription.number, ev: "edge", pin, ...of, level, timestampNs, seq, lost: watch.lost });
      watch.lost = 0;
      line.lost = 0;
    }
  }

  /** Ends those of one client, or all. */
  end(reason: string, of?: Client): void {
    for (const watch of [...this.#watches]) {
      const { subscription } = watch;
      if (watch.isTrace || (of !== undefined && subscription.client !== of)) continue;
      this.#remove(watch);
      subscription.client.finish(subscription, { sub: subscription.number, ev: "end", reason });
    }
  }

  #begin(subscription: Subscription, edge: EdgeFilter, silence: Silence | null, isTrace: boolean): Watch {
    const lines = this.named.lines.map(() => ({ seq: 0, lost: 0 }));
    const watch: Watch = { subscription, edge, seq: 0, lost: 0, lines, isTrace, silence };
    this.#watches.add(watch);
    if (this.#watches.size === 1) this.changed(true);
    return watch;
  }

  #listen(subscription: Subscription, silenceMs: number): Silence {
    const { number: sub } = subscription;
    return new Silence(this.clock, silenceMs, (timestampNs) => {
      subscription.push({ sub, ev: "silence", pin: this.named.pin, silenceMs, timestampNs });
    });
  }

  #remove(watch: Watch): void {
    watch.silence?.stop();
    if (this.#watches.delete(watch) && !this.any) this.changed(false);
  }
}
