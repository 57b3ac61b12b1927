import { describe, expect, test } from "bun:test";
import type { Edge, GpioBackend, InputSettings, Line, LineId, LineInfo, LineListener, OutputSettings } from "../../src/gpio/backend.ts";
import { levelsOf } from "../../src/gpio/levels.ts";
import type { HoldfastError } from "../../src/protocol/errors.ts";
import type { Level } from "../../src/protocol/requests.ts";
import { refusal } from "../refusal.ts";

/** A backend under test, and the world around one of its lines, reached without the backend. */
export interface Rig {
  readonly backend: GpioBackend;
  /** A free line whose wire nothing else drives. */
  readonly line: LineId;
  /** Another of the same chip, not wired to it. */
  readonly other: LineId;
  /** Drives the wire from outside to a physical level, as far as no output beats it; null lets go. */
  drive(line: LineId, level: Level | null): void;
  /** The physical level of the wire. */
  physical(line: LineId): Level;
  /** Now, on the clock of the edges, in ns. */
  nowNs(): bigint;
  /** Lets time pass on the backend's clock. */
  pass(ms: number): Promise<void>;
  /** Ends what the rig itself has begun. The backend is closed before. */
  close(): void;
}

/** The longest that anything may take to arrive, in ms. On an emulated machine a thread may need seconds to start. */
const PATIENCE_MS = Number(process.env["TEST_PATIENCE_MS"] ?? 5000);

const CONSUMER = "conformance";
/** Long enough for a slow machine to drive some levels within it. */
const DEBOUNCE_MS = 250;

const output: OutputSettings = { direction: "out", activeLow: false, bias: "as-is", drive: "push-pull", initial: 0 };
const input: InputSettings = { direction: "in", activeLow: false, bias: "as-is", debounceUs: 0 };

/** A listener that keeps what it is told. */
class Recorder implements LineListener {
  readonly edges: Edge[] = [];
  readonly failures: HoldfastError[] = [];

  edge(edge: Edge): void {
    this.edges.push(edge);
  }

  fail(error: HoldfastError): void {
    this.failures.push(error);
  }

  get levels(): readonly Level[] {
    return this.edges.map(({ level }) => level);
  }
}

async function until(rig: Rig, what: string, holds: () => boolean): Promise<void> {
  for (let waitedMs = 0; !holds(); waitedMs++) {
    if (waitedMs > PATIENCE_MS) throw new Error(`in vain waited for ${what}`);
    await rig.pass(1);
  }
}

async function released(rig: Rig, line: Line): Promise<void> {
  let times = 0;
  line.release(() => times++);
  await until(rig, "the release", () => times > 0);
  await rig.pass(1);
  expect(times).toBe(1);
}

function info(rig: Rig, { chip, offset }: LineId): LineInfo | undefined {
  return rig.backend
    .chips()
    .find(({ path }) => path === chip)
    ?.lines.find((line) => line.offset === offset);
}

/**
 * Registers the tests of what every GpioBackend does, on a real kernel as on a simulated chip.
 * @param build makes a backend and its rig afresh for each test
 */
