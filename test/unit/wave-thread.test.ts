import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { WavePlayers } from "../../src/gpio/chardev/waves/thread.ts";
import { eachLevel, type Levels } from "../../src/gpio/levels.ts";
import { HoldfastError } from "../../src/protocol/errors.ts";
import type { Level } from "../../src/protocol/requests.ts";
import { ThreadStage } from "./wave-thread-stage.ts";

// A busy machine lets a thread wait.
setDefaultTimeout(240_000);

const line = { id: 0, pin: "GPIO17" } as const;
/** A blink of 1 kHz, and one so fast that the thread is at the line for much of the time. */
const blink = { ...line, op: "blink", onMs: 0.5, offMs: 0.5 } as const;
const hum = { ...line, op: "blink", onMs: 0.05, offMs: 0.05 } as const;

const stages: ThreadStage[] = [];
const threads: WavePlayers[] = [];
afterEach(() => {
  for (const stage of stages.splice(0)) stage.close();
  for (const thread of threads.splice(0)) thread.close();
});

function thread({ realTime = false } = {}): WavePlayers {
  const players = new WavePlayers({ realTime });
  threads.push(players);
  return players;
}

function stage(players: WavePlayers, options?: ConstructorParameters<typeof ThreadStage>[1]): ThreadStage {
  const made = new ThreadStage(players, options);
  stages.push(made);
  return made;
}

/** A line that was off changes its level each time that it is driven: two threads that both drive it would repeat one. */
function expectAlternating(driven: readonly Level[]): void {
  expect(driven).toEqual(Array.from({ length: driven.length }, (_, index) => (index % 2 === 0 ? 1 : 0)));
}

test("a counted wave has all its edges, in order and none early, and the line is off when it has ended", async () => {
  const one = stage(thread());
  one.play(1, { ...line, op: "pattern", n: 20, steps: [{ level: 1, ms: 1 }, { level: 0, ms: 2.5 }] }); // biome-ignore format: one wave
  expect(one.started).toEqual([1]);
  expect(one.look()).toEqual([1]);
  await one.until(() => one.ended.length > 0);
  expect(one.look()).toHaveLength(40);
  expectAlternating(one.driven);
  expect(one.edges.map(({ level }) => level)).toEqual([...one.driven]);
  for (const [index, { atUs }] of one.edges.entries()) {
    expect(atUs - one.beganUs).toBeGreaterThanOrEqual(Math.floor(index / 2) * 3500 + (index % 2) * 1000);
  }
  expect(one.ended).toEqual([{ number: 1, lateMs: expect.any(Number) }]);
  expect(one.player.remainingMs).toBe(0);
});

test("an endless wave never has more cycles than its time holds: what is late is left out and counted, never made up for", async () => {
  const one = stage(thread());
  one.play(1, blink);
  await one.until(() => one.edges.length >= 200);
  one.player.rest(0);
  expectAlternating(one.look());
  let played = 0;
  for (const { level, atUs } of one.edges) {
    if (level === 1) expect(++played).toBeLessThanOrEqual(Math.floor((atUs - one.beganUs) / 1000) + 1);
  }
  expect(played + one.skipped).toBeLessThanOrEqual(Math.floor(((one.edges.at(-1)?.atUs ?? 0) - one.beganUs) / 1000) + 1);
});

test("a group is played all of its lines at once, and tells of the levels of each", async () => {
  const one = stage(thread());
  const steps = [[1, 0, 0], [1, 1, 0], [0, 1, 1], [1, 1, 1]].map((levels) => ({ levels: levels as Level[], ms: 2 })); // biome-ignore format: levels
  one.play(1, { ...line, op: "pattern", n: 2, steps });
  await one.until(() => one.ended.length > 0);
  one.look();
  expect(one.bytes).toEqual([0b001, 0b011, 0b110, 1, 0b001, 0b011, 0b110, 1, 0]);
  await one.until(() => one.told.length === one.bytes.length);
  expect(one.told.map((levels) => eachLevel(levels, 3))).toEqual(
    [...steps, ...steps, { levels: [0, 0, 0] as Level[] }].map(({ levels }) => levels),
  );
  expect(one.player.level).toBe(0);
});

