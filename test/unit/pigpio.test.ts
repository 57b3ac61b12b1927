import { describe, expect, test } from "bun:test";
import { SimulatedClock } from "../../src/clock/simulated.ts";
import { SysfsPwm } from "../../src/gpio/pwm/outputs.ts";
import { accessBy } from "../../src/protocol/access.ts";
import { HoldfastError } from "../../src/protocol/errors.ts";
import { MAX_DURATION_MS } from "../../src/protocol/limits.ts";
import { Daemon } from "../../src/transports/pigpio/daemon.ts";
import { Notifications } from "../../src/transports/pigpio/notifications.ts";
import type { Report } from "../../src/transports/pigpio/report.ts";
import { decodeReport } from "../pigpio-report.ts";
import { PigpioStage, ScriptedProgram, type Words } from "./pigpio-stage.ts";
import { PwmKernel, pi3 } from "./pwm-kernel.ts";

const gpio = (offset: number) => ({ chip: "sim:0", offset });

/** What a program is answered to one command after the other. */
async function answers(program: ScriptedProgram, ...commands: readonly Words[]): Promise<number[]> {
  const results: number[] = [];
  for (const words of commands) results.push(await program.do(...words));
  return results;
}

/** A program that is told of some GPIOs, and has been told how they are now. */
async function listener(stage: PigpioStage, bits: number): Promise<ScriptedProgram> {
  const program = stage.program("listener");
  await program.do("NB", await program.do("NOIB"), bits);
  program.take();
  return program;
}

