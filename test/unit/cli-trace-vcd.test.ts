import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TracedEdge, TracedTransition } from "../../src/cli/traced.ts";
import { TraceVcd } from "../../src/cli/vcd/trace-vcd.ts";
import { readDump } from "./vcd-reader.ts";

const folder = mkdtempSync(join(tmpdir(), "holdfast-vcd-"));
const path = join(folder, "trace.vcd");
afterEach(() => rmSync(path, { force: true }));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const BOOTED_NS = 500_000_000_000_123n;

function transition(atUs: number, address: string, state: string, data: TracedTransition["data"] = {}, lost = 0): TracedTransition {
  return { ev: "transition", address, event: null, from: null, state, data, timestampNs: BOOTED_NS + BigInt(atUs) * 1000n, lost };
}

function edge(atUs: number, pin: string, level: 0 | 1, lost = 0): TracedEdge {
  return { ev: "edge", pin, level, timestampNs: BOOTED_NS + BigInt(atUs) * 1000n, seq: 1, lost };
}

/** What the file of these events says. */
function dumpOf(...events: readonly (TracedTransition | TracedEdge)[]) {
  const vcd = new TraceVcd(path);
  for (const event of events) vcd.add(event);
  vcd.end(0n);
  return readDump(readFileSync(path, "latin1"));
}

