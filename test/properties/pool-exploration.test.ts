import { expect, test } from "bun:test";
import assert from "node:assert/strict";
import { Explorer, type Move } from "../../src/index-testing.ts";
import type { RequestOf } from "../../src/protocol/requests.ts";
import { type ModelPool, type ModelSlot, type ModelWrite, shownState } from "./modelled-pool.ts";
import { PoolStage } from "./pool-stage.ts";

/**
 * Every state that a pool of the real supervisor can be in, with two writers and up to three readers, as seen by all that can happen
 * in it: each move of `movesOf` is made in each state, and after each the stage checks everything that it checks for random scripts.
 *
 * States are told apart by who has which slot, what waits for whom, who waits, and the order in which idle consumers and waiting
 * producers came. Slots count as interchangeable, and frames, leases and generations by their order only: how often something has
 * happened changes nothing that can follow (that counters and numbers are right is checked on the way, whatever their values are).
 *
 * Bounds: a writer holds one slot at a time and leaves at most one behind while its process lives; a reader has one subscription.
 * Time has one grain: a hold that is too long, a wait and the end of a process come about within the same span, each in its own
 * order. Not covered here, but by the scripts: several pools, pools that go, other times, slow clients, requests that are wrong,
 * processes that can't be seen to end. With three readers no writer is cut off, so that the whole of it is visited in seconds.
 */

/** Longer than the longest pause before a process is looked at again, so that one span of time settles all that is due. */
const SPAN_MS = 300;
/** Shorter than that span, longer than that pause: who waits sees a process end before it is refused. */
const WAIT_MS = 290;

type Subscribe = Omit<RequestOf<"frames.subscribe">, "id" | "op" | "pool">;

interface Setting {
  readonly slots: number;
  /** Whether a writer loses its connection while its process lives. */
  readonly severs: boolean;
  readonly readers: readonly { readonly seat: number; readonly request: Subscribe }[];
}

/** The world, and the order in which readers became idle. */
class Walk {
  readonly stage = new PoolStage();
  readonly #idle: number[] = [];

  static async begin(slots: number): Promise<Walk> {
    const walk = new Walk();
    walk.stage.clients.create(4, "cam", slots, false);
    await walk.settle();
    return walk;
  }

  get pool(): ModelPool {
    return this.stage.model.pools.get("cam") ?? assert.fail();
  }

  async settle(): Promise<void> {
    await this.stage.world.settle();
    this.stage.check();
    assertOwned(this.stage);
  }

  leftBy(pid: number): ModelWrite[] {
    return this.pool.file.slots.flatMap(({ state, writer }) => (state === "quarantined" && writer?.pid === pid ? [writer] : []));
  }

  becameIdle(seat: number): void {
    this.leaves(seat);
    this.#idle.push(seat);
  }

  leaves(seat: number): void {
    const index = this.#idle.indexOf(seat);
    if (index >= 0) this.#idle.splice(index, 1);
  }

  /** What this world has in common with all from which the same can follow. */
  get key(): string {
    const { stage, pool } = this;
    const seatOf = new Map(stage.seats.all.map((seat) => [seat.client.number, stage.seats.indexOf(seat)]));
    const seqs = pool.file.slots.flatMap(({ frame }) => (frame === null ? [] : [frame.seq])).sort((a, b) => a - b);
    const slot = (one: ModelSlot) => {
      const { frame, writer } = one;
      const who = writer === null ? "" : `${seatOf.get(writer.client) ?? `left ${writer.pid}${stage.hasEnded(writer) ? " ended" : ""}`}`;
      const claims = [...(frame?.claims ?? [])].map((group) => pool.groups.indexOf(group)).map((index) => nameOf(pool, index));
      const readers = [...(frame?.readers ?? [])].map(({ client }) => seatOf.get(client));
      const content =
        frame === null ? "" : `${seqs.indexOf(frame.seq)}${one === pool.file.latest ? "L" : ""} c${claims.sort()} r${readers.sort()}`;
      return `${shownState(one)} ${who}${content}`.trim();
    };
    const consumers = pool.groups.flatMap((group) => group.consumers);
    const readers = consumers
      .map(({ client, hold }) => `${seatOf.get(client)}${hold === null ? "" : hold.revoked ? " revoked" : " holds"}`)
      .sort();
    const idle = this.#idle.filter((seat) => consumers.some(({ client, hold }) => hold === null && seatOf.get(client) === seat));
    return [pool.file.slots.map(slot).sort().join(", "), readers.join(" "), `idle ${idle}`, `waiting ${stage.waiting}`].join("; ");
  }
}

