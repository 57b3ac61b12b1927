import { describe, expect, test } from "bun:test";
import { type ScriptedClient, World } from "../../src/index-testing.ts";
import { HoldfastError } from "../../src/protocol/errors.ts";
import type { EventOf } from "../../src/protocol/replies.ts";
import type { Level } from "../../src/protocol/requests.ts";

const at = (offset: number) => ({ chip: "sim:0", offset });
const GROUP = "GPIO17+GPIO27+GPIO22";
const offsets = [17, 27, 22];

const wires = (world: World) => offsets.map((offset) => world.sim.level(at(offset)));
const uses = (world: World) => offsets.map((offset) => world.sim.uses(at(offset)));
const ofKind = <E extends "edge" | "state">(client: ScriptedClient, ev: E) =>
  client.events.filter((event): event is EventOf<E> & (typeof client.events)[number] => event.ev === ev);

function opened(world = new World()): { world: World; motor: ScriptedClient } {
  const motor = world.join("motor");
  expect(motor.ask({ op: "open", pin: GROUP, direction: "out" }).body).toEqual({ pin: GROUP, state: "idle" });
  return { world, motor };
}

describe("a group of outputs", () => {
  test("is a pin: opened, commanded and closed by one name, whatever its lines are called in it", async () => {
    const { world, motor } = opened();
    expect(motor.ask({ op: "on", pin: "17+BOARD13+holdfast-sim:22" }).body).toEqual({ state: "on", queued: 0, command: 1 });
    expect(wires(world)).toEqual([1, 1, 1]);
    const closing = motor.ask({ op: "close", pin: GROUP });
    await world.settle();
    expect(closing.outcome).toBe("ok");
    expect(wires(world)).toEqual([0, 0, 0]);
    expect(uses(world)).toEqual(offsets.map(() => ({ requests: 1, releases: 1 })));
  });

  test("is written at once, each line to its own level, in the order of its name", () => {
    const { world, motor } = opened();
    for (const levels of [
      [1, 0, 1],
      [0, 1, 0],
      [1, 1, 1],
      [0, 0, 0],
      [0, 0, 1],
    ] as Level[][]) {
      // biome-ignore format: levels
      expect(motor.ask({ op: "write", pin: GROUP, levels }).outcome).toBe("ok");
      expect(wires(world)).toEqual(levels);
      const common = levels.every((level) => level === levels[0]) ? levels[0] : null;
      expect(motor.ask({ op: "read", pin: GROUP }).body as object).toMatchObject({ level: common, levels });
      expect(world.shown(GROUP) as object).toMatchObject({ level: common, levels, value: common });
    }
    expect(motor.ask({ op: "toggle", pin: GROUP }).body.state).toBe("idle");
    expect(wires(world)).toEqual([0, 0, 0]);
  });

  test("is opened with a level for each line, without a glitch, and may be joined at these", () => {
    const world = new World();
    const [one, other] = [world.join("one"), world.join("other")];
    const open = { op: "open", pin: GROUP, direction: "out", share: true } as const;
    expect(one.ask({ ...open, initial: [0, 1, 1] }).body.state).toBe("on");
    expect(offsets.map((offset) => world.sim.trace(at(offset)).map(({ level }) => level))).toEqual([[], [1], [1]]);
    const refused = other.ask({ ...open, initial: [1, 1, 0] }).error;
    expect(refused?.details).toMatchObject({ field: "initial", open: [0, 1, 1] });
    expect(refused?.message).toBe(`${GROUP} is open already and at level 011, not at 110`);
    expect(other.ask({ ...open, initial: [0, 1, 1] }).outcome).toBe("ok");
  });

  test("plays a pattern of levels, as a stepper motor needs it, and goes off as one", async () => {
    const { world, motor } = opened();
    const steps = [[1, 0, 0], [0, 1, 0], [0, 0, 1]].map((levels) => ({ levels: levels as Level[], ms: 5 })); // biome-ignore format: levels
    motor.ask({ op: "pattern", pin: GROUP, steps, n: 2 });
    const seen: Level[][] = [];
    for (let step = 0; step < 7; step++) {
      await world.pass(2.5);
      seen.push(wires(world));
      await world.pass(2.5);
    }
    expect(seen).toEqual([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]]); // biome-ignore format: levels
  });

  test("blinks in phase: its lines change at the same instants", async () => {
    const { world, motor } = opened();
    motor.ask({ op: "blink", pin: GROUP, onMs: 0.7, offMs: 1.3, n: 50 });
    await world.pass(200);
    const [first, ...others] = offsets.map((offset) => world.sim.trace(at(offset)));
    expect(first).toHaveLength(100);
    for (const other of others) expect(other).toEqual([...(first ?? [])]);
  });

  test("needs a level for each of its lines, no more and no fewer, and a line alone has one", () => {
    const { motor } = opened();
    const lone = motor.ask({ op: "open", pin: "GPIO5", direction: "out" });
    expect(lone.outcome).toBe("ok");
    expect(motor.ask({ op: "write", pin: "GPIO5", levels: [1] }).body.state).toBe("on");
    const refused = motor.ask({ op: "write", pin: GROUP, levels: [1, 0] });
    expect(refused.error?.message).toBe(`${GROUP} has 3 lines, and was given 2 levels`);
    expect(refused.error?.details).toEqual({ field: "levels", pin: GROUP });
    const step = motor.ask({ op: "pattern", pin: GROUP, steps: [{ level: 1, ms: 1 }, { levels: [1, 0, 0, 1], ms: 1 }] }); // biome-ignore format: steps
    expect(step.error).toMatchObject({ message: `${GROUP} has 3 lines, and was given 4 levels`, details: { field: "steps.1.levels" } });
    const one = motor.ask({ op: "write", pin: "GPIO5", levels: [1, 1] });
    expect(one.error?.message).toBe("GPIO5 is one line, and was given 2 levels");
    const initial = motor.ask({ op: "open", pin: "GPIO6+GPIO13", direction: "out", initial: [1] });
    expect(initial.error).toMatchObject({ message: "GPIO6+GPIO13 has 2 lines, and was given 1 level", details: { field: "initial" } });
  });

  test("is active while any of its lines is: that is what maxOnMs limits", async () => {
    const world = new World();
    const motor = world.join("motor");
    motor.ask({ op: "open", pin: GROUP, direction: "out", maxOnMs: 20 });
    const turning = motor.ask({
      op: "pattern",
      pin: GROUP,
      steps: [{ levels: [1, 0, 0], ms: 6 }, { levels: [0, 1, 0], ms: 6 }], // biome-ignore format: steps
      durationMs: 1000,
      ack: "done",
    });
    await world.pass(19);
    expect(wires(world)).not.toEqual([0, 0, 0]);
    await world.pass(2);
    expect(wires(world)).toEqual([0, 0, 0]);
    expect(turning.body).toMatchObject({ outcome: "cancelled", reason: "MAX_ON" });
  });

  test("tells who watches it which line changed, and lines that change together do so at one instant", () => {
    const { world, motor } = opened();
    expect(motor.ask({ op: "watch", pin: GROUP }).body).toMatchObject({ level: 0, levels: [0, 0, 0] });
    world.clock.advanceMs(3);
    motor.ask({ op: "write", pin: GROUP, levels: [1, 0, 1] });
    motor.ask({ op: "write", pin: GROUP, levels: [1, 1, 0] });
    const told = ofKind(motor, "edge").map(({ member, index, level, seq, memberSeq, timestampNs }) => ({ member, index, level, seq, memberSeq, timestampNs })); // biome-ignore format: fields
    expect(told.map(({ timestampNs: _timestampNs, ...rest }) => rest)).toEqual([
      { member: "GPIO17", index: 0, level: 1, seq: 1, memberSeq: 1 },
      { member: "GPIO22", index: 2, level: 1, seq: 2, memberSeq: 1 },
      { member: "GPIO27", index: 1, level: 1, seq: 3, memberSeq: 1 },
      { member: "GPIO22", index: 2, level: 0, seq: 4, memberSeq: 2 },
    ]);
    expect(new Set(told.map(({ timestampNs }) => timestampNs)).size).toBe(1);
  });

  test("that can't be set fails as one, and every line is given back", async () => {
    const { world, motor } = opened();
    world.sim.failNext(at(22), "set", new HoldfastError("LINE_FAILED", "as asked for"));
    motor.ask({ op: "on", pin: GROUP });
    await world.settle();
    expect(wires(world)).toEqual([0, 0, 0]);
    expect(uses(world)).toEqual(offsets.map(() => ({ requests: 1, releases: 1 })));
    expect(world.shown(GROUP)).toBeUndefined();
  });
});

