import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setup } from "xstate";
import { connect, createSupervisor, defineActor, HoldfastError, SimBackend, SimulatedClock } from "../../src/index.ts";

function embed() {
  const clock = new SimulatedClock();
  return createSupervisor({ backend: new SimBackend({ clock }), clock });
}

describe("a supervisor in one's own process", () => {
  test("does what its clients ask, in the order in which they ask it", async () => {
    await using supervisor = await embed();
    const client = await supervisor.client({ name: "app" });
    const led = await client.output("GPIO17");
    const replies = await Promise.all([led.on(), led.off(), led.on()]);
    expect(replies.map(({ command, state }) => [command, state])).toEqual([
      [1, "on"],
      [2, "idle"],
      [3, "on"],
    ]);
  });

  test("refuses a wrong field as it does on the socket", async () => {
    await using supervisor = await embed();
    const client = await supervisor.client();
    const refused = client.request("on", { pin: "GPIO17", durationms: 5 } as never);
    await expect(refused).rejects.toMatchObject({ code: "UNKNOWN_FIELD", details: { field: "durationms" } });
  });

  test("ends its clients when it stops: streams end with the reason, and requests are refused", async () => {
    const supervisor = await embed();
    const client = await supervisor.client();
    const states = await client.observe("GPIO17");
    await states.next();
    const next = states.next();
    await supervisor.shutdown();
    await expect(next).rejects.toMatchObject({ code: "DISCONNECTED" });
    await expect(client.request("ping", {})).rejects.toBeInstanceOf(HoldfastError);
    expect(supervisor.status().clients).toEqual([]);
  });
});

describe("clients within the process", () => {
  test("tell each other copies of values, which are as long and as deep as on a socket", async () => {
    await using supervisor = await createSupervisor({
      backend: new SimBackend({ clock: new SimulatedClock() }),
      limits: { messageBytes: 4096 },
    });
    const [one, other] = [await supervisor.client({ name: "one" }), await supervisor.client()];
    const heard = [await one.topic("#"), await other.topic("#")];
    const value = { list: [1, 2], bytes: new Uint8Array([1, 255]) };
    const published = one.publish("a", value, { retain: true });
    value.list.push(3);
    expect(await published).toBe(2);
    for (const stream of heard) {
      const { value: message } = await stream.next();
      const told = message?.value as typeof value;
      expect(told).toEqual({ list: [1, 2], bytes: new Uint8Array([1, 255]) });
      told.list.push(4);
    }
    expect((await (await one.topic("a")).next()).value?.value).toMatchObject({ list: [1, 2] });
    expect((await one.topics())[0]).toMatchObject({ topic: "a", by: "one", subscribers: 3 });
    const refused = (wrong: unknown) => one.publish("a", wrong).catch(({ code }) => code);
    expect(await refused("x".repeat(5000))).toBe("LIMIT_MESSAGE");
    expect(await refused([[[[[[[[]]]]]]]])).toBe("LIMIT_DEPTH");
    expect(await refused(() => {})).toBe("BAD_FIELD");
    expect(await refused([Number.POSITIVE_INFINITY])).toBe("BAD_FIELD");
  });

  test("may end the supervisor, and are answered before they end with it", async () => {
    const supervisor = await embed();
    const client = await supervisor.client();
    const led = await client.output("GPIO17");
    const lit = led.on({ durationMs: 60_000, ack: "done" });
    await client.shutdown({ hard: true });
    expect(await lit).toMatchObject({ outcome: "cancelled", reason: "CLOSED" });
    await supervisor.stopped;
    await expect(client.request("ping", {})).rejects.toMatchObject({ code: "DISCONNECTED" });
  });

  test("are forgotten when they are closed, not when the supervisor stops", async () => {
    await using supervisor = await embed();
    const clients: WeakRef<object>[] = [];
    for (let count = 0; count < 200; count++) {
      const client = await supervisor.client();
      clients.push(new WeakRef(client));
      await client.close();
    }
    await new Promise((resolve) => setTimeout(resolve));
    Bun.gc(true);
    // When the collector takes which one is its own affair; kept by the supervisor they would all be there.
    expect(clients.filter((client) => client.deref() !== undefined).length).toBeLessThan(100);
  });
});

describe("what a producer within the process says of a frame", () => {
  test("stays as it was when it was published, and each consumer has it for itself", async () => {
    await using supervisor = await embed();
    const client = await supervisor.client();
    await using pool = await client.createPool("cam0", { slots: 6, bytes: 10 });
    await using one = pool.frames();
    await using two = pool.frames();
    const frames = [one.next(), two.next()];
    await client.request("ping", {});
    const box = { left: 1, pixels: Uint8Array.of(1, 2) };
    const publishing = (await pool.produce()).publish({ meta: { box } });
    box.left = 2;
    await publishing;
    for (const frame of frames) {
      const { value } = await frame;
      expect(value?.meta).toEqual({ box: { left: 1, pixels: Uint8Array.of(1, 2) } });
      Object.assign(value?.meta["box"] as object, { left: 3 });
      await value?.release();
    }
  });

  test("is refused where no message can carry it", async () => {
    await using supervisor = await embed();
    const client = await supervisor.client();
    await using pool = await client.createPool("cam0", { slots: 6, bytes: 10 });
    using slot = await pool.produce();
    const cycle: Record<string, unknown> = {};
    cycle["itself"] = cycle;
    for (const [meta, code] of [
      [{ at: new Date() }, "BAD_FIELD"],
      [[1, 2], "BAD_FIELD"],
      [{ note: "x".repeat(100_000) }, "LIMIT_META"],
      [cycle, "LIMIT_DEPTH"],
    ] as const) {
      await expect(slot.publish({ meta: meta as Record<string, unknown> })).rejects.toMatchObject({ code });
    }
  });
});

