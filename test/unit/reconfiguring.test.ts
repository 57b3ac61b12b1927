import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  createSupervisor,
  defaultLimits,
  type EmbeddedSupervisor,
  FolderSharedMemory,
  type HoldfastError,
  type OperatorSettings,
  type PinConfig,
  RealClock,
  SimBackend,
  type SupervisorOptions,
} from "../../src/index.ts";
import { World } from "../../src/index-testing.ts";
import type { Limits } from "../../src/protocol/limits.ts";

const gpio17 = { chip: "sim:0", offset: 17 };

/** The configuration is read again, and says this of pins and limits. */
function reconfigure(world: World, pins: Record<string, PinConfig>, limits: Partial<Limits> = {}): void {
  world.supervisor.reconfigured({ limits: { ...defaultLimits, ...limits }, configuredPins: pins })();
}

function settingsOf(world: World, pin = "GPIO17") {
  const { maxOnMs, closeLevel } = world.shown(pin)?.settings ?? {};
  return { maxOnMs, closeLevel };
}

describe("a pin that is open when the configuration changes", () => {
  test("keeps its line, its queue, its clients and what it does", async () => {
    const world = new World();
    const client = world.join("client");
    client.ask({ op: "open", pin: "GPIO17", direction: "out" });
    client.ask({ op: "blink", pin: "GPIO17", onMs: 10, offMs: 10, n: 5 });
    const queued = client.ask({ op: "on", pin: "GPIO17", durationMs: 30, ack: "done" });
    await world.pass(25);
    reconfigure(world, { GPIO27: { maxOnMs: 5 }, GPIO17: { alias: "lamp" } }, { clients: 3 });
    await world.pass(105);
    expect(queued.body).toMatchObject({ outcome: "done" });
    expect(world.sim.trace(gpio17).map(({ level }) => level)).toEqual([1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0]);
    expect(world.sim.uses(gpio17)).toEqual({ requests: 1, releases: 0 });
    expect(client.ask({ op: "on", pin: "lamp" }).outcome).toBe("ok");
  });

  test("is off at once when it has been on for longer than it may be now", async () => {
    const world = new World();
    const client = world.join("client");
    for (const pin of ["GPIO17", "GPIO27"]) client.ask({ op: "open", pin, direction: "out" });
    const [on, other] = ["GPIO17", "GPIO27"].map((pin) => client.ask({ op: "on", pin, ack: "done" }));
    await world.pass(100);
    reconfigure(world, { GPIO17: { maxOnMs: 60 }, GPIO27: { maxOnMs: 150 } });
    await world.pass(1);
    expect(on?.body).toMatchObject({ outcome: "cancelled", reason: "MAX_ON" });
    expect(other?.outcome).toBe("pending");
    await world.pass(48);
    expect(other?.outcome).toBe("pending");
    await world.pass(1);
    expect(other?.body).toMatchObject({ outcome: "cancelled", reason: "MAX_ON" });
  });

  test("may be on for longer again when the configuration says so, but never for longer than its clients have asked for", () => {
    const world = new World({ pins: { GPIO17: { maxOnMs: 50 }, GPIO27: { maxOnMs: 50 } } });
    const client = world.join("client");
    client.ask({ op: "open", pin: "GPIO17", direction: "out", maxOnMs: 70 });
    client.ask({ op: "open", pin: "GPIO27", direction: "out" });
    reconfigure(world, {});
    expect([settingsOf(world).maxOnMs, settingsOf(world, "GPIO27").maxOnMs]).toEqual([70, null]);
    reconfigure(world, {}, { maxOnMs: 20 });
    expect([settingsOf(world).maxOnMs, settingsOf(world, "GPIO27").maxOnMs]).toEqual([20, 20]);
  });

  test("closes to the level that is configured now; where none is any more, to that which it has", async () => {
    const world = new World({ pins: { GPIO27: { closeLevel: "on" } } });
    const client = world.join("client");
    for (const pin of ["GPIO17", "GPIO27"]) client.ask({ op: "open", pin, direction: "out" });
    reconfigure(world, { GPIO17: { closeLevel: "on" } });
    expect([settingsOf(world).closeLevel, settingsOf(world, "GPIO27").closeLevel]).toEqual(["on", "on"]);
    expect(client.ask({ op: "configure", pin: "GPIO17", closeLevel: "off" }).outcome).toBe("PIN_CONFLICT");
    expect(client.ask({ op: "configure", pin: "GPIO27", closeLevel: "off" }).outcome).toBe("ok");
    for (const pin of ["GPIO17", "GPIO27"]) client.ask({ op: "close", pin });
    await world.settle();
    expect([17, 27].map((offset) => world.sim.level({ chip: "sim:0", offset }))).toEqual([1, 0]);
  });

  test("is not left on by its client's closing level when it gets a limit", async () => {
    const world = new World();
    const client = world.join("client");
    client.ask({ op: "open", pin: "GPIO17", direction: "out", closeLevel: "keep" });
    client.ask({ op: "on", pin: "GPIO17" });
    reconfigure(world, { GPIO17: { maxOnMs: 1000 } });
    expect(settingsOf(world)).toEqual({ maxOnMs: 1000, closeLevel: "off" });
    client.ask({ op: "close", pin: "GPIO17" });
    await world.settle();
    expect(world.sim.level(gpio17)).toBe(0);
  });

  test("obeys a closing level that comes while it closes", async () => {
    const world = new World();
    const client = world.join("client");
    client.ask({ op: "open", pin: "GPIO17", direction: "out" });
    client.ask({ op: "on", pin: "GPIO17", durationMs: 50 });
    client.ask({ op: "close", pin: "GPIO17" });
    await world.pass(10);
    reconfigure(world, { GPIO17: { closeLevel: "on" } });
    await world.pass(50);
    expect(world.sim.level(gpio17)).toBe(1);
    expect(world.sim.trace(gpio17).map(({ level }) => level)).toEqual([1]);
  });

  test("stays a group when its lines are to close to different levels now, and closes as it did", () => {
    const world = new World();
    const client = world.join("client");
    client.ask({ op: "open", pin: "GPIO17+GPIO27", direction: "out" });
    reconfigure(world, { GPIO17: { closeLevel: "on", initial: 1 }, GPIO27: { closeLevel: "off" } });
    expect(settingsOf(world, "GPIO17+GPIO27").closeLevel).toBe("off");
    expect(client.ask({ op: "on", pin: "GPIO17+GPIO27" }).outcome).toBe("ok");
    client.ask({ op: "close", pin: "GPIO17+GPIO27", hard: true });
    expect(client.ask({ op: "open", pin: "GPIO17+GPIO27", direction: "out" }).outcome).toBe("PIN_CONFLICT");
  });

  test("loses a name that is taken away, and keeps the others", () => {
    const world = new World({ pins: { GPIO17: { alias: "lamp" } } });
    const client = world.join("client");
    client.ask({ op: "open", pin: "lamp", direction: "out" });
    reconfigure(world, { GPIO27: { alias: "lamp" } });
    expect(client.ask({ op: "on", pin: "lamp" }).error).toMatchObject({ code: "PIN_NOT_OPEN", details: { pin: "GPIO27" } });
    expect(client.ask({ op: "on", pin: "GPIO17" }).outcome).toBe("ok");
  });
});

