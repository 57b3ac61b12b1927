import { afterEach, describe, expect, test } from "bun:test";
import { SysfsPwm } from "../../src/gpio/pwm/outputs.ts";
import { HoldfastError, type PinConfig } from "../../src/index.ts";
import { type ScriptedClient, World, type WorldOptions } from "../../src/index-testing.ts";
import type { RequestOf } from "../../src/protocol/requests.ts";
import { type MadeUpChip, PwmKernel, pi3, refusal } from "./pwm-kernel.ts";

const kernels: PwmKernel[] = [];
afterEach(() => {
  for (const kernel of kernels.splice(0)) kernel.delete();
});

/** A supervisor with simulated pins, GPIO18 of which is channel 0 of a made-up chip of PWM, and a client. */
function stage(chips: readonly MadeUpChip[] = [pi3], gpio18: PinConfig = { pwm: "3f20c000.pwm/0" }, more: WorldOptions = {}) {
  const kernel = new PwmKernel(...chips);
  kernels.push(kernel);
  const pwm = new SysfsPwm({ folder: kernel.folder, write: kernel.write });
  const world = new World({ ...more, pwm, pins: { GPIO18: gpio18, ...more.pins } });
  return { kernel, world, client: world.join("dimmer") };
}

function open(client: ScriptedClient, more: Partial<RequestOf<"open">> = {}) {
  return client.ask({ op: "open", pin: "GPIO18", direction: "out", ...more });
}

/** The writes but for where: `period 5000000`. */
function briefly(writes: readonly string[]): string[] {
  return writes.map((write) => write.replace("pwmchip0/", "").replace("pwm0/", ""));
}

const off = { periodNs: 5_000_000, onNs: 0, polarity: "normal", enabled: true };

