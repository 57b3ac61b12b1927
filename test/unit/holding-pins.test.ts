import { describe, expect, test } from "bun:test";
import { World } from "../../src/index-testing.ts";
import { HoldfastError } from "../../src/protocol/errors.ts";

const gpio17 = { chip: "sim:0", offset: 17 };

describe("an output", () => {
  test("has one holder, and the refusal of a second one says who that is", () => {
    const world = new World();
    const [conveyor, other] = [world.join("conveyor"), world.join("other")];
    expect(conveyor.ask({ op: "open", pin: "GPIO17", direction: "out" }).body).toEqual({ pin: "GPIO17", state: "idle" });
    world.clock.advanceMs(62_000);
    const refusal = other.ask({ op: "open", pin: "BOARD11", direction: "out", share: true }).error;
    expect(refusal?.code).toBe("PIN_BUSY");
    expect(refusal?.message).toBe(`GPIO17 is held by "conveyor" for 62 s`);
    expect(refusal?.details).toEqual({ field: "pin", pin: "GPIO17", holder: "conveyor", client: 1, pid: null, heldMs: 62_000 });
  });

  test("is shared when all its holders say so, and each may command it", () => {
    const world = new World();
    const [left, right] = [world.join("left"), world.join("right")];
    left.ask({ op: "open", pin: "GPIO17", direction: "out", share: true });
    expect(right.ask({ op: "open", pin: "17", direction: "out" }).outcome).toBe("PIN_BUSY");
    expect(right.ask({ op: "open", pin: "17", direction: "out", share: true }).outcome).toBe("ok");
    expect(right.ask({ op: "on", pin: "holdfast-sim:17" }).body).toEqual({ state: "on", queued: 0, command: 1 });
    expect(world.sim.level(gpio17)).toBe(1);
    expect(world.sim.uses(gpio17)).toEqual({ requests: 1, releases: 0 });
  });

  test("keeps the settings of the one who requested its line: who opens it later may only agree", () => {
    const world = new World();
    const [first, second] = [world.join("first"), world.join("second")];
    first.ask({ op: "open", pin: "GPIO17", direction: "out", share: true, mode: "nowait", bias: "pull-up" });
    const refusal = second.ask({ op: "open", pin: "GPIO17", direction: "out", share: true, bias: "disabled" }).error;
    expect([refusal?.code, refusal?.details.field]).toEqual(["PIN_CONFLICT", "bias"]);
    expect(second.ask({ op: "open", pin: "GPIO17", direction: "out", share: true, mode: "wait" }).error?.details.field).toBe("mode");
    expect(second.ask({ op: "open", pin: "GPIO17", direction: "out", share: true, bias: "pull-up" }).outcome).toBe("ok");
  });

  test("is joined at the level that it has by now, whatever it was opened with", () => {
    const world = new World();
    const [first, second] = [world.join("first"), world.join("second")];
    first.ask({ op: "open", pin: "GPIO17", direction: "out", share: true, initial: 1 });
    first.ask({ op: "off", pin: "GPIO17" });
    const join = (initial: 0 | 1) => second.ask({ op: "open", pin: "GPIO17", direction: "out", share: true, initial });
    const refusal = join(1).error;
    expect([refusal?.code, refusal?.message]).toEqual(["PIN_CONFLICT", "GPIO17 is open already and at level 0, not at 1"]);
    expect(refusal?.details).toEqual({ field: "initial", pin: "GPIO17", open: 0, holder: "first" });
    expect(join(0).outcome).toBe("ok");
    second.ask({ op: "close", pin: "GPIO17" });
    first.ask({ op: "blink", pin: "GPIO17", onMs: 10, offMs: 10 });
    expect(join(0).error?.details).toEqual({ field: "initial", pin: "GPIO17", open: null, holder: "first" });
  });

  test("opens without a glitch: the line only ever sees its initial level", () => {
    const world = new World();
    world.join("heater").ask({ op: "open", pin: "GPIO17", direction: "out", initial: 1, activeLow: true, bias: "pull-up" });
    // Active-low, so the active level is low: the one that the wire has already.
    expect(world.sim.trace(gpio17)).toEqual([]);
    world.join("lamp").ask({ op: "open", pin: "GPIO27", direction: "out", initial: 1 });
    expect(world.sim.trace({ chip: "sim:0", offset: 27 }).map(({ level }) => level)).toEqual([1]);
  });

  test("is commanded by its holders only", async () => {
    const world = new World();
    const [holder, other] = [world.join("holder"), world.join("other")];
    expect(other.ask({ op: "on", pin: "GPIO17" }).outcome).toBe("PIN_NOT_OPEN");
    holder.ask({ op: "open", pin: "GPIO17", direction: "out" });
    for (const op of ["on", "off", "toggle", "cancel", "watch"] as const) expect(other.ask({ op, pin: "GPIO17" }).outcome).toBe("PIN_BUSY");
    const refused = other.ask({ op: "close", pin: "GPIO17" });
    await world.settle();
    expect(refused.outcome).toBe("PIN_BUSY");
    expect(world.sim.trace(gpio17)).toEqual([]);
  });

  test("takes a value, and plays it with that duty", () => {
    const world = new World();
    const client = world.join("dimmer");
    client.ask({ op: "open", pin: "GPIO17", direction: "out" });
    client.ask({ op: "value", pin: "GPIO17", value: 0.3 });
    expect(client.ask({ op: "read", pin: "GPIO17" }).body).toMatchObject({ value: 0.3, state: "on" });
    world.clock.advanceMs(1000);
    const changes = world.sim.trace(gpio17).map(({ level, timestampNs }) => ({ level, atMs: Number(timestampNs) / 1e6 - 1000 }));
    expect(changes.slice(0, 4)).toEqual([
      { level: 1, atMs: 0 },
      { level: 0, atMs: 1.5 },
      { level: 1, atMs: 5 },
      { level: 0, atMs: 6.5 },
    ]);
  });

  test("plays values at the frequency that it is opened with, and the next one at the one it is set to", () => {
    const world = new World();
    const client = world.join("heater");
    client.ask({ op: "open", pin: "GPIO17", direction: "out", frequencyHz: 50 });
    const risesMs = () =>
      world.sim
        .trace(gpio17)
        .filter(({ level }) => level === 1)
        .map(({ timestampNs }) => Number(timestampNs) / 1e6 - 1000);
    client.ask({ op: "value", pin: "GPIO17", value: 0.5 });
    world.clock.advanceMs(50);
    expect(risesMs()).toEqual([0, 20, 40]);

    expect(client.ask({ op: "configure", pin: "GPIO17", frequencyHz: 100 }).outcome).toBe("ok");
    expect(world.shown("GPIO17")).toMatchObject({ value: 0.5, settings: { frequencyHz: 100 } });
    world.clock.advanceMs(25);
    expect(risesMs()).toEqual([0, 20, 40, 60]);
    client.ask({ op: "value", pin: "GPIO17", value: 0.25 });
    world.clock.advanceMs(25);
    expect(risesMs()).toEqual([0, 20, 40, 60, 75, 85, 95]);
  });
});

