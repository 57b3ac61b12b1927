import { describe, expect, test } from "bun:test";
import { type Asked, type ScriptedClient, World } from "../../src/index-testing.ts";
import { type AccessTable, accessBy } from "../../src/protocol/access.ts";
import { HoldfastError } from "../../src/protocol/errors.ts";
import { refusal } from "../refusal.ts";

/** A world with one client that may do what a table says, and one that may do everything. */
function stage(table: AccessTable): { readonly world: World; readonly panel: ScriptedClient; readonly owner: ScriptedClient } {
  const world = new World({ access: { panel: table } });
  const panel = world.welcome("panel", { uid: 1000, access: () => accessBy([["panel", table]]) });
  return { world, panel, owner: world.join("owner") };
}

function outcomes(client: ScriptedClient, ...asked: readonly Asked[]): string[] {
  return asked.map((each) => client.ask(each).outcome);
}

test("a right is to the line, whichever of its names the table or the client uses", () => {
  const { panel } = stage({ command: ["BOARD11"] });
  expect(outcomes(panel, { op: "open", pin: "17", direction: "out" }, { op: "on", pin: "GPIO17" }, { op: "off", pin: "gpio17" })).toEqual([
    "ok",
    "ok",
    "ok",
  ]);
});

test("a refusal names the right, the pin and the table, and is logged with who was refused", () => {
  const { world, panel } = stage({ command: ["GPIO17"] });
  const { error } = panel.ask({ op: "open", pin: "BOARD13", direction: "out" });
  expect(error).toMatchObject({
    code: "FORBIDDEN",
    message: "access.panel gives no right to command GPIO27",
    details: { field: "pin", pin: "GPIO27", right: "command", rules: ["panel"] },
  });
  expect(world.defects).toHaveLength(1);
  expect(world.defects[0]).toMatch(/^refused: .*name: 'panel'.*uid: 1000.*rules: \[ 'panel' \].*right to command GPIO27/s);
});

test("a client that is refused again and again does not fill the log, and what was not told is counted", async () => {
  const { world, panel } = stage({});
  for (let time = 0; time < 1000; time++) panel.ask({ op: "on", pin: "GPIO17" });
  expect(world.defects).toHaveLength(10);
  await world.pass(10_000);
  panel.ask({ op: "on", pin: "GPIO27" });
  expect(world.defects).toHaveLength(11);
  expect(world.defects[10]).toMatch(/pin: 'GPIO27'.*untold: 990/s);
});

test("nor do clients that come back for it, nor a crowd of them, and others are told of all the same", () => {
  const { world, owner } = stage({});
  const refuse = (address: string) => {
    const client = world.welcome("stranger", { transport: "tcp", address, access: () => accessBy([["none", {}]]) });
    client.ask({ op: "on", pin: "GPIO17" });
    client.leave();
  };
  for (let time = 0; time < 50; time++) refuse("192.0.2.1");
  expect(world.defects).toHaveLength(10);
  refuse("192.0.2.2");
  expect(world.defects[10]).toMatch(/address: '192.0.2.2'.*untold: 40/s);
  for (let other = 0; other < 200; other++) refuse(`192.0.3.${other}`);
  expect(world.defects).toHaveLength(100);
  expect(owner.ask({ op: "ping" }).outcome).toBe("ok");
});

test("outputs are for who may command, inputs for who may watch, and both may see", () => {
  const { panel } = stage({ watch: ["GPIO4"], command: ["GPIO17"] });
  expect(
    outcomes(
      panel,
      { op: "open", pin: "GPIO4", direction: "out" },
      { op: "open", pin: "GPIO17", direction: "in" },
      { op: "open", pin: "GPIO4", direction: "in" },
      { op: "open", pin: "GPIO17", direction: "out" },
      { op: "configure", pin: "GPIO4", bias: "pull-up" },
      { op: "configure", pin: "GPIO4", direction: "out" },
      { op: "configure", pin: "GPIO17", direction: "in" },
      { op: "watch", pin: "GPIO4" },
      { op: "watch", pin: "GPIO17" },
      { op: "read", pin: "GPIO4" },
      { op: "read", pin: "GPIO17" },
      { op: "observe", pin: "GPIO22" },
    ),
  ).toEqual(["FORBIDDEN", "FORBIDDEN", "ok", "ok", "ok", "FORBIDDEN", "FORBIDDEN", "ok", "FORBIDDEN", "ok", "ok", "FORBIDDEN"]);
});

