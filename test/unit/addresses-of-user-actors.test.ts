import { expect, test } from "bun:test";
import { assign, setup } from "xstate";
import { z } from "zod";
import { type ScriptedClient, World } from "../../src/index-testing.ts";
import { accessBy } from "../../src/protocol/access.ts";
import { actorSettings } from "../../src/protocol/actors-table.ts";
import type { EventOf } from "../../src/protocol/replies.ts";
import { inProcess } from "../../src/transports/in-process.ts";
import { defineActor } from "../../src/user-actors/define-actor.ts";
import { InlineActors } from "../../src/user-actors/inline-actors.ts";
import { settled } from "./actor-stage.ts";

const door = defineActor({
  pins: { relay: { out: "GPIO17" } },
  events: { open: {}, speed: { mmPerS: z.number().positive() }, ask: {}, riddle: {}, story: {} },
  machine: ({ pins, types, reply }) =>
    setup({ types: { ...types, context: {} as { opened: number; mmPerS: number; strangeNs: unknown } } }).createMachine({
      context: { opened: 0, mmPerS: 0, strangeNs: 0.5 },
      initial: "shut",
      on: {
        speed: { actions: assign({ mmPerS: ({ event }) => event.mmPerS }) },
        ask: { actions: reply(({ context }) => ({ opened: context.opened, at: [1, 2] })) },
        riddle: { actions: reply({ sinceNs: -1 }) },
        story: { actions: reply("x".repeat(2_000_000)) },
      },
      states: {
        shut: { on: { open: { target: "open", actions: [pins.relay.on(), assign({ opened: ({ context }) => context.opened + 1 })] } } },
        open: {},
      },
    }),
});

/** A world with that door, which runs. */
async function withDoor(): Promise<World> {
  const world = new World({
    actors: (clock) => ({
      plan: { settings: actorSettings({}), sources: () => [{ name: "door", definition: door }] },
      host: new InlineActors(clock),
      versions: { begin: () => () => "" },
      dial: (supervisor, name) => inProcess(supervisor, name, "actor"),
    }),
  });
  world.supervisor.actors.startAll();
  await settled();
  return world;
}

const told = ({ events }: ScriptedClient) =>
  events
    .filter((event): event is EventOf<"transition"> => event.ev === "transition" && event.address === "actor/door")
    .map(({ event, from, state, data }) => [event, from, state, data]);

test("a user's actor takes its author's events, and what its machine does is followed with its context", async () => {
  const world = await withDoor();
  const client = world.join("panel");
  const { sub } = client.ask({ op: "observe", address: "actor/door" }).body;
  await settled();
  const sent = client.ask({ op: "actor.send", address: "actor/door", event: { type: "speed", mmPerS: 20 } });
  client.ask({ op: "actor.send", address: "actor/door", event: { type: "open" } });
  const asked = client.ask({ op: "actor.ask", address: "actor/door", event: { type: "ask" } });
  await settled();
  expect([sent.body, asked.body]).toEqual([{}, { reply: { opened: 1, at: [1, 2] } }]);
  // What no message can carry is left out of what is shown.
  expect(told(client)).toEqual([
    [null, null, "shut", { opened: 0, mmPerS: 0 }],
    ["speed", "shut", "shut", { opened: 0, mmPerS: 20 }],
    ["open", "shut", "open", { opened: 1, mmPerS: 20 }],
  ]);
  expect(world.shown("GPIO17")?.state).toBe("on");
  expect(client.ask({ op: "actors", address: "actor/door" }).body.actors[0]?.state).toBe("open");
  client.ask({ op: "unwatch", sub });
  expect(world.defects).toEqual([]);
});

test("its events are checked by what its author says", async () => {
  const client = (await withDoor()).join("panel");
  const ask = async (event: { type: string }) => {
    const answer = client.ask({ op: "actor.ask", address: "actor/door", event });
    await settled();
    return answer.error;
  };
  expect(await ask({ type: "shut" })).toMatchObject({
    code: "EVENT_UNKNOWN",
    details: { field: "event.type", accepts: ["open", "speed", "ask", "riddle", "story"] },
  });
  expect(await ask({ type: "speed", mmPerS: -1 } as never)).toMatchObject({ code: "EVENT_INVALID", details: { field: "event.mmPerS" } });
  expect(await ask({ type: "riddle" })).toMatchObject({ code: "ACTOR_FAILED", details: { actor: "door" } });
  // It would be the end of the asker's connection.
  expect(await ask({ type: "story" })).toMatchObject({
    code: "ACTOR_FAILED",
    message: expect.stringContaining("at most 1048576 are passed on"),
  });
  const { accepts, machine } = client.ask({ op: "actor.describe", address: "actor/door" }).body;
  expect(accepts.map(({ type }) => type)).toEqual(["open", "speed", "ask", "riddle", "story"]);
  expect(machine).toMatchObject({ states: { shut: {}, open: {} } });
});

test("whoever has no right to it neither sees it nor reaches it", async () => {
  const world = await withDoor();
  const stranger = world.welcome("stranger", { access: () => accessBy([["guests", { actors: ["light"], read: "*" }]]) });
  const friend = world.welcome("friend", { access: () => accessBy([["family", { actors: ["door"] }]]) });
  const addresses = (client: ScriptedClient) => client.ask({ op: "actors" }).body.actors.map(({ address }) => address);
  expect(addresses(stranger)).toEqual(["supervisor", "pin/GPIO17", "client/2"]);
  expect(addresses(friend)).toEqual(["supervisor", "client/3", "actor/door"]);
  for (const [address, outcome] of [
    ["actor/door", "FORBIDDEN"],
    ["actor/none", "FORBIDDEN"],
    ["actor/light", "ACTOR_UNKNOWN"],
  ] as const) {
    expect(stranger.ask({ op: "actor.send", address, event: { type: "open" } }).outcome).toBe(outcome);
    expect(stranger.ask({ op: "observe", address }).outcome).toBe(outcome);
  }
  stranger.ask({ op: "trace" });
  friend.ask({ op: "trace" });
  await settled();
  friend.ask({ op: "actor.send", address: "actor/door", event: { type: "open" } });
  await settled();
  expect(told(stranger)).toEqual([]);
  expect(told(friend).map(([event, , state]) => [event, state])).toEqual([
    [null, "shut"],
    ["open", "open"],
  ]);
});
