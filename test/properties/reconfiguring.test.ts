import assert from "node:assert/strict";
import fc from "fast-check";
import { type Asked, type ScriptedClient, World } from "../../src/index-testing.ts";
import { HoldfastError } from "../../src/protocol/errors.ts";
import { defaultLimits } from "../../src/protocol/limits.ts";
import type { PinConfig } from "../../src/protocol/requests.ts";
import { property } from "./property.ts";

/** Three lines, and what configurations call them. */
const lines = [
  { name: "GPIO17", id: { chip: "sim:0", offset: 17 } },
  { name: "GPIO27", id: { chip: "sim:0", offset: 27 } },
  { name: "BOARD15", id: { chip: "sim:0", offset: 22 } },
] as const;
const canonical = { GPIO17: "GPIO17", GPIO27: "GPIO27", BOARD15: "GPIO22" } as const;

interface Said {
  readonly pins: Readonly<Record<string, PinConfig>>;
  readonly maxOnMs: number;
}

const unsaid = undefined;
const durations = fc.constantFrom(unsaid, unsaid, 15, 40, 100);
const table = fc
  .record({
    maxOnMs: durations,
    closeLevel: fc.constantFrom(unsaid, unsaid, "off" as const, "on" as const, "keep" as const),
    initial: fc.constantFrom(unsaid, unsaid, 0 as const, 1 as const),
  })
  .map((keys) => Object.fromEntries(Object.entries(keys).filter(([, value]) => value !== undefined)) as PinConfig);
const aliased = fc
  .tuple(table, fc.constantFrom(unsaid, unsaid, "lamp", "door"))
  .map(([keys, alias]): PinConfig => (alias === undefined ? keys : { ...keys, alias }));
const said: fc.Arbitrary<Said> = fc.record({
  pins: fc.record({ GPIO17: aliased, GPIO27: aliased, BOARD15: aliased, "*": table }, { requiredKeys: [] }),
  maxOnMs: durations.map((ms): number => ms ?? Number.POSITIVE_INFINITY),
});

const duration = fc.integer({ min: 1, max: 60 });
const pin = fc.constantFrom("GPIO17", "GPIO27", "GPIO22");
const asked: fc.Arbitrary<Asked> = fc.oneof(
  fc
    .record({ pin, maxOnMs: durations, closeLevel: fc.constantFrom(unsaid, "off" as const, "on" as const) })
    .map((fields) => ({ op: "open", direction: "out", share: true, ...fields }) as Asked),
  fc.record({ pin, durationMs: fc.option(duration, { nil: unsaid }) }).map((fields) => ({ op: "on", ...fields }) as Asked),
  fc
    .record({ pin, onMs: duration, offMs: duration, n: fc.integer({ min: 1, max: 4 }) })
    .map((fields) => ({ op: "blink", ...fields }) as Asked),
  pin.map((name) => ({ op: "off", pin: name }) as Asked),
  fc.record({ pin, hard: fc.boolean() }).map((fields) => ({ op: "close", ...fields }) as Asked),
);
const step = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(fc.integer({ min: 0, max: 1 }), asked) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 50 }) },
);
type Step = number | [number, Asked];

/** A world with two clients. */
class Stage {
  readonly world: World;
  readonly #clients: readonly ScriptedClient[];

  constructor({ pins, maxOnMs }: Said) {
    this.world = new World({ pins, limits: { maxOnMs } });
    this.#clients = [this.world.join("one"), this.world.join("other")];
  }

  async play(steps: readonly Step[]): Promise<void> {
    for (const each of steps) {
      if (typeof each === "number") await this.world.pass(each);
      else this.#clients[each[0]]?.ask(each[1]);
      this.check();
    }
  }

