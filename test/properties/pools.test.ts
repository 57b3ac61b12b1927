import fc from "fast-check";
import { play, scripts, step, subscribeRequests } from "../../src/index-testing.ts";
import { META_BYTES, SLOT_BYTES } from "./pool-clients.ts";
import { SEATS } from "./pool-seats.ts";
import { PoolStage } from "./pool-stage.ts";
import { property } from "./property.ts";

const seats = fc.nat(SEATS - 1);
/** Most of what happens concerns one pool. */
const names = fc.constantFrom("cam", "cam", "cam", "aux");
/** Most requests come from those who may make them; the others try. */
const mayTry = fc.constantFrom(false, false, false, false, true);
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 });
const defined = <T extends object>(fields: T) => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
const show = (fields: object) => JSON.stringify(defined(fields));

function act(words: string, run: (stage: PoolStage) => void | Promise<void>, applies: (stage: PoolStage) => boolean = () => true) {
  return step<PoolStage>(
    words,
    async (stage) => {
      await run(stage);
      await stage.world.settle();
      stage.check();
    },
    (stage) => !stage.world.stopped && applies(stage),
  );
}

/** A lease of the seat, or with `tries` any that there has been, or none. */
function leaseOf(stage: PoolStage, seat: number, kind: "write" | "read", pick: number, tries: boolean): number | undefined {
  const from = tries ? [...stage.model.everyLease, 9999] : stage.held(seat, kind);
  return from.length === 0 ? undefined : from[tries ? from.length - 1 - (pick % Math.min(from.length, 12)) : pick % from.length];
}

const acquired = fc
  .tuple(seats, names, optional(fc.integer({ min: 1, max: 60 })))
  .map(([seat, name, waitMs]) => act(`${seat}: acquire ${name} ${show({ waitMs })}`, (stage) => stage.clients.acquire(seat, name, waitMs)));
const bytes = fc.oneof({ weight: 9, arbitrary: fc.nat(SLOT_BYTES) }, { weight: 1, arbitrary: fc.constant(SLOT_BYTES + 1) });
const meta = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(undefined, { n: 1 }) },
  { weight: 1, arbitrary: fc.constant({ note: "x".repeat(META_BYTES + 1) }) },
);
const published = fc
  .tuple(seats, fc.nat(20), mayTry, fc.record({ bytes, meta, acquire: fc.constantFrom(undefined, true as const) }))
  .map(([seat, pick, tries, fields]) =>
    act(
      `${seat}: publish ${tries ? "any " : ""}${pick} ${show(fields)}`,
      (stage) => stage.clients.publish(seat, leaseOf(stage, seat, "write", pick, tries) as number, defined(fields) as never),
      (stage) => leaseOf(stage, seat, "write", pick, tries) !== undefined,
    ),
  );
const aborted = fc.tuple(seats, fc.nat(20), mayTry).map(([seat, pick, tries]) =>
  act(
    `${seat}: abort ${tries ? "any " : ""}${pick}`,
    (stage) => stage.clients.abort(seat, leaseOf(stage, seat, "write", pick, tries) as number),
    (stage) => leaseOf(stage, seat, "write", pick, tries) !== undefined,
  ),
);
const released = fc.tuple(seats, fc.nat(20), mayTry).map(([seat, pick, tries]) =>
  act(
    `${seat}: release ${tries ? "any " : ""}${pick}`,
    (stage) => stage.clients.release(seat, leaseOf(stage, seat, "read", pick, tries) as number),
    (stage) => leaseOf(stage, seat, "read", pick, tries) !== undefined,
  ),
);

const subscribed = fc
  .tuple(seats, names, subscribeRequests(""))
  .map(([seat, name, { id: _id, op: _op, pool: _pool, ...request }]) =>
    act(`${seat}: subscribe ${name} ${show(request)}`, (stage) => stage.clients.subscribe(seat, name, request)),
  );