function nameOf(pool: ModelPool, index: number): string {
  return pool.groups[index]?.name ?? "";
}

/** What DESIGN.md says of every slot at every moment, of what `status` shows alone. */
function assertOwned(stage: PoolStage): void {
  const { pools, clients } = stage.world.supervisor.status();
  const connected = clients.map(({ client }) => client);
  for (const { slots } of pools) {
    for (const { state, holders, seq, generation } of slots) {
      if (state === "writing") assert(holders.length === 1 && connected.includes(holders[0]?.client as number), "one writer, who is there");
      if (state === "quarantined")
        assert(holders.length === 1 && !connected.includes(holders[0]?.client as number), "one writer, who has gone");
      if (state === "reading")
        assert(holders.length > 0 && holders.every(({ client }) => connected.includes(client)), "readers who are there");
      if (state === "free" || state === "ready" || state === "retired") assert.equal(holders.length, 0);
      if (state === "ready" || state === "reading") assert(seq !== null && generation % 2 === 0, "a frame that has been published");
      else assert.equal(seq, null);
    }
  }
}

function movesOf({ readers, severs }: Setting): Move<Walk>[] {
  const move = (words: string, applies: (walk: Walk) => boolean, run: (walk: Walk) => unknown): Move<Walk> => ({
    words,
    applies,
    run: async (walk) => {
      await run(walk);
      await walk.settle();
    },
  });
  /** Loses its connection, and comes back. */
  const one = { seat: 2, pid: 102 };
  /** Only ever dies, and asks for its next slot with each frame. */
  const two = { seat: 3, pid: 103 };
  const holds = ({ stage }: Walk, seat: number) => stage.held(seat, "write").length > 0;
  const waits = ({ stage }: Walk, seat: number) => stage.waiting.includes(seat);
  const lease = ({ stage }: Walk, seat: number, kind: "write" | "read") => stage.held(seat, kind)[0] as number;
  const isIdle = (walk: Walk, seat: number) => !holds(walk, seat) && !waits(walk, seat);
  const writers = [
    move(
      "1 acquires and waits",
      (walk) => isIdle(walk, one.seat),
      ({ stage }) => stage.clients.acquire(one.seat, "cam", WAIT_MS),
    ),
    move(
      "2 acquires",
      (walk) => isIdle(walk, two.seat),
      ({ stage }) => stage.clients.acquire(two.seat, "cam", undefined),
    ),
    move(
      "1 publishes",
      (walk) => holds(walk, one.seat),
      (walk) => walk.stage.clients.publish(one.seat, lease(walk, one.seat, "write"), { bytes: 1 }),
    ),
    move(
      "2 publishes and acquires",
      (walk) => holds(walk, two.seat),
      (walk) => walk.stage.clients.publish(two.seat, lease(walk, two.seat, "write"), { bytes: 1, acquire: true }),
    ),
    move(
      "1 aborts",
      (walk) => holds(walk, one.seat),
      (walk) => walk.stage.clients.abort(one.seat, lease(walk, one.seat, "write")),
    ),
    move(
      "1 loses its connection",
      (walk) => severs && !isIdle(walk, one.seat) && walk.leftBy(one.pid).length === 0,
      ({ stage }) => stage.leave(one.seat),
    ),
    move(
      "1 gives up what it left",
      (walk) => walk.leftBy(one.pid).some((left) => !walk.stage.hasEnded(left)),
      (walk) => walk.stage.clients.abort(one.seat, walk.leftBy(one.pid)[0]?.lease as number),
    ),
    ...[one, two].map(({ seat, pid }) =>
      move(
        `${seat - 1} dies`,
        (walk) => !isIdle(walk, seat) || walk.leftBy(pid).some((left) => !walk.stage.hasEnded(left)),
        ({ stage }) => stage.die(seat),
      ),
    ),
  ];
  const others = readers.flatMap(({ seat, request }) => [
    move(
      `reader ${seat} subscribes`,
      ({ stage }) => !stage.takesFrom(seat, "cam"),
      async (walk) => {
        walk.becameIdle(seat);
        walk.stage.clients.subscribe(seat, "cam", request);
      },
    ),
    move(
      `reader ${seat} releases`,
      ({ stage }) => stage.held(seat, "read").length > 0,
      (walk) => {
        walk.becameIdle(seat);
        walk.stage.clients.release(seat, lease(walk, seat, "read"));
      },
    ),
    move(
      `reader ${seat} crashes`,
      ({ stage }) => stage.takesFrom(seat, "cam"),
      (walk) => {
        walk.leaves(seat);
        return walk.stage.leave(seat);
      },
    ),
  ]);
  const time = move(
    "time passes",
    ({ stage, pool }) => {
      const leases = [...stage.model.leases.values()];
      const isDue = leases.some((held) => (held.kind === "read" ? !held.revoked && Number.isFinite(held.dueUs) : stage.hasEnded(held)));
      return isDue || stage.waiting.length > 0 || pool.file.deletedUs !== null;
    },
    ({ stage }) => stage.pass(SPAN_MS),
  );
  return [...writers, ...others, time];
}