  /** @returns whether it was taken */
  reconfigure({ pins, maxOnMs }: Said): boolean {
    try {
      this.world.supervisor.reconfigured({ limits: { ...defaultLimits, maxOnMs }, configuredPins: pins })();
      return true;
    } catch (error) {
      assert(error instanceof HoldfastError && error.code === "BAD_CONFIG" && typeof error.details["key"] === "string");
      return false;
    }
  }

  /** What there is to see of a pin from outside, but for its names. */
  seen(line: (typeof lines)[number]): object {
    const { holders = [], names: _, ...shown } = this.world.shown(canonical[line.name]) ?? { holders: [], names: [] };
    const trace = this.world.sim.trace(line.id);
    return { ...shown, holders: holders.map(({ name }) => name), trace, uses: this.world.sim.uses(line.id) };
  }

  /** The books balance: each open line is requested once, and no command is lost. */
  check(): void {
    const { counters, pins } = this.world.supervisor.status();
    const unfinished = pins.reduce((sum, { queued, command }) => sum + queued + (command === null ? 0 : 1), 0);
    assert.equal(counters.accepted, counters.done + counters.cancelled + unfinished);
    for (const { name, id } of lines) {
      const { requests, releases } = this.world.sim.uses(id);
      assert.equal(requests - releases, this.world.shown(canonical[name]) === undefined ? 0 : 1, "a line is requested once");
    }
  }
}

/** What holds for a pin. */
function effective({ pins, maxOnMs: limitMs }: Said, name: string): object {
  const all = { ...pins["*"], ...pins[name] };
  return { maxOnMs: Math.min(limitMs, all.maxOnMs ?? limitMs), closeLevel: all.closeLevel, initial: all.initial };
}

/** What holds for open pins, as they show it. */
function boundsHold(stage: Stage, now: Said): void {
  for (const { name } of lines) {
    const settings = stage.world.shown(canonical[name])?.settings;
    if (settings === undefined || settings === null) continue;
    const { maxOnMs, closeLevel } = effective(now, name) as { maxOnMs: number; closeLevel?: string };
    const limitMs = settings.maxOnMs ?? Number.POSITIVE_INFINITY;
    assert(limitMs <= maxOnMs, "no pin is on for longer than the configuration says");
    if (limitMs < Number.POSITIVE_INFINITY) assert.equal(settings.closeLevel, "off", "nothing outlasts the limit");
    else if (closeLevel !== undefined) assert.equal(settings.closeLevel, closeLevel);
  }
}

property(
  "a configuration that is read again changes nothing of the pins that it says nothing else of, whatever they do, and all or nothing else",
  fc.record({
    before: said,
    now: said,
    first: fc.array(step, { maxLength: 12 }),
    after: fc.array(step, { maxLength: 8 }),
  }),
  async ({ before, now, first, after }) => {
    const open = (): [Stage, Stage] | null => {
      try {
        return [new Stage(before), new Stage(before)];
      } catch {
        return null;
      }
    };
    const stages = open();
    fc.pre(stages !== null);
    const [stage, control] = stages as [Stage, Stage];
    await stage.play(first as Step[]);
    await control.play(first as Step[]);
    const seen = (from: Stage) => lines.map((line) => from.seen(line));
    const isTaken = stage.reconfigure(now);
    stage.check();
    if (!isTaken) assert.deepEqual(seen(stage), seen(control), "what is refused changes nothing");
    else boundsHold(stage, now);
    await stage.play(after as Step[]);
    await control.play(after as Step[]);
    for (const line of lines) {
      const isSame = !isTaken || isEqual(effective(before, line.name), effective(now, line.name));
      if (isSame) assert.deepEqual(stage.seen(line), control.seen(line), `${line.name} goes on as if nothing had been read`);
    }
    if (isTaken) boundsHold(stage, now);
  },
  200,
);

function isEqual(one: object, other: object): boolean {
  return JSON.stringify(one, infinite) === JSON.stringify(other, infinite);
}

function infinite(_: string, value: unknown): unknown {
  return value === Number.POSITIVE_INFINITY ? "none" : value;
}