describe("an unowned pin", () => {
  test("stays as it is when its holder has gone, and the next one adopts it without a new request", async () => {
    const world = new World();
    const shell = world.join("shell");
    shell.ask({ op: "open", pin: "GPIO17", direction: "out", onDisconnect: "stay" });
    shell.ask({ op: "blink", pin: "GPIO17", onMs: 10, offMs: 10 });
    shell.leave();
    await world.pass(1000);
    expect(world.shown("GPIO17")).toMatchObject({ state: "blinking", unowned: true, holders: [], command: 1 });

    const heir = world.join("heir");
    expect(heir.ask({ op: "on", pin: "GPIO17" }).outcome).toBe("PIN_NOT_OPEN");
    expect(heir.ask({ op: "open", pin: "GPIO17", direction: "out" }).body.state).toBe("blinking");
    expect(heir.ask({ op: "off", pin: "GPIO17" }).body.command).toBe(2);
    expect(world.shown("GPIO17")).toMatchObject({ state: "idle", unowned: false });
    expect(world.sim.uses(gpio17)).toEqual({ requests: 1, releases: 0 });
  });

  test("may be closed by anyone", () => {
    const world = new World();
    const shell = world.join("shell");
    shell.ask({ op: "open", pin: "GPIO17", direction: "out", onDisconnect: "stay" });
    shell.leave();
    world.join("other").ask({ op: "close", pin: "GPIO17" });
    expect(world.shown("GPIO17")).toBeUndefined();
    expect(world.sim.uses(gpio17)).toEqual({ requests: 1, releases: 1 });
  });
});

