import { describe, expect, test } from "bun:test";
import { createSupervisor, HoldfastError, type PinConfig, SimBackend, SimulatedClock } from "../../src/index.ts";
import { type ScriptedClient, World, type WorldOptions } from "../../src/index-testing.ts";
import type { RequestOf } from "../../src/protocol/requests.ts";

const gpio17 = { chip: "sim:0", offset: 17 };

function open(client: ScriptedClient, pin: string, more: Partial<RequestOf<"open">> = {}) {
  return client.ask({ op: "open", pin, direction: "out", ...more });
}

function settingsOf(world: World, pin = "GPIO17") {
  const { maxOnMs, closeLevel } = world.shown(pin)?.settings ?? {};
  return { maxOnMs, closeLevel };
}

describe("the longest time that a pin may be active", () => {
  test("is the least of what limits all, of what is configured for it, and of what is asked for", () => {
    const effective = (limit: number | undefined, configured: number | undefined, asked: number | undefined) => {
      const world = new World({
        limits: limit === undefined ? {} : { maxOnMs: limit },
        pins: configured === undefined ? {} : { BOARD11: { maxOnMs: configured } },
      });
      open(world.join("client"), "GPIO17", { maxOnMs: asked });
      return settingsOf(world).maxOnMs;
    };
    expect(effective(undefined, undefined, undefined)).toBeNull();
    expect(effective(30, undefined, undefined)).toBe(30);
    expect(effective(30, 20, undefined)).toBe(20);
    expect(effective(30, 20, 10)).toBe(10);
    expect(effective(30, 20, 25)).toBe(20);
    expect(effective(10, 20, undefined)).toBe(10);
    expect(effective(undefined, undefined, 0.5)).toBe(0.5);
  });

  test("ends the command that goes beyond it, and not those of other pins", async () => {
    const world = new World({ pins: { GPIO17: { maxOnMs: 50 } } });
    const client = world.join("heater");
    for (const pin of ["GPIO17", "GPIO27"]) open(client, pin);
    const [limited, free] = ["GPIO17", "GPIO27"].map((pin) => client.ask({ op: "on", pin, ack: "done" }));
    await world.pass(50);
    expect(limited?.body).toMatchObject({ outcome: "cancelled", reason: "MAX_ON", state: "idle" });
    await world.pass(1000);
    expect([free?.outcome, world.shown("GPIO27")?.state]).toEqual(["pending", "on"]);
  });

  test("is agreed on by those who share the pin: another one is a conflict, and one that comes to the same is none", () => {
    const world = new World({ pins: { GPIO17: { maxOnMs: 50 } } });
    const [first, second, third] = [world.join("first"), world.join("second"), world.join("third")];
    open(first, "GPIO17", { share: true, maxOnMs: 80 });
    expect(open(second, "GPIO17", { share: true, maxOnMs: 20 }).error).toMatchObject({
      code: "PIN_CONFLICT",
      message: "GPIO17 is open with maxOnMs 50, not 20",
      details: { field: "maxOnMs", open: 50 },
    });
    expect(open(second, "GPIO17", { share: true, maxOnMs: 60 }).outcome).toBe("ok");
    expect(open(third, "GPIO17", { share: true }).outcome).toBe("ok");
    open(first, "GPIO27", { share: true });
    expect(open(second, "GPIO27", { share: true, maxOnMs: 60 }).error?.message).toBe("GPIO27 is open with maxOnMs none, not 60");
  });

  test("does not change while the pin is an output, and gets no longer while the pin is open", () => {
    const world = new World();
    const client = world.join("client");
    open(client, "GPIO17", { maxOnMs: 50 });
    expect(client.ask({ op: "configure", pin: "GPIO17", maxOnMs: 1000 }).error).toMatchObject({
      code: "BAD_FIELD",
      details: { field: "maxOnMs" },
    });
    client.ask({ op: "configure", pin: "GPIO17", direction: "in" });
    expect(settingsOf(world)).toEqual({ maxOnMs: null, closeLevel: null });
    client.ask({ op: "configure", pin: "GPIO17", direction: "out", maxOnMs: 30 });
    expect(settingsOf(world)).toEqual({ maxOnMs: 30, closeLevel: "off" });
    for (const longer of [{}, { maxOnMs: 1000 }]) {
      client.ask({ op: "configure", pin: "GPIO17", direction: "in" });
      client.ask({ op: "configure", pin: "GPIO17", direction: "out", ...longer });
      expect(settingsOf(world)).toEqual({ maxOnMs: 30, closeLevel: "off" });
    }
    expect(client.ask({ op: "open", pin: "GPIO4", direction: "in", maxOnMs: 30 } as never).error?.details.field).toBe("maxOnMs");
  });

  test("is not outlasted by a closing level", () => {
    const client = new World({ pins: { GPIO27: { closeLevel: "keep" } } }).join("client");
    expect(open(client, "GPIO17", { maxOnMs: 50, closeLevel: "on" }).error).toMatchObject({
      code: "LIMIT_ON",
      details: { field: "closeLevel", limit: 50 },
    });
    expect(open(client, "GPIO27", { maxOnMs: 50 }).error).toMatchObject({ code: "LIMIT_ON", details: { field: "maxOnMs" } });
  });
});