describe("a pin that is a channel of hardware PWM", () => {
  test("is exported, set in the order that the kernel asks for, enabled with its first level, and given back", async () => {
    const { kernel, world, client } = stage();
    expect(open(client, { initial: 1 }).body).toMatchObject({ pin: "GPIO18", state: "on" });
    expect(briefly(kernel.writes)).toEqual(["export 0", "period 5000000", "duty_cycle 5000000", "enable 1"]);
    kernel.writes.length = 0;
    client.ask({ op: "close", pin: "GPIO18" });
    await world.settle();
    expect(briefly(kernel.writes)).toEqual(["duty_cycle 0", "enable 0", "unexport 0"]);
    expect(kernel.state(pi3, 0)).toBeNull();
    expect(open(client).outcome).toBe("ok");
  });

  test("leaves its GPIO line alone, whose request would take the pin away from the PWM", () => {
    const { world, client } = stage();
    open(client, { initial: 1 });
    expect(world.sim.level({ chip: "sim:0", offset: 18 })).toBe(0);
    expect(world.sim.trace({ chip: "sim:0", offset: 18 })).toEqual([]);
    const gpio = world.sim.chips().flatMap(({ lines }) => lines).find(({ name }) => name === "GPIO18"); // biome-ignore format: one look
    expect(gpio?.used).toBe(false);
    expect(world.shown("GPIO18")).toMatchObject({ state: "on", settings: { pwm: "3f20c000.pwm/0" } });
  });

  test("has the very duty that was set, to the nanosecond, and no edges are made for it", async () => {
    const { kernel, world, client } = stage();
    open(client, { frequencyHz: 1000 / 3 });
    kernel.writes.length = 0;
    for (const [value, onNs] of [
      [0.1, 300_000],
      [1 / 3, 1_000_000],
      [0.123_456_7, 370_370],
      [1, 3_000_000],
      [0, 0],
    ] as const) {
      // biome-ignore format: a table
      client.ask({ op: "value", pin: "GPIO18", value });
      await world.pass(50);
      expect(kernel.state(pi3, 0)).toMatchObject({ periodNs: 3_000_000, onNs });
      expect(client.ask({ op: "read", pin: "GPIO18" }).body).toMatchObject({ value, level: value > 0 ? 1 : 0 });
    }
    expect(kernel.writes).toHaveLength(5);
  });

  test("blinks by its levels, as any other", async () => {
    const { kernel, world, client } = stage();
    open(client);
    const watch = client.ask({ op: "watch", pin: "GPIO18" });
    kernel.writes.length = 0;
    client.ask({ op: "blink", pin: "GPIO18", onMs: 10, offMs: 5, n: 2 });
    await world.pass(100);
    expect(briefly(kernel.writes)).toEqual(["duty_cycle 5000000", "duty_cycle 0", "duty_cycle 5000000", "duty_cycle 0"]);
    const edges = client.events.flatMap((event) => (event.ev === "edge" && event.sub === watch.body.sub ? [event.level] : []));
    expect(edges).toEqual([1, 0, 1, 0]);
  });

  test("fades by one duty in each 5 ms, and is told to be active once", async () => {
    const { kernel, world, client } = stage();
    open(client, { frequencyHz: 1000 });
    client.ask({ op: "watch", pin: "GPIO18" });
    kernel.writes.length = 0;
    client.ask({ op: "pulse", pin: "GPIO18", fadeInMs: 20, fadeOutMs: 10, n: 1 });
    await world.pass(100);
    const duties = briefly(kernel.writes).map((write) => Number(write.replace("duty_cycle ", "")) / 1_000_000);
    expect(duties).toEqual([0.125, 0.375, 0.625, 0.875, 0.75, 0.25, 0]);
    expect(client.events.filter(({ ev }) => ev === "edge")).toMatchObject([{ level: 1 }, { level: 0 }]);
  });

  test("changes its frequency with the next command, by which the duty stays what it was", async () => {
    const { kernel, world, client } = stage();
    open(client);
    client.ask({ op: "value", pin: "GPIO18", value: 1 / 3 });
    for (const [frequencyHz, periodNs] of [
      [10_000, 100_000],
      [0.1, 10_000_000_000],
      [50, 20_000_000],
    ] as const) {
      // biome-ignore format: a table
      client.ask({ op: "configure", pin: "GPIO18", frequencyHz });
      client.ask({ op: "value", pin: "GPIO18", value: 1 / 3 });
      await world.settle();
      expect(kernel.state(pi3, 0)).toMatchObject({ periodNs, onNs: Math.round(periodNs / 3) });
    }
    expect(kernel.taken).toEqual(kernel.writes);
  });

  test("may be fully on for so long only; with a break in each period it is not fully on", async () => {
    const { kernel, world, client } = stage([pi3], { pwm: "3f20c000.pwm/0", maxOnMs: 50 });
    open(client);
    client.ask({ op: "value", pin: "GPIO18", value: 0.5 });
    await world.pass(1000);
    expect(kernel.state(pi3, 0)?.onNs).toBe(2_500_000);
    const on = client.ask({ op: "on", pin: "GPIO18", ack: "done", mode: "nowait" });
    await world.pass(49);
    expect(kernel.state(pi3, 0)?.onNs).toBe(5_000_000);
    await world.pass(1);
    expect(on.body).toMatchObject({ outcome: "cancelled", reason: "MAX_ON" });
    expect(kernel.state(pi3, 0)?.onNs).toBe(0);
  });

  test("may not pass by that limit with a break so short that it is rounded away", async () => {
    const { kernel, world, client } = stage([pi3], { pwm: "3f20c000.pwm/0", maxOnMs: 50 });
    open(client);
    const on = client.ask({ op: "value", pin: "GPIO18", value: 0.999_999_99, ack: "done", mode: "nowait" });
    await world.pass(50);
    expect(on.body).toMatchObject({ outcome: "cancelled", reason: "MAX_ON" });
    expect(kernel.state(pi3, 0)?.onNs).toBe(0);
  });

  test("is disabled when it closes off and the kernel does not take the duty for that", async () => {
    const { kernel, world, client } = stage();
    open(client, { initial: 1 });
    kernel.fault = (path) => {
      if (path.endsWith("duty_cycle")) throw refusal("EIO");
    };
    kernel.taken.length = 0;
    client.ask({ op: "close", pin: "GPIO18" });
    await world.settle();
    expect(briefly(kernel.taken)).toEqual(["enable 0", "unexport 0"]);
    world.defects.length = 0;
  });

  test("is turned over by activeLow, while it is disabled", async () => {
    const { kernel, world, client } = stage();
    open(client, { activeLow: true });
    expect(kernel.state(pi3, 0)).toEqual({ ...off, polarity: "inversed" });
    expect(briefly(kernel.writes)).toEqual(["export 0", "period 5000000", "duty_cycle 0", "polarity inversed", "enable 1"]);
    client.ask({ op: "value", pin: "GPIO18", value: 0.25 });
    expect(client.ask({ op: "configure", pin: "GPIO18", activeLow: false }).outcome).toBe("ok");
    await world.settle();
    expect(kernel.state(pi3, 0)).toEqual({ ...off, onNs: 1_250_000 });
  });

  describe("whose driver does not enable it again when it was turned over", () => {
    async function refusedTurn(refusals: number) {
      const { kernel, world, client } = stage();
      open(client, { initial: 1 });
      let left = refusals;
      kernel.fault = (path) => {
        if (path.endsWith("enable") && kernel.state(pi3, 0)?.enabled === false && left-- > 0) throw refusal("EINVAL");
      };
      const configured = client.ask({ op: "configure", pin: "GPIO18", activeLow: true });
      expect([configured.outcome, world.shown("GPIO18")?.settings?.activeLow]).toEqual(["LINE_UNSUPPORTED", false]);
      return { kernel, world, client };
    }
    const on = { ...off, onNs: 5_000_000 };

    test("goes on as it was", async () => {
      const { kernel } = await refusedTurn(1);
      expect(kernel.state(pi3, 0)).toEqual(on);
    });

    test("or, if that is refused as well, with its next command", async () => {
      const { kernel, client } = await refusedTurn(2);
      expect(kernel.state(pi3, 0)).toEqual({ ...on, enabled: false });
      client.ask({ op: "value", pin: "GPIO18", value: 0.5 });
      expect(kernel.state(pi3, 0)).toEqual({ ...on, onNs: 2_500_000 });
    });

    test("and if it never is, that command says so, and the pin closes", async () => {
      const { kernel, world, client } = await refusedTurn(Number.POSITIVE_INFINITY);
      const value = client.ask({ op: "value", pin: "GPIO18", value: 0.5, ack: "done" });
      await world.settle();
      expect(value.body).toMatchObject({ outcome: "cancelled", reason: "LINE_LOST" });
      expect([world.shown("GPIO18"), kernel.state(pi3, 0)]).toEqual([undefined, null]);
    });
  });

  test("is not off while its duty is not 0, however small that is", async () => {
    const { kernel, world, client } = stage();
    open(client, { frequencyHz: 10_000 });
    client.ask({ op: "value", pin: "GPIO18", value: 1e-9 });
    await world.settle();
    expect(kernel.state(pi3, 0)).toEqual({ ...off, periodNs: 100_000, onNs: 1 });
    expect(client.ask({ op: "read", pin: "GPIO18" }).body).toMatchObject({ level: 1, value: 1e-9 });
  });

  test("closes on when that is its closing level: what it does then is the driver's", async () => {
    const { kernel, world, client } = stage();
    open(client, { closeLevel: "on" });
    kernel.writes.length = 0;
    client.ask({ op: "close", pin: "GPIO18" });
    await world.settle();
    expect(briefly(kernel.writes)).toEqual(["duty_cycle 5000000", "unexport 0"]);
  });

  test("is taken over as it is when a supervisor that was killed has left it exported, and what is right goes on without a gap", () => {
    const { kernel, client } = stage();
    kernel.leave(pi3, 0, { period: "1000000", duty_cycle: "900000", enable: "1" });
    open(client, { frequencyHz: 2000 });
    expect(briefly(kernel.writes)).toEqual(["duty_cycle 0", "period 500000"]);
    expect(kernel.state(pi3, 0)).toEqual({ ...off, periodNs: 500_000 });
  });

  test("is disabled when it is taken over and has to be turned over", () => {
    const { kernel, client } = stage();
    kernel.leave(pi3, 0, { period: "1000000", polarity: "inversed", duty_cycle: "900000", enable: "1" });
    open(client);
    expect(briefly(kernel.writes)).toEqual(["enable 0", "period 5000000", "duty_cycle 0", "polarity normal", "enable 1"]);
  });

  test("is an output with two levels of its own: no input, no bias, no other drive, no part of a group, and read only while it is open", () => {
    const { client, kernel } = stage();
    expect(client.ask({ op: "open", pin: "GPIO18", direction: "in" }).error).toMatchObject({
      code: "PIN_CONFLICT",
      details: { field: "direction", configured: "out" },
    });
    expect(open(client, { bias: "pull-up" }).error).toMatchObject({ code: "LINE_UNSUPPORTED", details: { field: "bias" } });
    expect(open(client, { drive: "open-drain" }).error).toMatchObject({ code: "LINE_UNSUPPORTED", details: { field: "drive" } });
    expect(client.ask({ op: "read", pin: "BOARD12" }).error).toMatchObject({ code: "LINE_UNSUPPORTED", details: { pin: "GPIO18" } });
    expect(open(client, { pin: "GPIO18+GPIO27" }).error).toMatchObject({ code: "PIN_CONFLICT", details: { pin: "GPIO18+GPIO27" } });
    expect(client.ask({ op: "read", pin: "GPIO27+GPIO18" }).error).toMatchObject({
      code: "LINE_UNSUPPORTED",
      message: "GPIO18 is hardware PWM (3f20c000.pwm/0) and is read only while it is open",
      details: { pin: "GPIO27+GPIO18" },
    });
    expect(kernel.writes).toEqual([]);
    open(client);
    expect(client.ask({ op: "configure", pin: "GPIO18", direction: "in" }).error?.code).toBe("PIN_CONFLICT");
    expect(client.ask({ op: "read", pin: "GPIO18" }).outcome).toBe("ok");
  });

  test("is an ordinary simulated line where there are no channels", async () => {
    const world = new World({ pins: { GPIO18: { pwm: "3f20c000.pwm/0" } } });
    const client = world.join("dimmer");
    open(client);
    client.ask({ op: "value", pin: "GPIO18", value: 0.5 });
    await world.pass(20);
    expect(world.sim.trace({ chip: "sim:0", offset: 18 }).length).toBeGreaterThan(3);
  });
});

