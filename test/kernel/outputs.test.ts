import { describe, expect } from "bun:test";
import { Shell } from "../integration/shell.ts";
import { chipStory } from "./chip-story.ts";
import { KernelTrace } from "./kernel-trace.ts";

chipStory("on, off and toggle drive the wire", async (chip, stage) => {
  await stage.serve();
  const pin = await (await stage.connect()).output("GPIO17");
  for (const [command, level] of [
    ["on", 1],
    ["toggle", 0],
    ["toggle", 1],
    ["off", 0],
    ["off", 0],
    ["on", 1],
  ] as const) {
    await pin[command]({ ack: "started" });
    expect(chip.level(17)).toBe(level);
    expect((await pin.read()).level).toBe(level);
  }
  await pin.close();
  expect(chip.level(17)).toBe(0);
});

chipStory("typed on the command line: on, toggle, read, off", async (chip, stage) => {
  await stage.serve();
  await using shell = new Shell(stage.folder, { HOLDFAST_SOCKET: stage.socket });
  await shell.ok("on", "GPIO17", "--started");
  expect(chip.level(17)).toBe(1);
  expect(await shell.ok("read", "GPIO17")).toBe("1\n");
  await shell.ok("toggle", "GPIO17", "--started");
  expect(chip.level(17)).toBe(0);
  await shell.ok("close", "GPIO17");
});

describe("the first level is part of the request", () => {
  for (const before of [0, 1] as const) {
    for (const initial of [0, 1] as const) {
      for (const activeLow of [false, true]) {
        const driven = activeLow ? 1 - initial : initial;
        const how = `initial ${initial}${activeLow ? ", active-low" : ""}`;
        chipStory(
          `on a wire that is at ${before}: opened with ${how}, it is driven to ${driven} and was never anything else`,
          async (chip, stage) => {
            chip.drive(17, before);
            await stage.serve();
            using trace = new KernelTrace(chip);
            const client = await stage.connect();
            const pin = await client.output("GPIO17", { initial, activeLow });
            expect((await pin.read()).level).toBe(initial);
            expect(trace.levels(17)).toBe(`${driven}`);
            expect(`${chip.level(17)}`).toBe(`${driven}`);
          },
        );
      }
    }
  }
});

chipStory("active-low: on is the low level, for commands, reading and closing", async (chip, stage) => {
  await stage.serve();
  const pin = await (await stage.connect()).output("GPIO17", { activeLow: true });
  expect(chip.level(17)).toBe(1);
  await pin.on({ ack: "started" });
  expect(chip.level(17)).toBe(0);
  expect((await pin.read()).level).toBe(1);
  using trace = new KernelTrace(chip);
  await pin.close();
  expect(trace.levels(17)).toBe("1");
});

describe("what does not drive a level leaves the wire to the outside", () => {
  for (const [drive, held] of [
    ["open-drain", 0],
    ["open-source", 1],
  ] as const) {
    const free = held === 0 ? 1 : 0;
    chipStory(`${drive} drives ${held} alone`, async (chip, stage) => {
      await stage.serve();
      const pin = await (await stage.connect()).output("GPIO17", { drive, initial: held });
      for (const outside of [1, 0] as const) {
        chip.drive(17, outside);
        expect(chip.level(17)).toBe(held);
      }
      await pin[free === 1 ? "on" : "off"]({ ack: "started" });
      for (const outside of [1, 0, 1] as const) {
        chip.drive(17, outside);
        expect(chip.level(17)).toBe(outside);
        expect((await pin.read()).level).toBe(outside);
      }
      await pin[held === 1 ? "on" : "off"]({ ack: "started" });
      for (const outside of [1, 0] as const) {
        chip.drive(17, outside);
        expect(chip.level(17)).toBe(held);
      }
    });
  }

  chipStory("push-pull beats the outside either way", async (chip, stage) => {
    await stage.serve();
    const pin = await (await stage.connect()).output("GPIO17");
    for (const command of ["on", "off"] as const) {
      await pin[command]({ ack: "started" });
      for (const outside of [1, 0] as const) {
        chip.drive(17, outside);
        expect(chip.level(17)).toBe(command === "on" ? 1 : 0);
      }
    }
  });
});

chipStory("an output that is configured anew keeps its level all the while", async (chip, stage) => {
  await stage.serve();
  const pin = await (await stage.connect()).output("GPIO17", { initial: 1 });
  using trace = new KernelTrace(chip);
  await pin.configure({ bias: "pull-up" });
  await pin.configure({ bias: "pull-down" });
  expect(trace.driven(17).every(({ level }) => level === 1)).toBe(true);
  expect(chip.level(17)).toBe(1);
});
