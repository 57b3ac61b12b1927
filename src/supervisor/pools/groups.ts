import type { RequestOf } from "../../protocol/requests.ts";
import type { Client } from "../client.ts";
import type { Surroundings } from "../surroundings.ts";
import type { Share } from "./admission.ts";
import { type Consumer, type Deliver, Group } from "./group.ts";

/** The groups of consumers that take the frames of one pool. */
export class Groups {
  readonly #surroundings: Surroundings;
  readonly #deliver: Deliver;
  readonly #groups = new Map<string, Group>();

  constructor(surroundings: Surroundings, deliver: Deliver) {
    this.#surroundings = surroundings;
    this.#deliver = deliver;
  }

  get size(): number {
    return this.#groups.size;
  }

  get all(): readonly Group[] {
    return [...this.#groups.values()];
  }

  /** What each of them may need at the worst. */
  get shares(): Share[] {
    return this.all.map(shareOf);
  }

  /** The group that a consumer asks for, or one that is made of it by `join`. @throws HoldfastError `GROUP_CONFLICT` */
  find(client: Client, request: RequestOf<"frames.subscribe">): Group {
    const existing = request.group === undefined ? undefined : this.#groups.get(named(request.group));
    existing?.assertAgrees(request);
    const { clock, tally } = this.#surroundings;
    return existing ?? new Group(request.group ?? client.name, request, clock, tally, this.#deliver);
  }

  /** What all would need if a group had a consumer more. */
  sharesWith(group: Group): Share[] {
    const others = this.all.filter((other) => other !== group).map(shareOf);
    return [...others, { ...shareOf(group), consumers: group.size + 1 }];
  }

  /** @param name what the consumer calls its group; undefined: it shares its frames with nobody */
  join(consumer: Consumer, name: string | undefined): void {
    const { group } = consumer;
    this.#groups.set(name === undefined ? nameless(consumer) : named(name), group);
    group.join(consumer);
  }

  /** A group without consumers ends. */
  leave(consumer: Consumer): void {
    const { group } = consumer;
    group.leave(consumer);
    if (group.size > 0) return;
    for (const [key, other] of this.#groups) if (other === group) this.#groups.delete(key);
  }

  /** All of them end, with the pool. */
  clear(): void {
    this.#groups.clear();
  }
}

function shareOf({ label, depth, size }: Group): Share {
  return { label, depth, consumers: size };
}

/** Groups with a name and those without never meet under one key. */
function named(group: string): string {
  return `group ${group}`;
}

function nameless({ client, subscription }: Consumer): string {
  return `client ${client.number} ${subscription.number}`;
}