test("one who may only watch can't end what nobody holds", () => {
  const { world, panel, owner } = stage({ watch: "*" });
  owner.ask({ op: "open", pin: "GPIO17", direction: "out", onDisconnect: "stay" });
  owner.ask({ op: "on", pin: "GPIO17" });
  owner.leave();
  expect(outcomes(panel, { op: "close", pin: "GPIO17", hard: true }, { op: "cancel", pin: "GPIO17" })).toEqual(["FORBIDDEN", "FORBIDDEN"]);
  expect(world.shown("GPIO17")?.state).toBe("on");
});

test("a misspelt name is no way to learn those of pins that one may not see", () => {
  const world = new World({ pins: { GPIO27: { alias: "vault" } } });
  const nearest = (table: AccessTable) => {
    const client = world.welcome("panel", { access: () => accessBy([["panel", table]]) });
    const { code, message, details } = client.ask({ op: "read", pin: "vaul" }).error as HoldfastError;
    expect(code).toBe("PIN_UNKNOWN");
    expect(message.includes("vault")).toBe((details["nearest"] as string[]).length > 0);
    return details["nearest"];
  };
  expect(nearest({ read: ["GPIO17"] })).toEqual([]);
  expect(nearest({ watch: "*" })).toEqual(["vault"]);
});

test("a group needs the right to each of its lines", () => {
  const { panel } = stage({ command: ["GPIO17", "GPIO27"] });
  const open = (pin: string) => panel.ask({ op: "open", pin, direction: "out" });
  expect(open("GPIO17+GPIO22").error?.details).toMatchObject({ pin: "GPIO22" });
  expect(open("GPIO17+GPIO27").outcome).toBe("ok");
});

test("frames need the right to their pool, and the end of the supervisor that of an admin", () => {
  const { panel } = stage({ frames: ["cam0"] });
  expect(
    outcomes(
      panel,
      { op: "pool.create", pool: "cam1", slots: 4, bytes: 64 },
      { op: "slot.acquire", pool: "cam1" },
      { op: "frames.subscribe", pool: "cam1" },
      { op: "pool.open", pool: "cam0" },
      { op: "shutdown" },
      { op: "sim.set", pin: "GPIO4", level: 1 },
      { op: "ping" },
    ),
  ).toEqual(["FORBIDDEN", "FORBIDDEN", "FORBIDDEN", "POOL_UNKNOWN", "FORBIDDEN", "FORBIDDEN", "ok"]);
});

test("`pins`, `status` and `pools` show what a client may see, and no more", async () => {
  const { world, panel, owner } = stage({ read: ["GPIO17"], watch: ["GPIO4"], frames: ["cam0"] });
  for (const pin of ["GPIO17", "GPIO27"]) owner.ask({ op: "open", pin, direction: "out" });
  world.join("another").ask({ op: "open", pin: "GPIO22", direction: "in" });
  for (const pool of ["cam0", "cam1"]) owner.ask({ op: "pool.create", pool, slots: 4, bytes: 64 });
  await world.settle();
  expect(panel.ask({ op: "pins" }).body.pins.map(({ pin }) => pin)).toEqual(["GPIO4", "GPIO17"]);
  expect(panel.ask({ op: "pools" }).body.pools.map(({ pool }) => pool)).toEqual(["cam0"]);
  const { pins, pools, clients } = panel.ask({ op: "status" }).body;
  expect(pins.map(({ pin }) => pin)).toEqual(["GPIO17"]);
  expect(pools.map(({ pool }) => pool)).toEqual(["cam0"]);
  expect(clients.map(({ name, pins }) => [name, pins])).toEqual([
    ["panel", []],
    ["owner", ["GPIO17"]],
  ]);
  expect(owner.ask({ op: "status" }).body.clients).toHaveLength(3);
});

