import { type Driven, highWord, type Levels, levelsDriven, levelsOfWords, lowWord } from "../../levels.ts";
import type { Stage, WaveTrack } from "../../wave-track.ts";
import { Turn } from "./turn.ts";

/** Words of 32 bits. */
const at = {
  turn: 0,
  stage: 1,
  driven: 2,
  endsOff: 3,
  watched: 4,
  errno: 5,
  skipped: 6,
  head: 7,
  tail: 8,
  lost: 9,
  low: 10,
  high: 11,
} as const;
const WORDS_BYTES = 64;

/** Numbers of 64 bits. */
const factAt = { activeSinceUs: 0, endUs: 1, lateMs: 2, duty: 3, maxOnUs: 4 } as const;
const FACTS_BYTES = 40;

/** What the word of what is driven says when the lines differ; their levels are in two words of their own then. */
const MIXED = 2;
/** What it says of a duty, which is a number of its own then. */
const DUTY = 3;

/** Edges that may wait to be taken; beyond them they are counted as lost. A power of two, since heads and tails wrap. */
const EDGES = 1024;

const BYTES = WORDS_BYTES + FACTS_BYTES + EDGES * (8 + 4 + 4 + 4);

/**
 * What the main thread and the thread that plays waves know in common of one line. But for what says otherwise, it is written
 * by the one whose turn it is, and read by the other once the turn is its own.
 */
export class LineMemory {
  readonly memory: SharedArrayBuffer;
  readonly turn: Turn;
  readonly #words: Int32Array;
  readonly #facts: Float64Array;
  /** When each edge was, in µs. */
  readonly #edges: Float64Array;
  /** How many were lost before each. */
  readonly #lostBefore: Int32Array;
  /** The levels after each. */
  readonly #lows: Int32Array;
  readonly #highs: Int32Array;

  /** @param memory of the same line in the other thread; absent: a new line's */
  constructor(memory = new SharedArrayBuffer(BYTES)) {
    this.memory = memory;
    this.#words = new Int32Array(memory, 0, WORDS_BYTES / 4);
    this.#facts = new Float64Array(memory, WORDS_BYTES, FACTS_BYTES / 8);
    this.#edges = new Float64Array(memory, WORDS_BYTES + FACTS_BYTES, EDGES);
    const ring = (index: number) => new Int32Array(memory, WORDS_BYTES + FACTS_BYTES + EDGES * (8 + 4 * index), EDGES);
    this.#lostBefore = ring(0);
    this.#lows = ring(1);
    this.#highs = ring(2);
    this.turn = new Turn(this.#words.subarray(at.turn, at.turn + 1));
  }

  /**
   * What the lines are driven to. May be read by anyone; while a wave plays in which the lines differ, the two halves of
   * a large group may be of two instants.
   */
  get driven(): Driven {
    const driven = Atomics.load(this.#words, at.driven);
    if (driven === DUTY) return this.#fact(factAt.duty);
    if (driven !== MIXED) return driven === 1 ? 1 : 0;
    return levelsOfWords(Atomics.load(this.#words, at.low), Atomics.load(this.#words, at.high));
  }

  set driven(to: Driven) {
    let word = MIXED;
    if (typeof to !== "number") {
      Atomics.store(this.#words, at.low, to.low);
      Atomics.store(this.#words, at.high, to.high);
    } else if (to === 0 || to === 1) {
      word = to;
    } else {
      this.#facts[factAt.duty] = to;
      word = DUTY;
    }
    Atomics.store(this.#words, at.driven, word);
  }

  /** The levels that they have by that. May be read by anyone. */
  get level(): Levels {
    return levelsDriven(this.driven);
  }

  /** What the wave has come to. May be read by anyone; what belongs to it only in one's turn. */
  get stage(): Stage {
    return Atomics.load(this.#words, at.stage) as Stage;
  }

  /** Why the thread could not drive the line; 0: it could. May be read by anyone. */
  get errno(): number {
    return Atomics.load(this.#words, at.errno);
  }

  set errno(errno: number) {
    Atomics.store(this.#words, at.errno, errno);
  }

  /** Whether the line goes off with its wave. The main thread's to change, at any time. */
  get endsOff(): boolean {
    return Atomics.load(this.#words, at.endsOff) === 1;
  }

  set endsOff(endsOff: boolean) {
    Atomics.store(this.#words, at.endsOff, Number(endsOff));
  }

  /** Whether edges are to be kept. The main thread's to change, at any time. */
  get watched(): boolean {
    return Atomics.load(this.#words, at.watched) === 1;
  }

  set watched(watched: boolean) {
    Atomics.store(this.#words, at.watched, Number(watched));
  }

  /** The longest time that the line may be active without a break, in µs. The main thread's to change, at any time. */
  get maxOnUs(): number {
    return this.#fact(factAt.maxOnUs);
  }

  set maxOnUs(us: number) {
    this.#facts[factAt.maxOnUs] = us;
  }

  /** When the wave is over, as far as can be told. May be read by anyone: on these machines 8 aligned bytes are never seen half written. */
  get endUs(): number {
    return this.#fact(factAt.endUs);
  }

  get activeSinceUs(): number {
    return this.#fact(factAt.activeSinceUs);
  }

  get lateMs(): number {
    return this.#fact(factAt.lateMs);
  }

  /** Writes down how a track stands; what it skipped is added to what is not taken yet. */
  write(track: WaveTrack): void {
    this.#facts[factAt.activeSinceUs] = track.activeSinceUs;
    this.#facts[factAt.endUs] = track.endUs;
    this.#facts[factAt.lateMs] = track.lateMs;
    if (track.skipped > 0) Atomics.add(this.#words, at.skipped, track.skipped);
    track.skipped = 0;
    this.driven = track.driven;
    Atomics.store(this.#words, at.stage, track.stage);
  }

  /** What was skipped and not taken yet. For the main thread, at any time. */
  takeSkipped(): number {
    return Atomics.exchange(this.#words, at.skipped, 0);
  }

  /** Keeps an edge for the main thread. */
  putEdge(levels: Levels, atUs: number): void {
    const head = Atomics.load(this.#words, at.head);
    const index = head & (EDGES - 1);
    if (((head - Atomics.load(this.#words, at.tail)) | 0) >= EDGES) {
      Atomics.add(this.#words, at.lost, 1);
      return;
    }
    this.#edges[index] = atUs;
    this.#lows[index] = lowWord(levels);
    this.#highs[index] = highWord(levels);
    this.#lostBefore[index] = this.takeLost();
    Atomics.store(this.#words, at.head, (head + 1) | 0);
  }

  /** Edges lost since the last that was kept. */
  takeLost(): number {
    return Atomics.exchange(this.#words, at.lost, 0);
  }

  /** Tells of the edges that were kept, in order. For the main thread, at any time. */
  takeEdges(tell: (levels: Levels, atUs: number, lost: number) => void): void {
    const head = Atomics.load(this.#words, at.head);
    for (let tail = Atomics.load(this.#words, at.tail); tail !== head; tail = (tail + 1) | 0) {
      const index = tail & (EDGES - 1);
      const atUs = this.#edges[index] as number;
      const levels = levelsOfWords(this.#lows[index] as number, this.#highs[index] as number);
      const lost = this.#lostBefore[index] as number;
      Atomics.store(this.#words, at.tail, (tail + 1) | 0);
      tell(levels, atUs, lost);
    }
  }

  #fact(index: number): number {
    return this.#facts[index] as number;
  }
}
