import { describe, expect, test } from "bun:test";
import { createSupervisor, HoldfastError, SimBackend, SimulatedClock } from "../../src/index.ts";

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