describe("a pin of pigpio programs", () => {
  test("is an input or an output, and no other function of the chip", async () => {
    const stage = new PigpioStage();
    const program = stage.program();
    expect(await answers(program, ["MODEG", 17], ["MODES", 17, 1], ["MODEG", 17], ["MODES", 17, 0], ["MODEG", 17])).toEqual([
      0, 0, 1, 0, 0,
    ]);
    expect(await answers(program, ["MODES", 17, 4], ["MODES", 17, 8], ["MODES", 54, 0], ["MODES", 40, 0])).toEqual([-41, -4, -3, -3]);
    expect(stage.refused).toMatchObject([
      { gpio: 17, code: "LINE_UNSUPPORTED" },
      { gpio: 40, code: "PIN_UNKNOWN" },
    ]);
  });

  test("becomes an output when it is written, without a glitch", async () => {
    const stage = new PigpioStage();
    const program = stage.program();
    stage.world.sim.drive(gpio(17), 1);
    expect(await answers(program, ["WRITE", 17, 1], ["MODEG", 17], ["READ", 17], ["WRITE", 17, 2])).toEqual([0, 1, 1, -5]);
    stage.world.sim.drive(gpio(17), null);
    expect(stage.world.sim.trace(gpio(17)).map(({ level }) => level)).toEqual([1]);
  });

  test("keeps the level of its last write, or of its bank, for when it is an output again", async () => {
    const stage = new PigpioStage();
    const program = stage.program();
    await answers(program, ["WRITE", 17, 1], ["MODES", 17, 0]);
    expect(stage.world.shown("GPIO17")).toMatchObject({ direction: "in" });
    expect(await answers(program, ["MODES", 17, 1], ["READ", 17])).toEqual([0, 1]);
    expect(await answers(program, ["MODES", 17, 0], ["BC1", 1 << 17], ["MODES", 17, 1], ["READ", 17])).toEqual([0, 0, 0, 0]);
  });

  test("stays as it is when its program goes, and the next one finds it so", async () => {
    const stage = new PigpioStage();
    const first = stage.program();
    await answers(first, ["WRITE", 17, 1], ["PFS", 18, 1000], ["PWM", 18, 51]);
    first.leave();
    await stage.world.settle();
    expect(stage.world.shown("GPIO17")).toMatchObject({ level: 1, unowned: true });
    expect(stage.world.shown("GPIO18")).toMatchObject({ value: 0.2, unowned: true, settings: { frequencyHz: 1000 } });
    const next = stage.program();
    expect(await answers(next, ["READ", 17], ["MODEG", 17], ["GDC", 18], ["PFG", 18])).toEqual([1, 1, 51, 1000]);
    expect(await answers(next, ["MODES", 17, 1], ["READ", 17], ["PRS", 18, 1000], ["GDC", 18])).toEqual([0, 1, 200, 200]);
    expect(stage.world.shown("GPIO18")).toMatchObject({ value: 0.2, unowned: false });
  });

  test("is closed, as an input, when its last program goes; its pull resistor is there again when the next one reads it", async () => {
    const stage = new PigpioStage();
    const program = stage.program();
    expect(await answers(program, ["PUD", 4, 2], ["READ", 4], ["PUD", 4, 3])).toEqual([0, 1, -6]);
    program.leave();
    await stage.world.settle();
    expect(stage.world.shown("GPIO4")).toBeUndefined();
    stage.world.sim.drive(gpio(4), 0);
    stage.world.sim.drive(gpio(4), null);
    expect(await stage.program().do("READ", 4)).toBe(1);
  });

  test("has the pull resistor of those who still use it when the one who changed it last goes", async () => {
    const stage = new PigpioStage();
    const [first, second] = [stage.program("first"), stage.program("second")];
    for (const program of [first, second]) await answers(program, ["MODES", 4, 0], ["PUD", 4, 0], ["FG", 4, 0], ["PUD", 4, 2]);
    await answers(first, ["MODES", 4, 0], ["PUD", 4, 0]);
    expect(stage.world.shown("GPIO4")).toMatchObject({ settings: { bias: "disabled" } });
    first.leave();
    await stage.world.settle();
    expect(stage.world.shown("GPIO4")).toMatchObject({ settings: { bias: "pull-up" } });
  });

  test("belongs to no pigpio program more than to another, but not to other clients", async () => {
    const stage = new PigpioStage();
    const [one, other] = [stage.program("one"), stage.program("other")];
    expect(await answers(one, ["WRITE", 17, 1])).toEqual([0]);
    expect(await answers(other, ["WRITE", 17, 0], ["MODES", 17, 0])).toEqual([0, 0]);
    const native = stage.world.join("conveyor", 812);
    native.ask({ op: "open", pin: "GPIO27", direction: "out", initial: 1 });
    expect(await answers(one, ["WRITE", 27, 0], ["MODES", 27, 0], ["READ", 27], ["MODEG", 27], ["BC1", 1 << 27])).toEqual([
      -41, -41, 1, 1, -42,
    ]);
    expect(stage.refused).toMatchObject([
      { gpio: 27, client: "one", code: "PIN_BUSY", reason: 'GPIO27 is held by "conveyor" (pid 812) just now' },
    ]);
    expect(native.ask({ op: "open", pin: "GPIO17", direction: "out" }).outcome).toBe("PIN_CONFLICT");
    one.leave();
    other.leave();
    await stage.world.settle();
    expect(native.ask({ op: "open", pin: "GPIO17", direction: "out" }).outcome).toBe("ok");
  });

  test("is shared with clients that share it, and watched with those that watch it", async () => {
    const stage = new PigpioStage();
    const native = stage.world.join("native");
    native.ask({ op: "open", pin: "GPIO17", direction: "out", share: true });
    native.ask({ op: "open", pin: "GPIO4", direction: "in", bias: "pull-up", activeLow: true });
    const program = stage.program();
    expect(await answers(program, ["WRITE", 17, 1], ["PWM", 17, 128])).toEqual([0, -41]);
    expect(stage.world.shown("GPIO17")).toMatchObject({ level: 1 });
    // What gpiozero says of every pin before it is told more.
    expect(await answers(program, ["MODES", 4, 0], ["PUD", 4, 0], ["FG", 4, 0], ["PUD", 4, 2], ["PUD", 4, 1])).toEqual([0, 0, 0, 0, -41]);
    expect(await answers(program, ["READ", 4], ["BR1"])).toEqual([1, (1 << 4) | (1 << 17)]);
  });

  test("waits a little for one who is just closing it", async () => {
    const stage = new PigpioStage();
    const native = stage.world.join("native");
    native.ask({ op: "open", pin: "GPIO17", direction: "out" });
    native.ask({ op: "on", pin: "GPIO17", durationMs: 300 });
    native.ask({ op: "close", pin: "GPIO17" });
    const [write, read] = [stage.program().do("WRITE", 17, 1), stage.program().do("READ", 17)];
    await stage.world.settle();
    await stage.world.pass(300);
    expect(await Promise.all([write, read])).toEqual([0, 1]);
    native.ask({ op: "open", pin: "GPIO27", direction: "out" });
    native.ask({ op: "on", pin: "GPIO27", durationMs: MAX_DURATION_MS });
    native.ask({ op: "close", pin: "GPIO27" });
    const late = stage.program().do("WRITE", 27, 1);
    await stage.world.settle();
    await stage.world.pass(1000);
    expect(await late).toBe(-41);
  });
});