describe("a channel that can't be had", () => {
  test("of a chip that is not there is a mistake of the configuration, which can come right later", () => {
    const { kernel, world, client } = stage([]);
    expect(world.defects).toEqual([expect.stringContaining("a PWM chip that is not there now")]);
    expect(open(client).error).toMatchObject({ code: "BAD_CONFIG", details: { key: "pin.GPIO18.pwm" } });
    expect(open(client).error?.message).toStartWith("pin.GPIO18.pwm: there is no such PWM chip now: 3f20c000.pwm/0");
    kernel.add({ ...pi3, name: "pwmchip7" });
    expect(open(client).outcome).toBe("ok");
  });

  test("that a driver of the kernel has is LINE_BUSY", () => {
    const { client } = stage([{ ...pi3, taken: [0] }]);
    expect(open(client).error).toMatchObject({ code: "LINE_BUSY", details: { channel: 0, consumer: null, pin: "GPIO18" } });
  });

  test("that may not be written to is PERMISSION_DENIED, with the way out, and a read-only /sys has its own", () => {
    const { kernel, client } = stage();
    kernel.fault = () => {
      throw refusal("EACCES");
    };
    expect(open(client).error).toMatchObject({ code: "PERMISSION_DENIED", message: expect.stringContaining("udev") });
    kernel.fault = () => {
      throw refusal("EROFS");
    };
    expect(open(client).error).toMatchObject({ code: "PERMISSION_DENIED", message: expect.stringContaining("container") });
  });

  test("whose driver can't turn it over or make the frequency is LINE_UNSUPPORTED, and is given back", () => {
    const { kernel, client } = stage([{ ...pi3, oneWay: true }]);
    expect(open(client, { activeLow: true }).error?.code).toBe("LINE_UNSUPPORTED");
    expect(kernel.state(pi3, 0)).toBeNull();
    kernel.fault = (path) => {
      if (path.endsWith("period")) throw refusal("EINVAL");
    };
    expect(open(client).error?.code).toBe("LINE_UNSUPPORTED");
    expect(kernel.state(pi3, 0)).toBeNull();
    kernel.fault = () => {};
    expect(open(client).outcome).toBe("ok");
    expect(client.ask({ op: "configure", pin: "GPIO18", activeLow: true }).error?.code).toBe("LINE_UNSUPPORTED");
    expect(kernel.state(pi3, 0)).toEqual(off);
  });

  test("is lost with its chip: the command ends, the pin closes, and the supervisor lives", async () => {
    const { kernel, world, client } = stage();
    open(client);
    const blink = client.ask({ op: "blink", pin: "GPIO18", onMs: 10, offMs: 10, ack: "done" });
    await world.pass(15);
    kernel.remove(pi3);
    await world.pass(15);
    expect(blink.body).toMatchObject({ outcome: "cancelled", reason: "LINE_LOST" });
    expect(world.shown("GPIO18")).toBeUndefined();
    expect(open(client).error?.code).toBe("BAD_CONFIG");
  });
});