test("rights may be given by an alias that is new, too", () => {
  const world = new World({ pins: { GPIO17: { alias: "lamp" } } });
  const access = { guests: { read: ["door"] } };
  world.supervisor.reconfigured({ limits: { ...defaultLimits }, configuredPins: { GPIO17: { alias: "door" } }, access })();
  expect(world.defects).toEqual([]);
});

test("a mistake is refused as a whole", () => {
  const world = new World({ pins: { GPIO17: { maxOnMs: 50 } }, limits: { subscriptions: 1 } });
  const client = world.join("client");
  client.ask({ op: "open", pin: "GPIO17", direction: "out" });
  expect(() => reconfigure(world, { GPIO17: { maxOnMs: 5 }, GPIO71: {} }, { subscriptions: 2 })).toThrow("pin.GPIO71: ");
  expect(settingsOf(world).maxOnMs).toBe(50);
  client.ask({ op: "observe", pin: "GPIO17" });
  expect(client.ask({ op: "observe", pin: "GPIO17" }).outcome).toBe("LIMIT_SUBSCRIPTIONS");
});

describe("an embedded supervisor", () => {
  let folder: string;
  let supervisor: EmbeddedSupervisor;
  let said: string[];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "holdfast-"));
    said = [];
  });
  afterEach(async () => {
    await supervisor.shutdown({ hard: true });
    rmSync(folder, { recursive: true });
  });

  const start = async (options: Partial<SupervisorOptions>) => {
    const say = (fields: object, message: string) => said.push(`${message} ${JSON.stringify(fields)}`);
    const log = { debug() {}, info: say, warn: say, error: say };
    supervisor = await createSupervisor({
      backend: new SimBackend({ clock: new RealClock() }),
      memory: new FolderSharedMemory(folder),
      log,
      ...options,
    });
  };
  const pools = () => supervisor.status().pools.map(({ pool }) => pool);
  /** What a reconfiguration is refused with. */
  const refused = (attempt: Promise<unknown>): Promise<HoldfastError> =>
    attempt.then(
      () => Promise.reject(new Error("it was not refused")),
      (error) => error,
    );
  const again = (settings: OperatorSettings) => supervisor.reconfigure(settings);

  test("makes the pools that are new, and keeps those that are not spoken of any more or otherwise", async () => {
    await start({ pools: { cam0: { slots: 2, bytes: 10 }, cam1: { slots: 2, bytes: 10 } } });
    await again({ pools: { cam1: { slots: 2, bytes: 20 }, cam2: { slots: 3, bytes: 10 } } });
    expect(pools()).toEqual(["cam0", "cam1", "cam2"]);
    const stays = said.filter((line) => line.includes("stays"));
    expect(stays).toEqual([expect.stringContaining("pool.cam1"), expect.stringContaining("pool.cam0")]);
    await (await supervisor.client()).request("pool.remove", { pool: "cam1" });
    await again({ pools: { cam1: { slots: 2, bytes: 20 } } });
    expect(pools()).toEqual(["cam0", "cam2", "cam1"]);
  });

  test("makes none when one can't be made", async () => {
    await start({ limits: { pools: 2 }, pools: { cam0: { slots: 2, bytes: 10 } } });
    const error = await refused(again({ limits: { pools: 2 }, pools: { a: { slots: 2, bytes: 1 }, b: { slots: 2, bytes: 1 } } }));
    expect(error.code).toBe("LIMIT_POOLS");
    expect(pools()).toEqual(["cam0"]);
  });

  test("takes no limit that is none", async () => {
    await expect(createSupervisor({ backend: new SimBackend({ clock: new RealClock() }), limits: { clients: 0 } })).rejects.toMatchObject({
      code: "BAD_CONFIG",
      details: { key: "limits.clients" },
    });
    await expect(
      createSupervisor({ backend: new SimBackend({ clock: new RealClock() }), limits: { client: 5 } as never }),
    ).rejects.toMatchObject({
      details: { key: "limits.client" },
    });
    await start({ limits: { maxOnMs: Number.POSITIVE_INFINITY } });
    expect((await refused(again({ limits: { maxOnMs: 0 } }))).details).toMatchObject({ key: "limits.maxOnMs" });
  });

  /** A port that was free just now. */
  const freePort = async () => {
    const server = createServer();
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    const { port } = server.address() as AddressInfo;
    await new Promise((closed) => server.close(closed));
    return port;
  };
  /** Whether somebody listens there. */
  const answers = (port: number) =>
    new Promise<boolean>((known) => {
      const socket = connect({ port, host: "127.0.0.1" }, () => known(socket.destroy().destroyed));
      socket.on("error", () => known(false));
    });
  /** What comes back for a request on a connection of its own. */
  const reply = async (port: number, request: string) => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.end(request);
    return (await Array.fromAsync(socket)).join("");
  };
  const occupied: Server[] = [];
  afterEach(() => Promise.all(occupied.splice(0).map((server) => new Promise((closed) => server.close(closed)))));

  test("opens, changes and closes listeners, and leaves those alone that stay as they are", async () => {
    const [one, other] = [await freePort(), await freePort()];
    await start({ listen: { remoteio: { port: one } } });
    const lasting = connect({ port: one, host: "127.0.0.1" });
    await new Promise((connected) => lasting.once("connect", connected));
    let ended = false;
    lasting.on("close", () => {
      ended = true;
    });
    await again({ listen: { remoteio: { port: one }, pigpio: { port: other } } });
    expect([await answers(one), await answers(other), ended]).toEqual([true, true, false]);
    await again({ listen: { pigpio: { port: other } } });
    expect([await answers(one), await answers(other)]).toEqual([false, true]);
    lasting.destroy();
    await again({ listen: { pigpio: { port: one } } });
    expect([await answers(one), await answers(other)]).toEqual([true, false]);
  });

  test("has the listeners that it had when one of the new ones can't be opened", async () => {
    const [one, taken] = [await freePort(), await freePort()];
    const server = createServer();
    occupied.push(server);
    await new Promise<void>((listening) => server.listen(taken, "127.0.0.1", listening));
    await start({ listen: { remoteio: { port: one } } });
    const settings = {
      pools: { cam0: { slots: 2, bytes: 1 } },
      listen: { remoteio: { port: one, mode: "nowait" }, pigpio: { port: taken } },
    } as const;
    expect((await refused(again(settings))).code).toBe("ADDRESS_IN_USE");
    expect(supervisor.status().clients).toEqual([]);
    expect([await answers(one), pools()]).toEqual([true, []]);
  });

  test("takes no rights for users while a listener that asks nobody who they are would be a way round them", async () => {
    const port = await freePort();
    await start({ listen: { remoteio: { port } } });
    const [access, key] = [{ panel: { group: 0, command: ["GPIO17"] } }, "listen.remoteio.access"];
    expect((await refused(again({ listen: { remoteio: { port } }, access }))).details).toEqual({ key });
    expect(await answers(port)).toBe(true);
    await again({ listen: { remoteio: { port, access: "panel" } }, access });
    expect((await refused(again({ listen: { remoteio: { port } }, access }))).details).toEqual({ key });
    expect(await answers(port)).toBe(true);
  });

  test("has its listeners with the rights that they had when another one can't be opened", async () => {
    const [one, taken] = [await freePort(), await freePort()];
    const server = createServer();
    occupied.push(server);
    await new Promise<void>((listening) => server.listen(taken, "127.0.0.1", listening));
    await start({ listen: { remoteio: { port: one, access: "before" } }, access: { before: { command: ["GPIO17"] } } });
    const pigpio = { port: taken, access: "now" };
    for (const access of [{ before: { command: "*" }, now: {} }, { now: {} }] as const) {
      const listen = { remoteio: { port: one, access: Object.keys(access)[0] as string }, pigpio };
      expect((await refused(again({ listen, access }))).code).toBe("ADDRESS_IN_USE");
      expect(await reply(one, "b 13 create 0 0 0 ")).toStartWith("? 13 Led creation failure: FORBIDDEN");
    }
  });

  test("has no listener that a configuration opened while it came to its end", async () => {
    for (let turns = 0; turns < 12; turns++) {
      const port = await freePort();
      await start({});
      const changed = again({ listen: { remoteio: { port } } }).catch(() => {});
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      await supervisor.shutdown({ hard: true });
      await changed;
      expect([turns, await answers(port)]).toEqual([turns, false]);
    }
  });

  test("takes no other configuration once it shuts down", async () => {
    await start({});
    const client = await supervisor.client();
    const pin = await client.output("GPIO17");
    await pin.on({ durationMs: 60_000 });
    const ended = supervisor.shutdown();
    expect((await refused(again({}))).code).toBe("SHUTTING_DOWN");
    await supervisor.shutdown({ hard: true });
    await ended;
  });
});
