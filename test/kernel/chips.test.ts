import { expect } from "bun:test";
import { Shell } from "../integration/shell.ts";
import { chipStory } from "./chip-story.ts";
import { SimulatedChip } from "./simulated-chip.ts";

chipStory("`pins` shows every line of every chip, by the kernel's names and labels", async (chip, stage) => {
  const other = stage.resources.use(new SimulatedChip({ label: "expander", lines: 3 }));
  await stage.serve();
  const client = await stage.connect();
  const pins = (await client.pins()).filter(({ line }) => /^(test-chip|expander):/.test(line));
  expect(pins).toHaveLength(chip.lines + other.lines);
  // Names that both chips have mean neither; there the label tells.
  expect(pins.map(({ pin }) => pin)).toEqual([
    ...Array.from({ length: chip.lines }, (_, offset) => (offset < other.lines ? `test-chip:${offset}` : `GPIO${offset}`)),
    ...Array.from({ length: other.lines }, (_, offset) => `expander:${offset}`),
  ]);
  expect(pins.every(({ state, usedBy }) => state === "closed" && usedBy === null)).toBe(true);
});

chipStory(
  "a chip with the label of a Raspberry Pi's has a header: GPIO17, 17 and BOARD11 are one pin",
  async (chip, stage) => {
    await stage.serve();
    const client = await stage.connect();
    const { name } = await client.output("BOARD11", { initial: 1 });
    expect(name).toBe("GPIO17");
    expect(chip.level(17)).toBe(1);
    const pin = (await client.pins()).find(({ pin }) => pin === "GPIO17");
    expect(pin).toMatchObject({ line: "pinctrl-bcm2835:17", names: ["GPIO17", "pinctrl-bcm2835:17", "17", "BOARD11"] });
  },
  { label: "pinctrl-bcm2835", lines: 54 },
);

chipStory("the supervisor's log names the chips, and `status` the backend", async (chip, stage) => {
  const supervisor = await stage.serve();
  expect(supervisor.errors).toContain(`{"label":"test-chip","path":"${chip.path}","lines":${chip.lines}}`);
  expect(await (await stage.connect()).status()).toMatchObject({ backend: "chardev", state: "running" });
});

chipStory("`doctor` finds chips that may be opened and speak version 2", async (chip, stage) => {
  await using shell = new Shell(stage.folder, { HOLDFAST_SOCKET: stage.socket });
  await stage.serve();
  const { status, out } = await shell.run("doctor");
  expect(out).toContain(chip.path);
  expect(status).toBe(0);
});

chipStory("a chip that comes later is found by its name", async (_, stage) => {
  await stage.serve();
  const client = await stage.connect();
  using later = new SimulatedChip({ label: "plugged-in", lines: 2 });
  const pin = await client.output("plugged-in:1", { initial: 1 });
  expect(later.level(1)).toBe(1);
  await pin.close();
});
