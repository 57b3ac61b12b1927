import { expect } from "bun:test";
import { libc } from "../../src/gpio/chardev/libc.ts";
import { chipStory } from "./chip-story.ts";
import { type Driven, KernelTrace } from "./kernel-trace.ts";

const CYCLES = 50;

/** Now, on the clock of the trace, in ms. */
function nowMs(): number {
  return Number(libc().monotonicNs()) / 1e6;
}

/** What a timer, and the rounding of the trace, may make an edge early by, in ms. */
const GRAIN_MS = 1;

/**
 * Expects that no level was driven before its time, when the first of them may not begin before `beganMs`. How late each is depends on
 * the machine, and is no fault.
 */
function expectNoneEarly(driven: readonly Driven[], beganMs: number, lastingMs: readonly number[]): void {
  let dueMs = beganMs - GRAIN_MS;
  for (const [index, { atMs }] of driven.entries()) {
    expect(atMs).toBeGreaterThan(dueMs);
    dueMs += lastingMs[index] ?? 0;
  }
}

/** `1 0`, so many times. */
function cycles(count: number): string {
  return Array.from({ length: count }, () => "1 0").join(" ");
}

chipStory("a counted blink has all its edges on the wire, in turn, and none before its time", async (chip, stage) => {
  await stage.serve();
  const pin = await (await stage.connect()).output("GPIO17");
  using trace = new KernelTrace(chip);
  const beganMs = nowMs();
  expect(await pin.blink({ onMs: 6, offMs: 4, n: CYCLES, ack: "done" })).toMatchObject({ outcome: "done" });
  expect(trace.levels(17)).toBe(cycles(CYCLES));
  expectNoneEarly(
    trace.driven(17),
    beganMs,
    Array.from({ length: 2 * CYCLES }, (_, index) => (index % 2 === 0 ? 6 : 4)),
  );
  expect(chip.level(17)).toBe(0);
});

chipStory("a pattern is played as it is written", async (chip, stage) => {
  await stage.serve();
  const pin = await (await stage.connect()).output("GPIO17");
  using trace = new KernelTrace(chip);
  const steps = [1, 0, 1, 0].map((level, index) => ({ level: level as 0 | 1, ms: 20 * (index + 1) }));
  const beganMs = nowMs();
  await pin.pattern({ steps, n: 2, ack: "done" });
  expect(trace.levels(17)).toBe("1 0 1 0 1 0 1 0");
  expectNoneEarly(
    trace.driven(17),
    beganMs,
    [...steps, ...steps].map(({ ms }) => ms),
  );
});

chipStory("a group is driven in phase: no line is a step ahead of another", async (chip, stage) => {
  await stage.serve();
  const group = await (await stage.connect()).output("GPIO17+GPIO27+GPIO22");
  using trace = new KernelTrace(chip);
  expect(await group.blink({ onMs: 2, offMs: 2, n: CYCLES, ack: "done" })).toMatchObject({ outcome: "done" });
  const driven = [17, 27, 22].map((offset) => trace.driven(offset));
  for (const line of driven) expect(line.map(({ level }) => level).join(" ")).toBe(cycles(CYCLES));
  for (let step = 1; step < 2 * CYCLES; step++) {
    const lastBeforeMs = Math.max(...driven.map((line) => line[step - 1]?.atMs ?? Number.NaN));
    const firstMs = Math.min(...driven.map((line) => line[step]?.atMs ?? Number.NaN));
    expect(firstMs).toBeGreaterThan(lastBeforeMs);
  }
  await group.write([1, 0, 1]);
  expect([17, 27, 22].map((offset) => chip.level(offset))).toEqual([1, 0, 1]);
  expect(await group.read()).toMatchObject({ level: null, levels: [1, 0, 1] });
});

