import { expect } from "bun:test";
import { codeOf, eventually, story } from "./processes.ts";

story("a client is killed mid-blink: what it queued still runs, then the pin is free for another", async (stage) => {
  await stage.serve();
  const doomed = await stage.puppet("conveyor");
  const other = await stage.connect();
  const states = await other.observe("GPIO17");
  await doomed.do("request", "open", { pin: "GPIO17", direction: "out" });
  await doomed.do("request", "blink", { pin: "GPIO17", onMs: 40, offMs: 40, n: 30 });
  await doomed.do("request", "on", { pin: "GPIO17", durationMs: 100 });
  expect(await codeOf(other.output(17))).toBe("PIN_BUSY");
  await doomed.signal("SIGKILL");

  await eventually("the pin is closing", async () => (await other.read(17)).state === "closing");
  expect(await codeOf(other.output(17))).toBe("PIN_CLOSING");
  const pin = await other.output(17, { waitMs: 20_000 });
  expect((await pin.read()).state).toBe("idle");
  const { counters } = await other.status();
  expect(counters).toMatchObject({ accepted: 2, done: 2, cancelled: 0 });
  const commands = new Set<number | null>();
  for await (const { command, state } of states) {
    if (state === "closed" && commands.size > 1) break;
    commands.add(command);
  }
  expect([...commands]).toEqual([null, 1, 2]);
});

story("a client is killed with an endless blink: its pin is closed, and the blink is done", async (stage) => {
  await stage.serve();
  const doomed = await stage.puppet("beacon");
  const other = await stage.connect();
  await doomed.do("request", "open", { pin: "GPIO17", direction: "out" });
  await doomed.do("request", "blink", { pin: "GPIO17", onMs: 20, offMs: 20 });
  await doomed.signal("SIGKILL");
  await eventually("the pin is closed", async () => (await other.read(17)).state === "closed");
  expect((await other.status()).counters).toMatchObject({ accepted: 1, done: 1, cancelled: 0 });
});

story("a client is killed and its pin was opened to stay: it goes on, and the next one to open it adopts it", async (stage) => {
  await stage.serve();
  const doomed = await stage.puppet("lamp");
  const other = await stage.connect();
  await doomed.do("request", "open", { pin: "GPIO17", direction: "out", onDisconnect: "stay" });
  await doomed.do("request", "blink", { pin: "GPIO17", onMs: 20, offMs: 20 });
  await doomed.signal("SIGKILL");
  await eventually("the pin is unowned", async () => (await other.status()).pins[0]?.unowned === true);
  const pin = await other.output(17);
  expect(await pin.read()).toMatchObject({ state: "blinking" });
  expect((await other.status()).pins[0]).toMatchObject({ state: "blinking", command: 1, holders: [{ name: "test" }] });
});

story("clients are killed while they wait for a pin, for a command and for edges: nothing of them is left", async (stage) => {
  await stage.serve();
  const observer = await stage.connect();
  const doomed = await Promise.all(["one", "two", "three"].map((name) => stage.puppet(name)));
  const [first, second, third] = doomed as [(typeof doomed)[0], (typeof doomed)[0], (typeof doomed)[0]];
  await first.do("request", "open", { pin: "GPIO17", direction: "out" });
  void first.do("request", "on", { pin: "GPIO17", durationMs: 60_000, ack: "done" }).catch(() => {});
  void first.do("request", "close", { pin: "GPIO17" }).catch(() => {});
  await eventually("the pin is closing", async () => (await observer.read(17)).state === "closing");
  void second.do("request", "open", { pin: "GPIO17", direction: "out", waitMs: 60_000 }).catch(() => {});
  await third.do("watch", "GPIO4");
  await third.do("request", "observe", { pin: "GPIO17" });
  await eventually("the second one waits", async () =>
    (await observer.status()).clients.some(({ name, pending }) => name === "two" && pending > 0),
  );
  for (const puppet of doomed) await puppet.signal("SIGKILL");
  await eventually("the watched pin is closed", async () => (await observer.read(4)).state === "closed");
  // Nobody living holds the closing pin, so anyone may end it.
  await observer.request("close", { pin: "GPIO17", hard: true });
  await eventually("they are gone", async () => (await observer.status()).clients.length === 1);
  expect((await observer.status()).pins).toEqual([]);
  expect((await observer.status()).counters).toMatchObject({ accepted: 1, cancelled: 1 });
});
