import { expect } from "bun:test";
import { codeOf, eventually, story } from "./processes.ts";

/** As short as a heartbeat may be on a machine that is busy with other tests. */
const HEARTBEAT_MS = 1500;

story("a client that hangs loses the pin that it opened with a heartbeat, and is told when it goes on", async (stage) => {
  await stage.serve();
  const robot = await stage.puppet("robot");
  const other = await stage.connect();
  await robot.do("request", "open", { pin: "GPIO17", direction: "out", heartbeatMs: HEARTBEAT_MS });
  await robot.do("request", "open", { pin: "GPIO27", direction: "out" });
  for (const pin of ["GPIO17", "GPIO27"]) await robot.do("request", "on", { pin });
  await robot.signal("SIGSTOP");
  await eventually("its pin is closed", async () => (await other.read(17)).state === "closed");
  expect(await other.status()).toMatchObject({ counters: { holdsLost: 1 }, pins: [{ pin: "GPIO27", state: "on" }] });
  await robot.signal("SIGCONT");
  expect(await codeOf(robot.do("request", "off", { pin: "GPIO17" }))).toBe("HOLD_LOST");
  await robot.do("request", "open", { pin: "GPIO17", direction: "out" });
  await robot.do("request", "on", { pin: "GPIO17" });
});

story("a supervisor that was stopped does not blame those who have sent their signs of life", async (stage) => {
  const supervisor = await stage.serve();
  const client = await stage.connect();
  const motor = await client.output(17, { heartbeatMs: HEARTBEAT_MS });
  await motor.on();
  supervisor.kill("SIGSTOP");
  const stopped = performance.now();
  const pings: Promise<void>[] = [];
  await eventually(
    "it was stopped for longer than the heartbeat",
    () => pings.push(client.ping()) > 0 && performance.now() - stopped > 2 * HEARTBEAT_MS,
  );
  supervisor.kill("SIGCONT");
  await Promise.all(pings);
  expect(await motor.read()).toMatchObject({ state: "on", level: 1 });
  expect((await client.status()).counters.holdsLost).toBe(0);
});
