import { constants } from "node:os";
import { type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import type { Wave } from "../../../../actors/wave.ts";
import { type Driven, levelsDriven, lowWord } from "../../levels.ts";
import { NanosecondsText, onTimeNs } from "../../pwm/nanoseconds.ts";
import { WaveTrack } from "../../wave-track.ts";
import { libc, SystemCallError } from "../libc.ts";
import { encodeLineValues, ioctls, writeLevels } from "../uapi.ts";
import { Alarm } from "./alarm.ts";
import { type TimeCalls, timeCalls } from "./calls.ts";
import { DriveRecord } from "./drive-record.ts";
import { LineMemory } from "./line-memory.ts";

/**
 * How the thread drives a line: one or more requested GPIO lines, a file that takes the levels as one byte, a bit each, the memory of a
 * `DriveRecord`, or a file that takes the time on in each period, as a channel of hardware PWM does.
 */
export type DriveTarget =
  | { readonly kind: "line"; readonly fd: number; readonly lines: number }
  | { readonly kind: "file"; readonly fd: number }
  | { readonly kind: "record"; readonly memory: SharedArrayBuffer }
  | { readonly kind: "duty"; readonly fd: number; readonly periodNs: number };

/** A wave, or the longest time active of a line at rest, that becomes the thread's to see to. */
export interface HandOver {
  /** The memory of a `LineMemory`. */
  readonly memory: SharedArrayBuffer;
  /** Under which number it is the thread's turn. */
  readonly serial: number;
  readonly target: DriveTarget;
  /** Null: the line rests, and must not be active for longer than it may. */
  readonly wave: Wave | null;
  /** When the wave began, in µs on CLOCK_MONOTONIC. What was due at that instant has been done. */
  readonly startUs: number;
  readonly periodUs: number;
  readonly driven: Driven;
  readonly activeSinceUs: number;
}

/** Words that the thread shares with the main thread, beside those of each line. */
export const controlAt = {
  /** Rung by the main thread when there is something to see to. The first: `TimeCalls.ring` rings that. */
  bell: 0,
  /** 1: the main thread has been told that there is something to hear, and has not looked yet. */
  told: 1,
  /** One of `schedulings`. */
  scheduling: 2,
} as const;
/** Bytes of those words, and of one number behind them: when the thread will step next, in µs; Infinity: when the bell is rung. */
export const CONTROL_BYTES = 24;
const NEXT_STEP_AT = 16;

/** The number behind the words of the control memory. */
export function nextStepOf(control: SharedArrayBuffer): Float64Array {
  return new Float64Array(control, NEXT_STEP_AT, 1);
}

/** How the kernel runs the thread: not known yet; as ordinary work; before all ordinary work. */
export const schedulings = { unknown: 0, normal: 1, realTime: 2 } as const;

/** What the thread works with. */
export interface LoopInput {
  readonly control: SharedArrayBuffer;
  /** Where each `HandOver` comes from, after which the bell is rung. */
  readonly handOvers: MessagePort;
  /** Whether to ask for real-time scheduling. */
  readonly realTime: boolean;
}

/** How soon to try again, in µs, when the main thread is at a line: about as long as it needs. */
const RETRY_US = 50;

/** Plays waves for as long as the thread lives. Blocks it: nothing else can run there. @param report tells the main thread to look */
export function playWaves({ control, handOvers, realTime }: LoopInput, report: () => void): never {
  const calls = timeCalls();
  const words = new Int32Array(control, 0, controlAt.scheduling + 1);
  const nextStep = nextStepOf(control);
  calls.beExact();
  const scheduling = realTime && calls.beRealTime() ? schedulings.realTime : schedulings.normal;
  Atomics.store(words, controlAt.scheduling, scheduling);
  const loop = new Loop(calls, () => {
    if (Atomics.exchange(words, controlAt.told, 1) === 0) report();
  });
  const alarm = new Alarm(calls, words.subarray(controlAt.bell, controlAt.bell + 1));
  // Not what the bell says now: it may have been rung before the thread was there to hear it.
  for (let heard = 0; ; ) {
    const bell = Atomics.load(words, controlAt.bell);
    if (bell !== heard) {
      heard = bell;
      // What it hears of now may be due at once.
      nextStep[0] = calls.nowUs();
      loop.forgetWhatIsOver();
      for (let message = receiveMessageOnPort(handOvers); message !== undefined; message = receiveMessageOnPort(handOvers)) {
        loop.take(message.message as HandOver);
      }
    }
    const nextUs = loop.stepAll();
    nextStep[0] = nextUs;
    alarm.wait(heard, nextUs);
  }
}

/** What is the thread's to step, and steps it. From `stepAll` on nothing here makes garbage. */
class Loop {
  readonly #calls: TimeCalls;
  readonly #tell: () => void;
  readonly #played: PlayedLine[] = [];

  constructor(calls: TimeCalls, tell: () => void) {
    this.#calls = calls;
    this.#tell = tell;
  }

  take(handOver: HandOver): void {
    this.#played.push(new PlayedLine(handOver, this.#calls));
  }

  /** Lets go of what was taken back: its line's descriptor may be another's by now. */
  forgetWhatIsOver(): void {
    for (let index = this.#played.length - 1; index >= 0; index--) {
      if (this.#played[index]?.isOver !== false) this.#forget(index);
    }
  }

  /** Steps all that is due. @returns when something will be due next */
  stepAll(): number {
    let nextUs = Number.POSITIVE_INFINITY;
    for (let index = this.#played.length - 1; index >= 0; index--) {
      const played = this.#played[index] as PlayedLine;
      const dueUs = played.step();
      if (played.hasNews) this.#tell();
      if (played.isDone) this.#forget(index);
      else nextUs = Math.min(nextUs, dueUs);
    }
    return nextUs;
  }

  #forget(index: number): void {
    const last = this.#played.pop() as PlayedLine;
    if (index < this.#played.length) this.#played[index] = last;
  }
}

/** A line that the thread plays, for as long as that is its turn. */
class PlayedLine {
  readonly #calls: TimeCalls;
  readonly #shared: LineMemory;
  readonly #serial: number;
  readonly #write: (to: Driven) => void;
  readonly #track: WaveTrack;
  /** The last step did something that the main thread is to hear of. */
  hasNews = false;
  /** It was taken back, or can't be driven. One of which nothing is due may get another limit. */
  isDone = false;

  constructor({ memory, serial, target, wave, startUs, periodUs, driven, activeSinceUs }: HandOver, calls: TimeCalls) {
    this.#calls = calls;
    this.#shared = new LineMemory(memory);
    this.#serial = serial;
    this.#write = writer(target, calls);
    this.#track = new WaveTrack(
      (next, isSeen) => this.#drive(next, isSeen),
      driven,
      activeSinceUs,
      this.#shared.maxOnUs,
      target.kind === "duty",
    );
    // The main thread has done the same, with the line; here it is as it should be already.
    if (wave !== null) this.#track.begin(wave, periodUs, startUs);
  }

  get isOver(): boolean {
    return !this.#shared.turn.belongsTo(this.#serial);
  }

  /** Steps the wave if that is due. @returns when to do so next, in µs; Infinity: never */
  step(): number {
    const track = this.#track;
    this.hasNews = false;
    track.maxOnUs = this.#shared.maxOnUs;
    const { dueUs } = track;
    const nowUs = this.#calls.nowUs();
    if (nowUs < dueUs) return dueUs;
    const claim = this.#shared.turn.claim(this.#serial);
    this.isDone = claim === "over";
    if (claim !== "mine") return nowUs + RETRY_US;
    track.endsOff = this.#shared.endsOff;
    const { stage } = track;
    let nextUs = Number.POSITIVE_INFINITY;
    try {
      track.step(nowUs);
      this.hasNews ||= track.stage !== stage || track.skipped > 0;
      nextUs = track.dueUs;
    } catch (error) {
      if (!(error instanceof SystemCallError)) throw error;
      // 0 would say that nothing has failed.
      this.#shared.errno = error.errno || constants.errno.EIO;
      this.hasNews = true;
      this.isDone = true;
    }
    this.#shared.write(track);
    this.#shared.turn.yield(this.#serial);
    return nextUs;
  }

  #drive(to: Driven, isSeen: boolean): number {
    this.#write(to);
    const atUs = this.#calls.nowUs();
    this.#shared.driven = to;
    if (isSeen && this.#shared.watched) {
      this.#shared.putEdge(levelsDriven(to), atUs);
      this.hasNews = true;
    }
    return atUs;
  }
}

/** What drives a line; all but a target of the kind `duty` to levels alone. It throws SystemCallError, and makes no garbage. */
function writer(target: DriveTarget, calls: TimeCalls): (to: Driven) => void {
  switch (target.kind) {
    case "line": {
      const values = encodeLineValues(target.lines);
      return (to) => {
        writeLevels(values, levelsDriven(to));
        libc().ioctl(target.fd, ioctls.GPIO_V2_LINE_SET_VALUES_IOCTL, values);
      };
    }
    case "file": {
      const byte = new Uint8Array(new ArrayBuffer(1));
      return (to) => {
        byte[0] = to === 1 ? 1 : lowWord(levelsDriven(to));
        libc().write(target.fd, byte);
      };
    }
    case "record": {
      const record = new DriveRecord(target.memory);
      return (to) => record.put(levelsDriven(to), calls.nowUs());
    }
    case "duty": {
      const text = new NanosecondsText();
      return (to) => libc().write(target.fd, text.of(onTimeNs(Number(to), target.periodNs)));
    }
  }
}