describe("the closing level that is configured", () => {
  test("is that of every open, and no client sets another", () => {
    const world = new World({ pins: { GPIO17: { closeLevel: "on" } } });
    const client = world.join("client");
    expect(open(client, "17", { closeLevel: "off" }).error).toMatchObject({
      code: "PIN_CONFLICT",
      message: "GPIO17 is configured to close with closeLevel on, not off",
      details: { field: "closeLevel", pin: "GPIO17", configured: "on" },
    });
    expect(open(client, "17").outcome).toBe("ok");
    expect(client.ask({ op: "configure", pin: "17", closeLevel: "keep" }).outcome).toBe("PIN_CONFLICT");
    expect(client.ask({ op: "configure", pin: "17", closeLevel: "on", bias: "pull-up" }).outcome).toBe("ok");
    client.ask({ op: "close", pin: "17" });
    expect(world.sim.level(gpio17)).toBe(1);
  });

  for (const [end, hard] of [
    ["a soft end", false],
    ["a hard end", true],
  ] as const) {
    test(`is the state of the lines that are open at ${end} of the supervisor`, async () => {
      const world = new World({
        drainMs: 100,
        pins: { "*": { closeLevel: "on" }, GPIO27: { closeLevel: "off" }, GPIO22: { closeLevel: "keep" } },
      });
      const client = world.join("client");
      for (const pin of ["GPIO17", "GPIO27", "GPIO22", "GPIO5"]) open(client, pin, { onDisconnect: "stay" });
      for (const pin of ["GPIO27", "GPIO22"]) client.ask({ op: "on", pin, durationMs: pin === "GPIO27" ? 60_000 : undefined });
      client.leave();
      world.supervisor.shutdown(hard);
      await world.pass(hard ? 0 : 100);
      expect(world.stopped).toBe(true);
      expect([17, 27, 22, 5].map((offset) => world.sim.level({ chip: "sim:0", offset }))).toEqual([1, 0, 1, 1]);
    });
  }
});

describe("what the configuration says of all other pins", () => {
  test("holds for those that it does not name, and key by key for those that it does", () => {
    const world = new World({ pins: { "*": { maxOnMs: 50, closeLevel: "off" }, GPIO17: { maxOnMs: 500 } } });
    const client = world.join("client");
    for (const pin of ["GPIO17", "GPIO27"]) open(client, pin);
    expect(settingsOf(world)).toEqual({ maxOnMs: 500, closeLevel: "off" });
    expect(settingsOf(world, "GPIO27")).toEqual({ maxOnMs: 50, closeLevel: "off" });
    expect(open(client, "GPIO22", { closeLevel: "keep" }).outcome).toBe("PIN_CONFLICT");
  });
});

describe("an alias", () => {
  test("is one more name of the pin, wherever it has names", () => {
    const world = new World({ pins: { BOARD11: { alias: "lamp", maxOnMs: 50 } } });
    const client = world.join("client");
    expect(open(client, "lamp").body).toMatchObject({ pin: "GPIO17" });
    expect(settingsOf(world).maxOnMs).toBe(50);
    expect(client.ask({ op: "on", pin: "lamp" }).outcome).toBe("ok");
    expect(client.ask({ op: "read", pin: "GPIO17" }).body).toMatchObject({ level: 1 });
    const { pins } = client.ask({ op: "pins" }).body;
    expect(pins.find(({ pin }) => pin === "GPIO17")?.names).toContain("lamp");
    expect(open(world.join("other"), "lamp+GPIO27").error).toMatchObject({ code: "PIN_BUSY" });
    expect(open(client, "lmap").error?.message).toContain("did you mean lamp");
  });

  test("goes on meaning its pin when a chip comes that calls another one so", () => {
    const world = new World({ pins: { GPIO17: { alias: "PUMP" } } });
    world.sim.addChip({ path: "/dev/gpiochip7", label: "expander", lines: ["PUMP"] });
    const client = world.join("client");
    expect(open(client, "PUMP").body).toMatchObject({ pin: "GPIO17" });
    expect(open(client, "expander:0").body).toMatchObject({ pin: "expander:0" });
  });
});