const unwatched = fc.tuple(seats, fc.nat(3), mayTry).map(([seat, pick, tries]) =>
  act(
    `${seat}: unwatch ${pick}`,
    (stage) =>
      stage.clients.unwatch(seat, tries ? pick + 1 : (stage.subscriptions(seat)[pick % stage.subscriptions(seat).length] as number)),
    (stage) => tries || stage.subscriptions(seat).length > 0,
  ),
);

const left = seats.map((seat) => act(`${seat}: loses its connection`, (stage) => stage.leave(seat)));
const died = seats.map((seat) => act(`${seat}: its process ends`, (stage) => stage.die(seat)));
const slowed = seats.map((seat) =>
  act(
    `${seat}: takes nothing`,
    (stage) => {
      stage.seats.at(seat).client.ready = false;
    },
    (stage) => stage.seats.taken(seat) !== null && stage.subscriptions(seat).length <= 1,
  ),
);
const caughtUp = seats.map((seat) => act(`${seat}: takes what has waited`, (stage) => stage.seats.at(seat).client.catchUp()));
const passed = fc.integer({ min: 0, max: 60 }).map((ms) => act(`${ms} ms pass`, (stage) => stage.pass(ms)));
const longPassed = fc.integer({ min: 800, max: 1500 }).map((ms) => act(`${ms} ms pass`, (stage) => stage.pass(ms)));
const stalled = fc.integer({ min: 1, max: 80 }).map((ms) =>
  act(`nothing runs for ${ms} ms`, async (stage) => {
    stage.world.clock.stallMs(ms);
    await stage.pass(0);
  }),
);

const created = fc
  .tuple(seats, fc.constantFrom("cam", "aux", "more"), fc.integer({ min: 2, max: 7 }), fc.constantFrom(false, false, true))
  .map(([seat, name, slots, fault]) =>
    act(`${seat}: create ${name} of ${slots} slots${fault ? ", for which there is no room" : ""}`, (stage) =>
      stage.clients.create(seat, name, slots, fault),
    ),
  );
const opened = fc.tuple(seats, names).map(([seat, name]) => act(`${seat}: open ${name}`, (stage) => stage.clients.open(seat, name)));
const removed = fc.tuple(seats, names).map(([seat, name]) => act(`${seat}: remove ${name}`, (stage) => stage.clients.remove(seat, name)));
const vanished = names.map((name) =>
  act(
    `somebody deletes the file of ${name}`,
    (stage) => stage.vanish(name),
    (stage) => stage.model.pools.get(name)?.file.deletedUs === null,
  ),
);
const ended = fc.boolean().map((hard) => act(`shutdown ${hard ? "hard" : ""}`, (stage) => stage.shutdown(hard)));

const times = <T>(count: number, arbitrary: T): T[] => Array.from({ length: count }, () => arbitrary);
const producing = [...times(4, acquired), ...times(6, published), aborted];
const consuming = [...times(4, subscribed), ...times(6, released), unwatched];
const everyday = [...producing, ...consuming, left, died, slowed, caughtUp, passed, passed, stalled];

/** How many slots the pool has that there is from the start. */
const sizes = fc.integer({ min: 2, max: 8 });

async function tell({ slots, script }: { readonly slots: number; readonly script: Iterable<ReturnType<typeof act>> }): Promise<void> {
  const stage = new PoolStage();
  stage.clients.create(SEATS - 1, "cam", slots, false);
  await stage.world.settle();
  stage.check();
  await play(script, stage);
  await stage.end();
}

property(
  "whoever produces, consumes, crashes or lies, each slot has one owner, each reader its frame, and each group its count",
  fc.record({ slots: sizes, script: scripts(everyday, 100) }),
  tell,
  300,
);

property(
  "pools that are removed, made again and lose their files take nothing from those who hold their frames, and leave no file",
  fc.record({ slots: sizes, script: scripts([...everyday, created, created, removed, vanished, opened, longPassed, longPassed], 100) }),
  tell,
  300,
);

property(
  "a shutdown at any point, soft or hard, delivers what it can and leaves no file, lease, alarm or process handle",
  fc.record({ slots: sizes, script: scripts([...everyday, ended, created, removed], 80) }),
  tell,
  300,
);