describe("an input", () => {
  test("is held and watched by any number of clients", async () => {
    const world = new World();
    const clients = ["a", "b", "c"].map((name) => world.join(name));
    for (const client of clients) {
      expect(client.ask({ op: "open", pin: "GPIO17", direction: "in", bias: "pull-up" }).body.state).toBe("watching");
      expect(client.ask({ op: "watch", pin: "GPIO17", edge: "falling" }).body.level).toBe(1);
    }
    world.sim.drive(gpio17, 0);
    await world.pass(1);
    world.sim.drive(gpio17, null);
    for (const client of clients) {
      expect(client.events).toEqual([{ sub: 1, ev: "edge", pin: "GPIO17", level: 0, timestampNs: 1_000_000_000n, seq: 1, lost: 0 }]);
    }
    expect(clients[0]?.ask({ op: "on", pin: "GPIO17" }).outcome).toBe("PIN_DIRECTION");
  });

  test("sees what an output drives that is wired to it", async () => {
    const world = new World();
    world.sim.wire(gpio17, { chip: "sim:0", offset: 27 });
    const client = world.join("loop");
    client.ask({ op: "open", pin: "GPIO17", direction: "out" });
    client.ask({ op: "open", pin: "GPIO27", direction: "in" });
    client.ask({ op: "watch", pin: "GPIO27" });
    client.ask({ op: "blink", pin: "GPIO17", onMs: 20, offMs: 30, n: 2 });
    await world.pass(200);
    const atMs = client.events.map((event) => (event.ev === "edge" ? [event.level, Number(event.timestampNs) / 1e6 - 1000] : event));
    expect(atMs).toEqual([
      [1, 0],
      [0, 20],
      [1, 50],
      [0, 70],
    ]);
  });
});

test("a line that is refused is named, by its pin and by the field that asks for it", () => {
  const world = new World();
  const client = world.join("late");
  const pin = { field: "pin", pin: "GPIO17", chip: "sim:0", offset: 17 };
  world.sim.occupy(gpio17, "gpioset");
  for (const asked of [{ op: "open", direction: "out" }, { op: "open", direction: "in" }, { op: "read" }] as const) {
    const { error } = client.ask({ ...asked, pin: "BOARD11" });
    expect([error?.code, error?.details]).toEqual(["LINE_BUSY", { ...pin, consumer: "gpioset" }]);
  }
  world.sim.vacate(gpio17);
  client.ask({ op: "open", pin: "GPIO17", direction: "in" });
  for (const asked of [{ op: "configure", bias: "pull-up" }, { op: "read" }, { op: "watch" }] as const) {
    world.sim.failNext(gpio17, asked.op === "configure" ? "reconfigure" : "get", new HoldfastError("LINE_FAILED", "no", gpio17));
    const { error } = client.ask({ ...asked, pin: "17" });
    expect([error?.code, error?.message, error?.details]).toEqual(["LINE_FAILED", "no", pin]);
  }
});

test("who opens a pin hears whether it was open already", async () => {
  const world = new World();
  const [one, other] = [world.join("one"), world.join("other")];
  const open = { op: "open", pin: "GPIO17", direction: "out", share: true, onDisconnect: "stay" } as const;
  expect(one.ask(open).body).toEqual({ pin: "GPIO17", state: "idle" });
  expect(other.ask(open).body).toEqual({ pin: "GPIO17", state: "idle", wasOpen: true });
  one.leave();
  other.leave();
  const third = world.join("third");
  expect(third.ask(open).body.wasOpen).toBe(true);
  third.ask({ op: "close", pin: "GPIO17" });
  await world.settle();
  expect(third.ask(open).body.wasOpen).toBeUndefined();
});

test("a pin that is closed can be read: its line is asked for as it is, and given back", () => {
  const world = new World();
  world.sim.drive(gpio17, 1);
  const client = world.join("curious");
  const read = { pin: "GPIO17", level: 1, value: null, state: "closed", timestampNs: 1_000_000_000n } as const;
  expect(client.ask({ op: "read", pin: "BOARD11" }).body).toEqual(read);
  expect(world.sim.uses(gpio17)).toEqual({ requests: 1, releases: 1 });
  world.sim.occupy(gpio17, "another program");
  expect(client.ask({ op: "read", pin: "GPIO17" }).error?.message).toContain("another program");
});
