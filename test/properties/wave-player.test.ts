import assert from "node:assert/strict";
import fc from "fast-check";
import { commandRequests } from "../../src/index-testing.ts";
import type { CommandRequest } from "../../src/protocol/requests.ts";
import { property } from "./property.ts";
import { cycleUs, levelAt, stretches, totalUs } from "./wave-oracle.ts";
import { type Change, WaveStage } from "./wave-stage.ts";

type WaveRequest = Exclude<CommandRequest, { op: "toggle" }>;

/** How far apart two instants may be that are the same: the chip's timestamps are whole nanoseconds. */
const GRAIN_US = 0.0011;

/** Far enough for many cycles, and no instant at which a wave has an edge. */
const HORIZON_MS = 700.0311;

const waves = commandRequests("GPIO17").filter((request): request is WaveRequest => request.op !== "toggle");
const flatWaves = waves.filter(({ op }) => op === "blink" || op === "pattern");
const isCounted = (request: WaveRequest) => "n" in request && request.n !== undefined;
const counted = flatWaves.filter(isCounted);
const cyclic = flatWaves.filter((request) => !isCounted(request));
/** Any reading of a clock: a real one has fractions of a microsecond. */
const startUs = fc.oneof(fc.constant(1_000_000), fc.double({ min: 1, max: 1e12, noNaN: true }));

/** Time that passes, and time in which nothing runs. */
const passing = fc.record({ stallMs: fc.integer({ min: 0, max: 200 }), runMs: fc.integer({ min: 1, max: 100 }) });

/** The changes that a wave makes to a line that was off, and the one that rests it. */
function expectedChanges(request: WaveRequest, beganUs: number, horizonUs: number): Change[] {
  const made = stretches(request, horizonUs);
  const changes = made.map(({ level, fromUs }) => ({ level, atUs: beganUs + fromUs }));
  const last = made.at(-1);
  if (last?.level === 1 && totalUs(request) <= horizonUs) changes.push({ level: 0, atUs: beganUs + last.untilUs });
  return changes[0]?.level === 0 ? changes.slice(1) : changes;
}

function assertSame(actual: readonly Change[], expected: readonly Change[]): void {
  const same = actual.length === expected.length && actual.every((change, index) => isSame(change, expected[index]));
  if (!same) assert.deepEqual(actual, expected);
}

function isSame({ level, atUs }: Change, other: Change | undefined): boolean {
  return other !== undefined && level === other.level && Math.abs(atUs - other.atUs) <= GRAIN_US;
}

property(
  "every edge of a wave lies where its definition puts it, however many come before, and so does its end",
  fc.tuple(waves, fc.constantFrom(1_000_000, 777_777.125)),
  ([request, beganUs]) => {
    const stage = new WaveStage({ startUs: beganUs });
    stage.play(1, request);
    stage.clock.advanceMs(HORIZON_MS);
    assertSame(stage.changes, expectedChanges(request, beganUs, HORIZON_MS * 1000));
    assert.deepEqual(stage.started, [1]);
    const isOver = totalUs(request) <= HORIZON_MS * 1000;
    assert.deepEqual(
      stage.ended.map(({ number, atUs, lateMs }) => ({ number, us: Math.round(atUs - beganUs), lateUs: Math.round(lateMs * 1000) })),
      isOver ? [{ number: 1, us: totalUs(request), lateUs: 0 }] : [],
    );
    assert.equal(stage.skipped, 0);
  },
  1000,
);

property(
  "a wave that starts in the place of another drives the line from its own beginning on",
  fc.array(fc.record({ request: waves, forMs: fc.integer({ min: 1, max: 120 }) }), { minLength: 1, maxLength: 6 }),
  (plays) => {
    const stage = new WaveStage();
    for (const [index, { request, forMs }] of plays.entries()) {
      const beganUs = stage.clock.nowUs();
      stage.play(index + 1, request);
      for (let passedMs = 0; passedMs < forMs; passedMs++) {
        stage.clock.advanceMs(1);
        const expected = levelAt(request, stage.clock.nowUs() - beganUs);
        // Where the definition has an edge on a millisecond, rounding decides.
        if (expected !== null && levelAt(request, stage.clock.nowUs() - beganUs - 1) === expected) assert.equal(stage.level, expected);
        if (expected === null) assert.equal(stage.level, 0);
      }
    }
    assert.deepEqual(
      stage.started,
      plays.map((_, index) => index + 1),
    );
  },
);

property(
  "a wave goes on at any reading of the clock: no fraction of a microsecond makes it stand still",
  fc.tuple(waves, startUs, fc.array(passing, { maxLength: 8 })),
  ([request, began, stalls]) => {
    const stage = new WaveStage({ startUs: began });
    stage.play(1, request);
    for (const { stallMs, runMs } of stalls) {
      stage.clock.stallMs(stallMs / 7);
      stage.clock.advanceMs(runMs / 3);
    }
    stage.clock.advanceMs(300);
    const { ended } = stage;
    if (totalUs(request) <= 300_000) assert.equal(ended.length, 1);
  },
  500,
);

