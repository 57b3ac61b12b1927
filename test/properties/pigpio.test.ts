import { expect } from "bun:test";
import fc from "fast-check";
import { play, type Step, scripts, step } from "../../src/index-testing.ts";
import { PigpioStage, type ScriptedProgram, type Words } from "../unit/pigpio-stage.ts";
import { property } from "./property.ts";

/** The frequencies of pigpiod, and the steps that the duty has at each. */
const HZ = [8000, 4000, 2000, 1600, 1000, 800, 500, 400, 320, 250, 200, 160, 100, 80, 50, 40, 20, 10];
const REAL_RANGES = [25, 50, 100, 125, 200, 250, 400, 500, 625, 800, 1000, 1250, 2000, 2500, 4000, 5000, 10_000, 20_000];

/** One GPIO as pigpio's documentation and source have it: nothing of holdfast's. */
class ModelGpio {
  mode = 0;
  is: "plain" | "pwm" | "servo" = "plain";
  width = 0;
  range = 255;
  frequency = HZ.indexOf(800);
  latch = 0;
  pull: number | null = null;
  /** What programs that are still there have said of it, the last one last. */
  readonly pulls = new Map<number, number>();
  /** Programs for whom it is open. */
  readonly users = new Set<number>();

  off(): void {
    this.is = "plain";
    this.width = 0;
  }

  /** The level that it must have; null: PWM, or nobody knows. */
  get level(): number | null {
    if (this.mode === 1) return this.width === 0 ? this.latch : null;
    return this.users.size === 0 || this.pull === null || this.pull === 0 ? null : this.pull === 2 ? 1 : 0;
  }
}

/** What is under test, and what it must be like. */
class Hall {
  readonly stage = new PigpioStage();
  readonly programs: ScriptedProgram[] = Array.from({ length: 2 }, (_, number) => this.stage.program(`program ${number}`));
  readonly gpios = new Map([17, 4].map((number) => [number, new ModelGpio()]));

  async expect(program: number, words: Words, result: number): Promise<void> {
    expect(await this.programs[program]?.do(...words)).toBe(result);
    await this.check();
  }

  /** The lines do what the model says. */
  async check(): Promise<void> {
    await this.stage.world.pass(0.2);
    for (const [number, at] of this.gpios) {
      const { mode, level, users } = at;
      const shown = this.stage.world.shown(`GPIO${number}`);
      expect(shown?.direction ?? "in").toBe(mode === 1 ? "out" : "in");
      expect(shown?.holders.length ?? 0).toBe(users.size === 0 ? 0 : 1);
      if (mode === 1 && at.width > 0) {
        expect(shown?.value).toBe(at.is === "pwm" ? at.width / at.range : at.width / 20_000);
        expect(shown?.settings?.frequencyHz).toBe(at.is === "pwm" ? HZ[at.frequency] : 50);
      }
      if (level !== null) expect(this.stage.world.sim.level({ chip: "sim:0", offset: number })).toBe(level as 0 | 1);
    }
    expect(this.stage.world.defects).toEqual([]);
  }
}

const program = fc.nat({ max: 1 });
const gpio = fc.constantFrom(17, 4);

/** A command: its words, and what becomes of the model. @returns the result */
function commanded<T>(
  name: Words[0],
  value: fc.Arbitrary<T>,
  words: (value: T) => readonly number[],
  act: (at: ModelGpio, value: T, by: number) => number,
) {
  return fc.tuple(program, gpio, value).map(([by, number, value]) => {
    const [p2 = 0, extension] = words(value);
    return step<Hall>(`${by}: ${name} ${number} ${words(value).join(" ")}`, (hall) => {
      const at = hall.gpios.get(number) as ModelGpio;
      const result = act(at, value, by);
      return hall.expect(by, extension === undefined ? [name, number, p2] : [name, number, p2, extension], result);
    });
  });
}

const nothing = fc.constant(0);
const none = () => [];
const one = (value: number) => [value];

function modulated(at: ModelGpio): boolean {
  return at.is === "pwm" && at.width > 0 && at.mode === 1;
}