describe("a group of inputs", () => {
  test("tells of the edges of all its lines in one order, each with its line and that line's own count", async () => {
    const world = new World();
    const encoder = world.join("encoder");
    encoder.ask({ op: "open", pin: "GPIO5+GPIO6", direction: "in" });
    world.sim.drive(at(6), 1);
    expect(encoder.ask({ op: "watch", pin: "GPIO5+GPIO6" }).body).toMatchObject({ level: null, levels: [0, 1] });
    expect(encoder.ask({ op: "read", pin: "GPIO5+GPIO6" }).body).toMatchObject({ level: null, levels: [0, 1], state: "watching" });
    world.sim.loseEdges(at(5), 2);
    for (const [offset, level] of [
      [5, 1],
      [6, 0],
      [5, 0],
      [5, 1],
      [6, 1],
    ] as [number, Level][]) {
      // biome-ignore format: edges
      world.sim.drive(at(offset), level);
      world.clock.advanceMs(1);
    }
    const edges = ofKind(encoder, "edge");
    expect(edges.map(({ pin }) => pin)).toEqual(edges.map(() => "GPIO5+GPIO6"));
    expect(edges.map(({ member, level, seq, memberSeq, lost }) => [member, level, seq, memberSeq, lost])).toEqual([
      ["GPIO6", 0, 1, 1, 0],
      ["GPIO5", 1, 4, 3, 2],
      ["GPIO6", 1, 5, 2, 0],
    ]);
    expect(world.shown("GPIO5+GPIO6")).toMatchObject({ state: "watching", level: 1, levels: [1, 1] });
  });

  test("becomes a group of outputs and inputs again, never released", () => {
    const world = new World();
    const client = world.join("client");
    client.ask({ op: "open", pin: GROUP, direction: "in" });
    expect(client.ask({ op: "configure", pin: GROUP, direction: "out", initial: [1, 0, 1] }).outcome).toBe("ok");
    expect(wires(world)).toEqual([1, 0, 1]);
    expect(client.ask({ op: "configure", pin: GROUP, direction: "in" }).outcome).toBe("ok");
    expect(uses(world)).toEqual(offsets.map(() => ({ requests: 1, releases: 0 })));
  });

  test("whose chip goes ends once, and is given back", async () => {
    const world = new World();
    const client = world.join("client");
    client.ask({ op: "open", pin: GROUP, direction: "in" });
    client.ask({ op: "watch", pin: GROUP });
    world.sim.removeChip("sim:0");
    await world.settle();
    expect(client.events.map((event) => (event.ev === "end" ? event.reason : event.ev))).toEqual(["LINE_LOST"]);
    expect(uses(world)).toEqual(offsets.map(() => ({ requests: 1, releases: 1 })));
    expect(world.defects).toHaveLength(1);
  });
});