describe("PWM and servo pulses", () => {
  test("are read back as they were set, whatever the range", async () => {
    const program = new PigpioStage().program();
    expect(await answers(program, ["GDC", 18], ["PRG", 18], ["PFG", 18], ["PRRG", 18])).toEqual([-92, 255, 800, 250]);
    expect(await answers(program, ["PWM", 18, 255], ["PWM", 18, 256], ["GDC", 18])).toEqual([0, -8, 255]);
    expect(await answers(program, ["PRS", 18, 24], ["PRS", 18, 40_001], ["PRS", 18, 10_000], ["GDC", 18], ["PRG", 18])).toEqual([
      -21, -21, 250, 10_000, 10_000,
    ]);
    expect(
      await answers(program, ["PFS", 18, 100], ["PFS", 18, 99_999], ["PFS", 18, 0], ["PFS", 18, 90], ["PFG", 18], ["PRRG", 18]),
    ).toEqual([100, 8000, 10, 100, 100, 2000]);
    expect(await answers(program, ["WRITE", 18, 1], ["GDC", 18], ["PRG", 18])).toEqual([0, -92, 10_000]);
    expect(await answers(program, ["PWM", 32, 1], ["GDC", 32])).toEqual([-2, -2]);
  });

  test("are what the line does", async () => {
    const stage = new PigpioStage();
    const program = stage.program();
    await answers(program, ["PFS", 18, 100], ["PRS", 18, 1000], ["PWM", 18, 250]);
    await stage.world.pass(20);
    const rising = stage.world.sim.trace(gpio(18)).filter(({ level }) => level === 1);
    const falling = stage.world.sim.trace(gpio(18)).filter(({ level }) => level === 0);
    expect(rising.length).toBeGreaterThan(1);
    expect(Number((rising[1]?.timestampNs ?? 0n) - (rising[0]?.timestampNs ?? 0n))).toBe(10_000_000);
    expect(Number((falling[0]?.timestampNs ?? 0n) - (rising[0]?.timestampNs ?? 0n))).toBe(2_500_000);
    await answers(program, ["SERVO", 18, 1500]);
    expect(stage.world.shown("GPIO18")).toMatchObject({ value: 0.075, settings: { frequencyHz: 50 } });
    expect(await answers(program, ["GPW", 18], ["GDC", 18], ["SERVO", 18, 499], ["SERVO", 18, 2501], ["GPW", 18])).toEqual([
      1500, -92, -7, -7, 1500,
    ]);
    expect(await answers(program, ["SERVO", 18, 0], ["GPW", 18], ["READ", 18], ["GPW", 17])).toEqual([0, 0, 0, -93]);
  });

  test("are the chip's where the pin is a channel of hardware PWM, which is no input", async () => {
    const kernel = new PwmKernel(pi3);
    using _ = { [Symbol.dispose]: () => kernel.delete() };
    const pwm = new SysfsPwm({ folder: kernel.folder, write: kernel.write });
    const stage = new PigpioStage({ pwm, pins: { GPIO18: { pwm: "3f20c000.pwm/0" } } });
    expect(await answers(stage.program(), ["PFS", 18, 1000], ["PWM", 18, 51])).toEqual([1000, 0]);
    expect(kernel.writes).toContain("pwmchip0/pwm0/period 1000000");
    expect(kernel.writes.at(-1)).toEndWith("duty_cycle 200000");
    expect(await answers(stage.program(), ["SERVO", 18, 1500], ["MODES", 18, 0], ["GPW", 18])).toEqual([0, -41, 1500]);
    expect(kernel.writes.at(-1)).toEndWith("duty_cycle 1500000");
  });

  test("are read back as they really are when something else has ended them", async () => {
    const stage = new PigpioStage({ pins: { GPIO18: { maxOnMs: 1000 } } });
    const native = stage.world.join("native");
    native.ask({ op: "open", pin: "GPIO18", direction: "out", share: true, frequencyHz: 800 });
    const program = stage.program();
    expect(await answers(program, ["PWM", 18, 255], ["GDC", 18])).toEqual([0, 255]);
    await stage.world.pass(1001);
    expect(await answers(program, ["GDC", 18], ["PFS", 18, 800], ["PRS", 18, 100], ["READ", 18])).toEqual([0, 800, 250, 0]);
    expect(await answers(program, ["PWM", 18, 50], ["GDC", 18])).toEqual([0, 50]);
    native.ask({ op: "value", pin: "GPIO18", value: 0.1, mode: "nowait" });
    expect(await program.do("GDC", 18)).toBe(10);
  });

  test("a trigger is a pulse of so many µs", async () => {
    const stage = new PigpioStage();
    const program = stage.program();
    await answers(program, ["WRITE", 17, 0], ["WRITE", 27, 1], ["TRIG", 17, 10, 1], ["TRIG", 27, 100, 0]);
    await stage.world.pass(1);
    const [rise, fall] = stage.world.sim.trace(gpio(17));
    expect(Number((fall?.timestampNs ?? 0n) - (rise?.timestampNs ?? 0n))).toBe(10_000);
    expect(stage.world.sim.trace(gpio(27)).map(({ level }) => level)).toEqual([1, 0, 1]);
    expect(await answers(program, ["READ", 17], ["READ", 27])).toEqual([0, 1]);
    expect(
      await answers(program, ["TRIG", 17, 0, 1], ["TRIG", 17, 101, 1], ["TRIG", 17, 10, 2], ["TRIG", 17, 10], ["TRIG", 4, 10, 1]),
    ).toEqual([-46, -46, -5, -5, 0]);
    expect(stage.world.shown("GPIO4")).toBeUndefined();
  });
});