export function conformsAsGpioBackend(name: string, build: () => Rig | Promise<Rig>): void {
  const on = (story: string, run: (rig: Rig) => Promise<void>) =>
    test(story, async () => {
      const rig = await build();
      try {
        await run(rig);
        rig.backend.close();
      } finally {
        rig.close();
      }
    });

  describe(`${name}: outputs`, () => {
    for (const initial of [0, 1] as const) {
      on(`a request drives the initial level ${initial}`, async (rig) => {
        const line = rig.backend.request(rig.line, { ...output, initial }, CONSUMER, new Recorder());
        expect(rig.physical(rig.line)).toBe(initial);
        expect(line.get()).toBe(initial);
        await released(rig, line);
      });
    }

    on("set drives the wire, and get reads it", async (rig) => {
      const line = rig.backend.request(rig.line, output, CONSUMER, new Recorder());
      for (const level of [1, 0, 0, 1, 1, 0] as const) {
        line.set(level);
        expect(rig.physical(rig.line)).toBe(level);
        expect(line.get()).toBe(level);
      }
      await released(rig, line);
    });

    on("with active-low, 1 is low on the wire", async (rig) => {
      const line = rig.backend.request(rig.line, { ...output, activeLow: true, initial: 1 }, CONSUMER, new Recorder());
      expect(rig.physical(rig.line)).toBe(0);
      line.set(0);
      expect(rig.physical(rig.line)).toBe(1);
      expect(line.get()).toBe(0);
      await released(rig, line);
    });

    on("a reconfigured output takes its new initial level", async (rig) => {
      const line = rig.backend.request(rig.line, { ...output, initial: 1 }, CONSUMER, new Recorder());
      line.reconfigure({ ...output, initial: 1 });
      expect(rig.physical(rig.line)).toBe(1);
      line.reconfigure({ ...output, activeLow: true, initial: 1 });
      expect(rig.physical(rig.line)).toBe(0);
      await released(rig, line);
    });

    on("outputs hear no edges", async (rig) => {
      const recorder = new Recorder();
      const line = rig.backend.request(rig.line, output, CONSUMER, recorder);
      line.set(1);
      line.set(0);
      await rig.pass(20);
      expect(recorder.edges).toEqual([]);
      await released(rig, line);
    });
  });

  describe(`${name}: inputs`, () => {
    on("get reads what the outside drives", async (rig) => {
      rig.drive(rig.line, 1);
      const line = rig.backend.request(rig.line, input, CONSUMER, new Recorder());
      expect(line.get()).toBe(1);
      rig.drive(rig.line, 0);
      expect(line.get()).toBe(0);
      await released(rig, line);
    });

    on("with active-low, a low wire reads 1, and its edge rises", async (rig) => {
      rig.drive(rig.line, 1);
      const recorder = new Recorder();
      const line = rig.backend.request(rig.line, { ...input, activeLow: true }, CONSUMER, recorder);
      expect(line.get()).toBe(0);
      rig.drive(rig.line, 0);
      expect(line.get()).toBe(1);
      await until(rig, "the edge", () => recorder.edges.length > 0);
      expect(recorder.levels).toEqual([1]);
      await released(rig, line);
    });

    on("a pull decides where nothing drives", async (rig) => {
      rig.drive(rig.line, null);
      const line = rig.backend.request(rig.line, { ...input, bias: "pull-up" }, CONSUMER, new Recorder());
      expect(line.get()).toBe(1);
      line.reconfigure({ ...input, bias: "pull-down" });
      expect(line.get()).toBe(0);
      await released(rig, line);
    });

    on("edges arrive in order, none lost, with the time at which they happened", async (rig) => {
      rig.drive(rig.line, 0);
      const recorder = new Recorder();
      const line = rig.backend.request(rig.line, input, CONSUMER, recorder);
      const driven: { afterNs: bigint; beforeNs: bigint }[] = [];
      for (let count = 1; count <= 12; count++) {
        const afterNs = rig.nowNs();
        rig.drive(rig.line, count % 2 === 1 ? 1 : 0);
        await until(rig, `edge ${count}`, () => recorder.edges.length === count);
        driven.push({ afterNs, beforeNs: rig.nowNs() });
      }
      expect(recorder.levels).toEqual([1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0]);
      expect(recorder.edges.every(({ lost }) => lost === 0)).toBe(true);
      for (const [index, { timestampNs }] of recorder.edges.entries()) {
        expect(timestampNs).toBeGreaterThanOrEqual(driven[index]?.afterNs ?? 0n);
        expect(timestampNs).toBeLessThanOrEqual(driven[index]?.beforeNs ?? 0n);
      }
      await released(rig, line);
    });

    on("driving the level that is already there makes no edge", async (rig) => {
      rig.drive(rig.line, 1);
      const recorder = new Recorder();
      const line = rig.backend.request(rig.line, input, CONSUMER, recorder);
      rig.drive(rig.line, 1);
      await rig.pass(20);
      expect(recorder.edges).toEqual([]);
      await released(rig, line);
    });

    on("each line hears its own edges", async (rig) => {
      rig.drive(rig.line, 0);
      rig.drive(rig.other, 0);
      const recorders = [new Recorder(), new Recorder()] as const;
      const line = rig.backend.request(rig.line, input, CONSUMER, recorders[0]);
      const other = rig.backend.request(rig.other, input, CONSUMER, recorders[1]);
      rig.drive(rig.other, 1);
      await until(rig, "the edge", () => recorders[1].edges.length > 0);
      await rig.pass(20);
      expect(recorders.map(({ levels }) => levels)).toEqual([[], [1]]);
      await released(rig, line);
      await released(rig, other);
    });

    on("bouncing shorter than the debounce period makes no edge; a level that stays makes one, that much later", async (rig) => {
      rig.drive(rig.line, 0);
      const recorder = new Recorder();
      const line = rig.backend.request(rig.line, { ...input, debounceUs: DEBOUNCE_MS * 1000 }, CONSUMER, recorder);
      for (const level of [1, 0, 1, 0] as const) rig.drive(rig.line, level);
      await rig.pass(2 * DEBOUNCE_MS);
      expect(recorder.edges).toEqual([]);
      const drivenNs = rig.nowNs();
      rig.drive(rig.line, 1);
      await until(rig, "the edge", () => recorder.edges.length > 0);
      expect(rig.nowNs() - drivenNs).toBeGreaterThanOrEqual(BigInt(DEBOUNCE_MS) * 1_000_000n);
      expect(recorder.levels).toEqual([1]);
      expect(line.get()).toBe(1);
      await released(rig, line);
    });

    on("an input can't be set", async (rig) => {
      const line = rig.backend.request(rig.line, input, CONSUMER, new Recorder());
      expect(refusal(() => line.set(1))).toMatchObject({ code: "LINE_FAILED", details: { ...rig.line } });
      await released(rig, line);
    });
  });

  describe(`${name}: one holder at a time`, () => {
    on("a line that is requested is refused, with the name of who has it", async (rig) => {
      const line = rig.backend.request(rig.line, output, CONSUMER, new Recorder());
      for (const settings of [output, input, { direction: "as-is" }] as const) {
        const error = refusal(() => rig.backend.request(rig.line, settings, "late-comer", new Recorder()));
        expect(error.code).toBe("LINE_BUSY");
        expect(error.message).toContain(CONSUMER);
        expect(error.details).toEqual({ ...rig.line, consumer: CONSUMER });
      }
      line.set(1);
      expect(rig.physical(rig.line)).toBe(1);
      await released(rig, line);
    });

    on("a line of a chip that is not there is lost, and the error says which", async (rig) => {
      const nowhere = { chip: `${rig.line.chip}999`, offset: 3 };
      const error = refusal(() => rig.backend.request(nowhere, output, CONSUMER, new Recorder()));
      expect(error).toMatchObject({ code: "LINE_LOST", details: nowhere });
    });

    on("chips tells who has a line, afresh each time", async (rig) => {
      expect(info(rig, rig.line)).toMatchObject({ used: false, consumer: null });
      const line = rig.backend.request(rig.line, input, CONSUMER, new Recorder());
      expect(info(rig, rig.line)).toMatchObject({ used: true, consumer: CONSUMER });
      expect(info(rig, rig.other)).toMatchObject({ used: false });
      await released(rig, line);
      expect(info(rig, rig.line)).toMatchObject({ used: false, consumer: null });
    });

    on("a released line can be requested again, time after time", async (rig) => {
      for (const settings of [output, input, { ...output, initial: 1 }, input] as const) {
        await released(rig, rig.backend.request(rig.line, settings, CONSUMER, new Recorder()));
      }
    });

    on("a released line hears nothing more", async (rig) => {
      rig.drive(rig.line, 0);
      const recorder = new Recorder();
      const line = rig.backend.request(rig.line, input, CONSUMER, recorder);
      await released(rig, line);
      rig.drive(rig.line, 1);
      await rig.pass(20);
      expect(recorder.edges).toEqual([]);
      expect(recorder.failures).toEqual([]);
    });

    on("a line may be released from within its own edge", async (rig) => {
      rig.drive(rig.line, 0);
      let times = 0;
      const line = rig.backend.request(rig.line, input, CONSUMER, { edge: () => line.release(() => times++), fail: () => {} });
      rig.drive(rig.line, 1);
      await until(rig, "the release", () => times > 0);
      rig.drive(rig.line, 0);
      await rig.pass(20);
      expect(times).toBe(1);
    });
  });

  describe(`${name}: lines that are requested as one`, () => {
    const bothOf = ({ line, other }: Rig) => ({ chip: line.chip, offsets: [line.offset, other.offset] });
    const wires = (rig: Rig) => [rig.physical(rig.line), rig.physical(rig.other)];
    const combinations = [[1, 0], [0, 1], [1, 1], [0, 0]] as const; // biome-ignore format: levels

    for (const initial of combinations) {
      on(`a request drives each to its initial level: ${initial.join("")}`, async (rig) => {
        const lines = rig.backend.request(bothOf(rig), { ...output, initial: levelsOf(initial) }, CONSUMER, new Recorder());
        expect(wires(rig)).toEqual([...initial]);
        expect(lines.get()).toEqual(levelsOf(initial));
        await released(rig, lines);
      });
    }

    on("set drives each to its level, in the order of the request, and get reads them", async (rig) => {
      const { chip, offsets } = bothOf(rig);
      for (const order of [offsets, offsets.toReversed()]) {
        const lines = rig.backend.request({ chip, offsets: order }, output, CONSUMER, new Recorder());
        for (const levels of combinations) {
          lines.set(levelsOf(levels));
          expect(order.map((offset) => rig.physical({ chip, offset }))).toEqual([...levels]);
          expect(lines.get()).toEqual(levelsOf(levels));
        }
        await released(rig, lines);
      }
    });

    on("with active-low, 1 is low on each wire", async (rig) => {
      const lines = rig.backend.request(bothOf(rig), { ...output, activeLow: true, initial: levelsOf([1, 0]) }, CONSUMER, new Recorder());
      expect(wires(rig)).toEqual([0, 1]);
      lines.set(levelsOf([0, 1]));
      expect(wires(rig)).toEqual([1, 0]);
      expect(lines.get()).toEqual(levelsOf([0, 1]));
      await released(rig, lines);
    });

    on("each edge says which line it is of, in the order in which they happened", async (rig) => {
      rig.drive(rig.line, 0);
      rig.drive(rig.other, 0);
      const recorder = new Recorder();
      const lines = rig.backend.request(bothOf(rig), input, CONSUMER, recorder);
      const driven: { index: number; level: Level; lost: number }[] = [];
      for (const [index, level] of [
        [1, 1],
        [0, 1],
        [0, 0],
        [1, 0],
        [0, 1],
      ] as const) {
        // biome-ignore format: edges
        rig.drive(index === 0 ? rig.line : rig.other, level);
        driven.push({ index, level, lost: 0 });
        await until(rig, `edge ${driven.length}`, () => recorder.edges.length === driven.length);
      }
      expect(recorder.edges.map(({ index, level, lost }) => ({ index, level, lost }))).toEqual(driven);
      expect(lines.get()).toEqual(levelsOf([1, 0]));
      await released(rig, lines);
    });

    on("one that somebody has keeps all from being requested, and is named with who has it", async (rig) => {
      const line = rig.backend.request(rig.other, input, "first", new Recorder());
      const error = refusal(() => rig.backend.request(bothOf(rig), output, CONSUMER, new Recorder()));
      expect(error).toMatchObject({ code: "LINE_BUSY", details: { ...rig.other, consumer: "first" } });
      expect(info(rig, rig.line)).toMatchObject({ used: false });
      await released(rig, line);
      const lines = rig.backend.request(bothOf(rig), output, CONSUMER, new Recorder());
      expect(info(rig, rig.line)).toMatchObject({ used: true, consumer: CONSUMER });
      expect(refusal(() => rig.backend.request(rig.line, input, "late", new Recorder())).details).toMatchObject({ consumer: CONSUMER });
      await released(rig, lines);
      for (const each of [rig.line, rig.other]) expect(info(rig, each)).toMatchObject({ used: false, consumer: null });
    });

    on("inputs become outputs and inputs again", async (rig) => {
      rig.drive(rig.line, 0);
      rig.drive(rig.other, 0);
      const recorder = new Recorder();
      const lines = rig.backend.request(bothOf(rig), input, CONSUMER, recorder);
      rig.drive(rig.line, null);
      rig.drive(rig.other, null);
      lines.reconfigure({ ...output, initial: levelsOf([0, 1]) });
      expect(wires(rig)).toEqual([0, 1]);
      lines.set(levelsOf([1, 0]));
      expect(wires(rig)).toEqual([1, 0]);
      lines.set(0);
      lines.reconfigure(input);
      await rig.pass(20);
      expect(recorder.edges).toEqual([]);
      rig.drive(rig.other, 1);
      await until(rig, "the edge", () => recorder.edges.length > 0);
      expect(recorder.edges.map(({ index, level }) => [index, level])).toEqual([[1, 1]]);
      await released(rig, lines);
    });

    on("lines that are not there are lost, and the error says which", async (rig) => {
      const nowhere = { chip: `${rig.line.chip}999`, offsets: [3, 4] };
      expect(refusal(() => rig.backend.request(nowhere, output, CONSUMER, new Recorder()))).toMatchObject({
        code: "LINE_LOST",
        details: { chip: nowhere.chip },
      });
    });
  });

  describe(`${name}: settings change without a release`, () => {
    on("an input becomes an output and an input again", async (rig) => {
      rig.drive(rig.line, 0);
      const recorder = new Recorder();
      const line = rig.backend.request(rig.line, input, CONSUMER, recorder);
      rig.drive(rig.line, null);
      line.reconfigure({ ...output, initial: 1 });
      expect(rig.physical(rig.line)).toBe(1);
      line.set(0);
      expect(rig.physical(rig.line)).toBe(0);
      await rig.pass(20);
      expect(recorder.edges).toEqual([]);
      line.reconfigure(input);
      expect(info(rig, rig.line)).toMatchObject({ used: true, consumer: CONSUMER });
      rig.drive(rig.line, 1);
      await until(rig, "the edge", () => recorder.edges.length > 0);
      expect(recorder.levels).toEqual([1]);
      await released(rig, line);
    });

    on("an output becomes an input and an output again", async (rig) => {
      const recorder = new Recorder();
      const line = rig.backend.request(rig.line, output, CONSUMER, recorder);
      line.reconfigure(input);
      rig.drive(rig.line, 1);
      await until(rig, "the edge", () => recorder.edges.length > 0);
      expect(line.get()).toBe(1);
      rig.drive(rig.line, null);
      line.reconfigure({ ...output, initial: 0 });
      expect(rig.physical(rig.line)).toBe(0);
      await released(rig, line);
    });

    on("an input that becomes active-low reads the other level, and that is no edge", async (rig) => {
      rig.drive(rig.line, 1);
      const recorder = new Recorder();
      const line = rig.backend.request(rig.line, input, CONSUMER, recorder);
      line.reconfigure({ ...input, activeLow: true });
      expect(line.get()).toBe(0);
      await rig.pass(20);
      expect(recorder.edges).toEqual([]);
      rig.drive(rig.line, 0);
      await until(rig, "the edge", () => recorder.edges.length > 0);
      expect(recorder.levels).toEqual([1]);
      await released(rig, line);
    });

    on("debouncing is turned on and off", async (rig) => {
      rig.drive(rig.line, 0);
      const recorder = new Recorder();
      const line = rig.backend.request(rig.line, input, CONSUMER, recorder);
      line.reconfigure({ ...input, debounceUs: DEBOUNCE_MS * 1000 });
      for (const level of [1, 0] as const) rig.drive(rig.line, level);
      await rig.pass(2 * DEBOUNCE_MS);
      expect(recorder.edges).toEqual([]);
      line.reconfigure(input);
      rig.drive(rig.line, 1);
      await until(rig, "the edge", () => recorder.edges.length > 0);
      expect(recorder.levels).toEqual([1]);
      await released(rig, line);
    });
  });

  describe(`${name}: a line as it is found`, () => {
    on("it reads what the outside drives and changes nothing", async (rig) => {
      for (const level of [0, 1] as const) {
        rig.drive(rig.line, level);
        const line = rig.backend.request(rig.line, { direction: "as-is" }, CONSUMER, new Recorder());
        expect(line.get()).toBe(level);
        expect(rig.physical(rig.line)).toBe(level);
        await released(rig, line);
      }
    });

    on("it becomes what it is reconfigured to", async (rig) => {
      const line = rig.backend.request(rig.line, { direction: "as-is" }, CONSUMER, new Recorder());
      line.reconfigure({ ...output, initial: 1 });
      expect(rig.physical(rig.line)).toBe(1);
      await released(rig, line);
    });
  });
}
