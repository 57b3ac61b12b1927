import { expect, test } from "bun:test";
import { constants } from "node:os";
import { createSupervisor } from "../../src/create-supervisor.ts";
import type { InputSettings, Line, LineListener, OutputSettings } from "../../src/gpio/backend.ts";
import type { Libgpiod, NativeBulk, NativeChip, NativeLine } from "../../src/gpio/libgpiod/addon.ts";
import { LibgpiodBackend } from "../../src/gpio/libgpiod/libgpiod.ts";
import { SimBackend } from "../../src/gpio/sim.ts";
import { type Level, RealClock } from "../../src/index.ts";
import { refusal } from "../refusal.ts";

const output: OutputSettings = { direction: "out", activeLow: false, bias: "as-is", drive: "push-pull", initial: 0 };
const input: InputSettings = { direction: "in", activeLow: false, bias: "as-is", debounceUs: 0 };
const line17 = { chip: "/dev/gpiochip0", offset: 17 };
const deaf: LineListener = { edge() {}, fail() {} };

/** An error as the addon throws it. */
function errnoError(errno: number): Error {
  return Object.assign(new Error("as the kernel says"), { errno });
}

/** Stands in for node-libgpiod on a machine without chips: notes what it is asked for, and keeps the levels of 28 lines. A test on a real kernel is in test/kernel/. */
class StandIn {
  readonly asked: unknown[][] = [];
  readonly levels = new Map<number, Level>();
  readonly consumers = new Map<number, string>();
  /** What the kernel refuses next. */
  refuses: number | null = null;
  readonly addon: Libgpiod;

  constructor() {
    const standIn = this;
    const ask = (...what: unknown[]) => {
      standIn.asked.push(what);
      const errno = standIn.refuses;
      standIn.refuses = null;
      if (errno !== null) throw errnoError(errno);
    };
    class Chip implements NativeChip {
      readonly label = "stand-in";
      readonly numberOfLines = 28;
      constructor(number: number) {
        ask("chip", number);
      }
    }
    class Line implements NativeLine {
      readonly name = undefined;
      constructor(
        _: NativeChip,
        readonly offset: number,
      ) {}
      get consumer() {
        return standIn.consumers.get(this.offset);
      }
      get used() {
        return standIn.consumers.has(this.offset);
      }
      update(): void {}
    }
    class Bulk implements NativeBulk {
      constructor(
        _: NativeChip,
        readonly offsets: readonly number[],
      ) {
        ask("bulk", offsets);
      }
      get values() {
        return this.offsets.map((offset) => standIn.levels.get(offset) ?? 0);
      }
      setValues(levels: readonly Level[]): void {
        ask("set", levels);
        for (const [index, level] of levels.entries()) standIn.levels.set(this.offsets[index] as number, level);
      }
      request = (config: object) => ask("request", config);
      requestInputFlags = (consumer: string, flags: number) => ask("input", consumer, flags);
      requestOutputFlags = (consumer: string, flags: number, levels: readonly Level[]) => ask("output", consumer, flags, levels);
      updateConfig = (type: number, flags: number, levels?: readonly Level[]) => ask("config", type, flags, levels);
      release = () => ask("release");
    }
    this.addon = { Chip, Line, Bulk };
  }

  /** What it was asked for since the last time. */
  take(): unknown[][] {
    return this.asked.splice(0);
  }
}

function stage() {
  const standIn = new StandIn();
  return { standIn, backend: new LibgpiodBackend({ libgpiod: standIn.addon }) };
}

test("an output is requested with its flags and its first level, driven, and given back", () => {
  const { standIn, backend } = stage();
  const line = backend.request(line17, { ...output, activeLow: true, drive: "open-drain", bias: "pull-up", initial: 1 }, "holdfast");
  expect(standIn.take()).toEqual([
    ["chip", 0],
    ["bulk", [17]],
    ["output", "holdfast", 0b10_0101, [1]],
  ]);
  line.set(0);
  expect(line.get()).toBe(0);
  let released = 0;
  line.release(() => released++);
  expect(standIn.take()).toEqual([["set", [0]], ["release"]]);
  expect(released).toBe(1);
});

test("the lines of a group are one request, and one call sets them", () => {
  const { standIn, backend } = stage();
  const line = backend.request({ chip: line17.chip, offsets: [17, 27] }, output, "holdfast");
  line.set(1);
  expect(line.get()).toBe(1);
  expect(standIn.take().slice(1)).toEqual([
    ["bulk", [17, 27]],
    ["output", "holdfast", 0, [0, 0]],
    ["set", [1, 1]],
  ]);
});

