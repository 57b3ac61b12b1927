import type { Wave } from "../../../../actors/wave.ts";
import { HoldfastError } from "../../../protocol/errors.ts";
import { type Driven, type Levels, levelsDriven } from "../../levels.ts";
import type { PlayerSettings, WaveListener, WavePlayer } from "../../wave-player.ts";
import { stages, WaveTrack } from "../../wave-track.ts";
import { LineMemory } from "./line-memory.ts";
import type { DriveTarget, HandOver } from "./loop.ts";

/** The line, or the group, of a player, as the main thread drives it. */
export interface ThreadedLine {
  /** How the thread drives it. */
  readonly target: DriveTarget;
  /** Drives it from the main thread; a target of the kind `duty` to any duty, others to levels. @throws HoldfastError */
  set(to: Driven): void;
  /** As that of `LinePwm`, for a target of the kind `duty`. @throws HoldfastError */
  setPeriod?(periodUs: number, duty: number): number;
  /** What an errno means that the thread met when it drove the line. */
  failure(errno: number): HoldfastError;
}

/** The thread, as a player sees it. */
export interface WaveThread {
  /** CLOCK_MONOTONIC, in µs. */
  nowUs(): number;
  /** Has the thread step a line until that is taken back, and `player.hear` called when there is something to hear. */
  handOver(player: ThreadPlayer, handOver: HandOver): void;
  /** Has the thread look anew when what was handed over is due. */
  wake(): void;
  /** The player has its line back, and has nothing to hear. */
  retract(player: ThreadPlayer): void;
  /** The thread does not yield a line: it is taken for dead, with all that it plays. */
  giveUp(error: HoldfastError): void;
}

/** How long, in ms, the thread may be in a step before it is taken for dead: a call of the kernel takes microseconds, an overloaded machine adds to that. */
const PATIENCE_MS = 1000;

/**
 * Plays waves on one output in the thread for that. What is due at once (a steady level, the beginning of a wave) the caller's thread
 * does itself, so that it is done, or has failed, when the call returns. All that has a later deadline is the thread's.
 */
export class ThreadPlayer implements WavePlayer {
  readonly #line: ThreadedLine;
  readonly #thread: WaveThread;
  readonly #listener: WaveListener;
  readonly #shared = new LineMemory();
  readonly #track: WaveTrack;
  #number = 0;
  /** What plays; null: the line rests. */
  #wave: Wave | null = null;
  /** The thread has the line. */
  #handed = false;
  #startUs = 0;
  #periodUs = 0;
  frequencyHz: number;

  constructor(line: ThreadedLine, { initial, maxOnMs, frequencyHz }: PlayerSettings, thread: WaveThread, listener: WaveListener) {
    this.#line = line;
    this.#thread = thread;
    this.#listener = listener;
    this.frequencyHz = frequencyHz;
    const maxOnUs = maxOnMs * 1000;
    this.#shared.maxOnUs = maxOnUs;
    const takesDuty = line.target.kind === "duty";
    this.#track = new WaveTrack((to, isSeen) => this.#drive(to, isSeen), initial, thread.nowUs(), maxOnUs, takesDuty);
    this.#handOver();
  }

  get level(): Levels {
    return this.#handed ? this.#shared.level : this.#track.level;
  }