describe("the configuration names a channel", () => {
  const mistake = (chips: readonly MadeUpChip[], pins: Readonly<Record<string, PinConfig>>) => {
    try {
      stage(chips, {}, { pins });
    } catch (error) {
      return HoldfastError.from(error);
    }
    return null;
  };
  const fan: MadeUpChip = { name: "pwmchip4", device: "1f0009c000.pwm", channels: 4 };

  test("by the chip's device, which stays, or by its number", () => {
    for (const [pwm, channel] of [
      ["1f0009c000.pwm/3", 3],
      ["pwmchip4/2", 2],
    ] as const) {
      // biome-ignore format: a table
      const { kernel, client } = stage([pi3, fan], { pwm });
      open(client);
      expect(kernel.state(fan, channel)).toEqual(off);
    }
  });

  test("and is refused at the start where that can't be right", () => {
    expect(mistake([pi3], { GPIO18: { pwm: "3f20c000.pwm/2" } })).toMatchObject({
      code: "BAD_CONFIG",
      message: "pin.GPIO18.pwm: the PWM chip 3f20c000.pwm has channels 0 to 1, no channel 2",
      details: { key: "pin.GPIO18.pwm" },
    });
    const twins = [pi3, { ...pi3, name: "pwmchip2" }];
    expect(mistake(twins, { GPIO18: { pwm: "3f20c000.pwm/0" } })?.message).toContain("say which of pwmchip0, pwmchip2");
    expect(mistake([pi3], { GPIO18: { pwm: "pwmchip0/0" }, GPIO12: { pwm: "pwmchip0/0" } })?.message).toBe(
      "pin.GPIO12.pwm: pwmchip0/0 is the channel of pin.GPIO18 too",
    );
    expect(mistake([pi3], { "*": { pwm: "pwmchip0/0" } })?.message).toBe(`pin."*".pwm: a channel is one pin's`);
  });

  for (const [what, other] of [
    ["the chip's number and its device", "3f20c000.pwm/0"],
    ["two spellings of a number", "pwmchip0/00"],
  ] as const) {
    test(`once, however it is spelled: ${what}`, () => {
      expect(mistake([pi3], { GPIO18: { pwm: "pwmchip0/0" }, GPIO12: { pwm: other } })?.message).toBe(
        `pin.GPIO12.pwm: ${other} is the channel of pin.GPIO18 too`,
      );
    });
  }

  test("once, also of a chip that is not there", () => {
    expect(mistake([], { GPIO18: { pwm: "pwmchip7/1" }, GPIO12: { pwm: "pwmchip7/01" } })?.message).toContain(
      "is the channel of pin.GPIO18 too",
    );
  });
});