property(
  "a counted wave has all its edges, in their order and never early, whatever stalls there are, and says how late it ended",
  fc.tuple(counted, fc.array(passing, { maxLength: 8 })),
  ([request, stalls]) => {
    const stage = new WaveStage();
    const beganUs = stage.clock.nowUs();
    stage.play(1, request);
    let stalledUs = 0;
    for (const { stallMs, runMs } of stalls) {
      if (stage.ended.length === 0) stalledUs += stallMs * 1000;
      stage.clock.stallMs(stallMs);
      stage.clock.advanceMs(runMs);
    }
    stage.clock.advanceMs(2000);
    const planned = expectedChanges(request, beganUs, Number.POSITIVE_INFINITY);
    const { changes } = stage;
    assert.deepEqual(changes.map(levelOf), planned.map(levelOf));
    for (const [index, { atUs }] of changes.entries()) assert(atUs >= (planned[index]?.atUs ?? 0) - GRAIN_US, "an edge came early");
    const [ended, ...more] = stage.ended;
    assert(ended !== undefined && more.length === 0);
    const lateUs = ended.atUs - (beganUs + totalUs(request));
    assert(Math.abs(ended.lateMs * 1000 - lateUs) <= GRAIN_US && lateUs >= -GRAIN_US && lateUs <= stalledUs + GRAIN_US);
    assert.equal(stage.skipped, 0);
  },
  1000,
);

property(
  "a counted wave whose cycles are over ends on time, if the machine is there by then",
  fc.tuple(counted, fc.integer({ min: 1, max: 300 })),
  ([request, restMs]) => {
    const stage = new WaveStage();
    const cyclesMs = (cycleUs(request) / 1000) * ("n" in request ? (request.n ?? 0) : 0);
    stage.play(1, { ...request, durationMs: cyclesMs + restMs });
    stage.clock.advanceMs(cyclesMs - 0.0625);
    stage.clock.stallMs(restMs);
    stage.clock.advanceMs(1);
    assert.deepEqual(
      stage.ended.map(({ lateMs }) => Math.round(lateMs * 1000)),
      [0],
    );
  },
);

property(
  "an endless wave is in phase whenever the machine is there, and counts the cycles that passed unplayed",
  fc.tuple(cyclic, fc.array(passing, { minLength: 1, maxLength: 8 })),
  ([request, stalls]) => {
    const stage = new WaveStage();
    const beganUs = stage.clock.nowUs();
    stage.play(1, request);
    const cycle = cycleUs(request);
    const played = new Set([0]);
    let passedUs = 0;
    for (const { stallMs, runMs } of stalls) {
      stage.clock.stallMs(stallMs);
      stage.clock.advanceMs(runMs);
      const untilUs = Math.min(stage.clock.nowUs() - beganUs, totalUs(request));
      const fromUs = passedUs + stallMs * 1000;
      for (let index = Math.floor(fromUs / cycle); index * cycle <= untilUs && fromUs < totalUs(request); index++) played.add(index);
      passedUs = stage.clock.nowUs() - beganUs;
      assert.equal(stage.level, levelAt(request, passedUs) ?? 0);
    }
    const cycles = Math.floor(Math.min(passedUs, totalUs(request)) / cycle);
    assert.equal(stage.skipped, Array.from({ length: cycles }, (_, index) => index).filter((index) => !played.has(index)).length);
  },
  1000,
);

property(
  "the mean of PWM is the duty that was asked for, within one period, and of a fade the mean of its ends",
  fc.tuple(
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.integer({ min: 1, max: 1000 }),
    fc.boolean(),
    fc.oneof(fc.constant(200), fc.integer({ min: 1, max: 2000 })),
  ),
  ([value, durationMs, fades, frequencyHz]) => {
    const stage = new WaveStage({ frequencyHz });
    const beganUs = stage.clock.nowUs();
    const pwm = { id: 0, pin: "GPIO17" };
    stage.play(
      1,
      fades ? { ...pwm, op: "pulse", fadeInMs: durationMs, fadeOutMs: durationMs, n: 1 } : { ...pwm, op: "value", value, durationMs },
    );
    stage.clock.advanceMs(2 * durationMs + 1);
    const endUs = beganUs + (fades ? 2 : 1) * durationMs * 1000;
    const activeUs: number = stage.changes.reduce((sum, { level, atUs }) => sum + (level === 1 ? -atUs : atUs), 0);
    const wantedUs = (fades ? 0.5 : value) * (endUs - beganUs);
    assert(
      Math.abs(activeUs - wantedUs) <= 1_000_000 / frequencyHz + GRAIN_US * stage.changes.length,
      `active for ${activeUs} µs of ${endUs - beganUs}`,
    );
  },
  300,
);

property(
  "no line is active for longer than it may be, across commands, and it is off at that very instant",
  fc.tuple(
    fc.integer({ min: 1, max: 120 }),
    fc.array(fc.record({ request: waves, forMs: fc.integer({ min: 1, max: 120 }) }), { minLength: 1, maxLength: 8 }),
  ),
  ([maxOnMs, plays]) => {
    const stage = new WaveStage({ maxOnMs });
    for (const [index, { request, forMs }] of plays.entries()) {
      stage.play(index + 1, request);
      stage.clock.advanceMs(forMs);
    }
    let activeSinceUs: number | null = null;
    const limits: number[] = [];
    const atTheEnd: Change = { level: 0, atUs: stage.clock.nowUs() };
    for (const { level, atUs } of [...stage.changes, atTheEnd]) {
      if (level === 1) activeSinceUs = atUs;
      else if (activeSinceUs !== null) {
        const activeUs: number = atUs - activeSinceUs;
        assert(activeUs <= maxOnMs * 1000 + GRAIN_US, `active for ${activeUs} µs`);
        activeSinceUs = null;
        if (Math.abs(activeUs - maxOnMs * 1000) <= GRAIN_US) limits.push(atUs);
      }
    }
    for (const { atUs } of stage.limited)
      assert(
        limits.some((limitUs) => Math.abs(limitUs - atUs) <= GRAIN_US),
        "limited before its time",
      );
  },
  500,
);

function levelOf({ level }: Change) {
  return level;
}
