import { expect } from "bun:test";
import { libc } from "../../src/gpio/chardev/libc.ts";
import { PigpioSocket } from "../integration/pigpio-connection.ts";
import { eventually, type Stage } from "../integration/processes.ts";
import { chipStory } from "./chip-story.ts";

/** A program, and how many of them are wanted. */
async function programs(stage: Stage, count: number): Promise<PigpioSocket[]> {
  const file = stage.file("its.toml", "[listen.pigpio]\nport = 0\n");
  const supervisor = await stage.serve("--config", file);
  const made = await Promise.all(Array.from({ length: count }, () => PigpioSocket.open(supervisor.port("pigpio"))));
  for (const socket of made) stage.resources.defer(() => socket.destroy());
  return made.map((socket) => socket.read());
}

const tickNow = () => Number((libc().monotonicNs() / 1000n) % 2n ** 32n);

chipStory("a pigpio program drives a line, leaves it as it is, and the next one finds it so", async (chip, stage) => {
  const [one, other] = (await programs(stage, 2)) as [PigpioSocket, PigpioSocket];
  expect(await one.ask("WRITE", 17, 1)).toBe(0);
  expect(chip.level(17)).toBe(1);
  expect(await one.ask("TRIG", 17, 100, 0)).toBe(0);
  await eventually("the pulse is over", () => chip.level(17) === 1);
  expect(await one.ask("PWM", 18, 255)).toBe(0);
  expect(chip.level(18)).toBe(1);
  one.destroy();
  await eventually("nobody holds them", async () => (await (await stage.connect()).status()).pins.every(({ unowned }) => unowned));
  expect([chip.level(17), chip.level(18)]).toEqual([1, 1]);
  expect(await other.ask("READ", 17)).toBe(1);
  expect(await other.ask("GDC", 18)).toBe(255);
  expect(await other.ask("WRITE", 17, 0)).toBe(0);
  expect(chip.level(17)).toBe(0);
});

chipStory("pigpio programs are told of edges with the kernel's time, in the order in which they happened", async (chip, stage) => {
  const [commands, notified] = (await programs(stage, 2)) as [PigpioSocket, PigpioSocket];
  for (const gpio of [4, 5]) {
    expect(await commands.ask("MODES", gpio, 0)).toBe(0);
    expect(await commands.ask("PUD", gpio, 0)).toBe(0);
  }
  const handle = await notified.ask("NOIB");
  expect(await commands.ask("NB", handle, 0b110000)).toBe(0);
  const { levels: before } = await notified.report();
  expect(before).toBe(0);
  const from = tickNow();
  for (let turn = 0; turn < 50; turn++) {
    for (const gpio of [5, 4]) chip.drive(gpio, 1);
    for (const gpio of [5, 4]) chip.drive(gpio, 0);
  }
  let last = from;
  let levels = 0;
  // The simulator drops edges that come faster than it takes them: the last ones it never does.
  do {
    const report = await notified.report();
    expect((report.tick - last) | 0).toBeGreaterThanOrEqual(0);
    expect([0b010000, 0b100000]).toContain(report.levels ^ levels);
    ({ levels, tick: last } = report);
  } while (levels !== 0 || notified.waiting > 0);
  expect((tickNow() - last) | 0).toBeGreaterThan(0);
});

chipStory("a program that comes right after another one has its input again", async (chip, stage) => {
  chip.drive(4, 1);
  const made = await programs(stage, 20);
  for (const one of made) {
    expect(await one.ask("MODES", 4, 0)).toBe(0);
    expect(await one.ask("READ", 4)).toBe(1);
    one.destroy();
  }
});