describe("when chips come and go", () => {
  const chip = { path: "/dev/gpiochip3", label: "ft232", lines: ["VALVE", "HEATER"] };
  const table: AccessTable = { command: ["VALVE"] };
  const access = () => accessBy([["panel", table]]);

  test("who has a pin open goes on to command it, and nobody new gets a name that fits two lines", () => {
    const world = new World({ chips: [chip], access: { panel: table } });
    const panel = world.welcome("panel", { access });
    panel.ask({ op: "open", pin: "ft232:0", direction: "out" });
    world.sim.addChip({ path: "/dev/gpiochip4", label: "other", lines: ["VALVE"] });
    expect(outcomes(panel, { op: "on", pin: "ft232:0" }, { op: "open", pin: "other:0", direction: "out" })).toEqual(["ok", "FORBIDDEN"]);
  });

  test("who has waited for a pin is refused when the name of its right has come to mean another line, too", async () => {
    const world = new World({ chips: [chip], access: { panel: table } });
    const [owner, panel] = [world.join("owner"), world.welcome("panel", { access })];
    owner.ask({ op: "open", pin: "VALVE", direction: "out" });
    owner.ask({ op: "on", pin: "VALVE", durationMs: 50 });
    owner.ask({ op: "close", pin: "VALVE" });
    const waiting = panel.ask({ op: "open", pin: "ft232:0", direction: "out", waitMs: 1000 });
    expect(waiting.outcome).toBe("pending");
    world.sim.addChip({ path: "/dev/gpiochip4", label: "other", lines: ["VALVE"] });
    await world.pass(100);
    expect(waiting.outcome).toBe("FORBIDDEN");
  });
});

test("a client on the network gets no frames, whatever its rights: they are in this machine's memory", async () => {
  const world = new World();
  const far = world.welcome("far", { address: "192.0.2.7" });
  expect(far.ask({ op: "pool.create", pool: "cam0", slots: 4, bytes: 64 }).outcome).toBe("pending");
  await world.settle();
  expect(
    outcomes(
      far,
      { op: "pool.open", pool: "cam0" },
      { op: "slot.acquire", pool: "cam0" },
      { op: "frames.subscribe", pool: "cam0" },
      { op: "pools" },
    ),
  ).toEqual(["NOT_LOCAL", "NOT_LOCAL", "NOT_LOCAL", "ok"]);
});

describe("a table that names what is no line of this machine stops the start", () => {
  const mistakes: [table: AccessTable, key: string, says: string][] = [
    [{ read: ["GPIO71"] }, "access.panel.read", 'no line is called "GPIO71"'],
    [{ watch: ["GPIO4", "BOARD1"] }, "access.panel.watch", "BOARD1 is a"],
    [{ command: ["GPIO17+GPIO27"] }, "access.panel.command", "GPIO17+GPIO27 is a group: say it of each of its lines"],
  ];
  for (const [table, key, says] of mistakes) {
    test(JSON.stringify(table), () => {
      const { code, message, details } = refusal(() => new World({ access: { panel: table } }));
      expect({ code, details }).toEqual({ code: "BAD_CONFIG", details: { key } });
      expect(message).toStartWith(`${key}: ${says}`);
    });
  }

  test("but not one that a chip may bring later, of which the log is told", () => {
    expect(new World({ access: { panel: { read: ["usb-expander:3", "*"] } } }).defects[0]).toStartWith("the configuration speaks of a pin");
  });
});