describe("notifications", () => {
  test("tell at once how the levels are, then of edges, with the µs of their timestamps", async () => {
    const stage = new PigpioStage();
    const program = stage.program();
    await answers(program, ["MODES", 4, 0], ["PUD", 4, 2]);
    const handle = await program.do("NOIB");
    expect(await answers(program, ["NB", handle, (1 << 4) | (1 << 17)])).toEqual([0]);
    stage.world.clock.advanceMs(2);
    stage.world.sim.drive(gpio(17), 1);
    stage.world.clock.advanceMs(0.25);
    stage.world.sim.drive(gpio(4), 0);
    await stage.world.pass(1);
    expect(program.take()).toEqual([
      { sequence: 0, flags: 0, tick: 1_000_000, levels: 1 << 4 },
      { sequence: 1, flags: 0, tick: 1_002_000, levels: (1 << 4) | (1 << 17) },
      { sequence: 2, flags: 0, tick: 1_002_250, levels: 1 << 17 },
    ]);
    expect(await program.do("BR1")).toBe(1 << 17);
    await answers(program, ["NP", handle]);
    stage.world.sim.drive(gpio(4), 1);
    await stage.world.settle();
    expect(program.take()).toEqual([]);
  });

  test("tell outputs' edges, too, whoever commands them", async () => {
    const stage = new PigpioStage();
    const native = stage.world.join("native");
    native.ask({ op: "open", pin: "GPIO17", direction: "out", share: true });
    const program = await listener(stage, 1 << 17);
    native.ask({ op: "on", pin: "GPIO17", mode: "nowait" });
    await stage.program().do("WRITE", 17, 0);
    await stage.world.settle();
    expect(program.take().map(({ levels }) => levels)).toEqual([1 << 17, 0]);
  });

  test("of one pin come at once, those of several in the order in which they happened, however late they are read", async () => {
    const clock = new SimulatedClock(1_000_000);
    const notifications = new Notifications(clock);
    const told: Report[] = [];
    const program = { label: "program", address: "127.0.0.1", report: (bytes: Uint8Array) => void told.push(decodeReport(bytes)) };
    const handle = notifications.handle(notifications.open(program));
    handle.bits = 1 << 4;
    notifications.edge(4, 1, 1_000_000_000n);
    expect(told.splice(0)).toMatchObject([{ levels: 0b010000 }]);
    handle.bits |= 1 << 5;
    clock.advanceMs(1);
    notifications.edge(4, 0, 1_000_800_000n);
    clock.advanceMs(0.5);
    notifications.edge(5, 1, 1_000_700_000n);
    notifications.edge(4, 1, 1_001_500_000n);
    clock.advanceMs(0.5);
    const first = told.splice(0);
    expect(first).toMatchObject([
      { tick: 1_000_700, levels: 0b110000 },
      { tick: 1_000_800, levels: 0b100000 },
    ]);
    clock.advanceMs(1);
    expect(told).toMatchObject([{ sequence: 3, tick: 1_001_500, levels: 0b110000 }]);
  });

  test("skip what a program may not use, and say so", async () => {
    const stage = new PigpioStage();
    stage.world.join("conveyor").ask({ op: "open", pin: "GPIO17", direction: "out" });
    const program = stage.program();
    const handle = await program.do("NOIB");
    expect(await program.do("NB", handle, (1 << 17) | (1 << 4))).toBe(-42);
    program.take();
    stage.world.sim.drive(gpio(4), 1);
    await stage.world.settle();
    expect(program.take()).toMatchObject([{ levels: 1 << 4 }]);
    // Of GPIO 28 to 31, which the header has not, there is nothing to tell.
    expect(await program.do("NB", handle, 0xf000_0010)).toBe(0);
  });

  test("have 32 handles, one for each program, which anyone may use and which end with it", async () => {
    const stage = new PigpioStage();
    const programs = Array.from({ length: 33 }, () => stage.program());
    const handles = await Promise.all(programs.map((program) => program.do("NOIB")));
    expect(handles).toEqual([...Array.from({ length: 32 }, (_, number) => number), -24]);
    expect(await programs[32]?.do("NB", 7, 1 << 4)).toBe(0);
    expect(programs[7]?.take()).toHaveLength(1);
    programs[7]?.leave();
    expect(await programs[32]?.do("NB", 7, 0)).toBe(-25);
    expect(await programs[32]?.do("NOIB")).toBe(7);
    expect(await answers(programs[0] as ScriptedProgram, ["NC", 0], ["NC", 0], ["NP", 32], ["NOIB"], ["NOIB"])).toEqual([
      0, -25, -25, 0, 0,
    ]);
    await stage.world.settle();
    expect(stage.world.shown("GPIO4")).toBeUndefined();
  });

  test("tell of silence as often as a watchdog is to look, and that the connection is alive when there is nothing else", async () => {
    const stage = new PigpioStage();
    const program = await listener(stage, 1 << 4);
    await answers(program, ["WDOG", 4, 100]);
    await stage.world.pass(50);
    stage.world.sim.drive(gpio(4), 1);
    await stage.world.pass(250);
    expect(program.take().map(({ flags, tick }) => [flags, tick])).toEqual([
      [0, 1_050_000],
      [0b100100, 1_150_000],
      [0b100100, 1_250_000],
    ]);
    expect(await answers(program, ["WDOG", 4, 60_001], ["WDOG", 32, 1], ["WDOG", 4, 0])).toEqual([-15, -2, 0]);
    await stage.world.pass(60_000);
    expect(program.take().map(({ flags, tick, levels }) => [flags, tick, levels])).toEqual([[0b1000000, 61_250_000, 1 << 4]]);
  });

  test("count beyond 16 bits from 0 again, as ticks do beyond 32", async () => {
    const stage = new PigpioStage();
    const program = await listener(stage, 1 << 4);
    stage.world.clock.advanceMs(2 ** 32 / 1000 - 1000);
    program.take();
    for (let edge = 1; edge < 2 ** 16; edge++) {
      stage.world.sim.drive(gpio(4), edge % 2 === 0 ? 0 : 1);
      if (edge % 1000 === 0) await stage.world.settle();
    }
    await stage.world.settle();
    const { sequence: last } = program.take().at(-1) ?? {};
    stage.world.sim.drive(gpio(4), 0);
    await stage.world.settle();
    expect(program.take()).toMatchObject([{ sequence: ((last ?? 0) + 1) % 2 ** 16, tick: 0 }]);
    expect(await program.do("TICK")).toBe(0);
  });

  test("of bounces are those that the glitch filter lets through", async () => {
    const stage = new PigpioStage();
    const program = await listener(stage, 1 << 4);
    expect(await answers(program, ["FG", 4, 5000], ["FG", 4, 300_001], ["FG", 32, 0])).toEqual([0, -125, -2]);
    expect(stage.world.shown("GPIO4")).toMatchObject({ settings: { debounceUs: 5000 } });
    stage.world.sim.drive(gpio(4), 1);
    await stage.world.pass(2);
    stage.world.sim.drive(gpio(4), 0);
    await stage.world.pass(20);
    expect(program.take()).toEqual([]);
  });
});