describe("a line is open once, by itself or in one group", () => {
  test("a line of an open group is busy, and the refusal names the group and its holder", () => {
    const { world } = opened();
    const other = world.join("other", 812);
    const refused = other.ask({ op: "open", pin: "BOARD13", direction: "out", share: true });
    expect(refused.outcome).toBe("PIN_BUSY");
    expect(refused.error?.message).toBe(`GPIO27 is part of ${GROUP}, which is held by "motor"`);
    expect(refused.error?.details).toEqual({
      field: "pin",
      pin: "GPIO27",
      member: "GPIO27",
      group: GROUP,
      holder: "motor",
      client: 1,
      pid: null,
    });
    expect(other.ask({ op: "open", pin: "GPIO27+GPIO5", direction: "in" }).error?.details["group"]).toBe(GROUP);
    expect(other.ask({ op: "open", pin: "GPIO22+GPIO27+GPIO17", direction: "out" }).outcome).toBe("PIN_BUSY");
    const command = other.ask({ op: "on", pin: "GPIO27" });
    expect(command.error).toMatchObject({ code: "PIN_NOT_OPEN", details: { open: GROUP } });
    expect(uses(world)).toEqual(offsets.map(() => ({ requests: 1, releases: 0 })));
  });

  test("the same lines in another order are another group, and the refusal says so", () => {
    const { world } = opened();
    const other = world.join("other");
    const turned = "GPIO22+GPIO27+GPIO17";
    const busy = `${GROUP} has the same lines in another order, and is held by "motor"`;
    expect(other.ask({ op: "open", pin: turned, direction: "out" }).error?.message).toBe(busy);
    for (const [pin, message] of [
      [turned, `${turned} is not open: ${GROUP} is, which has the same lines in another order`],
      ["GPIO17+GPIO27", `GPIO17+GPIO27 is not open: GPIO17 is, as part of ${GROUP}`],
      ["GPIO17", `GPIO17 is not open by itself: it is part of ${GROUP}, which is`],
    ] as const) {
      // biome-ignore format: a table
      expect(other.ask({ op: "off", pin }).error).toMatchObject({ code: "PIN_NOT_OPEN", message, details: { pin, open: GROUP } });
    }
    other.ask({ op: "open", pin: "GPIO5", direction: "in" });
    expect(other.ask({ op: "off", pin: "GPIO4+GPIO5" }).error?.message).toBe("GPIO4+GPIO5 is not open: GPIO5 is, by itself");
  });

  test("a group with a line that is open is busy, and the refusal names that line and its holder", () => {
    const world = new World();
    const [one, other] = [world.join("one"), world.join("other")];
    one.ask({ op: "open", pin: "GPIO22", direction: "in", onDisconnect: "stay" });
    const refused = other.ask({ op: "open", pin: GROUP, direction: "in" });
    expect(refused.error?.message).toBe('GPIO22 is held by "one"');
    expect(refused.error?.details).toMatchObject({ field: "pin", pin: GROUP, member: "GPIO22", group: null, holder: "one" });
    one.leave();
    expect(other.ask({ op: "open", pin: GROUP, direction: "in" }).error?.message).toBe("GPIO22 is open and held by nobody");
    expect(other.ask({ op: "read", pin: GROUP }).outcome).toBe("PIN_BUSY");
    expect(uses(world).map(({ requests }) => requests)).toEqual([0, 0, 1]);
  });

  test("a line that another program has keeps the group from being opened, and leaves no line behind", () => {
    const world = new World();
    world.sim.occupy(at(27), "spi0");
    const refused = world.join("motor").ask({ op: "open", pin: GROUP, direction: "out" });
    expect(refused.error?.details).toMatchObject({ field: "pin", pin: GROUP, consumer: "spi0", offset: 27 });
    expect(uses(world)).toEqual(offsets.map(() => ({ requests: 0, releases: 0 })));
  });

  test("who waits for a line gets it when the group that has it has closed", async () => {
    const { world, motor } = opened();
    motor.ask({ op: "on", pin: GROUP, durationMs: 30 });
    motor.ask({ op: "close", pin: GROUP });
    const other = world.join("other");
    expect(other.ask({ op: "open", pin: "GPIO27", direction: "out" }).error?.details).toMatchObject({ pin: GROUP, remainingMs: 30 });
    const waiting = other.ask({ op: "open", pin: "GPIO27", direction: "out", waitMs: 100 });
    await world.pass(40);
    expect(waiting.body).toEqual({ pin: "GPIO27", state: "idle" });
  });

  test("who would wait for one line of a group while another is held hears at once that it is busy", async () => {
    const world = new World();
    const [holder, waiting] = [world.join("holder"), world.join("waiting")];
    for (const pin of ["GPIO17", "GPIO27", "GPIO22"]) {
      holder.ask({ op: "open", pin, direction: "out" });
      holder.ask({ op: "on", pin, durationMs: 50 });
    }
    holder.ask({ op: "close", pin: "GPIO17" });
    const open = { op: "open", pin: GROUP, direction: "out" } as const;
    for (const waitMs of [undefined, 1000]) {
      expect(waiting.ask({ ...open, waitMs }).error).toMatchObject({ code: "PIN_BUSY", details: { member: "GPIO27", holder: "holder" } });
    }
    for (const pin of ["GPIO27", "GPIO22"]) holder.ask({ op: "close", pin });
    expect(waiting.ask(open).outcome).toBe("PIN_CLOSING");
    const later = waiting.ask({ ...open, waitMs: 1000 });
    await world.pass(50);
    expect(later.outcome).toBe("ok");
  });
});

