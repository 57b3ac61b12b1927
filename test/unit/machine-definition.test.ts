import { describe, expect, test } from "bun:test";
import { type AnyStateMachine, and, assign, createMachine, emit, fromPromise, raise, setup } from "xstate";
import * as machines from "../../src/index-machines.ts";
import { machineDefinition, type StateDefinition } from "../../src/machine-definition.ts";

const emitsByFunction = emit(function beep() {
  return { type: "beep" };
});

/** Everything that a machine can be made of. */
const everything: AnyStateMachine = setup({
  actors: { ask: fromPromise(async () => 1) },
  actions: { ring: () => {} },
  guards: { isLate: () => true, isAbove: (_, _least: number) => true },
  delays: { patience: 5 },
}).createMachine({
  id: "house",
  type: "parallel",
  description: "a house",
  states: {
    door: {
      initial: "shut",
      onDone: { actions: "ring" },
      states: {
        shut: { tags: ["safe"], entry: emit({ type: "relay.off" }), on: { open: { target: "moving.up", actions: ["ring", assign({})] } } },
        moving: {
          initial: "up",
          exit: [emitsByFunction, raise({ type: "stopped" })],
          always: { guard: "isLate", target: "gone" },
          after: { 100: "shut", patience: [{ guard: { type: "isAbove", params: 3 }, target: "gone" }, { actions: "ring" }] },
          states: { up: {}, down: {}, last: { type: "history", history: "deep", target: "up" } },
        },
        gone: { type: "final" },
      },
    },
    light: {
      initial: "off",
      invoke: { src: "ask", id: "asking", onDone: { target: ".on" }, onError: { guard: () => false, actions: () => {} } },
      states: { off: {}, on: { on: { "*": { target: "on", reenter: true, guard: and(["isLate", "isLate"]), description: "again" } } } },
    },
  },
});

describe("a machine as plain data", () => {
  test("is whole: XState makes the same machine of it again", () => {
    const all = [everything, ...Object.values(machines)];
    for (const machine of all) {
      const definition = machineDefinition(machine as AnyStateMachine);
      expect(machineDefinition(createMachine(definition as never))).toEqual(definition);
      expect(JSON.parse(JSON.stringify(definition))).toEqual(definition);
    }
    expect(all.length).toBeGreaterThan(5);
  });

  test("calls functions by the names that they were given, and what is emitted by itself", () => {
    const { door, light } = machineDefinition(everything).states as Record<"door" | "light", StateDefinition>;
    expect(door.states?.["shut"]?.entry).toEqual(["relay.off"]);
    expect(door.states?.["shut"]?.on).toEqual({ open: [{ target: ["#house.door.moving.up"], actions: ["ring", "assign"] }] });
    expect(door.states?.["moving"]?.exit).toEqual(["beep", "raise(stopped)"]);
    expect(light.invoke).toEqual([
      { src: "ask", id: "asking", onDone: [{ target: ["#house.light.on"] }], onError: [{ guard: "guard", actions: ["action"] }] },
    ]);
  });

  test("has what happens of itself: delays by their names, transitions without an event, history", () => {
    const moving = machineDefinition(everything).states?.["door"]?.states?.["moving"];
    expect(moving?.after).toEqual({
      100: [{ target: ["#house.door.shut"] }],
      patience: [{ target: ["#house.door.gone"], guard: "isAbove(3)" }, { actions: ["ring"] }],
    });
    expect(moving?.always).toEqual([{ target: ["#house.door.gone"], guard: "isLate" }]);
    expect(moving?.states?.["last"]).toEqual({
      id: "house.door.moving.last",
      type: "history",
      history: "deep",
      target: "#house.door.moving.up",
    });
  });
});
