import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { SimulatedClock } from "../../src/clock/simulated.ts";
import type { Edge, GpioBackend, LineId, LineListener } from "../../src/gpio/backend.ts";
import { MAX_TRACE, SimBackend } from "../../src/gpio/sim.ts";
import { HoldfastError } from "../../src/protocol/errors.ts";
import type { Level } from "../../src/protocol/requests.ts";
import { conformsAsGpioBackend } from "../conformance/gpio-backend.ts";
import { build, deaf, gpio, ignore, input, output } from "./sim-header.ts";

/** A listener that writes what it hears into a common log, as `17:1` or `17:LINE_LOST`. */
function logging(log: string[], name: string | number, onEdge: (edge: Edge) => void = ignore): LineListener {
  return {
    edge: (edge) => {
      log.push(`${name}:${edge.level}`);
      onEdge(edge);
    },
    fail: ({ code }) => log.push(`${name}:${code}`),
  };
}

const levels = (sim: SimBackend, id: LineId) => sim.trace(id).map(({ level }) => level);

/** The HoldfastError that a call throws. */
function thrown(call: () => unknown): HoldfastError {
  try {
    call();
  } catch (error) {
    if (error instanceof HoldfastError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

conformsAsGpioBackend("sim", () => {
  const { clock, sim } = build();
  return {
    backend: sim,
    line: gpio(17),
    other: gpio(27),
    drive: (id, level) => sim.drive(id, level),
    physical: (id) => sim.level(id),
    nowNs: () => BigInt(Math.round(clock.nowUs() * 1000)),
    pass: async (ms) => clock.advanceMs(ms),
    close: () => expect(clock.pending).toBe(0),
  };
});

describe("requests", () => {
  test("the header is named as on a Raspberry Pi 5", () => {
    const [chip] = build().sim.chips();
    expect(chip?.label).toBe("holdfast-sim");
    expect(chip?.lines.map(({ name }) => name)).toEqual(["ID_SDA", "ID_SCL", ...Array.from({ length: 26 }, (_, n) => `GPIO${n + 2}`)]);
  });

  test("the outside is reached through the backend's simulation", () => {
    const { sim } = build();
    const backend: GpioBackend = sim;
    backend.simulation?.wire(gpio(17), gpio(27));
    backend.simulation?.drive(gpio(27), 1);
    expect(sim.level(gpio(17))).toBe(1);
  });

  test("opening drives no glitch, and neither does a change of settings that keeps the level", () => {
    const { sim } = build();
    sim.drive(gpio(17), 1);
    sim.drive(gpio(17), null);
    const line = sim.request(gpio(17), { ...output, activeLow: true, initial: 0 }, "driver", deaf);
    line.reconfigure({ ...output, drive: "open-source", initial: 1 });
    line.reconfigure({ ...output, bias: "pull-down", initial: 1 });
    expect(levels(sim, gpio(17))).toEqual([1]);
  });

  test("each line counts its requests and releases, and refused requests are none", () => {
    const { sim } = build();
    const line = sim.request(gpio(17), output, "driver", deaf);
    expect(() => sim.request(gpio(17), output, "other", deaf)).toThrow();
    expect(sim.uses(gpio(17))).toEqual({ requests: 1, releases: 0 });
    line.release(ignore);
    expect(sim.uses(gpio(17))).toEqual({ requests: 1, releases: 1 });
  });

  test("using a line after its release, releasing it twice, and closing with a line held are defects of the caller", () => {
    const { sim } = build();
    const line = sim.request(gpio(17), output, "driver", deaf);
    expect(() => sim.close()).toThrow("holdfast-sim:17 is requested");
    line.release(ignore);
    for (const use of [() => line.get(), () => line.set(1), () => line.reconfigure(input)]) expect(use).toThrow("after its release");
    expect(() => line.release(ignore)).toThrow("released twice");
    expect(sim.uses(gpio(17)).releases).toBe(1);
    sim.close();
  });

  test("reconfiguring as-is leaves the line unchanged", () => {
    const { sim } = build();
    const line = sim.request(gpio(17), { ...output, initial: 1 }, "driver", deaf);
    line.reconfigure({ direction: "as-is" });
    line.set(0);
    expect(sim.level(gpio(17))).toBe(0);
  });

  test("a line that does not exist, and one of no chip", () => {
    const { sim } = build();
    expect(thrown(() => sim.request(gpio(28), output, "driver", deaf)).code).toBe("LINE_FAILED");
    expect(thrown(() => sim.request({ chip: "sim:9", offset: 0 }, output, "driver", deaf)).code).toBe("LINE_LOST");
  });
});

describe("edges", () => {
  test("a listener that sets a line: what follows is told after what came before", () => {
    const { sim } = build();
    const log: string[] = [];
    for (const [a, b] of [
      [17, 27],
      [17, 22],
      [5, 6],
    ] as const)
      sim.wire(gpio(a), gpio(b));
    const relay = sim.request(gpio(5), output, "relay", deaf);
    sim.request(gpio(6), input, "watcher", logging(log, 6));
    sim.request(
      gpio(27),
      input,
      "watcher",
      logging(log, 27, ({ level }) => relay.set(level)),
    );
    sim.request(gpio(22), input, "watcher", logging(log, 22));
    const source = sim.request(gpio(17), output, "source", deaf);
    source.set(1);
    expect(log).toEqual(["27:1", "22:1", "6:1"]);
  });

  test("a line that is released before its edge is told does not hear it", () => {
    const { sim } = build();
    const log: string[] = [];
    sim.wire(gpio(17), gpio(27));
    sim.request(
      gpio(17),
      input,
      "watcher",
      logging(log, 17, () => late.release(ignore)),
    );
    const late = sim.request(gpio(27), input, "watcher", logging(log, 27));
    sim.drive(gpio(17), 1);
    expect(log).toEqual(["17:1"]);
  });

  test("an input whose pull is changed hears that edge, but not within its own call", () => {
    const { clock, sim } = build();
    const log: string[] = [];
    const line = sim.request(gpio(17), { ...input, bias: "pull-up" }, "watcher", logging(log, 17));
    expect(line.get()).toBe(1);
    line.reconfigure({ ...input, bias: "pull-down" });
    expect(log).toEqual([]);
    clock.advanceMs(1);
    expect(log).toEqual(["17:0"]);
  });

  test("lines wired in a circle through a listener oscillate in time, and do not hang", () => {
    const { clock, sim } = build();
    const log: string[] = [];
    sim.wire(gpio(17), gpio(27));
    const out = sim.request(gpio(17), output, "inverter", deaf);
    const watch = sim.request(
      gpio(27),
      input,
      "inverter",
      logging(log, 27, ({ level }) => out.set(level === 1 ? 0 : 1)),
    );
    out.set(1);
    const atOnce = log.length;
    clock.advanceMs(0.002);
    expect(log.length).toBeGreaterThan(atOnce);
    watch.release(ignore);
    clock.advanceMs(1);
    expect(clock.pending).toBe(0);
  });

  test("a listener that throws keeps no other line from its edge", () => {
    const { clock, sim } = build();
    const log: string[] = [];
    sim.wire(gpio(17), gpio(27));
    sim.request(gpio(17), input, "broken", {
      ...deaf,
      edge: () => {
        throw new Error("broken");
      },
    });
    sim.request(gpio(27), input, "watcher", logging(log, 27));
    expect(() => sim.drive(gpio(17), 1)).toThrow("broken");
    clock.advanceMs(1);
    expect(log).toEqual(["27:1"]);
  });

  test("however a debounced input bounces, it tells exactly the levels that lasted", () => {
    const debounceUs = 5000;
    const step = fc.record({ level: fc.constantFrom<Level[]>(0, 1), lastsMs: fc.nat({ max: 12 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), fc.boolean(), (steps, activeLow) => {
        const { clock, sim } = build();
        const edges: Edge[] = [];
        const watcher = { ...deaf, edge: (edge: Edge) => edges.push(edge) };
        const line = sim.request(gpio(17), { ...input, activeLow, debounceUs }, "watcher", watcher);
        const expected: Edge[] = [];
        let [stable, level, sinceUs]: [Level, Level, number] = [0, 0, clock.nowUs()];
        for (const next of [...steps, { level: 0 as Level, lastsMs: 12 }]) {
          if (next.level !== level) [level, sinceUs] = [next.level, clock.nowUs()];
          sim.drive(gpio(17), level);
          clock.advanceMs(next.lastsMs);
          if (level !== stable && clock.nowUs() - sinceUs >= debounceUs) {
            stable = level;
            const logical: Level = (stable === 1) !== activeLow ? 1 : 0;
            expected.push({ index: 0, level: logical, timestampNs: BigInt(sinceUs + debounceUs) * 1000n, lost: 0 });
            expect(line.get()).toBe(logical);
          }
        }
        expect(edges).toEqual(expected);
      }),
    );
  });

  test("a debounced input reads the level before the bouncing until the new one has lasted", () => {
    const { clock, sim } = build();
    const line = sim.request(gpio(17), { ...input, debounceUs: 5000 }, "watcher", deaf);
    sim.drive(gpio(17), 1);
    expect(line.get()).toBe(0);
    clock.advanceMs(5);
    expect(line.get()).toBe(1);
  });
});

describe("failure on demand", () => {
  const failure = new HoldfastError("LINE_FAILED", "the kernel says EIO");

  test("the next call of a kind fails, the one after it does not, and a failed change changes nothing", () => {
    const { sim } = build();
    sim.failNext(gpio(17), "request", failure);
    expect(() => sim.request(gpio(17), output, "driver", deaf)).toThrow(failure);
    expect(sim.chips()[0]?.lines[17]?.used).toBe(false);
    const line = sim.request(gpio(17), output, "driver", deaf);
    for (const [kind, call] of [
      ["set", () => line.set(1)],
      ["get", () => line.get()],
      ["reconfigure", () => line.reconfigure({ ...output, initial: 1 })],
    ] as const) {
      sim.failNext(gpio(17), kind, failure);
      expect(call).toThrow(failure);
      expect(sim.level(gpio(17))).toBe(0);
      expect(call).not.toThrow();
      line.set(0);
    }
  });

  test("edges that can't be read any more end with fail, and the line is still released", () => {
    const { sim } = build();
    const log: string[] = [];
    const line = sim.request(gpio(17), input, "watcher", logging(log, 17));
    sim.failNext(gpio(17), "edges", failure);
    for (const level of [1, 0, 1] as const) sim.drive(gpio(17), level);
    expect(log).toEqual(["17:LINE_FAILED"]);
    line.release(ignore);
    expect(sim.uses(gpio(17))).toEqual({ requests: 1, releases: 1 });
  });

  test("lost edges are counted in the one after them", () => {
    const { sim } = build();
    const edges: Edge[] = [];
    sim.request(gpio(17), input, "watcher", { ...deaf, edge: (edge) => edges.push(edge) });
    sim.loseEdges(gpio(17), 3);
    for (const level of [1, 0, 1, 0, 1] as const) sim.drive(gpio(17), level);
    expect(edges.map(({ level, lost }) => ({ level, lost }))).toEqual([
      { level: 0, lost: 3 },
      { level: 1, lost: 0 },
    ]);
  });

  test("a line that another program has is refused by that program's name, until it is given back", () => {
    const { sim } = build();
    sim.occupy(gpio(17), "gpioset");
    expect(sim.chips()[0]?.lines[17]).toEqual({ offset: 17, name: "GPIO17", used: true, consumer: "gpioset" });
    const error = thrown(() => sim.request(gpio(17), output, "driver", deaf));
    expect(error).toMatchObject({ code: "LINE_BUSY", details: { consumer: "gpioset", chip: "sim:0", offset: 17 } });
    sim.vacate(gpio(17));
    sim.request(gpio(17), output, "driver", deaf);
    expect(thrown(() => sim.occupy(gpio(17), "gpioset")).code).toBe("LINE_BUSY");
  });

  test("a delayed release holds the line and its level until it is through, and tells once", () => {
    const { clock, sim } = build();
    let times = 0;
    sim.wire(gpio(17), gpio(27));
    const line = sim.request(gpio(17), { ...output, initial: 1 }, "driver", deaf);
    const pulled = sim.request(gpio(27), { ...input, bias: "pull-down" }, "watcher", deaf);
    sim.delayRelease(gpio(17), 3000);
    line.release(() => times++);
    clock.advanceMs(2.9);
    expect([times, pulled.get()]).toEqual([0, 1]);
    expect(thrown(() => sim.request(gpio(17), output, "next", deaf)).code).toBe("LINE_BUSY");
    clock.advanceMs(0.1);
    expect([times, pulled.get()]).toEqual([1, 0]);
    sim.request(gpio(17), output, "next", deaf);
  });

  test("a chip that goes away takes its lines along, and they are still released", () => {
    const clock = new SimulatedClock();
    const sim = new SimBackend({
      clock,
      chips: [
        { path: "sim:0", label: "holdfast-sim", lines: ["A", "B"] },
        { path: "sim:1", label: "expander", lines: [null] },
      ],
    });
    const log: string[] = [];
    const staying = { chip: "sim:1", offset: 0 };
    sim.wire(gpio(0), staying);
    const pulled = sim.request(staying, { ...input, bias: "pull-down" }, "watcher", logging(log, "expander"));
    const lines = [gpio(0), gpio(1)].map((id) => sim.request(id, { ...output, initial: 1 }, "driver", logging(log, id.offset)));
    sim.removeChip("sim:0");
    expect(log).toEqual(["expander:1", "0:LINE_LOST", "1:LINE_LOST", "expander:0"]);
    expect(sim.chips().map(({ label }) => label)).toEqual(["expander"]);
    for (const line of lines) {
      for (const use of [() => line.get(), () => line.set(1), () => line.reconfigure(input)]) expect(thrown(use).code).toBe("LINE_LOST");
      line.release(ignore);
    }
    expect(thrown(() => sim.request(gpio(0), input, "late", deaf)).code).toBe("LINE_LOST");
    expect([gpio(0), gpio(1)].map((id) => sim.uses(id).releases)).toEqual([1, 1]);
    expect(pulled.get()).toBe(0);
  });
});

test("a trace keeps the latest changes, and no more than its limit", () => {
  const { clock, sim } = build();
  const line = sim.request(gpio(17), output, "driver", deaf);
  for (let count = 1; count <= 2 * MAX_TRACE + 500; count++) {
    clock.advanceMs(1);
    line.set(count % 2 === 1 ? 1 : 0);
  }
  const trace = sim.trace(gpio(17));
  expect(trace.length).toBe(MAX_TRACE);
  expect(trace.at(-1)).toEqual({ level: 0, timestampNs: BigInt(clock.nowUs()) * 1000n });
  expect((trace.at(-1)?.timestampNs ?? 0n) - (trace[0]?.timestampNs ?? 0n)).toBe(BigInt(MAX_TRACE - 1) * 1_000_000n);
});
