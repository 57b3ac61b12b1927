import { expect } from "bun:test";
import { readFileSync } from "node:fs";
import { codeOf, type Stage, story } from "../integration/processes.ts";
import { Shell } from "../integration/shell.ts";

// On QEMU's Raspberry Pi 3B. Its chip keeps levels, but has neither edges nor pulls; test/kernel/ has those.

const CHIP = "pinctrl-bcm2835";

/** Where the chip's registers with the levels of GPIO0 to GPIO31 are: to read them, to set them and to clear them (BCM2835 ARM Peripherals, 6.1). */
const LEVELS = "0x3f200034";
const SET = "0x3f20001c";
const CLEAR = "0x3f200028";

/** The level of a pin, from the chip's own register. */
async function level(stage: Stage, gpio: number): Promise<number> {
  const { stdout } = await stage.run("busybox", "devmem", LEVELS, "32");
  return (Number(stdout) >>> gpio) & 1;
}

/** Drives an input from outside, in the emulator's way. */
async function drive(stage: Stage, gpio: number, to: 0 | 1): Promise<void> {
  await stage.run("busybox", "devmem", to === 1 ? SET : CLEAR, "32", String(2 ** gpio));
}

function piStory(name: string, tell: (stage: Stage) => Promise<void>): void {
  const served = async (stage: Stage) => {
    await stage.serve();
    await tell(stage);
  };
  story(name, served, "chardev");
}

piStory("this is a Raspberry Pi 3, and its chip has 54 lines with the header's names", async (stage) => {
  expect(readFileSync("/proc/device-tree/model", "utf8")).toStartWith("Raspberry Pi 3 Model B");
  const pins = (await (await stage.connect()).pins()).filter(({ line }) => line.startsWith(`${CHIP}:`));
  expect(pins).toHaveLength(54);
  expect(pins[17]).toMatchObject({ pin: "GPIO17", line: `${CHIP}:17`, usedBy: null });
  // The device tree calls this line SDA1.
  expect(pins[2]).toMatchObject({ pin: "GPIO2", line: `${CHIP}:2` });
  for (const name of ["GPIO2", "2", "BOARD3"]) expect(pins[2]?.names).toContain(name);
});

piStory("GPIO17, 17 and BOARD11 are one pin, driven on the chip and read back", async (stage) => {
  const client = await stage.connect();
  const pin = await client.output("BOARD11", { initial: 1 });
  expect(pin.name).toBe("GPIO17");
  expect(await level(stage, 17)).toBe(1);
  for (const [command, driven] of [
    ["off", 0],
    ["on", 1],
    ["toggle", 0],
  ] as const) {
    await pin[command]({ ack: "started" });
    expect(await level(stage, 17)).toBe(driven);
    expect((await client.read("17")).level).toBe(driven);
  }
});

piStory("an input reads what the outside drives", async (stage) => {
  const input = await (await stage.connect()).input("GPIO27");
  for (const driven of [1, 0, 1] as const) {
    await drive(stage, 27, driven);
    expect((await input.read()).level).toBe(driven);
  }
});

piStory("a line of another process is LINE_BUSY, and ours are refused to others", async (stage) => {
  const other = stage.startServe(`${stage.folder}/other.sock`);
  expect(await other.ready).toBe(true);
  const [one, two] = [await stage.connect(), await stage.connect({ socket: `${stage.folder}/other.sock` })];
  await one.output("GPIO17");
  expect(await codeOf(two.output("GPIO17"))).toBe("LINE_BUSY");
  const chip = (await stage.run("gpiofind", "GPIO17")).stdout.split(" ")[0] ?? "";
  expect((await stage.run("gpioset", chip, "17=1")).stderr).toContain("Device or resource busy");
});

piStory("`doctor` and `pins` run, and find the chip", async (stage) => {
  await using shell = new Shell(stage.folder, { HOLDFAST_SOCKET: stage.socket });
  expect((await shell.run("doctor")).out).toContain(CHIP);
  expect(await shell.ok("pins")).toContain("BOARD11");
});
