import { describe, expect, test } from "bun:test";
import { type ScriptedClient, World } from "../../src/index-testing.ts";
import { HoldfastError } from "../../src/protocol/errors.ts";

const gpio17 = { chip: "sim:0", offset: 17 };

function opened(settings: object = {}): { world: World; client: ScriptedClient } {
  const world = new World();
  const client = world.join("closer");
  expect(client.ask({ op: "open", pin: "GPIO17", direction: "out", ...settings }).outcome).toBe("ok");
  return { world, client };
}

const levels = ({ sim }: World) => sim.trace(gpio17).map(({ level }) => level);

describe("a soft close", () => {
  test("runs all that was accepted, takes nothing more, and then gives the line back", async () => {
    const { world, client } = opened();
    client.ask({ op: "on", pin: "GPIO17", durationMs: 100 });
    client.ask({ op: "blink", pin: "GPIO17", onMs: 10, offMs: 10, n: 3 });
    const closed = client.ask({ op: "close", pin: "GPIO17" });
    expect(client.ask({ op: "on", pin: "GPIO17" }).error?.details).toEqual({
      field: "pin",
      pin: "GPIO17",
      closer: "closer",
      remainingMs: 160,
    });
    await world.pass(159);
    expect([closed.outcome, world.shown("GPIO17")?.state]).toEqual(["pending", "closing"]);
    await world.pass(1);
    expect([closed.outcome, world.shown("GPIO17")]).toEqual(["ok", undefined]);
    expect(levels(world)).toEqual([1, 0, 1, 0, 1, 0]);
    expect(world.sim.uses(gpio17)).toEqual({ requests: 1, releases: 1 });
  });

  test("ends an endless command at once: it would never be done", async () => {
    const { world, client } = opened();
    const blinking = client.ask({ op: "blink", pin: "GPIO17", onMs: 10, offMs: 10, ack: "done" });
    const closed = client.ask({ op: "close", pin: "GPIO17" });
    await world.settle();
    expect([closed.outcome, blinking.body.outcome]).toEqual(["ok", "done"]);
  });

  test("goes on when the client that asked for it has gone", async () => {
    const { world, client } = opened();
    client.ask({ op: "blink", pin: "GPIO17", onMs: 10, offMs: 10, n: 5 });
    client.leave();
    expect(world.supervisor.status().clients).toMatchObject([{ state: "leaving", pins: [] }]);
    await world.pass(100);
    expect(levels(world)).toEqual([1, 0, 1, 0, 1, 0, 1, 0, 1, 0]);
    expect(world.supervisor.status()).toMatchObject({ pins: [], clients: [] });
  });
});

describe("a hard close", () => {
  test("drops what is queued and what runs", async () => {
    const { world, client } = opened();
    const running = client.ask({ op: "on", pin: "GPIO17", durationMs: 1000, ack: "done" });
    const queued = client.ask({ op: "on", pin: "GPIO17", ack: "done" });
    const closed = client.ask({ op: "close", pin: "GPIO17", hard: true });
    await world.settle();
    expect(closed.outcome).toBe("ok");
    for (const answer of [running, queued]) expect(answer.body).toMatchObject({ outcome: "cancelled", reason: "CLOSED" });
    expect(world.sim.level(gpio17)).toBe(0);
  });

  test("of a pin that closes softly and that nobody holds is for whoever may open it", async () => {
    const { world, client } = opened();
    client.ask({ op: "on", pin: "GPIO17", durationMs: 60_000 });
    client.leave();
    const impatient = world.join("impatient");
    impatient.ask({ op: "close", pin: "GPIO17", hard: true });
    expect(impatient.ask({ op: "open", pin: "GPIO17", direction: "out" }).outcome).toBe("ok");
  });

  test("of a pin that a client closes softly is for that client alone, while it is there", async () => {
    const { world, client } = opened();
    const other = world.join("other");
    client.ask({ op: "on", pin: "GPIO17", durationMs: 60_000 });
    const closed = client.ask({ op: "close", pin: "GPIO17" });
    const tries = [
      other.ask({ op: "close", pin: "GPIO17" }),
      other.ask({ op: "close", pin: "GPIO17", hard: true }),
      other.ask({ op: "cancel", pin: "GPIO17" }),
    ];
    await world.settle();
    expect(tries.map(({ outcome }) => outcome)).toEqual(["PIN_CLOSING", "PIN_CLOSING", "PIN_CLOSING"]);
    const hardened = client.ask({ op: "close", pin: "GPIO17", hard: true });
    await world.settle();
    expect([closed.outcome, hardened.outcome, world.shown("GPIO17")]).toEqual(["ok", "ok", undefined]);
  });

  test("of a pin is for whoever may open it, once the client that closed it softly has gone", () => {
    const { world, client } = opened();
    client.ask({ op: "on", pin: "GPIO17", durationMs: 60_000 });
    client.ask({ op: "close", pin: "GPIO17" });
    client.leave();
    const other = world.join("other");
    expect(other.ask({ op: "cancel", pin: "GPIO17" }).body.cancelled).toBe(1);
    expect(world.shown("GPIO17")).toBeUndefined();
  });

  test("of a shared pin drops only one's own commands while others hold it", async () => {
    const { world, client } = opened({ share: true });
    const other = world.join("other");
    other.ask({ op: "open", pin: "GPIO17", direction: "out", share: true });
    const mine = client.ask({ op: "on", pin: "GPIO17", durationMs: 1000, ack: "done" });
    const theirs = other.ask({ op: "on", pin: "GPIO17", durationMs: 50, ack: "done" });
    client.ask({ op: "close", pin: "GPIO17", hard: true });
    await world.pass(50);
    expect(mine.body).toMatchObject({ outcome: "cancelled", reason: "CANCELLED" });
    expect(theirs.body).toMatchObject({ outcome: "done", lateMs: 0 });
    expect(world.shown("GPIO17")?.holders.map(({ name }) => name)).toEqual(["other"]);
  });
});

