// Tests of the door, on simulated pins and in simulated time:  bun test

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { holds, passes, play, scripts, simulate, step } from "holdfast/testing";
import door, { REST_MS, TRAVEL_MS } from "./door.ts";
import { Doorway } from "./model/doorway.ts";

async function garage() {
  const actor = await simulate(door);
  const doorway = new Doorway(actor);
  await actor.world.pass(10);
  return { actor, doorway, world: actor.world };
}

test("a closed door opens until it is at the top, and closes again", async () => {
  const { actor, doorway, world } = await garage();
  assert.equal(actor.state, "closed");
  actor.send({ type: "open" });
  await world.pass(20_000);
  assert.deepEqual([actor.state, doorway.height], ["open", 1]);
  assert.deepEqual(
    actor.wire("up").timesOn.map(({ fromMs, untilMs }) => untilMs - fromMs),
    [12_002], // the way, and the time that it takes to believe the end stop
  );
  actor.send({ type: "close" });
  await world.pass(20_000);
  assert.deepEqual([actor.state, doorway.height], ["closed", 0]);
});

test("whoever says anything to a door that moves stops it", async () => {
  const { actor, doorway, world } = await garage();
  actor.send({ type: "open" });
  await world.pass(6000);
  actor.send({ type: "close" });
  await world.pass(1000);
  assert.equal(actor.state, "ajar");
  assert.equal(doorway.height, 0.5);
});

test("a door that is jammed is stuck, says so, and moves no more until somebody has looked", async () => {
  const { actor, doorway, world } = await garage();
  doorway.isJammed = true;
  actor.send({ type: "open" });
  await world.pass(60_000);
  assert.equal(actor.state, "stuck");
  assert.deepEqual(actor.commands.at(-1)?.type, "alarm.publish");
  actor.send({ type: "close" });
  assert.equal(actor.state, "stuck");
  actor.send({ type: "stop" });
  await world.pass(1000);
  assert.equal(actor.state, "closed");
});

type Garage = Awaited<ReturnType<typeof garage>>;

const said = fc.constantFrom("open", "close", "stop").map((type) => step<Garage>(type, ({ actor }) => actor.send({ type })));
const jammed = fc.boolean().map((isJammed) =>
  step<Garage>(isJammed ? "it is jammed" : "it is free", ({ doorway }) => {
    doorway.isJammed = isJammed;
  }),
);
const moved = passes(20_000);

test("whatever is said to it and whatever is in its way, no motor runs for too long, or before both have rested", () =>
  holds(scripts([said, said, jammed, moved, moved], 40), async (script) => {
    await play(script, await garage(), ({ actor, world }) => {
      const runs = [...actor.wire("up").timesOn, ...actor.wire("down").timesOn].sort((one, other) => one.fromMs - other.fromMs);
      let restedMs = 0;
      for (const { fromMs, untilMs } of runs) {
        assert(Math.min(untilMs, world.nowMs) - fromMs <= TRAVEL_MS, "a motor ran for too long");
        assert(fromMs >= restedMs, "a motor ran too soon");
        restedMs = untilMs + REST_MS;
      }
    });
  }));

test("whatever is said to it and whatever is in its way, no motor drives the door against its end", () =>
  holds(scripts([said, said, jammed, moved, moved], 40), async (script) => {
    await play(script, await garage(), async ({ actor, doorway, world }) => {
      const before = doorway.height;
      await world.pass(5); // an end stop takes 2 ms to be believed
      if (before === 1 && doorway.height === 1) assert.equal(actor.wire("up").level, 0);
      if (before === 0 && doorway.height === 0) assert.equal(actor.wire("down").level, 0);
    });
  }));