test("an input becomes an output without being released, and is what it was when the kernel refuses", () => {
  const { standIn, backend } = stage();
  const line = backend.request(line17, { ...input, bias: "pull-down" }, "holdfast");
  line.reconfigure({ ...output, initial: 1 });
  standIn.take();
  standIn.refuses = constants.errno.EINVAL;
  expect(refusal(() => line.reconfigure(input))).toMatchObject({ code: "LINE_UNSUPPORTED", details: line17 });
  expect(standIn.take()).toEqual([
    ["config", 2, 0, undefined],
    ["config", 3, 0, [1]],
  ]);
});

test("a line has one object of the addon's, however often it is opened", () => {
  const { standIn, backend } = stage();
  for (let time = 0; time < 3; time++) backend.request(line17, input, "holdfast").release(() => {});
  expect(standIn.take().filter(([what]) => what === "bulk" || what === "chip")).toEqual([
    ["chip", 0],
    ["bulk", [17]],
  ]);
});

test("debouncing, which libgpiod 1 has not, is refused, and nothing is requested", () => {
  const { standIn, backend } = stage();
  expect(refusal(() => backend.request(line17, { ...input, debounceUs: 5000 }, "holdfast"))).toMatchObject({ code: "LINE_UNSUPPORTED" });
  expect(standIn.take().some(([what]) => what === "input")).toBe(false);
});

test("a line of another program is busy, and its consumer is named", () => {
  const { standIn, backend } = stage();
  backend.request(line17, input, "holdfast").release(() => {});
  standIn.consumers.set(17, "blinker");
  standIn.refuses = constants.errno.EBUSY;
  expect(refusal(() => backend.request(line17, output, "holdfast"))).toMatchObject({
    code: "LINE_BUSY",
    details: { ...line17, consumer: "blinker" },
  });
});

test("a line that the chip has not is refused before the addon hears of it", () => {
  const { standIn, backend } = stage();
  expect(refusal(() => backend.request({ ...line17, offset: 28 }, output, "holdfast"))).toMatchObject({ code: "LINE_UNSUPPORTED" });
  expect(standIn.take()).toEqual([["chip", 0]]);
});

test("a chip that has gone is opened afresh the next time", () => {
  const { standIn, backend } = stage();
  backend.request(line17, input, "holdfast").release(() => {});
  standIn.refuses = constants.errno.ENODEV;
  expect(refusal(() => backend.request(line17, input, "holdfast"))).toMatchObject({ code: "LINE_LOST" });
  standIn.take();
  backend.request(line17, input, "holdfast");
  expect(standIn.take()[0]).toEqual(["chip", 0]);
});

test("under Bun the backend names the one that there is", () => {
  expect(refusal(() => new LibgpiodBackend())).toMatchObject({ code: "NO_BACKEND", message: expect.stringContaining("ChardevBackend") });
});

/** Simulated chips whose lines tell no edges. */
class EdgelessSim extends SimBackend {
  override request(...[id, settings, consumer]: Parameters<SimBackend["request"]>): Line {
    return Object.assign(super.request(id, settings, consumer, deaf), { edgeless: true as const });
  }
}

test("an input without edges is read, not watched, and says no level that may be old; an output is watched as ever", async () => {
  const backend = new EdgelessSim({ clock: new RealClock() });
  await using supervisor = await createSupervisor({ backend });
  const client = await supervisor.client();
  const button = await client.input(4);
  for (const level of [1, 0] as const) {
    backend.drive({ chip: "sim:0", offset: 4 }, level);
    expect((await button.read()).level).toBe(level);
  }
  expect((await client.pins()).find(({ pin }) => pin === "GPIO4")?.level).toBeNull();
  await expect(button.edges()).rejects.toMatchObject({ code: "LINE_UNSUPPORTED", details: { field: "pin", pin: "GPIO4" } });

  const led = await client.output(17);
  const { sub } = await client.request("watch", { pin: "GPIO17" });
  expect(sub).toBeGreaterThan(0);
  await led.on();
});

test("who watches an output that becomes an input without edges is told that there are none", async () => {
  await using supervisor = await createSupervisor({ backend: new EdgelessSim({ clock: new RealClock() }) });
  const client = await supervisor.client();
  const pin = await client.output(17);
  const edges = await pin.edges();
  await client.request("configure", { pin: "GPIO17", direction: "in" });
  await expect(edges.next()).rejects.toMatchObject({ code: "LINE_UNSUPPORTED" });
});
