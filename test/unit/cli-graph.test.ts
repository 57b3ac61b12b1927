import { describe, expect, test } from "bun:test";
import { type AnyStateMachine, createMachine, setup } from "xstate";
import { z } from "zod";
import { chartOf } from "../../src/cli/graph/chart.ts";
import { toDot } from "../../src/cli/graph/dot.ts";
import { toMermaid } from "../../src/cli/graph/mermaid.ts";
import * as machines from "../../src/index-machines.ts";
import { machineDefinition } from "../../src/machine-definition.ts";
import { defineActor } from "../../src/user-actors/define-actor.ts";

const door = createMachine({
  id: "door",
  initial: "shut",
  states: {
    shut: {
      entry: "lock",
      on: { open: { guard: "isAllowed", target: "moving", actions: ["unlock", "ring"] }, knock: { actions: "ring" } },
    },
    moving: {
      initial: "up",
      on: { stop: "shut", halt: "shut", reverse: ".down" },
      after: { 5000: "broken", patience: "shut" },
      states: { up: { on: { reverse: "down" } }, down: {}, last: { type: "history", target: "up" } },
    },
    broken: { type: "final" },
  },
});

const house = createMachine({
  id: "house",
  type: "parallel",
  states: {
    "front door": {
      initial: "a:b;",
      states: { "a:b;": { always: { guard: '"no"', target: 'c"d' } }, 'c"d': { invoke: { src: "ask", onDone: "a:b;" } } },
    },
    light: { initial: "off", states: { off: {} } },
  },
});

const chart = (machine: unknown) => chartOf(machineDefinition(machine as AnyStateMachine));

describe("a machine as a diagram of Mermaid", () => {
  test("has its states in each other, where each begins, its transitions, and in words what is no arrow there", () => {
    expect(toMermaid(chart(door))).toBe(`stateDiagram-v2
  [*] --> s1
  state "shut" as s1
  s1 : entry / lock
  s1 : knock / ring
  state "moving" as s2 {
    [*] --> s3
    state "up" as s3
    state "down" as s4
    state "last (shallow history)" as s5
  }
  note right of s2
    reverse → down
  end note
  state "broken" as s6
  s6 --> [*]
  s1 --> s2 : open [isAllowed] / unlock, ring
  s2 --> s1 : stop<br/>halt<br/>after patience
  s2 --> s6 : after 5000 ms
  s3 --> s4 : reverse
  s5 --> s3
`);
  });

  test("has what goes on side by side in regions, and names that mean nothing to Mermaid", () => {
    expect(toMermaid(chart(house))).toBe(`stateDiagram-v2
  state "house" as s0 {
    state "front door" as s1 {
      [*] --> s2
      state "a#58;b#59;" as s2
      state "c#34;d" as s3
      s3 : do / ask
    }
    --
    state "light" as s4 {
      [*] --> s5
      state "off" as s5
    }
  }
  s2 --> s3 : [#34;no#34;]
  s3 --> s2 : ask done
`);
  });
});

test("what a user's actor commands is called by the names that it has for it", () => {
  const gate = defineActor({
    pins: { relay: { out: "GPIO17" }, sensor: { in: "GPIO4" } },
    topics: { alarm: { publish: "house/alarm" } },
    events: { open: { ms: z.number() } },
    machine: ({ pins, topics, types, reply }) =>
      setup({ types }).createMachine({
        initial: "shut",
        states: {
          shut: {
            entry: pins.relay.off(),
            on: { open: { target: "open", actions: pins.relay.on(({ event }) => ({ durationMs: event.ms })) } },
          },
          open: { on: { "sensor.rising": { target: "shut", actions: [reply(() => 1), topics.alarm.publish("shut")] } } },
        },
      }),
  });
  const lines = toMermaid(chart(gate.makeMachine())).split("\n");
  expect(lines).toContain("  s1 : entry / relay.off");
  expect(lines).toContain("  s1 --> s2 : open / relay.on");
  expect(lines).toContain("  s2 --> s1 : sensor.rising / reply, alarm.publish");
});

describe("a machine as a graph of Graphviz", () => {
  test("has its states in each other, where each begins, and its transitions", () => {
    const dot = toDot(chart(door));
    expect(dot).toStartWith('digraph "door" {\n  compound=true\n');
    for (const line of [
      's1 [label="shut\\nentry / lock\\nknock / ring"]',
      "subgraph cluster_s2 {",
      's5 [shape=circle style="" label="H" tooltip="last"]',
      's6 [label="broken" peripheries=2]',
      "s0_begin -> s1",
      's1 -> s2_begin [label="open [isAllowed] / unlock, ring" lhead=cluster_s2]',
      's2_begin -> s1 [label="stop\\nhalt\\nafter patience" ltail=cluster_s2]',
      's2_begin -> s4 [label="reverse"]',
    ]) {
      expect(dot.split("\n").map((each) => each.trim())).toContain(line);
    }
  });

  test("has regions with broken borders, and names that mean nothing to Graphviz", () => {
    const dot = toDot(chart(house));
    expect(dot).toContain('label="front door" style="rounded,dashed"');
    expect(dot).toContain('s3 [label="c\\"d\\ndo / ask"]');
    expect(dot).toContain('s2 -> s3 [label="[\\"no\\"]"]');
  });

  test("of every machine of ours has each state once, and no arrow from or to nowhere", () => {
    for (const machine of Object.values(machines)) {
      const { root, arrows } = chart(machine);
      const dot = toDot({ root, arrows });
      const nodes = [...dot.matchAll(/^ *(s\d+(?:_begin)?) \[/gm)].map(([, node]) => node);
      expect(new Set(nodes).size).toBe(nodes.length);
      const ends = [...dot.matchAll(/(s\w+) -> (s\w+)/g)].flatMap(([, from, to]) => [from, to]);
      expect(ends.length).toBeGreaterThan(0);
      for (const end of ends) expect(nodes).toContain(end);
    }
  });
});
