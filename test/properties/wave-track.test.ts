import { test } from "bun:test";
import assert from "node:assert/strict";
import fc from "fast-check";
import { steady, type Wave, waveOf } from "../../actors/wave.ts";
import { type Driven, type Levels, levelsDriven } from "../../src/gpio/levels.ts";
import { stages, WaveTrack } from "../../src/gpio/wave-track.ts";
import { commandRequests } from "../../src/index-testing.ts";
import { property } from "./property.ts";

const START_US = 1_000_000;

const waves = commandRequests("GPIO17").map((request) => waveOf(request, steady(0)));
const periodUs = fc.integer({ min: 100, max: 50_000 });
/** By how much each step comes late, in µs. */
const lateness = fc.array(fc.oneof(fc.constant(0), fc.double({ min: 0, max: 20_000, noNaN: true })), { minLength: 1, maxLength: 60 });

/** A track on no line, and what it does: a level and an instant each. */
class Recorded {
  readonly driven: { readonly level: Levels; readonly atUs: number }[] = [];
  readonly track: WaveTrack;
  nowUs = START_US;
  /** How long it takes to drive the line. */
  slownessUs = 0;

  constructor(maxOnUs = Number.POSITIVE_INFINITY, level: Levels = 0, activeSinceUs = START_US) {
    const drive = (to: Driven) => {
      const next = levelsDriven(to);
      this.nowUs += this.slownessUs;
      this.driven.push({ level: next, atUs: this.nowUs });
      return this.nowUs;
    };
    this.track = new WaveTrack(drive, level, activeSinceUs, maxOnUs);
  }

  begin(wave: Wave, period: number): number {
    return this.track.begin(wave, period, START_US);
  }

  /** Steps when that is due, and a little later. @returns whether anything was */
  step(lateUs: number): boolean {
    const { dueUs } = this.track;
    if (dueUs === Number.POSITIVE_INFINITY) return false;
    this.nowUs = Math.max(this.nowUs, dueUs) + lateUs;
    this.track.step(this.nowUs);
    return true;
  }
}

property(
  "a wave that is handed over after its beginning needs nothing done to the line, and goes on as if it had not been",
  fc.tuple(waves, periodUs, lateness, fc.constantFrom(Number.POSITIVE_INFINITY, 7_000)),
  ([wave, period, late, maxOnUs]) => {
    const [kept, given] = [new Recorded(maxOnUs), new Recorded(maxOnUs)];
    kept.begin(wave, period);
    given.begin(wave, period);
    const taken = new Recorded(maxOnUs, given.track.level, given.track.activeSinceUs);
    taken.begin(wave, period);
    assert.deepEqual(taken.driven, []);
    for (const lateUs of late) {
      assert.equal(taken.track.dueUs, kept.track.dueUs);
      assert.equal(kept.step(lateUs), taken.step(lateUs));
    }
    assert.deepEqual([...given.driven, ...taken.driven], kept.driven);
    assert.deepEqual([taken.track.stage, taken.track.level, taken.track.skipped], [kept.track.stage, kept.track.level, kept.track.skipped]);
  },
  500,
);

property(
  "the time of a wave begins when its first level is driven, however long that takes: no stretch is shorter than it should be for that",
  fc.tuple(waves, periodUs, fc.double({ min: 0, max: 50_000, noNaN: true })),
  ([wave, period, slownessUs]) => {
    const [prompt, slow] = [new Recorded(), new Recorded()];
    slow.slownessUs = slownessUs;
    const startUs = slow.begin(wave, period);
    slow.slownessUs = 0;
    const onTimeUs = prompt.begin(wave, period);
    assert.equal(onTimeUs, START_US);
    assert.equal(startUs, START_US + (prompt.driven.length === 0 ? 0 : slownessUs));
    for (let steps = 0; steps < 60; steps++) {
      assert(slow.track.dueUs === prompt.track.dueUs || Math.abs(slow.track.dueUs - prompt.track.dueUs - (startUs - onTimeUs)) < 0.001);
      assert.equal(slow.step(0), prompt.step(0));
    }
    assert.deepEqual(slow.driven.map(levelOf), prompt.driven.map(levelOf));
  },
  300,
);

property(
  "stepped before its time a track does nothing, and stepped when it is due it has something new to do later, if at all",
  fc.tuple(waves, periodUs, lateness),
  ([wave, period, late]) => {
    const one = new Recorded();
    one.begin(wave, period);
    for (const lateUs of late) {
      const { dueUs } = one.track;
      const { length } = one.driven;
      const earlyUs = (one.nowUs + Math.min(dueUs, one.nowUs + 1e6)) / 2;
      // Half-way to what is due in the next bit is either of the two.
      if (earlyUs < dueUs) one.track.step(earlyUs);
      assert.equal(one.driven.length, length);
      assert.equal(one.track.dueUs, dueUs);
      if (!one.step(lateUs)) return;
      assert(one.track.dueUs > dueUs, "time stands still");
    }
  },
  500,
);

