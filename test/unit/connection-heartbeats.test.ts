import { describe, expect, test } from "bun:test";
import { type ClientOptions, HoldfastClient } from "../../src/client/client.ts";
import type { Dial, LinkListener } from "../../src/client/link.ts";
import { type ScriptedClient, World } from "../../src/index-testing.ts";
import { HoldfastError } from "../../src/protocol/errors.ts";

const gpio17 = { chip: "sim:0", offset: 17 };

/** A world with a client on the network that has GPIO17 on, and may be silent for 100 ms. */
function connected(): { readonly world: World; readonly far: ScriptedClient; readonly reasons: HoldfastError[] } {
  const world = new World();
  const far = world.welcome("far", { address: "192.0.2.7", heartbeatMs: 100 });
  const reasons: HoldfastError[] = [];
  Object.assign(far, { dismiss: (reason: HoldfastError) => reasons.push(reason) });
  far.ask({ op: "open", pin: "GPIO17", direction: "out" });
  far.ask({ op: "on", pin: "GPIO17" });
  return { world, far, reasons };
}

describe("a connection with a heartbeat", () => {
  test("says so in the reply to hello, and one without does not", () => {
    const { world, far } = connected();
    const hello = { op: "hello", protocol: 1, name: "panel" } as const;
    expect(far.ask(hello).body).toMatchObject({ heartbeatMs: 100 });
    expect(world.join("near").ask(hello).body).not.toHaveProperty("heartbeatMs");
  });

  test("is over when its client sends nothing for so long: its pins close softly, and it is told why", async () => {
    const { world, far, reasons } = connected();
    far.ask({ op: "blink", pin: "GPIO17", onMs: 50, offMs: 50, n: 5 });
    await world.pass(99.999);
    expect(reasons).toEqual([]);
    await world.pass(0.001);
    expect(reasons).toMatchObject([{ code: "PEER_SILENT", details: { heartbeatMs: 100 } }]);
    expect(far.ask({ op: "ping" }).outcome).toBe("DISCONNECTED");
    expect(world.shown("GPIO17")?.state).toBe("closing");
    await world.pass(400);
    expect([world.sim.level(gpio17), world.shown("GPIO17")]).toEqual([0, undefined]);
    expect(world.supervisor.status().clients).toEqual([]);
    expect([reasons.length, world.clock.nextDueUs]).toEqual([1, null]);
  });

  test("goes on with any request, also one that is refused, and with a library's own signs of life", async () => {
    const { world, far, reasons } = connected();
    for (let round = 0; round < 5; round++) {
      for (const asked of [{ op: "ping", link: true }, { op: "on", pin: "GPIO27" }, { op: "status" }] as const) {
        await world.pass(99);
        far.ask(asked);
      }
    }
    expect([reasons, world.sim.level(gpio17)]).toEqual([[], 1]);
  });

  test("is kept by a library's signs of life, but a pin that wants to hear of the program is not", async () => {
    const { world, far, reasons } = connected();
    far.ask({ op: "open", pin: "GPIO27", direction: "out", heartbeatMs: 150 });
    for (let round = 0; round < 4; round++) {
      await world.pass(50);
      far.ask({ op: "ping", link: true });
    }
    expect(reasons).toEqual([]);
    expect(far.ask({ op: "on", pin: "GPIO27" }).outcome).toBe("HOLD_LOST");
    expect(world.shown("GPIO17")?.state).toBe("on");
  });

  test("leaves no alarm behind when it ends otherwise, and does not blame its client for a stall of the supervisor", async () => {
    const { world, far, reasons } = connected();
    far.leave();
    await world.settle();
    expect(world.clock.nextDueUs).toBeNull();
    const late = world.welcome("late", { heartbeatMs: 100 });
    Object.assign(late, { dismiss: (reason: HoldfastError) => reasons.push(reason) });
    // A whole second in which nothing was read: the sign of life that came meanwhile is read right behind it.
    world.clock.stallMs(1000);
    world.clock.advanceMs(0);
    late.ask({ op: "ping", link: true });
    await world.pass(99);
    expect(reasons).toEqual([]);
  });
});

/** A supervisor that says hello with a heartbeat of 60 ms, and answers pings for as long as it is there. */
function network() {
  const links: LinkListener[] = [];
  const asked: unknown[] = [];
  const world = { isThere: true, links, asked };
  const dial: Dial = async (listener) => {
    links.push(listener);
    return {
      send(request) {
        const { id, op, ...fields } = request as { readonly id: number; readonly op: string };
        if (op === "ping") asked.push(fields);
        if (!world.isThere) return;
        queueMicrotask(() => listener.message(op === "hello" ? { id, ok: true, client: 1, heartbeatMs: 60 } : { id, ok: true }));
      },
      close: async () => listener.closed(new HoldfastError("DISCONNECTED", "closed")),
      abandon: (why) => listener.closed(why),
    };
  };
  return { world, connect: (options: ClientOptions = {}) => HoldfastClient.over(dial, options) };
}

/** Lets the client's heartbeats pass, which are real ones. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 2));
}

describe("a client on the network", () => {
  test("sends signs of life by itself, which are the connection's alone, until it closes", async () => {
    const { world, connect } = network();
    const client = await connect();
    await until(() => world.asked.length >= 5);
    expect(new Set(world.asked.map((fields) => JSON.stringify(fields)))).toEqual(new Set(['{"link":true}']));
    await client.close();
    const before = world.asked.length;
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(world.asked.length).toBe(before);
  });

  test("takes a supervisor that has gone without a word for disconnected", async () => {
    const { world, connect } = network();
    const client = await connect();
    world.isThere = false;
    const refused = await client.request("status", {}).catch((error) => error);
    expect(refused).toMatchObject({ code: "DISCONNECTED", message: "the supervisor has been silent for more than 60 ms" });
    await client.close();
  });

  test("dials again then, when it is asked to", async () => {
    const { world, connect } = network();
    const states: string[] = [];
    const client = await connect({ reconnect: true, onConnection: (state) => states.push(state) });
    world.isThere = false;
    await until(() => states.includes("lost"));
    world.isThere = true;
    await until(() => states.includes("back"));
    await client.ping();
    expect([states, world.links.length]).toEqual([["lost", "back"], 2]);
    await client.close();
  });
});