describe("a trace as waveforms", () => {
  test("a pin is a wire: nobody's while it is closed, unknown until its first edge, then what its edges say", () => {
    const { waves } = dumpOf(
      transition(0, "supervisor", "running"),
      transition(10, "pin/GPIO17", "blinking", { level: null }),
      edge(20, "GPIO17", 1),
      edge(30, "GPIO17", 0),
      transition(40, "pin/GPIO17", "gone"),
    );
    expect(waves.get("pin GPIO17")).toEqual([
      [0, "z"],
      [10, "x"],
      [20, "1"],
      [30, "0"],
      [40, "z"],
    ]);
  });

  test("a group is a wire for each of its lines", () => {
    const { waves } = dumpOf(transition(0, "pin/GPIO5+GPIO6", "on", { level: null, levels: [1, 0] }), {
      ...edge(10, "GPIO5+GPIO6", 1),
      member: "GPIO6",
    });
    expect(waves.get("pin GPIO5")?.at(-1)).toEqual([0, "1"]);
    expect(waves.get("pin GPIO6")).toEqual([
      [0, "z"],
      [0, "0"],
      [10, "1"],
    ]);
  });

  test("an actor is its state as text, and a wire for each state, which is 0 before it has come", () => {
    const { waves } = dumpOf(
      transition(0, "actor/door", "shut"),
      transition(5, "actor/door", "moving.up fast"),
      transition(9, "actor/door", "gone"),
    );
    expect(waves.get("actor door/state")).toEqual([
      [0, "gone"],
      [0, "shut"],
      [5, "moving.up\\x20fast"],
      [9, "gone"],
    ]);
    expect(waves.get("actor door=shut")).toEqual([
      [0, "0"],
      [0, "1"],
      [5, "0"],
    ]);
    expect(waves.get("actor door=moving_up_fast")).toEqual([
      [0, "0"],
      [5, "1"],
      [9, "0"],
    ]);
  });

  test("a pin was closed before it came, and any other was not there", () => {
    const { waves } = dumpOf(transition(0, "pin/GPIO17", "idle", { level: 0 }), transition(0, "client/7", "connected"));
    expect(waves.get("pin GPIO17/state")?.[0]).toEqual([0, "closed"]);
    expect(waves.get("client 7/state")?.[0]).toEqual([0, "gone"]);
  });

  test("names have nothing that GTKWave or PulseView take for something else: levels, ranges, ends of words", () => {
    const { waves } = dumpOf(transition(0, "pin/gpiochip-x:4 [7]", "on", { level: 1 }), transition(0, "actor/a.b", "c:d e"));
    expect([...waves.keys()]).toEqual([
      "pin gpiochip-x_4__7_/state",
      "pin gpiochip-x_4__7_=on",
      "pin gpiochip-x_4__7_",
      "actor a_b/state",
      "actor a_b=c_d_e",
    ]);
  });

  test("of states side by side each has a wire", () => {
    const { waves } = dumpOf(transition(0, "actor/house", "door.shut, light.on"), transition(5, "actor/house", "door.shut, light.off"));
    const last = (state: string) => waves.get(`actor house=${state}`)?.at(-1);
    expect([last("door_shut"), last("light_on"), last("light_off")]).toEqual([
      [5, "1"],
      [5, "0"],
      [5, "1"],
    ]);
  });

  test("what is told again is no change", () => {
    const { waves } = dumpOf(
      transition(0, "client/1", "connected"),
      transition(5, "client/1", "connected"),
      edge(6, "GPIO4", 1),
      edge(7, "GPIO4", 1),
    );
    expect(waves.get("pin GPIO4")).toEqual([
      [0, "z"],
      [6, "1"],
    ]);
    expect(waves.get("client 1=connected")).toEqual([
      [0, "0"],
      [0, "1"],
    ]);
  });

  test("a duty between off and on is a number beside the wire", () => {
    const { waves } = dumpOf(
      transition(0, "pin/GPIO18", "on", { level: null, value: 0.25 }),
      transition(7, "pin/GPIO18", "idle", { level: 0, value: 0 }),
    );
    expect(waves.get("pin GPIO18/duty")).toEqual([
      [0, "0"],
      [0, "0.25"],
      [7, "0"],
    ]);
  });

  test("the file begins at its first event, and says when that was and what was lost", () => {
    const { remarks } = dumpOf(edge(0, "GPIO4", 1), edge(10, "GPIO4", 0, 3), transition(20, "pin/GPIO4", "watching", {}, 2));
    expect(remarks).toEqual([
      `time 0 is ${BOOTED_NS} ns after the boot of the supervisor's machine`,
      "lost 3 edges of GPIO4 before time 10",
      "lost 2 events before time 20",
    ]);
  });

  test("it lasts for as long as was traced, though nothing happened at last", () => {
    const vcd = new TraceVcd(path);
    vcd.add(edge(0, "GPIO4", 1));
    vcd.end(2_500_000n);
    expect(readDump(readFileSync(path, "latin1")).end).toBe(2500);
  });

  test("an edge that comes behind a later transition stands before it", () => {
    const vcd = new TraceVcd(path);
    vcd.add(transition(0, "actor/door", "shut"));
    vcd.add(transition(30, "actor/door", "open"));
    vcd.write();
    vcd.add(edge(20, "GPIO4", 1));
    vcd.write();
    vcd.write();
    const { waves } = readDump(readFileSync(path, "latin1"));
    expect(waves.get("pin GPIO4")?.at(-1)).toEqual([20, "1"]);
    expect(waves.get("actor door=open")?.at(-1)).toEqual([30, "1"]);
  });

  test("what comes too late by far does not turn time back", () => {
    const vcd = new TraceVcd(path);
    vcd.add(transition(100, "actor/door", "shut"));
    vcd.write();
    vcd.write();
    vcd.add(edge(1, "GPIO4", 1));
    vcd.end(0n);
    expect(readDump(readFileSync(path, "latin1")).waves.get("pin GPIO4")?.at(-1)?.[1]).toBe("1");
  });

  test("whatever a state is called, the file says it, in one word", () => {
    const odd = ["", " ", "$end", "$comment x", "#17", "a\\nb", "s\tz", "0v1", "{a: 1}", "größer", "\u0000\u2028", "😀"];
    const { waves } = dumpOf(...odd.map((state, index) => transition(index, `actor/a${index}`, state)));
    for (const [index, state] of odd.entries()) {
      const [, told = ""] = waves.get(`actor a${index}/state`)?.at(-1) ?? [];
      const bytes = told.replace(/\\x(..)/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
      expect(Buffer.from(bytes, "latin1").toString()).toBe(state);
    }
  });
});

describe("the file", () => {
  test("is whole at any instant, with what has been written so far", () => {
    const vcd = new TraceVcd(path);
    expect(readDump(readFileSync(path, "latin1")).waves.size).toBe(0);
    for (let at = 0; at < 3000; at += 1) {
      vcd.add(edge(at, `GPIO${at % 30}`, at % 2 === 0 ? 1 : 0));
      if (at % 100 !== 0) continue;
      vcd.write();
      readDump(readFileSync(path, "latin1"));
    }
    vcd.end(0n);
    expect(readDump(readFileSync(path, "latin1")).end).toBe(2999);
  });

  test("has nothing that crosses a page, so that a killed process leaves nothing half-written", () => {
    const vcd = new TraceVcd(path);
    for (let at = 0; at < 3000; at += 1) vcd.add(transition(at, `actor/a${at % 100}`, `state-${at % 7}`));
    vcd.end(0n);
    const text = readFileSync(path, "latin1");
    expect(text.length).toBeGreaterThan(20 * 4096);
    for (let end = 4096; end < text.length; end += 4096) expect(text.slice(end - 1, end + 1)).toMatch(/\s/);
  });

  test("counts the variables that it has no room for, and goes on", () => {
    const vcd = new TraceVcd(path);
    for (let at = 0; at < 2000; at += 1) vcd.add(edge(at, `GPIO${at}`, 1));
    vcd.add(edge(5000, "GPIO0", 0));
    vcd.end(0n);
    const { waves } = readDump(readFileSync(path, "latin1"));
    expect(vcd.leftOut).toBeGreaterThan(0);
    expect(waves.size).toBe(2000 - vcd.leftOut);
    expect(waves.get("pin GPIO0")?.at(-1)).toEqual([5000, "0"]);
  });

  test("is no pipe, and no folder", () => {
    expect(() => new TraceVcd("/dev/null")).toThrow("/dev/null is no regular file");
    expect(() => new TraceVcd(folder)).toThrow("can't be written");
  });
});
