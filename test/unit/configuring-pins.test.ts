import { expect, test } from "bun:test";
import { World } from "../../src/index-testing.ts";
import { HoldfastError } from "../../src/protocol/errors.ts";

const gpio17 = { chip: "sim:0", offset: 17 };

function opened() {
  const world = new World();
  const client = world.join("owner");
  client.ask({ op: "open", pin: "GPIO17", direction: "out", share: true });
  return { world, client };
}

test("a sole holder changes the settings, and the line is not requested again", () => {
  const { world, client } = opened();
  client.ask({ op: "on", pin: "GPIO17" });
  expect(client.ask({ op: "configure", pin: "GPIO17", activeLow: true, closeLevel: "keep", mode: "nowait" }).outcome).toBe("ok");
  expect(world.shown("GPIO17")).toMatchObject({ state: "on", mode: "nowait", settings: { activeLow: true, closeLevel: "keep" } });
  // Still active, which is low now.
  expect(world.sim.level(gpio17)).toBe(0);
  expect(world.sim.uses(gpio17)).toEqual({ requests: 1, releases: 0 });
});

test("while others hold the pin its settings are theirs too", () => {
  const { world, client } = opened();
  world.join("other").ask({ op: "open", pin: "GPIO17", direction: "out", share: true });
  const refusal = client.ask({ op: "configure", pin: "GPIO17", bias: "pull-up" }).error;
  expect([refusal?.code, refusal?.details["holder"]]).toEqual(["PIN_BUSY", "other"]);
  expect(client.ask({ op: "configure", pin: "GPIO17", mode: "nowait" }).outcome).toBe("PIN_BUSY");
});

test("while others hold the pin a client may say what its settings are, and what becomes of its own hold", () => {
  const { world, client } = opened();
  const other = world.join("other");
  other.ask({ op: "open", pin: "GPIO17", direction: "out", share: true });
  client.ask({ op: "on", pin: "GPIO17" });
  const same = { bias: "as-is", mode: "wait", frequencyHz: 200, onDisconnect: "stay" } as const;
  expect(other.ask({ op: "configure", pin: "GPIO17", ...same }).outcome).toBe("ok");
  expect(world.shown("GPIO17")).toMatchObject({ state: "on", holders: [{ onDisconnect: "close" }, { onDisconnect: "stay" }] });
});

test("an output becomes an input and an output again, on the same request, and those who watch it go on watching", async () => {
  const { world, client } = opened();
  client.ask({ op: "watch", pin: "GPIO17" });
  const blinking = client.ask({ op: "blink", pin: "GPIO17", onMs: 10, offMs: 10, ack: "done" });
  expect(client.ask({ op: "configure", pin: "GPIO17", direction: "in", bias: "pull-down" }).outcome).toBe("ok");
  await world.settle();
  expect(blinking.body.outcome).toBe("done");
  expect(world.shown("GPIO17")).toMatchObject({ state: "watching", direction: "in", mode: null });

  world.sim.drive(gpio17, 1);
  await world.pass(1);
  world.sim.drive(gpio17, null);
  await world.pass(1);
  client.ask({ op: "configure", pin: "GPIO17", direction: "out", initial: 1 });
  client.ask({ op: "off", pin: "GPIO17" });
  // The edges of the output, of the input, and of the output; what a change of direction does to the level is no edge.
  expect(client.events.map((event) => (event.ev === "edge" ? event.level : event.ev))).toEqual([1, 1, 0, 0]);
  expect(world.shown("GPIO17")).toMatchObject({ state: "idle", direction: "out", mode: "wait" });
  expect(world.sim.uses(gpio17)).toEqual({ requests: 1, releases: 0 });
});

test("an output does not become an input while commands that have an end are under way", () => {
  const { world, client } = opened();
  client.ask({ op: "on", pin: "GPIO17", durationMs: 100 });
  client.ask({ op: "off", pin: "GPIO17" });
  // Late is not done: nothing has run since.
  world.clock.stallMs(150);
  expect(client.ask({ op: "configure", pin: "GPIO17", direction: "in" }).error?.details.field).toBe("direction");
  expect(world.shown("GPIO17")).toMatchObject({ direction: "out", command: 1, queued: 1 });
});

test("a change that the line refuses, wholly or half way, changes nothing", () => {
  const { world, client } = opened();
  client.ask({ op: "on", pin: "GPIO17" });
  const before = world.shown("GPIO17");
  for (const failing of ["reconfigure", "get"] as const) {
    world.sim.failNext(gpio17, failing, new HoldfastError("LINE_FAILED", "no"));
    expect(client.ask({ op: "configure", pin: "GPIO17", direction: "in" }).outcome).toBe("LINE_FAILED");
    expect(world.shown("GPIO17")).toEqual(before);
    expect(world.sim.level(gpio17)).toBe(1);
  }
});

test("a change that has nothing to do with the line asks nothing of it", () => {
  const { world, client } = opened();
  world.sim.failNext(gpio17, "reconfigure", new HoldfastError("LINE_UNSUPPORTED", "this driver changes nothing"));
  const change = { closeLevel: "on", onDisconnect: "stay", mode: "nowait", bias: "as-is" } as const;
  expect(client.ask({ op: "configure", pin: "GPIO17", ...change }).outcome).toBe("ok");
  expect(world.shown("GPIO17")).toMatchObject({ mode: "nowait", settings: { closeLevel: "on" }, holders: [{ onDisconnect: "stay" }] });
  expect(client.ask({ op: "configure", pin: "GPIO17", bias: "pull-up" }).outcome).toBe("LINE_UNSUPPORTED");
});

test("commands are counted on when the pin has been an input meanwhile", () => {
  const { client } = opened();
  client.ask({ op: "on", pin: "GPIO17" });
  client.ask({ op: "on", pin: "GPIO17" });
  client.ask({ op: "configure", pin: "GPIO17", direction: "in" });
  client.ask({ op: "configure", pin: "GPIO17", bias: "pull-up" });
  client.ask({ op: "configure", pin: "GPIO17", direction: "out" });
  expect(client.ask({ op: "on", pin: "GPIO17" }).body.command).toBe(3);
  const { error } = client.ask({ op: "cancel", pin: "BOARD11", command: 1 });
  expect([error?.code, error?.details]).toEqual(["COMMAND_UNKNOWN", { field: "command", pin: "GPIO17" }]);
});

test("a setting that the direction has no use for is named", () => {
  const { client } = opened();
  const refusals = [
    client.ask({ op: "configure", pin: "GPIO17", debounceUs: 10 }),
    client.ask({ op: "configure", pin: "GPIO17", direction: "out", initial: 1 }),
  ];
  expect(refusals.map(({ error }) => [error?.code, error?.details.field])).toEqual([
    ["PIN_DIRECTION", "debounceUs"],
    ["BAD_FIELD", "initial"],
  ]);
});

test("what was configured to stay stays", () => {
  const { world, client } = opened();
  client.ask({ op: "configure", pin: "GPIO17", onDisconnect: "stay" });
  client.ask({ op: "on", pin: "GPIO17" });
  client.leave();
  expect(world.shown("GPIO17")).toMatchObject({ state: "on", unowned: true });
});
