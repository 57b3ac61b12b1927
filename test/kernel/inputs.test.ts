import { expect } from "bun:test";
import { libc } from "../../src/gpio/chardev/libc.ts";
import type { HoldfastClient } from "../../src/index.ts";
import { eventually, type Stage } from "../integration/processes.ts";
import { chipStory } from "./chip-story.ts";
import { KernelTrace } from "./kernel-trace.ts";
import type { SimulatedChip } from "./simulated-chip.ts";

/** The lines on which a burst comes, and how many edges it has in all. */
const BURST_LINES = [4, 17, 22, 23, 27];
const BURST_EDGES = 10_000;

/** Two processes that watch a pin. */
async function twoWatchers(stage: Stage, pin: string) {
  const watchers = await Promise.all([stage.puppet("one"), stage.puppet("two")]);
  for (const watcher of watchers) await watcher.do("watch", pin);
  return watchers;
}

chipStory("edges arrive at two processes, in order, numbered, with the kernel's time", async (chip, stage) => {
  await stage.serve();
  const [one, two] = await twoWatchers(stage, "GPIO4");
  const edges = await (await (await stage.connect()).input("GPIO4")).edges();
  using trace = new KernelTrace(chip);
  for (let count = 1; count <= 20; count++) {
    const afterNs = libc().monotonicNs();
    chip.drive(4, count % 2 === 1 ? 1 : 0);
    const { value: edge } = await edges.next();
    const beforeNs = libc().monotonicNs();
    expect(edge).toMatchObject({ pin: "GPIO4", level: count % 2, seq: count, lost: 0 });
    expect(edge?.timestampNs).toBeGreaterThan(afterNs);
    expect(edge?.timestampNs).toBeLessThan(beforeNs);
  }
  const seen = { events: 20, lost: 0, lastSeq: 20, consistent: true };
  for (const watcher of [one, two]) {
    await eventually("the last edge", async () => (await watcher?.do("seen"))?.lastSeq === 20);
    expect(await watcher?.do("seen")).toEqual(seen);
  }
  expect(trace.edges(4)).toBe(20);
});

chipStory(
  "an input that is active-low rises when the wire falls, and a watch for one kind of edge hears that kind",
  async (chip, stage) => {
    chip.drive(4, 1);
    await stage.serve();
    const input = await (await stage.connect()).input("GPIO4", { activeLow: true });
    expect((await input.read()).level).toBe(0);
    const [both, rising] = [await input.edges(), await input.edges({ edge: "rising" })];
    for (const [wire, level] of [
      [0, 1],
      [1, 0],
      [0, 1],
    ] as const) {
      chip.drive(4, wire);
      expect((await both.next()).value).toMatchObject({ level });
    }
    for (const seq of [1, 2]) expect((await rising.next()).value).toMatchObject({ level: 1, seq, lost: 0 });
  },
);

chipStory("bias pulls an input that nothing drives", async (chip, stage) => {
  await stage.serve();
  const input = await (await stage.connect()).input("GPIO4", { bias: "pull-up" });
  expect(chip.level(4)).toBe(1);
  expect((await input.read()).level).toBe(1);
  await input.configure({ bias: "pull-down" });
  expect(chip.level(4)).toBe(0);
  expect((await input.read()).level).toBe(0);
});

chipStory("debounce: the kernel tells of a level once it has lasted, and of bouncing nothing", async (chip, stage) => {
  await stage.serve();
  const debounceMs = 300;
  const input = await (await stage.connect()).input("GPIO4", { debounceUs: debounceMs * 1000 });
  const edges = await input.edges();
  for (let bounces = 0; bounces < 5; bounces++) for (const level of [1, 0] as const) chip.drive(4, level);
  const drivenNs = libc().monotonicNs();
  chip.drive(4, 1);
  const { value: edge } = await edges.next();
  expect(edge).toMatchObject({ level: 1, seq: 1, lost: 0 });
  expect(Number((edge?.timestampNs ?? 0n) - drivenNs) / 1e6).toBeGreaterThan(debounceMs - 5);
  expect((await input.read()).level).toBe(1);
});

chipStory("a pin that is read though nobody has opened it stays as it was", async (chip, stage) => {
  await stage.serve();
  const client = await stage.connect();
  for (const level of [1, 0] as const) {
    chip.drive(4, level);
    expect(await client.read("GPIO4")).toMatchObject({ level, state: "closed" });
    expect(chip.level(4)).toBe(level);
  }
});

/** Makes edges on all lines of a burst, as fast as they can be made, until the kernel has seen so many in all. */
async function burst(chip: SimulatedChip, trace: KernelTrace, edges: number): Promise<void> {
  while (trace.length < edges) {
    for (let flips = 0; flips < 50; flips++) for (const line of BURST_LINES) chip.drive(line, flips % 2 === 0 ? 1 : 0);
    await Bun.sleep(0);
  }
}

/** Watches all lines of a burst. @returns what has come or was said to be lost, per line */
async function watchBurst(client: HoldfastClient): Promise<Map<number, { events: number; lost: number; inOrder: boolean }>> {
  const counts = new Map<number, { events: number; lost: number; inOrder: boolean }>();
  for (const line of BURST_LINES) {
    const count = { events: 0, lost: 0, inOrder: true };
    counts.set(line, count);
    const edges = await (await client.input(`GPIO${line}`)).edges();
    void (async () => {
      let lastNs = 0n;
      for await (const { seq, lost, timestampNs } of edges) {
        count.inOrder &&= seq === count.events + count.lost + lost + 1 && timestampNs > lastNs;
        count.events += 1;
        count.lost += lost;
        lastNs = timestampNs;
      }
    })();
  }
  return counts;
}

/** Waits until as many edges of every line have come, or are said to be lost, as the kernel has seen. */
function accounted(trace: KernelTrace, counts: Awaited<ReturnType<typeof watchBurst>>): Promise<void> {
  return eventually("every edge is accounted for", () =>
    [...counts].every(([line, { events, lost }]) => events + lost === trace.edges(line)),
  );
}

chipStory("a burst of 10,000 edges: each one is delivered, or counted as lost", async (chip, stage) => {
  await stage.serve();
  const counts = await watchBurst(await stage.connect());
  using trace = new KernelTrace(chip);
  await burst(chip, trace, BURST_EDGES);
  await accounted(trace, counts);
  expect([...counts.values()].every(({ inOrder }) => inOrder)).toBe(true);
});

chipStory("a burst while the supervisor is stopped overruns the kernel's buffers: what they drop is counted", async (chip, stage) => {
  const supervisor = await stage.serve();
  const client = await stage.connect();
  const counts = await watchBurst(client);
  using trace = new KernelTrace(chip);
  supervisor.kill("SIGSTOP");
  await burst(chip, trace, BURST_EDGES / 2);
  supervisor.kill("SIGCONT");
  await burst(chip, trace, BURST_EDGES);
  await accounted(trace, counts);
  for (const { lost, inOrder } of counts.values()) {
    expect(inOrder).toBe(true);
    expect(lost).toBeGreaterThan(0);
  }
  const { counters } = await client.status();
  const all = [...counts.values()].reduce((sum, { events, lost }) => sum + events + lost, 0);
  expect(counters.edges + counters.lostEvents).toBe(all);
});
