import { expect } from "bun:test";
import { story } from "./processes.ts";

story("status and pins tell which process and user a client is", async (stage) => {
  const supervisor = await stage.serve();
  const puppet = await stage.puppet("conveyor");
  await puppet.do("request", "open", { pin: "GPIO17", direction: "out" });
  const client = await stage.connect();
  const { clients, pid } = await client.status();
  expect(pid).toBe(supervisor.pid);
  const uid = process.getuid?.() ?? null;
  expect(clients).toMatchObject([
    { name: "conveyor", transport: "unix", pid: puppet.pid, uid, pins: ["GPIO17"] },
    { name: "test", transport: "unix", pid: process.pid, uid, pins: [] },
  ]);
  const pins = await client.pins();
  expect(pins.find((each) => each.pin === "GPIO17")?.holders).toMatchObject([{ name: "conveyor", pid: puppet.pid, uid }]);
  const refusal = await client.output(17).catch((error) => error);
  expect(refusal).toMatchObject({ code: "PIN_BUSY", details: { pid: puppet.pid, holder: "conveyor" } });
});