/** As far as an endless wave is followed. */
const STEPS = 100;

/** A track on a line that takes a duty, stepped on time, and what it drives until when. */
function dutiesOf(wave: Wave, period: number) {
  let nowUs = START_US;
  const driven: { duty: number; atUs: number }[] = [];
  const drive = (to: Driven) => {
    driven.push({ duty: Number(to), atUs: nowUs - START_US });
    return nowUs;
  };
  const track = new WaveTrack(drive, 0, START_US, Number.POSITIVE_INFINITY, true);
  track.begin(wave, period, nowUs);
  track.endsOff = true;
  for (let steps = 0; track.dueUs !== Number.POSITIVE_INFINITY && steps < STEPS; steps++) {
    nowUs = track.dueUs;
    track.step(nowUs);
  }
  return { driven, untilUs: track.dueUs === Number.POSITIVE_INFINITY ? track.dueUs : nowUs - START_US };
}

property(
  "a line that takes a duty is driven once for each level and duty that a wave holds, and for each step of a fade to the duty in its middle",
  fc.tuple(waves, periodUs),
  ([wave, period]) => {
    const expected: { duty: number; atUs: number }[] = [];
    const put = (duty: number, atUs: number) => {
      if (duty !== (expected.at(-1)?.duty ?? 0)) expected.push({ duty, atUs });
    };
    const endUs = wave.totalMs * 1000;
    let fromUs = 0;
    for (let cycle = 0; cycle < Math.min(wave.cycles, 2 * STEPS) && fromUs < endUs; cycle++) {
      for (const { fromDuty, toDuty, ms } of wave.segments) {
        const untilUs = Math.min(endUs, fromUs + ms * 1000);
        if (fromDuty === toDuty && fromUs < endUs) put(fromDuty, fromUs);
        for (let step = 0; fromDuty !== toDuty && fromUs + step * period < untilUs && step < 2 * STEPS; step++) {
          put(fromDuty + (toDuty - fromDuty) * Math.min(1, ((step + 0.5) * period) / (ms * 1000)), fromUs + step * period);
        }
        fromUs += ms * 1000;
      }
    }
    if (Math.min(fromUs, endUs) < Number.POSITIVE_INFINITY) put(0, Math.min(fromUs, endUs));
    const { driven, untilUs } = dutiesOf(wave, period);
    const due = expected.filter(({ atUs }) => atUs <= untilUs + 0.01);
    const near = (one: number, other: number) => Math.abs(one - other) < 1e-6;
    for (const [index, { duty, atUs }] of driven.entries()) {
      const wanted = due[index];
      assert(wanted !== undefined && near(duty, wanted.duty) && Math.abs(atUs - wanted.atUs) < 0.01);
    }
    assert.equal(driven.length, due.length);
  },
  500,
);

property(
  "a wave that nothing follows leaves the line off, and one that something follows as it was, until that may be no longer",
  fc.tuple(
    waves.filter(({ totalMs }) => totalMs < 100),
    periodUs,
    fc.boolean(),
  ),
  ([wave, period, endsOff]) => {
    const one = new Recorded(10_000_000);
    one.begin(wave, period);
    one.track.endsOff = endsOff;
    let before: Levels = one.track.level;
    while (one.track.stage === stages.playing) {
      before = one.track.level;
      one.step(0);
    }
    assert.equal(one.track.stage, stages.ended);
    assert.equal(one.track.level, endsOff ? 0 : before);
    one.step(0);
    assert.equal(one.track.dueUs, Number.POSITIVE_INFINITY);
    assert.equal(one.track.level, 0);
    assert.equal(one.track.stage, stages.ended);
  },
  300,
);

function levelOf({ level }: { readonly level: Levels }): Levels {
  return level;
}

test("a line of which nobody knows what became of the last attempt to drive it is driven, whatever it was thought to be", () => {
  const attempts: Driven[] = [];
  let works = false;
  const drive = (to: Driven) => {
    attempts.push(to);
    if (!works) throw new Error("the bus does not answer");
    return START_US;
  };
  const track = new WaveTrack(drive, 0, START_US, Number.POSITIVE_INFINITY);
  assert.throws(() => track.rest(1));
  assert.throws(() => track.rest(0));
  works = true;
  track.rest(0);
  track.rest(0);
  assert.deepEqual(attempts, [1, 0, 0]);
});
