import { expect, test } from "bun:test";
import { setup } from "xstate";
import { SimulatedClock } from "../../src/clock/simulated.ts";
import { HoldfastError } from "../../src/protocol/errors.ts";
import { defineActor } from "../../src/user-actors/define-actor.ts";
import { InlineActors } from "../../src/user-actors/inline-actors.ts";
import { ActorStage, settled, Told } from "./actor-stage.ts";

const lamp = defineActor({
  pins: { led: { out: "GPIO17" } },
  events: { light: {} },
  machine: ({ pins, types, reply }) => setup({ types }).createMachine({ on: { light: { actions: [pins.led.on(), reply("lit")] } } }),
});

test("an actor of this process is started by its definition, under its own name or that of its source", async () => {
  await using stage = await ActorStage.open();
  const host = new InlineActors(stage.clock);
  const loaded = await host.load({ name: "lamp", definition: lamp });
  expect([loaded.name, loaded.files]).toEqual(["lamp", []]);
  const told = new Told();
  const actor = loaded.start(stage.dial("lamp"), told);
  await expect(actor.send({ type: "light" })).rejects.toMatchObject({ code: "ACTOR_NOT_RUNNING" });
  await settled();
  expect(told.description).not.toBeNull();
  expect(await actor.ask({ type: "light" }, 10)).toBe("lit");
  expect(await stage.level("GPIO17")).toBe(1);
  expect((await actor.snapshot()).data).toEqual({});
  actor.kill();
  await settled();
  expect([told.end, told.isGone]).toEqual([null, true]);
});

test("one that reaches no supervisor has failed", async () => {
  const loaded = await new InlineActors(new SimulatedClock()).load({ name: "lamp", definition: lamp });
  const told = new Told();
  loaded.start(async () => {
    throw new HoldfastError("SHUTTING_DOWN", "the supervisor has stopped");
  }, told);
  await settled();
  expect([told.end, told.isGone]).toMatchObject([{ reason: "failed", error: { code: "SHUTTING_DOWN", actor: "lamp" } }, true]);
});

test("one that is stopped before it runs never does", async () => {
  await using stage = await ActorStage.open();
  const told = new Told();
  (await new InlineActors(stage.clock).load({ name: "lamp", definition: lamp })).start(stage.dial("lamp"), told).stop();
  await settled();
  expect([told.description, told.end, told.isGone]).toEqual([null, null, true]);
});
