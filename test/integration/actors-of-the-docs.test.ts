import { expect } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type HoldfastClient, HoldfastError } from "../../src/index.ts";
import { eventually, type Stage, story } from "./processes.ts";

const root = join(import.meta.dir, "..", "..");

/** The files of a page, by their paths. */
function filesOf(page: string): ReadonlyMap<string, string> {
  const text = readFileSync(join(root, page), "utf8");
  return new Map([...text.matchAll(/^```ts\n\/\/ (actors\.d\/\S+)\n(.*?)^```$/gms)].map(([, path = "", text = ""]) => [path, text]));
}

const files = filesOf("docs/actors.md");

/** Serves them from a folder where there is nothing else, and waits until all run. */
async function serve(stage: Stage, served: Iterable<readonly [path: string, text: string]> = files): Promise<HoldfastClient> {
  for (const [path, text] of served) {
    const file = join(stage.folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  await stage.serve("--actors", join(stage.folder, "actors.d"));
  const client = await stage.connect();
  await eventually("all run", async () => {
    const { actors } = await client.status();
    const failed = actors.find(({ state }) => state === "failed" || state === "backoff");
    if (failed !== undefined) throw new Error(`${failed.actor} has failed: ${JSON.stringify(failed.end)}`);
    return actors.length > 0 && actors.every(({ state }) => state === "running");
  });
  return client;
}

async function dutyOf(client: HoldfastClient, pin: string): Promise<number | null> {
  return (await client.read(pin)).value;
}

story("the page's actors run as they are, beside the executable alone", async (stage) => {
  expect([...files.keys()]).toEqual(["actors.d/gate.ts", "actors.d/conveyor.ts", "actors.d/sorter.ts"]);
  const client = await serve(stage);

  await client.send("actor/gate", { type: "open" });
  expect(await dutyOf(client, "GPIO17")).toBe(1);
  await client.simSet("GPIO4", 0);
  await eventually("the gate is at its top, and stops", async () => (await dutyOf(client, "GPIO17")) === 0);

  await client.send("actor/conveyor", { type: "run", share: 0.5 });
  expect(await dutyOf(client, "GPIO18")).toBe(0.5);
  expect(await client.ask("actor/conveyor", { type: "count" })).toBe(1);
  const wrong = await client.send("actor/conveyor", { type: "run", share: 2 }).catch((error) => error);
  expect(wrong).toBeInstanceOf(HoldfastError);
  expect(wrong).toMatchObject({ code: "EVENT_INVALID", details: { field: "event.share" } });
  expect((await (await client.topic("belt/counted")).next()).value).toMatchObject({ value: 1, retained: true, by: "conveyor" });
  await client.publish("belt/speed", "stop");
  await eventually("the belt stops", async () => (await dutyOf(client, "GPIO18")) === 0);
});

story("an actor takes a frame from shared memory, and gives it back", async (stage) => {
  const client = await serve(stage);
  const pool = await client.createPool("cam0", { slots: 4, bytes: 64 });
  await client.simSet("GPIO22", 1);
  await client.simSet("GPIO22", 0);
  await eventually("it has asked for a frame", async () => (await client.pools())[0]?.groups.length === 1);
  const flap = await client.observe("GPIO27");
  using slot = await pool.produce();
  slot.data.fill(3);
  await slot.publish({ next: false });
  for await (const { value } of flap) if (value === 1) break; // the dark frame opens the flap
  await eventually("it waits again", async () => {
    const [shown] = await client.pools();
    return shown?.groups.length === 0 && shown.slots.every(({ state }) => state !== "reading");
  });
});

story("an actor imports its neighbours, and the modules in the executable have one copy for all of them", async (stage) => {
  const more = {
    "actors.d/clerk.ts": `
      import { defineActor, HoldfastError } from "holdfast";
      import { setup } from "xstate";
      import { amount } from "./ledger/amount.ts";

      export default defineActor({
        events: { add: { amount } },
        machine: ({ types, reply }) =>
          setup({ types }).createMachine({
            on: { add: { actions: reply(({ event }) => [event.amount, new HoldfastError("BAD_FIELD", "x") instanceof Error]) } },
          }),
      });`,
    "actors.d/ledger/amount.ts": 'import { z } from "zod";\n\nexport const amount: z.ZodInt = z.int().min(1);\n',
  };
  const client = await serve(stage, [...files, ...Object.entries(more)]);
  expect(await client.ask("actor/clerk", { type: "add", amount: 3 })).toEqual([3, true]);
});

story("the gate of the README opens until it is at its top", async (stage) => {
  const client = await serve(stage, filesOf("README.md"));
  await client.simSet("GPIO4", 1);
  await client.send("actor/gate", { type: "open" });
  expect(await dutyOf(client, "GPIO17")).toBe(1);
  await client.simSet("GPIO4", 0);
  await eventually("it rests", async () => (await client.actors("actor/gate"))[0]?.state === "resting");
  expect(await dutyOf(client, "GPIO17")).toBe(0);
});
