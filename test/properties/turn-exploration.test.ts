import { expect, test } from "bun:test";
import assert from "node:assert/strict";
import { Turn } from "../../src/gpio/chardev/waves/turn.ts";
import { Explorer, type Move } from "../../src/index-testing.ts";

/** Waves that the thread may still believe to have: the one whose turn it is, and two that were taken back meanwhile. */
const MOST_WAVES = 3;

/** A line, and two threads that each do one thing after the other with it, in whatever order they come to it. */
class TwoThreads {
  readonly #word = new Int32Array(new SharedArrayBuffer(4));
  readonly turn = new Turn(this.#word);
  /** What the main thread does: nothing with the line, has it as its own, has borrowed it. */
  main: "away" | "owns" | "borrows" = "owns";
  mainDrives = false;
  /** The waves that were handed over, newest last. */
  waves: number[] = [];
  /** The wave that the thread steps. */
  stepped: number | null = null;
  /** The line was taken from the thread in the midst of that step. */
  seized = false;

  claim(age: number): void {
    const serial = this.waves.at(-1 - age) as number;
    const claim = this.turn.claim(serial);
    const current = age === 0 && this.main !== "owns";
    assert.equal(claim, !current ? "over" : this.main === "borrows" ? "borrowed" : "mine");
    assert.equal(this.turn.belongsTo(serial), current);
    if (claim === "mine") this.stepped = serial;
  }

  yield(): void {
    this.turn.yield(this.stepped as number);
    this.stepped = null;
    this.seized = false;
  }

  handOver(): void {
    this.main = "away";
    this.waves = [...this.waves, this.turn.serial].slice(-MOST_WAVES);
  }

  /** What matters of it: serial numbers only by their age. */
  get key(): string {
    const newest = this.turn.serial;
    const ages = this.waves.map((serial) => Math.min(newest - serial, 99));
    const stepped = this.stepped === null ? "-" : this.waves.indexOf(this.stepped);
    const bits = (this.#word[0] as number) - newest;
    return `${this.main}${this.mainDrives ? " drives" : ""}, ${bits}, waves ${ages}, steps ${stepped}${this.seized ? " though seized" : ""}`;
  }

  check(): void {
    assert(!(this.mainDrives && this.stepped !== null && !this.seized), "two threads drive the line");
  }
}

function move(words: string, applies: (line: TwoThreads) => boolean, run: (line: TwoThreads) => void): Move<TwoThreads> {
  return {
    words,
    applies,
    run: async (line) => {
      run(line);
      line.check();
    },
  };
}

const hasTheLine = ({ main }: TwoThreads) => main !== "away";

const moves: readonly Move<TwoThreads>[] = [
  ...Array.from({ length: MOST_WAVES }, (_, age) =>
    move(
      `the thread claims the line for wave ${-age}`,
      ({ stepped, waves }) => stepped === null && waves.length > age,
      (line) => line.claim(age),
    ),
  ),
  move(
    "the thread yields",
    ({ stepped }) => stepped !== null,
    (line) => line.yield(),
  ),
  move(
    "main tries to take the line",
    ({ main, mainDrives }) => main !== "owns" && !mainDrives,
    (line) => {
      if (line.turn.tryTake()) line.main = "owns";
      else assert(line.stepped !== null, "nobody is at the line, and it can't be taken");
    },
  ),
  move(
    "main tries to borrow the line",
    ({ main }) => main === "away",
    (line) => {
      if (line.turn.tryBorrow()) line.main = "borrows";
      else assert(line.stepped !== null, "nobody is at the line, and it can't be borrowed");
    },
  ),
  move(
    "main gives the line back",
    ({ main, mainDrives }) => main === "borrows" && !mainDrives,
    (line) => {
      line.turn.giveBack();
      line.main = "away";
    },
  ),
  move(
    "main seizes the line",
    ({ main, stepped }) => main === "away" && stepped !== null,
    (line) => {
      line.turn.seize();
      line.main = "owns";
      line.seized = true;
    },
  ),
  move(
    "main begins to drive",
    (line) => hasTheLine(line) && !line.mainDrives,
    (line) => {
      line.mainDrives = true;
    },
  ),
  move(
    "main ends driving",
    ({ mainDrives }) => mainDrives,
    (line) => {
      line.mainDrives = false;
    },
  ),
  move(
    "main hands a wave over",
    ({ main, mainDrives }) => main === "owns" && !mainDrives,
    (line) => line.handOver(),
  ),
];

test("in no order of what two threads do is a line driven by both, or does a wave that was taken back go on", async () => {
  const explorer = new Explorer(
    async () => new TwoThreads(),
    moves,
    (line) => line.key,
  );
  await explorer.explore();
  console.log(`turn: ${explorer.states.length} states, ${explorer.transitions} transitions`);
  expect(explorer.states.length).toBeGreaterThan(20);
});