describe("a line of a group, asked for by itself,", () => {
  test("is read and observed as what the group makes of it", async () => {
    const { world, motor } = opened();
    const observer = world.join("observer");
    observer.ask({ op: "observe", pin: "GPIO27" });
    motor.ask({ op: "write", pin: GROUP, levels: [0, 1, 0] });
    expect(observer.ask({ op: "read", pin: "27" }).body).toMatchObject({ pin: "GPIO27", level: 1, state: "on" });
    expect(observer.ask({ op: "read", pin: "GPIO17" }).body).toMatchObject({ level: 0, state: "on" });
    await world.settle();
    motor.leave();
    await world.settle();
    expect(ofKind(observer, "state").map(({ pin, state, level }) => [pin, state, level])).toEqual([
      ["GPIO27", "on", 1],
      ["GPIO27", "closed", null],
    ]);
  });

  test("is listed with its group", () => {
    const { world, motor } = opened();
    motor.ask({ op: "write", pin: GROUP, levels: [0, 1, 0] });
    const { pins } = motor.ask({ op: "pins" }).body;
    expect(pins.filter(({ group }) => group === GROUP).map(({ pin, level, state }) => [pin, level, state])).toEqual([
      ["GPIO17", 0, "on"],
      ["GPIO22", 0, "on"],
      ["GPIO27", 1, "on"],
    ]);
    expect(world.supervisor.status().pins).toHaveLength(1);
    expect(world.shown(GROUP)).toMatchObject({
      members: ["GPIO17", "GPIO27", "GPIO22"],
      line: "holdfast-sim:17+holdfast-sim:27+holdfast-sim:22",
    });
  });
});

