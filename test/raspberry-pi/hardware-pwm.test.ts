import { expect } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually, type ServeProcess, type Stage, story } from "../integration/processes.ts";
import { Shell } from "../integration/shell.ts";

// The driver of a Pi's PWM, on QEMU's Raspberry Pi 3B. The emulator has no PWM behind it: its registers keep what is written to them,
// and that is what is looked at. What a pin then does, nobody sees here.

const CHANNEL = "/sys/class/pwm/pwmchip0/pwm0";

/** The chip's registers: what is enabled, in PWM's mode and turned over, and the period and the time on of channel 0, by its clock (BCM2835 ARM Peripherals, 9.6). */
const registers = { control: "0x3f20c000", period: "0x3f20c010", on: "0x3f20c014" } as const;
const ENABLE = 0x01;
const ENABLED = 0x80 | ENABLE;
const TURNED_OVER = 0x10;

/** The device tree sets the clock to 10 MHz. */
const NS_PER_TICK = 100;

async function register(stage: Stage, name: keyof typeof registers): Promise<number> {
  return Number((await stage.run("busybox", "devmem", registers[name], "32")).stdout);
}

/** What channel 0 does, by the chip's registers. */
async function hardware(stage: Stage) {
  const [control, period, on] = [await register(stage, "control"), await register(stage, "period"), await register(stage, "on")];
  return { control: control & 0xff, periodNs: period * NS_PER_TICK, onNs: on * NS_PER_TICK };
}

function kernelFile(name: string): string {
  return readFileSync(join(CHANNEL, name), "utf8").trim();
}

/** A test with a supervisor that has GPIO18 as channel 0. */
function pwmStory(name: string, tell: (stage: Stage, config: string, serving: ServeProcess) => Promise<void>): void {
  const served = async (stage: Stage) => {
    const config = join(stage.folder, "holdfast.toml");
    writeFileSync(config, '[pin.GPIO18]\npwm = "3f20c000.pwm/0"\n');
    await tell(stage, config, await stage.serve("--config", config));
  };
  story(name, served, "chardev");
}

pwmStory("a pin is a channel of the Pi's PWM: its duty and frequency are in the registers, and closing gives it back", async (stage) => {
  const pin = await (await stage.connect()).output("GPIO18");
  expect(await hardware(stage)).toEqual({ control: ENABLED, periodNs: 5_000_000, onNs: 0 });
  await pin.value(0.25, { ack: "started" });
  expect(await hardware(stage)).toEqual({ control: ENABLED, periodNs: 5_000_000, onNs: 1_250_000 });
  expect((await pin.read()).value).toBe(0.25);
  await pin.configure({ frequencyHz: 10_000 });
  await pin.value(0.25, { ack: "started" });
  expect(await hardware(stage)).toEqual({ control: ENABLED, periodNs: 100_000, onNs: 25_000 });
  await pin.configure({ frequencyHz: 1, activeLow: true });
  await pin.on({ ack: "started" });
  expect(await hardware(stage)).toEqual({ control: ENABLED | TURNED_OVER, periodNs: 1_000_000_000, onNs: 1_000_000_000 });
  await pin.close();
  expect(existsSync(CHANNEL)).toBe(false);
  expect((await hardware(stage)).control & ENABLE).toBe(0);
});

pwmStory("the thread of the waves fades and blinks it", async (stage) => {
  const client = await stage.connect();
  const pin = await client.output("GPIO18", { frequencyHz: 1000 });
  expect((await pin.pulse({ fadeInMs: 200, fadeOutMs: 200, n: 1, ack: "done" })).outcome).toBe("done");
  expect(kernelFile("duty_cycle")).toBe("0");
  const seen = new Set<string>();
  await pin.pulse({ fadeInMs: 1000, fadeOutMs: 1000 });
  await eventually("five duties of a fade", () => seen.add(kernelFile("duty_cycle")).size > 5);
  const blink = await pin.blink({ onMs: 5, offMs: 5, n: 20, mode: "nowait", ack: "done" });
  expect(blink.outcome).toBe("done");
  expect(await hardware(stage)).toMatchObject({ control: ENABLED, onNs: 0 });
});

pwmStory("a channel that a killed supervisor has left exported is taken over by the next one", async (stage, config, serving) => {
  const pin = await (await stage.connect()).output("GPIO18");
  await pin.value(0.5, { ack: "started" });
  serving.kill("SIGKILL");
  await serving.ended();
  expect(kernelFile("duty_cycle")).toBe("2500000");
  expect((await hardware(stage)).control).toBe(ENABLED);
  await stage.serve("--config", config);
  await (await stage.connect()).output("GPIO18");
  expect(await hardware(stage)).toEqual({ control: ENABLED, periodNs: 5_000_000, onNs: 0 });
});

pwmStory("the line itself is not requested, and `doctor` says what the pin is", async (stage, config) => {
  const client = await stage.connect();
  await client.output("GPIO18");
  expect((await stage.run("gpioinfo")).stdout).toMatch(/"GPIO18"\s+unused/);
  await using shell = new Shell(stage.folder, { HOLDFAST_SOCKET: stage.socket });
  expect((await shell.run("doctor", "--config", config)).out).toContain("pin.GPIO18.pwm: 3f20c000.pwm/0 is channel 0 of 2 of pwmchip0");
});
