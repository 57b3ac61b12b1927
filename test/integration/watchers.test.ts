import { expect } from "bun:test";
import type { HoldfastClient } from "../../src/index.ts";
import { eventually, type Puppet, story } from "./processes.ts";

/** Edges that are made before the watchers that read must have seen them all. */
const BATCH = 100;

/** Toggles the wire of GPIO4, no faster than the `watchers` see it. */
async function toggle(client: HoldfastClient, edges: number, watchers: readonly Puppet[]): Promise<void> {
  const before = await Promise.all(watchers.map((watcher) => watcher.do("seen")));
  for (let made = 0; made < edges; made += BATCH) {
    await Promise.all(Array.from({ length: BATCH }, (_, index) => client.simSet(4, index % 2 === 0 ? 1 : 0)));
    for (const [index, watcher] of watchers.entries()) {
      const due = (before[index]?.lastSeq ?? 0) + made + BATCH;
      await eventually(`watcher ${index} has seen edge ${due}`, async () => (await watcher.do("seen")).lastSeq >= due);
    }
  }
}

story("several processes watch one input: each sees every edge, in order", async (stage) => {
  await stage.serve();
  const watchers = await Promise.all(["one", "two", "three"].map((name) => stage.puppet(name)));
  for (const watcher of watchers) await watcher.do("watch", "GPIO4");
  await toggle(await stage.connect(), 1000, watchers);
  for (const watcher of watchers) {
    expect(await watcher.do("seen")).toEqual({ events: 1000, lost: 0, lastSeq: 1000, consistent: true });
  }
});

story("a watcher that is stopped slows nobody, costs bounded memory, and learns how many edges it missed", async (stage) => {
  const supervisor = await stage.serve();
  const [one, two, stopped] = await Promise.all([stage.puppet("one"), stage.puppet("two"), stage.puppet("stopped")]);
  for (const watcher of [one, two, stopped]) await watcher.do("watch", "GPIO4");
  const client = await stage.connect();
  await toggle(client, 2000, [one, two, stopped]);
  const before = supervisor.residentBytes;
  await stopped.signal("SIGSTOP");
  await toggle(client, 20_000, [one, two]);
  const grownBytes = supervisor.residentBytes - before;
  await stopped.signal("SIGCONT");

  await eventually("the last edge has come", async () => (await stopped.do("seen")).lastSeq === 22_000);
  for (const watcher of [one, two]) {
    expect(await watcher.do("seen")).toEqual({ events: 22_000, lost: 0, lastSeq: 22_000, consistent: true });
  }
  const { events, lost, consistent } = await stopped.do("seen");
  expect(lost).toBeGreaterThan(0);
  expect({ seenOrLost: events + lost, consistent }).toEqual({ seenOrLost: 22_000, consistent: true });
  expect(grownBytes).toBeLessThan(48 * 1024 * 1024);
  await toggle(client, BATCH, [one, two, stopped]);
  expect((await client.status()).clients).toHaveLength(4);
});