test("a group keeps the levels of its lines when its wave is taken from the thread", async () => {
  const one = stage(thread(), { maxOnMs: 50 });
  one.play(1, { ...line, op: "write", levels: [0, 1, 0] });
  expect(eachLevel(one.player.level, 3)).toEqual([0, 1, 0]);
  one.player.undisturbed((levels) => expect(eachLevel(levels, 3)).toEqual([0, 1, 0]));
  one.play(2, { ...line, op: "write", levels: [0, 1, 1] });
  expect(one.look()).toHaveLength(2);
  await one.until(() => one.limited.length > 0);
  one.look();
  expect(one.bytes).toEqual([0b010, 0b110, 0]);
});

test("a wave goes on and ends off by itself while the event loop stands still", () => {
  const one = stage(thread());
  one.play(1, { ...line, op: "on", durationMs: 5 });
  one.stallUntil(() => one.player.level === 0);
  expect(one.look()).toEqual([1, 0]);
  expect(one.ended).toEqual([]);
});

test("what fails where one line is told of something keeps no other from being told", () => {
  const players = thread();
  const [one, two] = [stage(players), stage(players)];
  for (const each of [one, two]) each.play(1, blink);
  one.failures.push = () => {
    throw new Error("planted");
  };
  expect(() => players.giveUp(new HoldfastError("LINE_FAILED", "the thread is no more"))).toThrow("planted");
  expect(two.failures).toMatchObject([{ code: "LINE_FAILED" }]);
});

test("a wave that something follows keeps its last level, so that what follows makes no gap", async () => {
  const one = stage(thread());
  one.play(1, { ...line, op: "on", durationMs: 5 }, { endsOff: false });
  await one.until(() => one.ended.length > 0);
  one.play(2, { ...line, op: "on", durationMs: 5 });
  await one.until(() => one.ended.length > 1);
  expect(one.look()).toEqual([1, 0]);
});

test("a wave that is replaced drives the line no more, in whatever moment that comes", async () => {
  const players = thread();
  const one = stage(players);
  await one.until(() => players.scheduling !== null);
  for (let number = 1; number <= 300; number++) {
    one.play(number, hum);
    const untilUs = players.nowUs() + (number % 40) * 20;
    while (players.nowUs() < untilUs);
    one.player.rest(0);
    expect<Levels>(one.look().at(-1) ?? 0).toBe(one.player.level);
    expect(one.player.level).toBe(0);
  }
  // When another line has been played to its end, the thread has long come to whatever it still had of this one.
  const other = stage(players);
  const driven = one.look().length;
  other.play(1, { ...hum, n: 20 });
  await other.until(() => other.ended.length > 0);
  expect(one.look()).toHaveLength(driven);
  expectAlternating(one.driven);
  expect(one.edges.reduce((sum, { lost }) => sum + 1 + lost, 0)).toBe(driven);
  expect(one.edges.map(({ atUs }) => atUs)).toEqual(one.edges.map(({ atUs }) => atUs).sort((a, b) => a - b));
});

test("a line that something is done to is left alone meanwhile, and its wave goes on after that", async () => {
  const one = stage(thread());
  one.play(1, hum);
  await one.until(() => one.look().length > 10);
  for (let time = 0; time < 50; time++) {
    one.player.undisturbed((level) => {
      const driven = one.look().length;
      expect<Levels | undefined>(one.driven.at(-1)).toBe(level);
      Bun.sleepSync(1);
      expect(one.look()).toHaveLength(driven);
    });
    const driven = one.look().length;
    one.stallUntil(() => one.look().length > driven);
  }
  expect(() =>
    one.player.undisturbed(() => {
      throw new Error("refused");
    }),
  ).toThrow("refused");
  const driven = one.look().length;
  one.stallUntil(() => one.look().length > driven);
});