  get remainingMs(): number {
    const { endUs } = this.#handed ? this.#shared : this.#track;
    return Math.max(0, (endUs - this.#thread.nowUs()) / 1000);
  }

  get endsOff(): boolean {
    return this.#shared.endsOff;
  }

  set endsOff(endsOff: boolean) {
    this.#shared.endsOff = endsOff;
  }

  get maxOnMs(): number {
    return this.#shared.maxOnUs / 1000;
  }

  set maxOnMs(ms: number) {
    this.#shared.maxOnUs = ms * 1000;
    this.#track.maxOnUs = ms * 1000;
    if (this.#handed) this.#thread.wake();
    else this.#handOver();
  }

  get watched(): boolean {
    return this.#shared.watched;
  }

  set watched(watched: boolean) {
    this.#shared.watched = watched;
  }

  play(number: number, wave: Wave, endsOff: boolean): void {
    const failure = this.#takeBack() ?? this.#attempt(() => this.#begin(wave, endsOff));
    this.#number = number;
    this.#wave = wave;
    if (failure !== null) this.#fail(failure);
    else {
      this.#handOver();
      this.#listener.started(number);
    }
  }

  rest(level: Levels | null): void {
    this.#number = 0;
    this.#wave = null;
    const lost = this.#takeBack();
    // What the thread could not do may still be possible, and the line should be left as it is wanted.
    const refused = this.#attempt(() => this.#track.rest(level));
    const failure = lost ?? refused;
    if (failure !== null) this.#fail(failure);
    else this.#handOver();
  }

  undisturbed<T>(act: (level: Levels) => T): T {
    const { turn } = this.#shared;
    if (!turn.insist(() => turn.tryBorrow(), PATIENCE_MS)) throw silence();
    try {
      return act(this.level);
    } finally {
      turn.giveBack();
    }
  }

  stop(): void {
    this.#takeBack();
    this.#track.stop();
  }

  /** Looks what the thread has come to. */
  hear(): void {
    if (!this.#handed) return;
    const { errno, stage } = this.#shared;
    if (errno === 0 && (stage === stages.playing || stage === stages.resting)) {
      this.#collect();
      return;
    }
    const failure = this.#takeBack();
    const { lateMs } = this.#shared;
    if (failure !== null) this.#fail(failure);
    else if (stage === stages.ended) this.#listener.ended(this.#number, lateMs);
    else this.#listener.limited(this.#number);
  }

  /** The thread is no more. What it played has failed; the line goes off. */
  abandon(error: HoldfastError): void {
    if (!this.#handed) return;
    this.#seize();
    this.#fail(error);
  }

  #begin(wave: Wave, endsOff: boolean): void {
    const periodUs = 1_000_000 / this.frequencyHz;
    this.#periodUs = this.#line.setPeriod?.(periodUs, Number(this.#track.driven)) ?? periodUs;
    this.endsOff = endsOff;
    this.#track.endsOff = endsOff;
    this.#startUs = this.#track.begin(wave, this.#periodUs, this.#thread.nowUs());
  }

  /** Leaves what is due later to the thread. */
  #handOver(): void {
    if (this.#track.dueUs === Number.POSITIVE_INFINITY) return;
    const { driven, activeSinceUs } = this.#track;
    this.#shared.errno = 0;
    this.#shared.write(this.#track);
    this.#handed = true;
    this.#thread.handOver(this, {
      memory: this.#shared.memory,
      serial: this.#shared.turn.serial,
      target: this.#line.target,
      wave: this.#wave,
      startUs: this.#startUs,
      periodUs: this.#periodUs,
      driven,
      activeSinceUs,
    });
  }

  /** From here on the line is this thread's. @returns why it can't be driven any more; null: it can */
  #takeBack(): HoldfastError | null {
    if (!this.#handed) return null;
    const { turn } = this.#shared;
    if (!turn.insist(() => turn.tryTake(), PATIENCE_MS)) {
      const error = silence();
      this.#seize();
      this.#thread.giveUp(error);
      return error;
    }
    this.#regain();
    const { errno } = this.#shared;
    return errno === 0 ? null : this.#line.failure(errno);
  }

  #regain(): void {
    this.#handed = false;
    this.#thread.retract(this);
    this.#collect();
    this.#track.stop();
    this.#track.driven = this.#shared.driven;
    this.#track.isSure = this.#shared.errno === 0;
    this.#track.activeSinceUs = this.#shared.activeSinceUs;
  }

  /** Takes the line from a thread that does not yield it. What it is driven to is not known then, so it is driven off. */
  #seize(): void {
    this.#shared.turn.seize();
    this.#regain();
    this.#track.isSure = this.#attempt(() => this.#line.set(0)) === null;
    this.#track.driven = 0;
  }

  /** Tells of what the thread has left to tell. */
  #collect(): void {
    this.#shared.takeEdges((level, atUs, lost) => this.#listener.edge(level, atUs, lost));
    const skipped = this.#shared.takeSkipped();
    if (skipped > 0) this.#listener.skipped(skipped);
  }

  #attempt(act: () => void): HoldfastError | null {
    try {
      act();
      return null;
    } catch (error) {
      return HoldfastError.from(error);
    }
  }

  #drive(to: Driven, isSeen: boolean): number {
    this.#line.set(to);
    const atUs = this.#thread.nowUs();
    if (isSeen) this.#listener.edge(levelsDriven(to), atUs, this.#shared.takeLost());
    return atUs;
  }

  #fail(error: HoldfastError): void {
    this.#track.stop();
    this.#listener.failed(error);
  }
}

function silence(): HoldfastError {
  return new HoldfastError("LINE_FAILED", `The thread that plays waves has been at a line for ${PATIENCE_MS} ms and does not yield it.`);
}
