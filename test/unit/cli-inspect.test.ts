import { afterEach, describe, expect, test } from "bun:test";
import { type AnyStateMachine, createMachine } from "xstate";
import { InspectorServer } from "../../src/cli/inspect/inspector-server.ts";
import { stateValue } from "../../src/cli/inspect/state-value.ts";
import { actorEvent, transitionEvents } from "../../src/cli/inspect/stately-events.ts";
import type { TracedTransition } from "../../src/cli/traced.ts";
import { pinMachine, slotMachine } from "../../src/index-machines.ts";
import { machineDefinition } from "../../src/machine-definition.ts";

const house = machineDefinition(
  createMachine({
    type: "parallel",
    states: {
      door: { initial: "shut", states: { shut: {}, moving: { initial: "up", states: { up: {}, down: {} } } } },
      light: { initial: "off", states: { off: {}, on: {} } },
    },
  }),
);

describe("a state that was told as text", () => {
  test("is the value that XState has of it", () => {
    expect(stateValue(house, "door.moving.down, light.on")).toEqual({ door: { moving: "down" }, light: "on" });
    expect(stateValue(machineDefinition(pinMachine as unknown as AnyStateMachine), "blinking")).toBe("blinking");
  });

  test("of ours may leave out what is around it, and where what it is begins", () => {
    const slot = machineDefinition(slotMachine as unknown as AnyStateMachine);
    expect(stateValue(slot, "quarantined")).toEqual({ writing: "quarantined" });
    expect(stateValue(slot, "writing")).toEqual({ writing: "granted" });
    expect(stateValue(slot, "free")).toBe("free");
    expect(stateValue(slot, "gone")).toBe("gone");
  });
});

const found: TracedTransition = {
  ev: "transition",
  address: "pool/cam0/slot/3",
  event: null,
  from: null,
  state: "free",
  data: { generation: 4, at: 12n },
  timestampNs: 1n,
  lost: 0,
};

describe("what Stately Inspector is told", () => {
  test("an actor is a session of its own, below the one that it is a part of, with its machine", () => {
    const slot = machineDefinition(slotMachine as unknown as AnyStateMachine);
    const { definition, ...event } = { definition: "", ...actorEvent(found, slot, 17) };
    expect(event).toEqual({
      type: "@xstate.actor",
      sessionId: "pool/cam0/slot/3",
      name: "pool/cam0/slot/3",
      parentId: "pool/cam0",
      rootId: "supervisor",
      createdAt: "17",
      id: null,
      _version: "0.7.1",
      snapshot: { status: "active", value: "free", context: { generation: 4, at: 12n } },
    });
    expect(machineDefinition(createMachine(JSON.parse(definition)))).toEqual(slot);
    expect(actorEvent({ ...found, address: "supervisor" }, null, 0)).toMatchObject({
      parentId: undefined,
      definition: '{"id":"supervisor"}',
    });
  });

  test("a transition is an event and what has become of it; one that has gone is done", () => {
    const slot = machineDefinition(slotMachine as unknown as AnyStateMachine);
    const told = transitionEvents({ ...found, event: "remove", from: "quarantined", state: "gone" }, slot, 18);
    expect(told).toMatchObject([
      { type: "@xstate.event", event: { type: "remove" } },
      { type: "@xstate.snapshot", event: { type: "remove" }, snapshot: { status: "done", value: { writing: "quarantined" } } },
    ]);
    expect(transitionEvents(found, slot, 18)).toHaveLength(1);
  });

  test("what is no machine has its state among its data", () => {
    const [told] = transitionEvents({ ...found, address: "pool/cam0", state: "open", data: { slots: 3 } }, null, 18);
    expect(told).toMatchObject({ snapshot: { status: "active", context: { state: "open", slots: 3 } } });
  });
});

describe("the server of the inspector", () => {
  const servers: InspectorServer[] = [];
  const serve = (story: readonly string[] = []) => {
    const server = new InspectorServer(0, () => story);
    servers.push(server);
    return server;
  };
  afterEach(() => {
    for (const server of servers.splice(0)) server[Symbol.dispose]();
  });

  /** The first messages of a WebSocket, or how it was refused. */
  function messagesOf(url: string, count: number, headers: Record<string, string> = {}): Promise<unknown[]> {
    return new Promise((resolve, reject) => {
      const seen: unknown[] = [];
      const socket = new WebSocket(url, { headers } as never);
      socket.onerror = () => reject(new Error("refused"));
      socket.onmessage = ({ data }) => {
        seen.push(data);
        if (seen.length < count) return;
        socket.close();
        resolve(seen);
      };
    });
  }

  const eventsOf = ({ url }: InspectorServer) => `${url.replace("http", "ws")}events`;

  test("tells whoever begins to look what there is, and then what comes", async () => {
    const server = serve(["one", "two"]);
    const seen = messagesOf(eventsOf(server), 3, { origin: new URL(server.url).origin });
    const telling = setInterval(() => server.tell("three"), 5);
    expect(await seen.finally(() => clearInterval(telling))).toEqual(["one", "two", "three"]);
  });

  test("has a page that nobody may frame, and that loads nothing but Stately Inspector", async () => {
    const response = await fetch(serve().url);
    expect(await response.text()).toContain('<iframe id="inspector" src="https://stately.ai/inspect">');
    const policy = response.headers.get("content-security-policy") ?? "";
    expect(policy).toStartWith("default-src 'none'; frame-src https://stately.ai; connect-src ws://127.0.0.1:");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(response.headers.get("referrer-policy")).toBe("no-referrer");
  });

  test("answers nobody who does not know its address: another user of this machine, or a page that tries ports", async () => {
    const { url } = serve();
    for (const path of ["/", "/events", `/${"0".repeat(32)}/`, `/${"0".repeat(32)}/events`]) {
      expect((await fetch(new URL(path, url))).status).toBe(404);
    }
  });

  test("answers no page of another site, though it know the address: neither by its name nor by its origin", async () => {
    const server = serve(["secret"]);
    const { port } = new URL(server.url);
    expect((await fetch(server.url, { headers: { host: `evil.example:${port}` } })).status).toBe(404);
    for (const origin of ["https://evil.example", "null", `http://localhost:${port}`]) {
      await expect(messagesOf(eventsOf(server), 1, { origin })).rejects.toThrow("refused");
    }
    expect((await fetch(`${server.url}events`)).status).toBe(426);
  });

  test("can be reached by way of a tunnel, which has another port", async () => {
    const server = serve(["one"]);
    expect(await messagesOf(eventsOf(server), 1, { host: "localhost:9999", origin: "http://localhost:9999" })).toEqual(["one"]);
  });

  test("says so when its port is another's", () => {
    const taken = Number(new URL(serve().url).port);
    expect(() => new InspectorServer(taken, () => [])).toThrow(`another program listens on 127.0.0.1:${taken}`);
  });
});