test("no line is active for longer than it may be, though nothing else is to be done to it and the event loop stands still", async () => {
  const one = stage(thread(), { maxOnMs: 20 });
  one.play(1, { ...line, op: "on" });
  one.stallUntil(() => one.look().length === 2);
  expect(one.driven).toEqual([1, 0]);
  await one.until(() => one.limited.length > 0);
  expect(one.limited).toEqual([1]);
  expect((one.edges.at(-1)?.atUs ?? 0) - (one.edges[0]?.atUs ?? 0)).toBeGreaterThanOrEqual(20_000);
  expect(one.ended).toEqual([]);
});

test("edges are told of only while somebody watches, and those beyond what the memory holds are counted as lost", async () => {
  const one = stage(thread());
  one.player.watched = false;
  one.play(1, hum);
  one.stallUntil(() => one.look().length > 100);
  one.player.rest(0);
  const unwatched = one.edges.length;
  expect(unwatched).toBeLessThanOrEqual(2);

  one.player.watched = true;
  const before = one.look().length;
  one.play(2, hum);
  one.stallUntil(() => one.look().length > before + 3000);
  await one.until(() => one.edges.length > unwatched + 1100);
  one.stallUntil(() => one.look().length > before + 9000);
  one.player.rest(0);
  one.player.rest(1);
  one.player.rest(0);
  const told = one.edges.slice(unwatched);
  expect(told.reduce((sum, { lost }) => sum + 1 + lost, 0)).toBe(one.look().length - before);
});

test("a line that the thread can't drive has failed, once, and the others play on", async () => {
  const players = thread();
  const deaf = stage(players, { deaf: true });
  const other = stage(players);
  other.play(1, blink);
  deaf.play(1, blink);
  await deaf.until(() => deaf.failures.length > 0);
  expect(deaf.failures).toMatchObject([{ code: "LINE_FAILED" }]);
  deaf.player.rest(0);
  expect(deaf.look()).toEqual([1, 0]);
  const { length } = other.look();
  await other.until(() => other.look().length > length + 100);
  expect(deaf.failures).toHaveLength(1);
  expect(other.failures).toEqual([]);
});

test("a wave that is over at once is off at once, though the event loop stands still", async () => {
  const one = stage(thread());
  one.play(1, { ...blink, n: 1 });
  await one.until(() => one.ended.length > 0);
  for (let round = 2; round < 40; round++) {
    const { length } = one.look();
    one.play(round, { ...line, op: "on", durationMs: 0.1 });
    one.stallUntil(() => one.look().length === length + 2);
    await one.until(() => one.ended.length === round);
  }
  expectAlternating(one.driven);
});

test("a line that the thread could not drive is driven off all the same when it is to rest before anybody has heard of that", async () => {
  const players = thread();
  const [deaf, other] = [stage(players, { deaf: true }), stage(players)];
  other.play(1, { ...blink, n: 1 });
  await other.until(() => other.ended.length > 0);
  deaf.play(1, { ...line, op: "on", durationMs: 0.1 });
  other.play(2, { ...line, op: "on", durationMs: 5 });
  other.stallUntil(() => other.look().length === 4);
  deaf.player.rest(0);
  expect(deaf.look()).toEqual([1, 0]);
  expect(deaf.failures).toHaveLength(1);
});

test("a thread that does not yield a line is taken for dead: what it played is off, and the next wave has a new one", async () => {
  const players = thread();
  const [stuck, other] = [stage(players, { stuck: true }), stage(players)];
  other.play(1, { ...line, op: "on", durationMs: 3_600_000 });
  for (let round = 1; stuck.failures.length === 0; round++) {
    stuck.play(round, { ...line, op: "on", durationMs: 0.1 });
    await Bun.sleep(20);
    stuck.player.rest(0);
  }
  expect(stuck.look().at(-1)).toBe(0);
  expect(other.failures).toMatchObject([{ code: "LINE_FAILED" }]);
  expect(other.look()).toEqual([1, 0]);
  other.play(2, { ...blink, n: 3 });
  await other.until(() => other.ended.length > 0);
  expectAlternating(other.look());
});