describe("what can't be a group is refused by the field that names it", () => {
  const chips = [
    { path: "sim:0", label: "holdfast-sim", lines: Array.from({ length: 70 }, (_, offset) => `L${offset}`) },
    { path: "sim:1", label: "other", lines: ["A", "B", "A+B", "V+"] },
  ];
  const refusals: [why: string, pin: string, code: string, message: string][] = [
    ["a line twice, under whatever names", "L3+L4+holdfast-sim:3", "BAD_FIELD", "GPIO3 is in the group twice"],
    ["lines of two chips", "L3+A", "BAD_FIELD", "a group is of one chip: GPIO3 is holdfast-sim:3, and A is other:0"],
    ["more lines than the kernel takes", Array.from({ length: 65 }, (_, i) => `L${i}`).join("+"), "BAD_FIELD", "a group has 64 lines at most, not 65"],
    ["nothing on one side", "L3+", "BAD_FIELD", '"L3+" has nothing on one side of a +'],
    ["a line that there is not", "L3+nowhere", "PIN_UNKNOWN", 'no line is called "nowhere"'],
  ]; // biome-ignore format: one refusal a line
  for (const [why, pin, code, message] of refusals) {
    test(why, () => {
      const client = new World({ chips }).join("client");
      for (const asked of [
        { op: "open", pin, direction: "in" },
        { op: "read", pin },
        { op: "observe", pin },
        { op: "on", pin },
      ] as const) {
        // biome-ignore format: requests
        const { error } = client.ask(asked);
        expect([error?.code as string, error?.message as string, error?.details.field]).toEqual([code, message, "pin"]);
      }
    });
  }

  test("64 lines can be one, and are all written", () => {
    const world = new World({ chips });
    const client = world.join("client");
    const pin = Array.from({ length: 64 }, (_, index) => `L${index}`).join("+");
    const { pin: name } = client.ask({ op: "open", pin, direction: "out" }).body;
    const levels = Array.from({ length: 64 }, (_, index): Level => (index % 3 === 0 ? 1 : 0));
    expect(client.ask({ op: "write", pin: name, levels }).outcome).toBe("ok");
    expect(levels.map((_, offset) => world.sim.level(at(offset)))).toEqual(levels);
    expect(client.ask({ op: "read", pin: name }).body.levels).toEqual(levels);
  });

  test("a line's own name may have a + in it: the longest name counts, and a group's name always leads back to it", () => {
    const client = new World({ chips }).join("client");
    expect(client.ask({ op: "open", pin: "A+B", direction: "in" }).body.pin).toBe("A+B");
    expect(client.ask({ op: "open", pin: "A+V+", direction: "in" }).body.pin).toBe("A+V+");
    expect(client.ask({ op: "close", pin: "A+V+" }).outcome).toBe("pending");
    const { pin } = client.ask({ op: "open", pin: "other:1+V+", direction: "in", waitMs: 10 }).error?.details ?? { pin: "B+V+" };
    expect(pin).toBe("B+V+");
    const odd = new World({ chips }).join("client");
    const { pin: name } = odd.ask({ op: "open", pin: "other:0+other:1", direction: "in" }).body;
    expect(name).toBe("sim:1:0+sim:1:1");
    expect(odd.ask({ op: "watch", pin: name }).outcome).toBe("ok");
  });

  test("the outside of a simulated line is that of one", () => {
    const { motor } = opened();
    const refused = motor.ask({ op: "sim.set", pin: GROUP, level: 1 });
    expect([refused.outcome, refused.error?.details.field]).toEqual(["BAD_FIELD", "pin"]);
  });
});