describe("the closing level", () => {
  test.each([
    { closeLevel: "off", left: 0 },
    { closeLevel: "on", left: 1 },
    { closeLevel: "keep", left: 1 },
  ] as const)("$closeLevel leaves a line that was on at $left", ({ closeLevel, left }) => {
    const { world, client } = opened({ closeLevel });
    client.ask({ op: "on", pin: "GPIO17" });
    client.ask({ op: "close", pin: "GPIO17" });
    expect(world.sim.level(gpio17)).toBe(left);
  });
});

describe("an open of a closing pin", () => {
  test("waits for as long as it is told to", async () => {
    const { world, client } = opened();
    client.ask({ op: "on", pin: "GPIO17", durationMs: 100 });
    client.leave();
    const patient = world.join("patient");
    expect(patient.ask({ op: "open", pin: "GPIO17", direction: "in" }).error?.message).toBe(
      "GPIO17 is closing; what it still has to do takes 100 ms",
    );
    const waiting = patient.ask({ op: "open", pin: "GPIO17", direction: "in", waitMs: 500 });
    await world.pass(100);
    expect(waiting.body).toEqual({ pin: "GPIO17", state: "watching" });
  });

  test("that has waited too long opens nothing when the pin closes later", async () => {
    const { world, client } = opened();
    client.ask({ op: "on", pin: "GPIO17", durationMs: 100 });
    client.leave();
    const waiting = world.join("hasty").ask({ op: "open", pin: "GPIO17", direction: "in", waitMs: 50 });
    await world.pass(50);
    expect(waiting.error?.details["remainingMs"]).toBe(50);
    await world.pass(50);
    expect(world.shown("GPIO17")).toBeUndefined();
  });
});

test("clients that have gone leave nothing behind at a closing pin: no alarm, and nobody to be told", async () => {
  const { world, client } = opened();
  client.ask({ op: "on", pin: "GPIO17", durationMs: 60_000 });
  client.leave();
  await world.settle();
  const [pin] = world.supervisor.pins.open;
  const before = [world.clock.pending, pin?.waiting];
  const patient = Array.from({ length: 5 }, (_, index) => world.join(`patient ${index}`));
  const waits = patient.flatMap((each) => [
    each.ask({ op: "open", pin: "GPIO17", direction: "out", waitMs: 1e10 }),
    each.ask({ op: "open", pin: "GPIO17", direction: "out", waitMs: 10 }),
  ]);
  waits.push(patient[0]?.ask({ op: "close", pin: "GPIO17" }) as never);
  await world.pass(10);
  expect([world.clock.pending, pin?.waiting]).toEqual([1 + 5, 1 + 5 + 1]);
  for (const each of patient) each.leave();
  await world.settle();
  expect([world.clock.pending, pin?.waiting]).toEqual(before as never);
  expect(new Set(waits.map(({ outcome }) => outcome))).toEqual(new Set(["DISCONNECTED", "PIN_CLOSING"]));
  await world.pass(60_000);
  expect([world.clock.pending, world.shown("GPIO17"), world.defects]).toEqual([0, undefined, []]);
});

describe("a line that is lost", () => {
  test("while it blinks ends its commands and its watches, and is given back", async () => {
    const { world, client } = opened();
    const blinking = client.ask({ op: "blink", pin: "GPIO17", onMs: 10, offMs: 10, ack: "done" });
    client.ask({ op: "watch", pin: "GPIO17" });
    await world.pass(15);
    client.events.length = 0;
    world.sim.removeChip("sim:0");
    await world.pass(1);
    expect(blinking.body).toMatchObject({ outcome: "cancelled", reason: "LINE_LOST" });
    expect(client.events).toEqual([{ sub: 1, ev: "end", reason: "LINE_LOST" }]);
    expect(world.supervisor.status()).toMatchObject({ pins: [], clients: [{ name: "closer", pins: [] }] });
    expect(world.sim.uses(gpio17)).toEqual({ requests: 1, releases: 1 });
  });

  test("by a driver's refusal can be opened again", async () => {
    const { world, client } = opened();
    world.sim.failNext(gpio17, "set", new HoldfastError("LINE_FAILED", "the driver refuses"));
    client.ask({ op: "on", pin: "GPIO17" });
    await world.settle();
    expect(world.shown("GPIO17")).toBeUndefined();
    expect(client.ask({ op: "open", pin: "GPIO17", direction: "out" }).outcome).toBe("ok");
  });
});

test("a line on its way back is not read", async () => {
  const { world, client } = opened();
  world.sim.delayRelease(gpio17, 5000);
  client.ask({ op: "close", pin: "GPIO17" });
  expect(client.ask({ op: "read", pin: "GPIO17" }).outcome).toBe("PIN_CLOSING");
  await world.pass(5);
  expect(client.ask({ op: "read", pin: "GPIO17" }).body.state).toBe("closed");
});