test("a thread that hangs is missed, though nobody wants anything of the line at which it does", async () => {
  const players = thread();
  const [stuck, other] = [stage(players, { stuck: true }), stage(players)];
  stuck.play(1, { ...line, op: "on", durationMs: 0.1 });
  other.play(1, { ...line, op: "on", durationMs: 3_600_000 });
  await other.until(() => other.failures.length > 0);
  expect([stuck.look(), other.look()]).toEqual([
    [1, 0],
    [1, 0],
  ]);
  expect(stuck.failures).toMatchObject([{ code: "LINE_FAILED" }]);
});

test("when the thread ends, what it played has failed and is off, and the next wave has a new thread", async () => {
  const players = thread();
  const [playing, resting] = [stage(players), stage(players)];
  playing.play(1, { ...line, op: "on", durationMs: 3_600_000 });
  resting.play(1, { ...line, op: "on" });
  players.close();
  await playing.until(() => playing.failures.length > 0);
  expect(playing.failures).toMatchObject([{ code: "LINE_FAILED" }]);
  expect(playing.look()).toEqual([1, 0]);
  expect(resting.failures).toEqual([]);
  expect(resting.look()).toEqual([1]);
  resting.play(2, { ...blink, n: 3 });
  await resting.until(() => resting.ended.length > 0);
  expectAlternating(resting.look());
});

test("a fade goes through PWM of the frequency that was set, and ends off", async () => {
  const one = stage(thread(), { frequencyHz: 500 });
  one.play(1, { ...line, op: "pulse", fadeInMs: 40, fadeOutMs: 40, n: 1 });
  await one.until(() => one.ended.length > 0);
  expectAlternating(one.look());
  expect(one.driven.at(-1) ?? 0).toBe(0);
  // A thread that gets no processor for so long has left periods out, and said so.
  expect(one.driven.length > 2 || one.skipped > 0).toBe(true);
});

test("a thread that may run in real time says so, and one that is not to does not", async () => {
  const [real, normal] = [thread({ realTime: true }), thread()];
  expect(real.scheduling).toBeNull();
  const one = stage(real);
  stage(normal);
  await one.until(() => real.scheduling !== null && normal.scheduling !== null);
  expect(["real-time", "normal"]).toContain(real.scheduling as string);
  expect(normal.scheduling).toBe("normal");
});

test("a limit that comes while the line is on holds at once, counts from when it went on, and may change again", async () => {
  const players = thread();
  const [one, other] = [stage(players), stage(players)];
  one.play(1, { ...line, op: "on" });
  one.player.maxOnMs = 3_600_000;
  one.player.maxOnMs = Number.POSITIVE_INFINITY;
  other.play(1, { ...blink, n: 1 });
  // By then the thread has seen that of the first line nothing is due any more.
  await other.until(() => other.ended.length > 0);
  expect(one.limited).toEqual([]);
  one.player.maxOnMs = 1;
  await one.until(() => one.limited.length > 0);
  expect(one.limited).toEqual([1]);
  expect(one.look()).toEqual([1, 0]);
});

test("a limit that gets shorter does not disturb a wave that has breaks", async () => {
  const one = stage(thread(), { maxOnMs: 1000 });
  one.play(1, { ...line, op: "blink", n: 50, onMs: 0.5, offMs: 0.5 });
  one.player.maxOnMs = 500;
  await one.until(() => one.ended.length > 0);
  expect(one.limited).toEqual([]);
  expect(one.look()).toHaveLength(100);
  expectAlternating(one.driven);
});
