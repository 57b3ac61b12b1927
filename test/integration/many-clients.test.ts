import { expect } from "bun:test";
import { encode } from "../../src/protocol/codec.ts";
import { codeOf, eventually, story } from "./processes.ts";

story("200 clients at once open, ping and command, and all get their replies", async (stage) => {
  await stage.serve();
  const crowds = await Promise.all(["north", "east", "south", "west"].map((name) => stage.puppet(name)));
  const served = await Promise.all(crowds.map((crowd) => crowd.do("crowd", 50, stage.socket)));
  expect(served).toEqual([50, 50, 50, 50]);
  const client = await stage.connect();
  const { clients, counters, pins } = await client.status();
  expect(clients).toHaveLength(205);
  expect(counters).toMatchObject({ accepted: 200, errors: 0 });
  expect(pins.reduce((sum, { holders }) => sum + holders.length, 0)).toBe(200);
  await Promise.all(crowds.map((crowd) => crowd.signal("SIGKILL")));
  await eventually("all have gone and every pin is free", async () => {
    const { clients, pins } = await client.status();
    return clients.length === 1 && pins.length === 0;
  });
});

story("one client too many is told so, and may come when another has gone", async (stage) => {
  await stage.serve("--limit", "clients=20");
  const clients = await Promise.all(Array.from({ length: 20 }, () => stage.connect()));
  expect(await codeOf(stage.connect())).toBe("LIMIT_CLIENTS");
  const raw = (await stage.raw()).read();
  await eventually("the refusal has come", () => raw.messages.length > 0 && raw.ended);
  expect(raw.messages).toMatchObject([{ id: null, ok: false, error: { code: "LIMIT_CLIENTS", limit: 20 } }]);
  await Promise.all(clients.map((client) => client.request("ping", {})));
  await clients[0]?.close();
  await eventually("there is room again", async () => (await codeOf(stage.connect())) === "done");
});

story("one that asks without a pause takes short turns: others are served between them", async (stage) => {
  await stage.serve();
  const [greedy, other] = [(await stage.raw()).read(), await stage.connect()];
  const asked = Array.from({ length: 5000 }, (_, id) => encode({ id, op: "read", pin: "x" }));
  greedy.send(Buffer.concat(asked));
  let requests = 0;
  await eventually("it is served", async () => {
    requests = (await other.status()).counters.requests;
    return requests > 10;
  });
  expect(requests).toBeLessThan(asked.length / 2);
  await eventually("it has all its replies", () => greedy.messages.length === asked.length);
  expect(greedy.messages.every(({ id }, place) => id === place)).toBe(true);
});

story("whoever sends much and goes has it done all the same, in its order", async (stage) => {
  await stage.serve();
  const [raw, other] = [await stage.raw(), await stage.connect()];
  const open = { op: "open", pin: "GPIO17", direction: "out", onDisconnect: "stay" };
  const asked = [open, ...new Array(2000).fill({ op: "read", pin: "x" }), { op: "on", pin: "GPIO17" }];
  raw.send(Buffer.concat(asked.map((request, id) => encode({ id, ...request }))));
  raw.end();
  await eventually("it is on", async () => (await other.status()).pins[0]?.state === "on");
});