test("a pause delays the next command of its program, and no other's", async () => {
  const stage = new PigpioStage();
  const [patient, other] = [stage.program("patient"), stage.program("other")];
  const paused = patient.do("MILS", 300);
  await stage.world.pass(299);
  expect(await Promise.race([paused, other.do("WRITE", 17, 1).then(() => "other")])).toBe("other");
  await stage.world.pass(1);
  expect(await paused).toBe(0);
  expect(await answers(patient, ["MILS", 60_001], ["MICS", 1_000_001])).toEqual([-65, -64]);
  const left = patient.do("MICS", 1_000_000);
  patient.leave();
  expect(await left).toBe(0);
  expect(stage.world.clock.pending).toBe(0);
});

test("what is not offered is unknown, and what the board is can be asked", async () => {
  const program = new PigpioStage().program();
  expect(await answers(program, [27], [86], [98], [115], [119], [0xffff_ffff])).toEqual([-88, -88, -88, -88, -88, -88]);
  expect(await answers(program, ["HWVER"], ["PIGPV"], ["BR2"], ["TICK"])).toEqual([0xc03114, 79, 0, 1_000_000]);
});

test("nobody is let do what the listener's clients have no right to", async () => {
  const stage = new PigpioStage();
  const { supervisor, clock } = stage.world;
  const access = accessBy([["guests", { read: ["GPIO4"], command: ["GPIO17"] }]]);
  const guest = stage.world.welcome("pigpio", { access: () => access }).client;
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const program = new ScriptedProgram(new Daemon({ supervisor, peer: guest.peer, lobby: guest, clock, log }), "guest");
  expect(await answers(program, ["READ", 4], ["READ", 5], ["MODES", 4, 0], ["WRITE", 4, 1], ["WRITE", 17, 1], ["WRITE", 18, 1])).toEqual([
    0, -41, -41, -41, 0, -41,
  ]);
});