describe("an event", () => {
  test("that can't be sent to one client, or that one throws at, comes to the others", async () => {
    const folder = mkdtempSync(join(tmpdir(), "holdfast-"));
    const socket = join(folder, "holdfast.sock");
    const clock = new SimulatedClock();
    const backend = new SimBackend({ clock });
    const supervisor = await createSupervisor({ backend, clock, socket });
    const clients = [await connect({ socket }), await supervisor.client(), await connect({ socket }), await supervisor.client()];
    const edges = await Promise.all(clients.map(async (client) => (await client.input("GPIO4")).edges()));
    const thrower = edges[1] as { push(event: unknown): void };
    thrower.push = () => {
      throw new Error("no, thanks");
    };
    // No message can carry a time beyond 64 bits.
    clock.advanceMs(1e14);
    backend.drive({ chip: "sim:0", offset: 4 }, 1);
    expect((await edges[3]?.next())?.value?.level).toBe(1);
    for (const index of [0, 2]) await expect(edges[index]?.next()).rejects.toMatchObject({ code: "DISCONNECTED" });
    await expect(edges[1]?.next()).rejects.toMatchObject({ code: "INTERNAL", message: "no, thanks" });
    expect(supervisor.status().clients).toHaveLength(1);
    await supervisor.shutdown({ hard: true });
    rmSync(folder, { recursive: true });
  });
});

describe("a held pin", () => {
  test("may be closed before its scope ends", async () => {
    await using supervisor = await embed();
    const client = await supervisor.client();
    {
      await using led = await client.output("GPIO17");
      await led.on();
      await led.close();
    }
    expect((await client.read(17)).state).toBe("closed");
  });

  test("ends its scope in peace when its client was closed first", async () => {
    await using supervisor = await embed();
    const client = await supervisor.client();
    {
      await using led = await client.output("GPIO17");
      await led.on();
      await client.close();
    }
    expect(supervisor.status().pins).toEqual([]);
  });
});

describe("actors of the program itself", () => {
  /** @param pin that it turns on when it is told to */
  const lampOn = (pin: string) =>
    defineActor({
      pins: { lamp: { out: pin } },
      events: { light: {}, fail: {} },
      machine: ({ pins, types }) =>
        setup({ types }).createMachine({
          initial: "dark",
          on: {
            fail: {
              actions: () => {
                throw new TypeError("no such key");
              },
            },
          },
          states: { dark: { on: { light: "lit" } }, lit: { entry: pins.lamp.on() } },
        }),
    });

  async function until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
  }

  test("run as clients of its supervisor, and are supervised", async () => {
    const clock = new SimulatedClock();
    await using supervisor = await createSupervisor({
      backend: new SimBackend({ clock }),
      clock,
      actors: { definitions: { lamp: lampOn("GPIO17") }, backoffMs: 100, maxBackoffMs: 100 },
    });
    const state = () => supervisor.status().actors[0]?.state;
    await until(() => state() === "running");
    const client = await supervisor.client();
    await client.send("actor/lamp", { type: "light" });
    await until(() => supervisor.status().pins[0]?.state === "on");
    expect(supervisor.status().pins[0]?.holders).toMatchObject([{ name: "lamp" }]);
    await expect(client.send("actor/lamp", { type: "fail" })).rejects.toMatchObject({ code: "ACTOR_FAILED" });
    await until(() => state() === "backoff");
    expect(supervisor.status().actors[0]).toMatchObject({ actor: "lamp", file: null, end: { reason: "failed" } });
    clock.advanceMs(100);
    await until(() => state() === "running");
  });

  test("are swapped when other ones are given in their place", async () => {
    const clock = new SimulatedClock();
    await using supervisor = await createSupervisor({
      backend: new SimBackend({ clock }),
      clock,
      actors: { definitions: { lamp: lampOn("GPIO17") } },
    });
    await supervisor.reconfigure({ actors: { definitions: { lamp: lampOn("GPIO4"), light: lampOn("GPIO5") } } });
    const shown = () => supervisor.status().actors.map(({ actor, state }) => `${actor} ${state}`);
    await until(() => shown().join() === "lamp running,light running");
    expect(
      supervisor
        .status()
        .pins.map(({ pin }) => pin)
        .sort(),
    ).toEqual(["GPIO4", "GPIO5"]);
    await supervisor.reconfigure({});
    await until(() => supervisor.status().actors.length === 0);
    expect(supervisor.status().pins).toEqual([]);
  });

  test("a folder of actors that is not there is a mistake, whenever it is said", async () => {
    const clock = new SimulatedClock();
    const actors = { folder: "/nowhere/actors.d" };
    await expect(createSupervisor({ backend: new SimBackend({ clock }), clock, actors })).rejects.toMatchObject({
      code: "BAD_CONFIG",
      details: { key: "actors.folder" },
    });
    await using supervisor = await createSupervisor({ backend: new SimBackend({ clock }), clock });
    await expect(supervisor.reconfigure({ actors })).rejects.toMatchObject({ code: "BAD_CONFIG" });
    await expect(supervisor.reconfigure({ actors: { blockedMs: 5 } })).rejects.toMatchObject({
      code: "BAD_CONFIG",
      details: { key: "actors.blockedMs" },
    });
  });
});