chipStory("wait: commands run one after the other, each whole, with no off in between", async (chip, stage) => {
  await stage.serve();
  const pin = await (await stage.connect()).output("GPIO17");
  using trace = new KernelTrace(chip);
  const beganMs = nowMs();
  const done = [
    pin.blink({ onMs: 10, offMs: 10, n: 3, ack: "done" }),
    pin.on({ durationMs: 200, ack: "done" }),
    pin.on({ durationMs: 200, ack: "done" }),
    pin.blink({ onMs: 10, offMs: 10, n: 2, ack: "done" }),
  ];
  const outcomes = (await Promise.all(done)).map(({ outcome }) => outcome);
  expect(outcomes).toEqual(["done", "done", "done", "done"]);
  const changes = trace.driven(17).filter(({ level }, index, all) => level !== all[index - 1]?.level);
  // Three cycles; then on, on and the first on of the last blink are one; then the rest.
  expect(changes.map(({ level }) => level).join(" ")).toBe(`${cycles(3)} ${cycles(2)}`);
  expectNoneEarly(changes, beganMs, [10, 10, 10, 10, 10, 10, 200 + 200 + 10, 10, 10]);
});

chipStory("nowait: a command takes the line at once, and what ran or waited has had its end", async (chip, stage) => {
  await stage.serve();
  const pin = await (await stage.connect()).output("GPIO17", { mode: "nowait" });
  using trace = new KernelTrace(chip);
  const blinking = pin.blink({ onMs: 5, offMs: 60_000, n: 1000, ack: "done" });
  const waiting = pin.on({ durationMs: 60_000, mode: "wait", ack: "done" });
  await pin.read();
  const taken = await pin.blink({ onMs: 20, offMs: 20, n: 3, ack: "done" });
  expect(taken).toMatchObject({ outcome: "done" });
  for (const before of [await blinking, await waiting]) expect(before).toMatchObject({ outcome: "cancelled", reason: "SUPERSEDED" });
  const changes = trace.driven(17).filter(({ level }, index, all) => level !== all[index - 1]?.level);
  expect(changes.at(-1)?.level).toBe(0);
  // The first blink was cut in its first cycle, on or off.
  expect([cycles(3), cycles(4)]).toContain(changes.map(({ level }) => level).join(" "));
});

chipStory("pins are independent: a long command on one does not delay another", async (chip, stage) => {
  await stage.serve();
  const client = await stage.connect();
  const [long, short] = [await client.output("GPIO17"), await client.output("GPIO27")];
  const lit = await long.on({ durationMs: 60_000 });
  expect(lit.state).toBe("on");
  using trace = new KernelTrace(chip);
  await short.blink({ onMs: 10, offMs: 10, n: 5, ack: "done" });
  expect([trace.levels(17), trace.levels(27)]).toEqual(["", cycles(5)]);
  expect(chip.level(17)).toBe(1);
  await long.close({ hard: true });
  expect(chip.level(17)).toBe(0);
});

chipStory("a soft close runs all that was accepted, takes nothing more, and then gives the line back, off", async (chip, stage) => {
  await stage.serve();
  const client = await stage.connect();
  const pin = await client.output("GPIO17");
  using trace = new KernelTrace(chip);
  const blinked = pin.blink({ onMs: 20, offMs: 20, n: 5, ack: "done" });
  const lit = pin.on({ durationMs: 100, ack: "done" });
  const closed = pin.close();
  await expect(pin.on()).rejects.toMatchObject({ code: "PIN_CLOSING" });
  await closed;
  expect([(await blinked).outcome, (await lit).outcome]).toEqual(["done", "done"]);
  const changes = trace.driven(17).filter(({ level }, index, all) => level !== all[index - 1]?.level);
  expect(changes.map(({ level }) => level).join(" ")).toBe(cycles(6));
  expect((await client.pins()).find(({ pin }) => pin === "GPIO17")).toMatchObject({ state: "closed", usedBy: null });
});

chipStory("a client that is killed mid-blink: what it has queued still runs on the wire, then the line is free", async (chip, stage) => {
  await stage.serve();
  const client = await stage.connect();
  const puppet = await stage.puppet("short-lived");
  using trace = new KernelTrace(chip);
  await puppet.do("request", "open", { pin: "GPIO17", direction: "out" });
  await puppet.do("request", "blink", { pin: "GPIO17", onMs: 50, offMs: 50, n: 5 });
  await puppet.do("request", "blink", { pin: "GPIO17", onMs: 10, offMs: 10, n: 5 });
  await puppet.signal("SIGKILL");
  await using next = await client.output("GPIO17", { waitMs: 20_000 });
  expect(next.name).toBe("GPIO17");
  const changes = trace.driven(17).filter(({ level }, index, all) => level !== all[index - 1]?.level);
  expect(changes.map(({ level }) => level).join(" ")).toBe(`0 ${cycles(10)}`);
});
