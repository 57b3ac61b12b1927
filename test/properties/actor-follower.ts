import assert from "node:assert/strict";
import type { ScriptedClient, World } from "../../src/index-testing.ts";
import { type AccessTable, accessBy } from "../../src/protocol/access.ts";
import type { EventOf } from "../../src/protocol/replies.ts";

/** A client that listens to actors, and what it believes of them from nothing but what it is told. */
export class ActorFollower {
  readonly client: ScriptedClient;
  /** By the number of the subscription: the state of each actor that is there. */
  readonly #believed = new Map<number, Map<string, string>>();
  /** What each subscription is to; null: to all. */
  readonly #subjects = new Map<number, string | null>();
  #read = 0;

  /**
   * @param subjects what it observes, where that can be observed, beside all that it traces
   * @param table what it may do; null: everything
   */
  constructor(
    world: World,
    subjects: readonly string[],
    readonly table: AccessTable | null,
  ) {
    this.client = world.welcome("follower", table === null ? {} : { access: () => accessBy([["some", table]]) });
    const { sub } = this.client.ask({ op: "trace" }).body;
    this.#begin(sub, null);
    for (const address of subjects) {
      const answer = this.client.ask({ op: "observe", address });
      if (answer.error === null) this.#begin(answer.body.sub, address);
    }
  }

  /** What it believes is what there is. @param isAllowed whether it may see it, and the edges of it */
  check(isAllowed: (address: string, right: "see" | "watch") => boolean): void {
    if (!this.client.ready) return;
    for (const event of this.client.events.slice(this.#read)) {
      if (event.ev === "edge") assert(isAllowed(`pin/${event.pin}`, "watch"), `it is told of edges of ${event.pin}`);
      if (event.ev !== "transition") continue;
      assert(isAllowed(event.address, "see"), `it is told of ${event.address}`);
      this.#follow(event);
    }
    this.#read = this.client.events.length;
    const actors = this.client.ask({ op: "actors" }).body.actors.map(({ address, state }) => [address, state] as const);
    for (const [sub, believed] of this.#believed) {
      const subject = this.#subjects.get(sub);
      const meant = subject === null ? actors : actors.filter(([address]) => address === subject);
      const open = [...believed].filter(([, state]) => state !== "closed");
      assert.deepEqual(Object.fromEntries(open), Object.fromEntries(meant));
    }
  }

  #begin(sub: number, subject: string | null): void {
    this.#believed.set(sub, new Map());
    this.#subjects.set(sub, subject);
  }

  #follow({ sub, address, from, state, lost }: EventOf<"transition">): void {
    const believed = this.#believed.get(sub) as Map<string, string>;
    assert.equal(lost, 0);
    assert.equal(from, believed.get(address) ?? null, `${address} comes from where it was`);
    if (state === "gone") believed.delete(address);
    else believed.set(address, state);
  }
}