describe("the level that is configured for the opening", () => {
  test("is that of who says nothing, and nobody opens the pin with another", () => {
    const world = new World({ pins: { GPIO17: { initial: 1 } } });
    const client = world.join("client");
    expect(open(client, "GPIO17", { initial: 0 }).error).toMatchObject({
      code: "PIN_CONFLICT",
      message: "GPIO17 is configured to be opened with initial 1, not 0",
      details: { field: "initial", pin: "GPIO17", configured: 1 },
    });
    expect(world.sim.uses(gpio17)).toEqual({ requests: 0, releases: 0 });
    open(client, "GPIO17");
    expect(world.sim.level(gpio17)).toBe(1);
    expect(client.ask({ op: "off", pin: "GPIO17" }).outcome).toBe("ok");
    expect(world.sim.level(gpio17)).toBe(0);
  });

  test("is also that of an input that becomes an output, and of a line in a group", () => {
    const world = new World({ pins: { GPIO17: { initial: 1 } } });
    const client = world.join("client");
    client.ask({ op: "open", pin: "GPIO17", direction: "in" });
    expect(client.ask({ op: "configure", pin: "GPIO17", direction: "out", initial: 0 }).outcome).toBe("PIN_CONFLICT");
    client.ask({ op: "configure", pin: "GPIO17", direction: "out" });
    expect(world.sim.level(gpio17)).toBe(1);
    client.ask({ op: "close", pin: "GPIO17", hard: true });
    expect(open(client, "GPIO27+GPIO17", { initial: [1, 0] }).outcome).toBe("PIN_CONFLICT");
    expect(open(client, "GPIO27+GPIO17").outcome).toBe("ok");
    expect([17, 27].map((offset) => world.sim.level({ chip: "sim:0", offset }))).toEqual([1, 0]);
  });
});

/** The error of a world that can't be. */
function mistakeIn(options: WorldOptions): string {
  try {
    new World(options);
  } catch (error) {
    if (error instanceof HoldfastError) return `${error.code} ${error.details["key"]}: ${error.message}`;
  }
  return "none";
}

