import { expect } from "bun:test";
import { codeOf, eventually, story } from "./processes.ts";

story("a client that reconnects has its pins and its watch again when the supervisor is back", async (stage) => {
  const killed = await stage.serve();
  const connection: string[] = [];
  const client = await stage.connect({ reconnect: true, onConnection: (state) => connection.push(state) });
  const led = await client.output(17, { initial: 1 });
  const button = await client.input(4);
  const edges = await button.edges();
  await client.simSet(4, 1);
  expect(await edges.next()).toMatchObject({ done: false, value: { pin: "GPIO4", level: 1, seq: 1, lost: 0 } });
  const lost = codeOf(led.on({ durationMs: 3_600_000, ack: "done" }));
  await led.read();

  killed.kill("SIGKILL");
  expect(await lost).toBe("DISCONNECTED");
  expect(await killed.ended()).not.toBe(0);
  expect(connection).toEqual(["lost"]);
  expect(await codeOf(led.off())).toBe("DISCONNECTED");
  await stage.serve();
  await eventually("it is back", () => connection.includes("back"));

  expect(await led.read()).toMatchObject({ state: "on", level: 1 });
  expect((await led.off()).command).toBe(1);
  await client.simSet(4, 1);
  expect(await edges.next()).toMatchObject({ done: false, value: { pin: "GPIO4", level: 1, seq: 1, lost: 0 } });
  expect((await client.status()).clients).toMatchObject([{ name: "test", pins: ["GPIO17", "GPIO4"], subscriptions: 1 }]);
  expect(connection).toEqual(["lost", "back"]);
});

story("a client that does not reconnect is told that the supervisor has gone", async (stage) => {
  const killed = await stage.serve();
  const client = await stage.connect();
  const button = await client.input(4);
  const edges = await button.edges();
  const next = codeOf(edges.next());
  const pending = codeOf((await client.output(17)).on({ durationMs: 3_600_000, ack: "done" }));
  await client.request("ping", {});
  killed.kill("SIGKILL");
  expect([await next, await pending]).toEqual(["DISCONNECTED", "DISCONNECTED"]);
  expect(await codeOf(client.request("ping", {}))).toBe("DISCONNECTED");
  expect(await codeOf(edges.next())).toBe("DISCONNECTED");
});

story("a client that is closed while it tries to reconnect gives up", async (stage) => {
  const killed = await stage.serve();
  const connection: string[] = [];
  const client = await stage.connect({ reconnect: true, onConnection: (state) => connection.push(state) });
  const edges = await (await client.input(4)).edges();
  const next = edges.next();
  killed.kill("SIGKILL");
  await eventually("the connection is lost", () => connection.includes("lost"));
  await client.close();
  expect((await next).done).toBe(true);
  expect(await codeOf(client.request("ping", {}))).toBe("DISCONNECTED");
});
