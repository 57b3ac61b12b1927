import { expect } from "bun:test";
import { codeOf, eventually, type Stage } from "../integration/processes.ts";
import { Shell } from "../integration/shell.ts";
import { chipStory } from "./chip-story.ts";
import type { SimulatedChip } from "./simulated-chip.ts";

// The other programs are those of libgpiod, Debian's package gpiod.

/** What gpioinfo says of a line. */
async function gpioinfo(chip: SimulatedChip, stage: Stage, offset: number): Promise<string> {
  const { stdout } = await stage.run("gpioinfo", chip.name);
  const line = stdout.split("\n").find((line) => new RegExp(`^\\s*line\\s+${offset}:`).test(line)) ?? "";
  return line.trim().replace(/\s+/g, " ");
}

chipStory("a line that gpioset holds is LINE_BUSY and names it, until gpioset ends", async (chip, stage) => {
  await stage.serve();
  await using shell = new Shell(stage.folder, { HOLDFAST_SOCKET: stage.socket });
  const gpioset = shell.startAs(["gpioset", "--mode=time", "--sec=3600", chip.name, "17=1"]);
  await eventually("gpioset holds the line", () => chip.level(17) === 1);
  const client = await stage.connect();
  for (const open of [() => client.output("GPIO17"), () => client.input("GPIO17"), () => client.read("GPIO17")]) {
    await expect(open()).rejects.toMatchObject({ code: "LINE_BUSY", details: { consumer: "gpioset", pin: "GPIO17", field: "pin" } });
  }
  const { status, err } = await shell.run("on", "GPIO17");
  expect(status).toBe(1);
  expect(err).toContain(`LINE_BUSY: Line 17 of ${chip.path} is held by "gpioset"`);
  expect((await client.pins()).find(({ pin }) => pin === "GPIO17")).toMatchObject({ state: "closed", usedBy: "gpioset" });
  expect(chip.level(17)).toBe(1);
  gpioset.kill("SIGKILL");
  await gpioset.ended;
  expect((await client.output("GPIO17")).name).toBe("GPIO17");
});

chipStory("while holdfast holds a line, gpioinfo shows that, and gpioset, gpioget and gpiomon are refused", async (chip, stage) => {
  await stage.serve();
  const client = await stage.connect();
  const output = await client.output("GPIO17", { initial: 1 });
  const input = await client.input("GPIO4", { activeLow: true, bias: "pull-up" });
  expect(await gpioinfo(chip, stage, 17)).toBe('line 17: "GPIO17" "holdfast" output active-high [used]');
  expect(await gpioinfo(chip, stage, 4)).toBe('line 4: "GPIO4" "holdfast" input active-low [used pull-up]');
  expect(await gpioinfo(chip, stage, 5)).toBe('line 5: "GPIO5" unused input active-high');
  for (const command of [
    ["gpioset", chip.name, "17=0"],
    ["gpioget", chip.name, "17"],
    ["gpiomon", "--num-events=1", chip.name, "4"],
  ]) {
    const { status, stderr } = await stage.run(...command);
    expect(status).not.toBe(0);
    expect(stderr).toContain("Device or resource busy");
  }
  expect(chip.level(17)).toBe(1);
  await output.close();
  await input.close();
  expect(await gpioinfo(chip, stage, 17)).toContain('"GPIO17" unused');
  expect((await stage.run("gpioset", chip.name, "17=0")).status).toBe(0);
});

chipStory("a pin that nobody holds but that stays is still held by the supervisor", async (chip, stage) => {
  await stage.serve();
  await using shell = new Shell(stage.folder, { HOLDFAST_SOCKET: stage.socket });
  await shell.ok("on", "GPIO17", "--started");
  expect(await gpioinfo(chip, stage, 17)).toContain('"holdfast" output');
  expect((await stage.run("gpioset", chip.name, "17=0")).status).not.toBe(0);
  expect(chip.level(17)).toBe(1);
});

chipStory("a supervisor that is killed gives every line back, and the next one takes them", async (chip, stage) => {
  const supervisor = await stage.serve();
  const client = await stage.connect();
  await client.output("GPIO17", { initial: 1 });
  await client.output("GPIO27");
  const edges = await (await client.input("GPIO4")).edges();
  chip.drive(4, 1);
  await edges.next();
  supervisor.kill("SIGKILL");
  await supervisor.ended();
  for (const line of [4, 17, 27]) expect(await gpioinfo(chip, stage, line)).toContain("unused");
  expect((await stage.run("gpioset", chip.name, "17=0", "27=1")).status).toBe(0);
  await stage.serve();
  const next = await stage.connect();
  expect((await next.output("GPIO17", { initial: 1 })).name).toBe("GPIO17");
  expect(chip.level(17)).toBe(1);
});

chipStory("a supervisor that is told to end drives its outputs off and gives them back", async (chip, stage) => {
  const supervisor = await stage.serve();
  const client = await stage.connect();
  await client.output("GPIO17", { initial: 1 });
  await client.input("GPIO4");
  supervisor.kill("SIGTERM");
  expect(await supervisor.ended()).toBe(0);
  expect(chip.level(17)).toBe(0);
  for (const line of [4, 17]) expect(await gpioinfo(chip, stage, line)).toContain("unused");
});

chipStory("two supervisors share a chip, each with its own lines", async (_, stage) => {
  await stage.serve();
  const other = stage.startServe(`${stage.folder}/other.sock`);
  expect(await other.ready).toBe(true);
  const [one, two] = [await stage.connect(), await stage.connect({ socket: `${stage.folder}/other.sock` })];
  await one.output("GPIO17");
  expect(await codeOf(two.output("GPIO17"))).toBe("LINE_BUSY");
  expect(await codeOf(two.output("GPIO27"))).toBe("done");
});