/** Two share the work of a group that may always be given less, and one sees every frame. */
const sharing: Setting = {
  slots: 7,
  severs: false,
  readers: [
    { seat: 0, request: { group: "algo" } },
    { seat: 1, request: { group: "algo", maxHoldMs: SPAN_MS } },
    { seat: 5, request: { group: "saver", policy: "block", depth: 1, deadlineMs: WAIT_MS } },
  ],
};
/** As few slots as carry one reader: the producers fight for them. */
const scarce: Setting = {
  slots: 4,
  severs: true,
  readers: [
    { seat: 0, request: { group: "algo", policy: "drop-oldest", depth: 1, maxHoldMs: SPAN_MS } },
    { seat: 1, request: { group: "algo", startWithLatest: true } },
  ],
};
/** The fewest slots that a pool may have, too few for any reader: the latest frame gives way, and who comes late waits. */
const bare: Setting = { slots: 2, severs: true, readers: [{ seat: 0, request: {} }] };
/** A group that is given what comes first, and one that begins with the latest and may miss nothing after it. */
const mixed: Setting = {
  slots: 6,
  severs: true,
  readers: [
    { seat: 0, request: { group: "algo", policy: "drop-newest", depth: 1 } },
    { seat: 1, request: { group: "saver", policy: "block", depth: 1, deadlineMs: WAIT_MS, startWithLatest: true, maxHoldMs: SPAN_MS } },
  ],
};

for (const [name, setting] of Object.entries({ sharing, scarce, bare, mixed })) {
  test(`a pool of ${setting.slots} slots with two writers and ${setting.readers.length} readers is sound in every state that it can reach (${name})`, async () => {
    const explorer = new Explorer(
      () => Walk.begin(setting.slots),
      movesOf(setting),
      (walk) => walk.key,
    );
    await explorer.explore();
    const isRead = setting !== bare;
    const states = ["free", "writing", "ready", ...(isRead ? ["reading"] : []), ...(setting.severs ? ["quarantined"] : [])];
    for (const state of states) expect(explorer.states.some((key) => key.includes(state))).toBe(true);
    console.log(`pool ${name}: ${explorer.states.length} states, ${explorer.transitions} transitions, ${explorer.steps} steps`);
  }, 240_000);
}
