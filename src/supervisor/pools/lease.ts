import type { Alarm } from "../../clock/clock.ts";
import { HoldfastError } from "../../protocol/errors.ts";
import type { Limits } from "../../protocol/limits.ts";
import type { Client } from "../client.ts";
import type { Consumer } from "./group.ts";
import type { Pool } from "./pool.ts";
import type { Slot } from "./slot.ts";

interface Hold {
  /** Never given twice while the supervisor lives. */
  readonly number: number;
  readonly client: Client;
  readonly pool: Pool;
  readonly slot: Slot;
  readonly sinceUs: number;
}

/** A client's right to write to a slot. */
export interface WriteLease extends Hold {
  readonly kind: "write";
  /** The file of the slot has been removed: nothing can be published there any more. */
  isGone: boolean;
}

/** A client's right to read a slot. */
export interface ReadLease extends Hold {
  readonly kind: "read";
  readonly consumer: Consumer;
  /** It was held for too long, and others may have the slot. It ends when the client releases it. */
  isRevoked: boolean;
  /** What revokes it. */
  alarm: Alarm | null;
}

/** A right to a slot. */
export type Lease = WriteLease | ReadLease;

/** Every lease that has not ended. */
export class Leases {
  readonly #limits: Pick<Limits, "leases">;
  readonly #leases = new Map<number, Lease>();
  readonly #byClient = new Map<Client, Set<Lease>>();
  #last = 0;

  /** @param limits `leases`: how many a client may have before it is to end some */
  constructor(limits: Pick<Limits, "leases">) {
    this.#limits = limits;
  }

  /** The number of a new lease. */
  next(): number {
    this.#last += 1;
    return this.#last;
  }

  add(lease: Lease): void {
    this.#leases.set(lease.number, lease);
    const leases = this.#byClient.get(lease.client);
    if (leases === undefined) this.#byClient.set(lease.client, new Set([lease]));
    else leases.add(lease);
  }

  end(lease: Lease): void {
    this.#leases.delete(lease.number);
    const leases = this.#byClient.get(lease.client);
    leases?.delete(lease);
    if (leases?.size === 0) this.#byClient.delete(lease.client);
  }

  /** Those that one client has. */
  of(client: Client): Lease[] {
    return [...(this.#byClient.get(client) ?? [])];
  }

  /** Before a client does what may bring it another lease. @throws HoldfastError `LIMIT_LEASES` */
  assertRoom(client: Client): void {
    const most = this.#limits.leases;
    if ((this.#byClient.get(client)?.size ?? 0) < most) return;
    const message = `a client may have ${most} leases, revoked ones and those of removed pools among them: release, publish or abort some`;
    throw new HoldfastError("LIMIT_LEASES", message, { limit: most });
  }

  /**
   * A lease that a client asks to use.
   * The same process may give up what it wrote to over a connection that it has no more.
   * @throws HoldfastError `LEASE_UNKNOWN`, `LEASE_FOREIGN`, `LEASE_KIND`
   */
  find<K extends Lease["kind"]>(client: Client, number: number, kind: K): Lease & { readonly kind: K } {
    const lease = this.#leases.get(number);
    if (lease === undefined) {
      throw new HoldfastError("LEASE_UNKNOWN", `lease ${number} is not held: it was never granted, or has ended`, { field: "lease" });
    }
    if (lease.client !== client && !isLeftBehind(lease, client)) {
      throw new HoldfastError("LEASE_FOREIGN", `lease ${number} is held by ${lease.client.label}`, {
        field: "lease",
        holder: lease.client.name,
      });
    }
    if (lease.kind !== kind) {
      const purpose = lease.kind === "write" ? "writing: publish or abort it" : "reading: release it";
      throw new HoldfastError("LEASE_KIND", `lease ${number} is for ${purpose}`, { field: "lease" });
    }
    return lease as Lease & { readonly kind: K };
  }
}

/** Whether a lease is one that the client's own process lost its connection with. */
function isLeftBehind(lease: Lease, client: Client): boolean {
  return lease.slot.state === "quarantined" && lease.client.peer.pid !== null && lease.client.peer.pid === client.peer.pid;
}
