import { expect } from "bun:test";
import { dial, serveTcp, tlsKeys } from "./network-stage.ts";
import { codeOf, eventually, story } from "./processes.ts";
import { Wire } from "./wire.ts";

/** As short as a heartbeat may be on a machine that is busy with other tests. */
const HEARTBEAT_MS = 2000;

story(
  "when the cable is cut, the supervisor closes the client's pins and the client notices; when it is mended all is as before",
  async (stage) => {
    const { port } = await serveTcp(stage, `${tlsKeys(stage)}heartbeatMs = ${HEARTBEAT_MS}\n`);
    const wire = await Wire.to(port);
    stage.resources.use(wire);
    const states: string[] = [];
    const far = await dial(stage, `holdfast://localhost:${wire.port}`, { reconnect: true, onConnection: (state) => states.push(state) });
    const near = await stage.connect();
    const lamp = await far.output("GPIO17");
    await lamp.on();
    const button = await far.input("GPIO4");
    const edges = await button.edges();

    wire.cut();
    const lost = codeOf(lamp.off({ ack: "done" }));
    await eventually("the supervisor has closed its pins", async () => (await near.read("GPIO17")).state === "closed");
    expect((await near.status()).clients.map(({ name }) => name)).toEqual(["test"]);
    expect(await lost).toBe("DISCONNECTED");
    await eventually("the client has noticed", () => states.includes("lost"));

    wire.mend();
    await eventually("it is back", () => states.includes("back"));
    await lamp.on();
    await near.simSet("GPIO4", 1);
    expect(await edges.next()).toMatchObject({ value: { pin: "GPIO4", level: 1, seq: 1 } });
    expect((await near.status()).clients).toMatchObject([{ name: "test" }, { name: "far", transport: "tcp", pins: ["GPIO17", "GPIO4"] }]);
  },
);

story("a client that does not reconnect is told that its supervisor has fallen silent", async (stage) => {
  const { supervisor, url } = await serveTcp(stage, `${tlsKeys(stage)}heartbeatMs = ${HEARTBEAT_MS}\n`);
  const far = await dial(stage, url);
  const watching = await (await far.input("GPIO4")).edges();
  supervisor.kill("SIGSTOP");
  expect(await codeOf(watching.next())).toBe("DISCONNECTED");
  expect(await codeOf(far.ping())).toBe("DISCONNECTED");
  supervisor.kill("SIGCONT");
});
