import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Edge, LineId, LineListener } from "../../src/gpio/backend.ts";
import type { SimBackend } from "../../src/gpio/sim.ts";
import type { Bias, Drive, Level } from "../../src/protocol/requests.ts";
import { build, deaf, gpio, ignore, input, output } from "./sim-header.ts";

/** A listener that writes the edges it hears into a common log, as `17:1`. */
function logging(log: string[], offset: number): LineListener {
  return { ...deaf, edge: ({ level }) => log.push(`${offset}:${level}`) };
}

const levels = (sim: SimBackend, id: LineId) => sim.trace(id).map(({ level }) => level);

describe("wires", () => {
  /** One thing that happens to lines 0 to 4. */
  type Happening =
    | { kind: "wire"; at: number; to: number }
    | { kind: "drive"; at: number; level: Level | null }
    | { kind: "out"; at: number; level: Level; drive: Drive; activeLow: boolean; bias: Bias }
    | { kind: "in"; at: number; bias: Bias }
    | { kind: "release"; at: number };

  const at = fc.nat({ max: 4 });
  const level = fc.constantFrom<Level[]>(0, 1);
  const bias = fc.constantFrom<Bias[]>("disabled", "pull-up", "pull-down");
  const drive = fc.constantFrom<Drive[]>("push-pull", "open-drain", "open-source");
  const happening: fc.Arbitrary<Happening> = fc.oneof(
    fc.record({ kind: fc.constant("wire" as const), at, to: at }),
    fc.record({ kind: fc.constant("drive" as const), at, level: fc.option(level) }),
    fc.record({ kind: fc.constant("out" as const), at, level, drive, activeLow: fc.boolean(), bias }),
    fc.record({ kind: fc.constant("in" as const), at, bias }),
    fc.record({ kind: fc.constant("release" as const), at }),
  );

  test("whatever happens, all lines of a wire read one level: the drivers', else the pulls', else the one it had", () => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 40 }), (happenings) => {
        const { sim } = build();
        const lines = new Map<number, { line: ReturnType<SimBackend["request"]>; drives: Level | null; pulls: Level | null }>();
        const outside = new Map<number, Level | null>();
        let wires = Array.from({ length: 5 }, (_, offset) => [offset]);
        for (const happens of happenings) {
          const before = wires.map((wire) => sim.level(gpio(wire[0] ?? 0)));
          const held = lines.get(happens.at);
          if (happens.kind === "wire") {
            sim.wire(gpio(happens.at), gpio(happens.to));
            const joined = wires.filter((wire) => wire.includes(happens.at) || wire.includes(happens.to));
            wires = [...wires.filter((wire) => !joined.includes(wire)), joined.flat()];
          } else if (happens.kind === "drive") {
            sim.drive(gpio(happens.at), happens.level);
            outside.set(happens.at, happens.level);
          } else if (happens.kind === "release") {
            held?.line.release(ignore);
            lines.delete(happens.at);
          } else {
            const settings =
              happens.kind === "in"
                ? { ...input, bias: happens.bias }
                : { ...output, bias: happens.bias, drive: happens.drive, activeLow: happens.activeLow, initial: happens.level };
            if (held !== undefined) held.line.reconfigure(settings);
            const line = held?.line ?? sim.request(gpio(happens.at), settings, "test", deaf);
            const pulls = happens.bias === "disabled" ? null : happens.bias === "pull-up" ? 1 : 0;
            let drives: Level | null = null;
            if (happens.kind === "out") {
              const physical: Level = (happens.level === 1) !== happens.activeLow ? 1 : 0;
              const open = (happens.drive === "open-drain" && physical === 1) || (happens.drive === "open-source" && physical === 0);
              drives = open ? null : physical;
            }
            lines.set(happens.at, { line, drives, pulls });
          }
          for (const [index, wire] of wires.entries()) {
            const read = new Set(wire.map((offset) => sim.level(gpio(offset))));
            expect(read.size).toBe(1);
            const drivers = wire.flatMap((offset) => [lines.get(offset)?.drives, outside.get(offset)]).filter((by) => by != null);
            const pullers = wire.map((offset) => lines.get(offset)?.pulls).filter((by) => by != null);
            const [now] = read;
            if (drivers.length > 0) expect(now).toBe(drivers.includes(0) ? 0 : 1);
            else if (new Set(pullers).size === 1) expect(now).toBe(pullers[0] as Level);
            else if (happens.kind !== "wire") expect(now).toBe(before[index] as Level);
          }
        }
      }),
    );
  });

  test("a trace tells each change once, and its last is the level now", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(at, fc.option(level)), { maxLength: 60 }),
        fc.array(fc.tuple(at, at), { maxLength: 8 }),
        (drives, wires) => {
          const { clock, sim } = build();
          for (const [a, b] of wires) sim.wire(gpio(a), gpio(b));
          for (const [offset, to] of drives) {
            clock.advanceMs(1);
            sim.drive(gpio(offset), to);
          }
          for (let offset = 0; offset < 5; offset++) {
            const trace = sim.trace(gpio(offset));
            // From 0, a line that only changes goes 1, 0, 1, …
            expect(trace.map((entry) => entry.level)).toEqual(trace.map((_, index) => (index % 2 === 0 ? 1 : 0)));
            expect(sim.level(gpio(offset))).toBe(trace.at(-1)?.level ?? 0);
            for (const [index, entry] of trace.entries()) {
              if (index > 0) expect(entry.timestampNs).toBeGreaterThan(trace[index - 1]?.timestampNs ?? 0n);
            }
          }
        },
      ),
    );
  });

  test("an output wired to an input: the input's edge arrives within set, stamped with that moment", () => {
    const { clock, sim } = build();
    sim.wire(gpio(17), gpio(27));
    const edges: Edge[] = [];
    sim.request(gpio(27), input, "watcher", { ...deaf, edge: (edge) => edges.push(edge) });
    const out = sim.request(gpio(17), output, "driver", deaf);
    out.set(1);
    clock.advanceMs(2.5);
    out.set(0);
    expect(edges).toEqual([
      { index: 0, level: 1, timestampNs: 1_000_000_000n, lost: 0 },
      { index: 0, level: 0, timestampNs: 1_002_500_000n, lost: 0 },
    ]);
  });

  test("two open-drain outputs share a pulled-up wire: either holds it low, and nothing contends", () => {
    const { sim } = build();
    sim.wire(gpio(2), gpio(3));
    const [a, b] = [2, 3].map((offset) =>
      sim.request(gpio(offset), { ...output, drive: "open-drain", bias: "pull-up", initial: 1 }, "bus", deaf),
    );
    expect(a?.get()).toBe(1);
    b?.set(0);
    expect(a?.get()).toBe(0);
    a?.set(0);
    b?.set(1);
    expect(b?.get()).toBe(0);
    a?.set(1);
    expect(b?.get()).toBe(1);
    expect(sim.contentions().count).toBe(0);
  });

  test("drivers that disagree: the wire reads 0, and the contention is recorded once", () => {
    const { sim } = build();
    const line = sim.request(gpio(17), { ...output, initial: 1 }, "driver", deaf);
    sim.wire(gpio(17), gpio(22));
    sim.drive(gpio(22), 0);
    sim.drive(gpio(17), 0);
    expect(line.get()).toBe(0);
    expect(sim.contentions()).toEqual({ count: 1, latest: [{ timestampNs: 1_000_000_000n, lines: [gpio(17), gpio(22)] }] });
    sim.drive(gpio(17), null);
    sim.drive(gpio(22), null);
    expect(line.get()).toBe(1);
    sim.drive(gpio(22), 0);
    expect(sim.contentions().count).toBe(2);
  });

  test("wiring two driven wires that disagree is a contention too", () => {
    const { sim } = build();
    sim.drive(gpio(5), 1);
    sim.drive(gpio(6), 0);
    sim.wire(gpio(5), gpio(6));
    expect([sim.level(gpio(5)), sim.contentions().count]).toEqual([0, 1]);
  });

  test("a wire is joined to one at another level: the lines on both hear what it changes for them", () => {
    const { sim } = build();
    const log: string[] = [];
    for (const offset of [5, 6, 7]) sim.request(gpio(offset), input, "watcher", logging(log, offset));
    sim.drive(gpio(5), 1);
    sim.wire(gpio(5), gpio(6));
    sim.wire(gpio(7), gpio(5));
    expect(log).toEqual(["5:1", "6:1", "7:1"]);
    expect([5, 6, 7].map((offset) => levels(sim, gpio(offset)))).toEqual([[1], [1], [1]]);
  });

  test("a released input pulls no more", () => {
    const { sim } = build();
    sim.request(gpio(17), { ...input, bias: "pull-up" }, "watcher", deaf).release(ignore);
    sim.drive(gpio(17), 0);
    sim.drive(gpio(17), null);
    expect(sim.level(gpio(17))).toBe(0);
  });

  test("a wire that is let go keeps its level, and a released output lets go", () => {
    const { sim } = build();
    sim.request(gpio(17), { ...output, initial: 1 }, "driver", deaf).release(ignore);
    expect(sim.level(gpio(17))).toBe(1);
    sim.drive(gpio(17), 0);
    sim.drive(gpio(17), null);
    expect(sim.level(gpio(17))).toBe(0);
    expect(sim.contentions().count).toBe(0);
  });
});
