import { expect } from "bun:test";
import { codeOf, eventually } from "../integration/processes.ts";
import { chipStory } from "./chip-story.ts";
import { SimulatedChip } from "./simulated-chip.ts";

chipStory("a chip that goes takes its pins along with LINE_LOST; the supervisor and the other chips stay", async (_, stage) => {
  const going = stage.resources.use(new SimulatedChip({ label: "going", lines: 4 }));
  await stage.serve();
  const client = await stage.connect();
  const output = await client.output("going:1", { initial: 1 });
  const input = await client.input("going:2");
  const staying = await client.output("GPIO17");
  const edges = await input.edges();
  going.drive(2, 1);
  expect((await edges.next()).value).toMatchObject({ level: 1 });

  const next = edges.next();
  going.remove();
  expect(await codeOf(next)).toBe("LINE_LOST");
  // Nothing tells an output that its chip has gone, until it is driven or read.
  expect(await codeOf(output.read())).toBe("LINE_LOST");
  await eventually("the input is closed", async () => (await client.pins()).every(({ line }) => line !== "going:2"));
  expect(await codeOf(client.input("going:2"))).toBe("PIN_UNKNOWN");
  await staying.on({ ack: "started" });
  expect(await client.status()).toMatchObject({ state: "running" });
});

chipStory("what a chip that goes was playing ends as cancelled, LINE_LOST, and what waited with it", async (_, stage) => {
  const going = stage.resources.use(new SimulatedChip({ label: "going", lines: 4 }));
  await stage.serve();
  const client = await stage.connect();
  const pin = await client.output("going:1");
  const blinking = pin.blink({ onMs: 20, offMs: 20, ack: "done", n: 100_000 });
  const waiting = pin.on({ durationMs: 10, ack: "done" });
  await eventually("it blinks", () => going.level(1) === 1);
  await eventually("the other waits", async () => (await client.pins()).some(({ queued }) => queued === 1));
  going.remove();
  for (const ended of [await blinking, await waiting]) expect(ended).toMatchObject({ outcome: "cancelled", reason: "LINE_LOST" });
  expect(await client.status()).toMatchObject({ state: "running" });
});

/** Once, one chip in twenty that went was taken for a line that failed: errno had been read too late. */
const ROUNDS = 12;

chipStory("a chip that comes and goes is opened again each time, and each time what was open is LINE_LOST", async (_, stage) => {
  await stage.serve();
  const client = await stage.connect();
  for (let round = 0; round < ROUNDS; round++) {
    using going = new SimulatedChip({ label: "going", lines: 4 });
    const output = await client.output("going:1", { initial: 1 });
    const edges = await (await client.input("going:2")).edges();
    going.drive(2, 1);
    expect((await edges.next()).value).toMatchObject({ level: 1 });
    const next = edges.next();
    going.remove();
    expect(await codeOf(next)).toBe("LINE_LOST");
    expect(await codeOf(output.read())).toBe("LINE_LOST");
    await output.close();
    await eventually("the pins are gone", async () => (await client.pins()).every(({ line }) => !line.startsWith("going:")));
  }
});