const steps: fc.Arbitrary<Step<Hall>>[] = [
  commanded("MODES", fc.nat({ max: 8 }), one, (at, mode, by) => {
    if (mode > 7) return -4;
    if (mode > 1) return -41;
    if (mode === 0) at.off();
    at.mode = mode;
    at.users.add(by);
    return 0;
  }),
  commanded("MODEG", nothing, none, ({ mode }) => mode),
  commanded("PUD", fc.nat({ max: 3 }), one, (at, pull, by) => {
    if (pull > 2) return -6;
    if (at.mode === 0 && at.users.size === 0) at.users.add(by);
    at.pull = pull;
    at.pulls.delete(by);
    at.pulls.set(by, pull);
    return 0;
  }),
  commanded("WRITE", fc.nat({ max: 2 }), one, (at, level, by) => {
    if (level > 1) return -5;
    at.off();
    at.mode = 1;
    at.latch = level;
    at.users.add(by);
    return 0;
  }),
  commanded("PWM", fc.nat({ max: 300 }), one, (at, duty, by) => {
    if (duty > at.range) return -8;
    Object.assign(at, { is: "pwm", width: duty, mode: 1, latch: 0 });
    at.users.add(by);
    return 0;
  }),
  commanded("SERVO", fc.oneof(fc.constantFrom(0, 500, 1500, 2500), fc.nat({ max: 3000 })), one, (at, pulseUs, by) => {
    if (pulseUs > 2500 || (pulseUs > 0 && pulseUs < 500)) return -7;
    Object.assign(at, { is: "servo", width: pulseUs, mode: 1, latch: 0 });
    at.users.add(by);
    return 0;
  }),
  commanded("GDC", nothing, none, ({ is, width, mode }) => (is === "pwm" && mode === 1 ? width : -92)),
  commanded("GPW", nothing, none, ({ is, width, mode }) => (is === "servo" && mode === 1 ? width : -93)),
  commanded("PRS", fc.oneof(fc.constantFrom(24, 25, 100, 255, 10_000, 40_000, 40_001), fc.nat({ max: 50_000 })), one, (at, range, by) => {
    if (range < 25 || range > 40_000) return -21;
    if (modulated(at)) {
      at.width = Math.floor((range * at.width) / at.range);
      if (at.width === 0) at.latch = 0;
      at.users.add(by);
    }
    at.range = range;
    return REAL_RANGES[at.frequency] as number;
  }),
  commanded("PRG", nothing, none, ({ range }) => range),
  commanded("PRRG", nothing, none, ({ frequency }) => REAL_RANGES[frequency] as number),
  commanded("PFS", fc.oneof(fc.constantFrom(0, 45, 90, 900, 6000), fc.nat({ max: 10_000 })), one, (at, hz, by) => {
    const distances = HZ.map((each) => Math.abs(each - hz));
    at.frequency = distances.indexOf(Math.min(...distances));
    if (modulated(at)) at.users.add(by);
    return HZ[at.frequency] as number;
  }),
  commanded("PFG", nothing, none, ({ frequency }) => HZ[frequency] as number),
  commanded(
    "TRIG",
    fc.tuple(fc.nat({ max: 101 }), fc.nat({ max: 2 })),
    (both) => both,
    (at, [pulseUs, level], by) => {
      if (level > 1) return -5;
      if (pulseUs === 0 || pulseUs > 100) return -46;
      at.off();
      at.latch = 1 - level;
      if (at.mode === 1) at.users.add(by);
      return 0;
    },
  ),
  fc.tuple(program, fc.subarray([17, 4]), fc.nat({ max: 1 })).map(([by, numbers, level]) =>
    step<Hall>(`${by}: ${level === 1 ? "BS1" : "BC1"} ${numbers}`, (hall) => {
      for (const number of numbers) {
        const at = hall.gpios.get(number) as ModelGpio;
        at.latch = level;
        if (at.mode === 1) at.users.add(by);
      }
      const bits = numbers.reduce((bits, number) => bits | (1 << number), 0);
      return hall.expect(by, [level === 1 ? "BS1" : "BC1", bits], 0);
    }),
  ),
  ...new Array(3).fill(
    program.map((by) =>
      step<Hall>(`${by}: goes`, (hall) => {
        hall.programs[by]?.leave();
        for (const at of hall.gpios.values()) {
          at.pulls.delete(by);
          at.pull = [...at.pulls.values()].at(-1) ?? at.pull;
          if (!at.users.delete(by) || at.users.size > 0 || at.mode === 1) continue;
          // Its last program has gone, and the line is nobody's.
          at.off();
          at.latch = 0;
        }
        return hall.check();
      }),
    ),
  ),
];

property(
  "pins are as pigpiod would have them, whichever programs say so, come and go",
  scripts(steps, 60),
  async (script) => {
    const hall = new Hall();
    await play(script, hall);
    hall.stage.world.supervisor.shutdown(true);
    await hall.stage.world.pass(1);
    expect(hall.stage.world.stopped).toBe(true);
  },
  200,
);

/** MICS and MILS: what asks for a long pause is answered when that is over. */
const pauses = new Set([46, 47]);
/** By then every command has been answered. */
const MOST_MS = 10_000;

property(
  "whatever is commanded is answered by a number, and breaks nothing",
  fc.array(
    fc.tuple(program, fc.nat({ max: 130 }), fc.oneof(fc.nat({ max: 60 }), fc.nat({ max: 0xffff_ffff })), fc.nat({ max: 0xffff_ffff })),
    { maxLength: 60 },
  ),
  async (commands) => {
    const hall = new Hall();
    const answers: unknown[] = [];
    // As a connection does: a program's next command is obeyed when the one before it has been answered.
    const saying = hall.programs.map(async (program, each) => {
      for (const [by, number, p1, p2] of commands) {
        if (by === each) answers.push(await program.do(number, pauses.has(number) ? p1 % 10 : p1, p2, p2));
      }
    });
    for (let waited = 0; answers.length < commands.length && waited < MOST_MS; waited += 10) await hall.stage.world.pass(10);
    expect(answers).toHaveLength(commands.length);
    await Promise.all(saying);
    for (const answer of answers) expect(answer).toBeNumber();
    expect(hall.stage.world.defects).toEqual([]);
    expect(hall.stage.refused.filter((refused) => "err" in refused)).toEqual([]);
  },
);