describe("when the rules change", () => {
  /** A client whose rights are what the table says at the moment; null: it would not be let in any more. */
  function stage(before: AccessTable) {
    const world = new World();
    const rule: { table: AccessTable | null } = { table: before };
    const access = () => {
      if (rule.table === null) throw new HoldfastError("FORBIDDEN", "nobody knows it");
      return accessBy([["panel", rule.table]]);
    };
    const panel = world.welcome("panel", { access });
    const change = (table: AccessTable | null) => {
      rule.table = table;
      world.supervisor.review();
    };
    return { world, panel, change };
  }

  test("a client that loses a right to topics is told nothing more of them", async () => {
    const { world, panel, change } = stage({ subscribe: ["door/#", "alarm"] });
    panel.ask({ op: "topic.subscribe", topic: "door/front" });
    change({ subscribe: ["door/+", "alarm"] });
    await world.settle();
    expect(world.join("door").ask({ op: "topic.publish", topic: "door/front" }).body.subscribers).toBe(0);
    expect(panel.events).toEqual([]);
    world.defects.splice(0);
  });

  test("a client has what it gains at once, and keeps its pins", () => {
    const { world, panel, change } = stage({ command: ["GPIO17"] });
    panel.ask({ op: "open", pin: "GPIO17", direction: "out" });
    change({ command: ["GPIO17", "GPIO27"] });
    expect(outcomes(panel, { op: "on", pin: "GPIO17" }, { op: "open", pin: "GPIO27", direction: "out" })).toEqual(["ok", "ok"]);
    expect(world.shown("GPIO17")?.holders).toHaveLength(1);
  });

  for (const [what, after] of [
    ["loses a right", { command: ["GPIO27"] }],
    ["would not be let in any more", null],
  ] as const) {
    test(`a client that ${what} is disconnected, and its pins are closed`, async () => {
      const { world, panel, change } = stage({ command: ["GPIO17", "GPIO27"] });
      panel.ask({ op: "open", pin: "GPIO17", direction: "out" });
      panel.ask({ op: "on", pin: "GPIO17" });
      change(after as AccessTable | null);
      await world.settle();
      expect(world.shown("GPIO17")).toBeUndefined();
      expect(panel.ask({ op: "open", pin: "GPIO27", direction: "out" }).outcome).toBe("DISCONNECTED");
      world.defects.splice(0);
    });
  }
});

describe("topics", () => {
  const asked = (op: "topic.publish" | "topic.subscribe") => (topic: string) => ({ op, topic }) as const;

  test("are published to within a filter that is granted, and subscribed to by a filter that one which is granted covers", () => {
    const { panel } = stage({ publish: ["door/+", "alarm"], subscribe: ["door/#", "+/state", "$panel/#"] });
    expect(outcomes(panel, ...["door/front", "alarm", "door", "door/front/x", "$door/x"].map(asked("topic.publish")))).toEqual([
      "ok",
      "ok",
      "FORBIDDEN",
      "FORBIDDEN",
      "FORBIDDEN",
    ]);
    const filters = ["door", "door/+/x", "door/#", "cellar/state", "+/state", "$panel/+", "+/+", "#", "$sys/state"];
    expect(outcomes(panel, ...filters.map(asked("topic.subscribe")))).toEqual([
      ...Array<string>(6).fill("ok"),
      ...Array<string>(3).fill("FORBIDDEN"),
    ]);
  });

  test("have refusals that name the right, the topic and the table", () => {
    const { panel } = stage({ subscribe: ["door/+"] });
    expect(panel.ask({ op: "topic.subscribe", topic: "door/#" }).error).toMatchObject({
      message: "access.panel gives no right to subscribe to door/#",
      details: { field: "topic", topic: "door/#", right: "subscribe", rules: ["panel"] },
    });
    expect(panel.ask({ op: "topic.publish", topic: "door/front" }).error?.message).toBe(
      "access.panel gives no right to publish to door/front",
    );
  });

  test("are all granted by *, those that begin with $ too, and by # without those", () => {
    const everything = stage({ publish: "*" }).panel;
    expect(outcomes(everything, ...["a", "$a", "*"].map(asked("topic.publish")))).toEqual(["ok", "ok", "ok"]);
    const open = stage({ publish: ["#"] }).panel;
    expect(outcomes(open, ...["a", "$a", "*"].map(asked("topic.publish")))).toEqual(["ok", "FORBIDDEN", "ok"]);
  });
});