describe("a mistake stops the start and is named by its key:", () => {
  const wrong: [what: string, options: WorldOptions, told: string][] = [
    [
      "a name that no line of the header has",
      { pins: { GPIO71: {} } },
      'BAD_CONFIG pin.GPIO71: pin.GPIO71: no line is called "GPIO71"; did you mean GPIO1, GPIO7, GPIO11?',
    ],
    [
      "a place on the header that is no line",
      { pins: { BOARD1: {} } },
      "BAD_CONFIG pin.BOARD1: pin.BOARD1: BOARD1 is a 3V3 power pin, not a line",
    ],
    ["an offset that a chip does not have", { pins: { "holdfast-sim:99": {} } }, 'BAD_CONFIG pin."holdfast-sim:99": '],
    [
      "a group",
      { pins: { "GPIO17+GPIO27": { maxOnMs: 5 } } },
      'BAD_CONFIG pin."GPIO17+GPIO27": pin."GPIO17+GPIO27": GPIO17+GPIO27 is a group',
    ],
    [
      "a key that there is not",
      { pins: { GPIO17: { maxOn: 5 } as never } },
      "BAD_CONFIG pin.GPIO17.maxOn: pin.GPIO17.maxOn: there is no such key",
    ],
    ["a limit that is no time", { pins: { "*": { maxOnMs: "5s" as never } } }, 'BAD_CONFIG pin."*".maxOnMs: '],
    ["two names of one line", { pins: { GPIO17: {}, BOARD11: {} } }, "BAD_CONFIG pin.BOARD11: pin.BOARD11: is the line of pin.GPIO17 too"],
    [
      "a name that fits several lines",
      { pins: { VALVE: {} }, chips: [1, 2].map((n) => ({ path: `sim:${n}`, label: `chip${n}`, lines: ["VALVE"] })) },
      'BAD_CONFIG pin.VALVE: pin.VALVE: "VALVE" may be any of chip1:0, chip2:0',
    ],
    [
      "a closing level that outlasts the pin's own limit",
      { pins: { GPIO17: { maxOnMs: 50, closeLevel: "on" } } },
      "BAD_CONFIG pin.GPIO17.closeLevel: pin.GPIO17.closeLevel: on would outlast the 50 ms for which the pin may be active",
    ],
    [
      "a closing level that outlasts the limit of all",
      { limits: { maxOnMs: 30 }, pins: { "*": { closeLevel: "keep" } } },
      'BAD_CONFIG pin."*".closeLevel: pin."*".closeLevel: keep would outlast the 30 ms',
    ],
    [
      "a limit under the closing level of all others",
      { pins: { "*": { closeLevel: "on" }, GPIO17: { maxOnMs: 5 } } },
      "BAD_CONFIG pin.GPIO17.closeLevel: ",
    ],
  ];
  for (const [what, options, told] of wrong) test(what, () => expect(mistakeIn(options)).toStartWith(told));

  const aliasing: [what: string, pins: Record<string, PinConfig>, told: string][] = [
    [
      "given twice",
      { GPIO17: { alias: "holdfast-sim" }, GPIO27: { alias: "holdfast-sim" } },
      "pin.GPIO27.alias: holdfast-sim is the alias of pin.GPIO17 too",
    ],
    ["that of a place on the header", { GPIO17: { alias: "gpio4" } }, "pin.GPIO17.alias: must not look like a place on a header"],
    ["a group's", { GPIO17: { alias: "a+b" } }, "pin.GPIO17.alias: must be letters, digits"],
    ["that of all other pins", { "*": { alias: "lamp" } }, 'pin."*".alias: an alias is one pin\'s'],
    ["that of another table", { GPIO17: { alias: "PUMP" }, PUMP: {} }, "pin.GPIO17.alias: PUMP is what pin.PUMP is called"],
  ];
  for (const [what, pins, told] of aliasing) {
    test(`an alias that is ${what}`, () => expect(mistakeIn({ pins })).toContain(told));
  }

  test("an alias that is a line's own name", () => {
    const chips = [{ path: "sim:0", label: "holdfast-sim", lines: Array.from({ length: 28 }, (_, n) => (n === 4 ? "PUMP" : "")) }];
    expect(mistakeIn({ chips, pins: { GPIO17: { alias: "PUMP" } } })).toContain("pin.GPIO17.alias: PUMP is a name of ");
  });

  test("so no line has been requested, and the backend is closed", async () => {
    const clock = new SimulatedClock();
    let closed = 0;
    class Counting extends SimBackend {
      override close(): void {
        closed++;
      }
    }
    const pins: Record<string, PinConfig> = { GPIO71: {} };
    await expect(createSupervisor({ backend: new Counting({ clock }), clock, pins })).rejects.toMatchObject({ code: "BAD_CONFIG" });
    expect(closed).toBe(1);
  });
});

describe("a chip that is not there yet", () => {
  test("is no mistake: what is said of its lines holds when it comes, and till then the log has a warning", () => {
    const world = new World({ pins: { "expander:1": { maxOnMs: 50 }, PUMP: { closeLevel: "keep" } } });
    expect(world.defects.splice(0)).toEqual([
      expect.stringContaining('the configuration speaks of a pin that is not there now: no line is called "expander:1"'),
      expect.stringContaining('no line is called "PUMP"'),
    ]);
    world.sim.addChip({ path: "/dev/gpiochip7", label: "expander", lines: ["PUMP", "HEATER"] });
    const client = world.join("client");
    for (const pin of ["HEATER", "PUMP"]) open(client, pin);
    expect([settingsOf(world, "HEATER"), settingsOf(world, "PUMP")]).toEqual([
      { maxOnMs: 50, closeLevel: "off" },
      { maxOnMs: null, closeLevel: "keep" },
    ]);
  });

  test("can make a name ambiguous, which then limits all that it may mean", () => {
    const chip = (number: number) => ({ path: `sim:${number}`, label: `chip${number}`, lines: ["HEATER"] });
    const world = new World({ chips: [chip(1)], pins: { HEATER: { maxOnMs: 50 } } });
    world.sim.addChip(chip(2));
    const client = world.join("client");
    for (const pin of ["chip1:0", "chip2:0"]) open(client, pin);
    expect(["chip1:0", "chip2:0"].map((pin) => settingsOf(world, pin).maxOnMs)).toEqual([50, 50]);
  });
});