test("programs that come again and again to be refused do not fill the log", async () => {
  const stage = new PigpioStage();
  for (let time = 0; time < 100; time++) {
    const program = stage.program(`program ${time}`);
    expect(await answers(program, ["WRITE", 40, 1], ["MODES", 17, 4])).toEqual([-3, -41]);
    program.leave();
  }
  expect(stage.refused).toHaveLength(10);
  await stage.world.pass(10_000);
  await answers(stage.program(), ["MODES", 17, 4]);
  expect(stage.refused.at(-1)).toMatchObject({ client: "program", gpio: 17, code: "LINE_UNSUPPORTED", untold: 190 });
});

test("what a program leaves behind on a line that is gone meanwhile troubles nobody", async () => {
  const stage = new PigpioStage();
  const [first, second] = [await listener(stage, 1 << 4), await listener(stage, 1 << 4)];
  await answers(second, ["PUD", 4, 2]);
  await answers(first, ["PUD", 4, 1]);
  stage.world.sim.failNext(gpio(4), "reconfigure", new HoldfastError("LINE_FAILED", "planted"));
  first.leave();
  await stage.world.settle();
  stage.world.sim.removeChip("sim:0");
  await stage.world.settle();
  second.leave();
  await stage.world.settle();
  expect(await answers(stage.program(), ["READ", 4], ["WRITE", 4, 1], ["BR1"])).toEqual([-3, -3, 0]);
});

test("a pin that is configured to be opened on begins so, whatever level a program wants, and gets that next", async () => {
  const stage = new PigpioStage({ pins: { GPIO17: { initial: 1 }, GPIO18: { initial: 1 } } });
  const program = stage.program();
  expect(await answers(program, ["MODES", 17, 1], ["READ", 17], ["WRITE", 18, 0], ["READ", 18])).toEqual([0, 1, 0, 0]);
  expect(stage.world.sim.trace({ chip: "sim:0", offset: 18 }).map(({ level }) => level)).toEqual([1, 0]);
  expect(stage.refused).toEqual([]);
});
