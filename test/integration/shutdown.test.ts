import { expect } from "bun:test";
import { existsSync } from "node:fs";
import { codeOf, eventually, story } from "./processes.ts";

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  story(`${signal} drains: what is queued still runs, then the supervisor ends with 0 and its socket is gone`, async (stage) => {
    const supervisor = await stage.serve();
    const client = await stage.connect();
    const pin = await client.output(17);
    const blinked = pin.blink({ onMs: 40, offMs: 40, n: 20, ack: "done" });
    const lit = pin.on({ durationMs: 100, ack: "done" });
    await client.request("ping", {});
    supervisor.kill(signal);
    await eventually("it is draining", async () => (await client.status()).state === "draining");
    expect(await codeOf(client.output(18))).toBe("SHUTTING_DOWN");
    expect(await codeOf(pin.off())).toBe("PIN_CLOSING");
    expect([(await blinked).outcome, (await lit).outcome]).toEqual(["done", "done"]);
    expect(await supervisor.ended()).toBe(0);
    expect(existsSync(stage.socket)).toBe(false);
    expect(await codeOf(stage.connect())).toBe("NOT_RUNNING");
  });
}

story("draining ends when its time is up, and who waits is told", async (stage) => {
  const supervisor = await stage.serve("--drain-timeout", "300ms");
  const pin = await (await stage.connect()).output(17);
  const lit = pin.on({ durationMs: 3_600_000, ack: "done" });
  await pin.read();
  const began = performance.now();
  supervisor.kill("SIGTERM");
  expect(await lit).toMatchObject({ outcome: "cancelled", reason: "CLOSED" });
  expect(performance.now() - began).toBeGreaterThan(299);
  expect(await supervisor.ended()).toBe(0);
  expect(existsSync(stage.socket)).toBe(false);
});

for (const [first, second] of [
  ["SIGTERM", "SIGTERM"],
  ["SIGINT", "SIGTERM"],
] as const) {
  story(`${first}, then ${second}: the second signal ends it at once`, async (stage) => {
    const supervisor = await stage.serve("--drain-timeout", "1h");
    const client = await stage.connect();
    const pin = await client.output(17);
    const lit = pin.on({ durationMs: 3_600_000, ack: "done" });
    await pin.read();
    supervisor.kill(first);
    await eventually("it is draining", async () => (await client.status()).state === "draining");
    supervisor.kill(second);
    expect(await lit).toMatchObject({ outcome: "cancelled", reason: "CLOSED" });
    expect(await supervisor.ended()).toBe(0);
    expect(existsSync(stage.socket)).toBe(false);
  });
}

story("a client that asks for the end gets its reply, however hard the end is", async (stage) => {
  for (const hard of [false, true]) {
    const supervisor = await stage.serve();
    const client = await stage.connect();
    await client.output(17);
    await client.shutdown({ hard });
    expect(await supervisor.ended()).toBe(0);
  }
});

story("a client that reads nothing can't keep the supervisor from ending", async (stage) => {
  const supervisor = await stage.serve();
  const other = await stage.connect();
  const greedy = await stage.raw();
  greedy.request(...Array.from({ length: 200 }, (_, id) => ({ id, op: "pins" })));
  await eventually("it has been served", async () => (await other.status()).counters.requests > 20);
  supervisor.kill("SIGTERM");
  expect(await supervisor.ended()).toBe(0);
});