describe("what is configured of a line holds for its group", () => {
  test("the shortest limit, and the closing level", () => {
    const { world } = opened(new World({ pins: { GPIO17: { maxOnMs: 500 }, GPIO22: { maxOnMs: 300 } } }));
    expect(world.shown(GROUP)?.settings).toMatchObject({ maxOnMs: 300, closeLevel: "off" });
  });

  test("lines that are to close to different levels can't be one", () => {
    const client = new World({ pins: { GPIO27: { closeLevel: "on" } } }).join("client");
    const refused = client.ask({ op: "open", pin: GROUP, direction: "out" });
    expect(refused.error?.message).toContain("GPIO17 has no closeLevel, so it closes off, and GPIO27 closes with closeLevel on");
    expect(refused.error?.details).toMatchObject({ field: "pin", configured: ["off", "on", "off"] });
    expect(client.ask({ op: "read", pin: GROUP }).body).toMatchObject({ pin: GROUP, levels: [0, 0, 0] });
  });
});

test("a group is closed when all of its lines have been given back, however long that takes", async () => {
  const { world, motor } = opened();
  for (const [index, offset] of offsets.entries()) world.sim.delayRelease(at(offset), (index + 1) * 10_000);
  const closing = motor.ask({ op: "close", pin: GROUP });
  await world.pass(25);
  expect(closing.outcome).toBe("pending");
  expect(motor.ask({ op: "open", pin: "GPIO17", direction: "out" }).outcome).toBe("PIN_CLOSING");
  await world.pass(10);
  expect(closing.outcome).toBe("ok");
});

test("a client that is silent loses its group, and hears of it by that name", async () => {
  const world = new World();
  const client = world.join("client");
  client.ask({ op: "open", pin: GROUP, direction: "out", heartbeatMs: 10 });
  client.ask({ op: "write", pin: GROUP, levels: [1, 0, 0] });
  await world.pass(50);
  expect(wires(world)).toEqual([0, 0, 0]);
  expect(client.ask({ op: "on", pin: "17+27+22" }).outcome).toBe("HOLD_LOST");
});
