import { isMainThread, MessageChannel, type MessagePort, parentPort, Worker, workerData } from "node:worker_threads";
import { HoldfastError } from "../../../protocol/errors.ts";
import type { PlayerSettings, WaveListener, WavePlayer, WaveScheduling } from "../../wave-player.ts";
import { timeCalls } from "./calls.ts";
import { CONTROL_BYTES, controlAt, type HandOver, type LoopInput, nextStepOf, playWaves, schedulings } from "./loop.ts";
import { type ThreadedLine, ThreadPlayer, type WaveThread } from "./player.ts";

/** How often, in ms, to look whether the thread still steps what is due, and how late, in µs, it may be before it is taken for dead. */
const LOOK_EVERY_MS = 1000;
const LATEST_US = 2_000_000;

/**
 * Plays the waves of all outputs in one thread of its own, so that neither the event loop nor its garbage disturbs them. The thread
 * starts with `start`, or else with the first player, and lives until `close`; if it ends before that, what it plays fails, and
 * the next wave has a new one.
 */
export class WavePlayers implements WaveThread {
  readonly #calls = timeCalls();
  readonly #realTime: boolean;
  readonly #handed = new Set<ThreadPlayer>();
  #thread: RunningThread | undefined;
  /** Looks after the thread, as long as anything is its own. */
  #look: ReturnType<typeof setInterval> | undefined;
  /** The step that it was found not to have made. */
  #missedUs = Number.NaN;

  /** @param options realTime: whether to ask the kernel to run the thread before all ordinary work */
  constructor({ realTime }: { readonly realTime: boolean }) {
    this.#realTime = realTime;
  }

  /** Null: there is no thread, or it has only just been started. */
  get scheduling(): WaveScheduling | null {
    return this.#thread?.scheduling ?? null;
  }

  /** Starts the thread, unless it runs. It needs some milliseconds to be there, on a small board many more. */
  start(): void {
    this.#running();
  }

  /** What plays waves on a line. */
  player(line: ThreadedLine, settings: PlayerSettings, listener: WaveListener): WavePlayer {
    this.start();
    return new ThreadPlayer(line, settings, this, listener);
  }

  nowUs(): number {
    return this.#calls.nowUs();
  }

  handOver(player: ThreadPlayer, handOver: HandOver): void {
    this.#handed.add(player);
    this.#running().handOvers.postMessage(handOver);
    this.#ring();
    this.#look ??= setInterval(() => this.#lookAfter(), LOOK_EVERY_MS).unref();
  }

  wake(): void {
    this.#ring();
  }

  retract(player: ThreadPlayer): void {
    this.#handed.delete(player);
    if (this.#handed.size > 0) return;
    clearInterval(this.#look);
    this.#look = undefined;
  }

  giveUp(error: HoldfastError): void {
    const thread = this.#thread;
    this.#thread = undefined;
    thread?.end();
    tellEach(this.#handed, (player) => player.abandon(error));
  }

  /** Ends the thread. No line is played any more. */
  close(): void {
    this.#thread?.end();
    // It waits in the kernel, and ends when it comes out.
    this.#ring();
  }

  #ring(): void {
    if (this.#thread !== undefined) this.#calls.ring(this.#thread.control);
  }

  #running(): RunningThread {
    if (this.#thread !== undefined) return this.#thread;
    const thread: RunningThread = new RunningThread(
      this.#realTime,
      () => this.#hear(),
      (cause) => {
        if (this.#thread === thread) this.giveUp(failure(`has ended: ${cause.message}`, cause));
      },
    );
    this.#thread = thread;
    return thread;
  }

  /** A thread that hangs at one line plays no other either. Once may be that this process was stopped. */
  #lookAfter(): void {
    const dueUs = this.#thread?.nextStepUs ?? Number.POSITIVE_INFINITY;
    const isLate = this.#calls.nowUs() > dueUs + LATEST_US;
    if (isLate && dueUs === this.#missedUs) this.giveUp(failure("hangs"));
    this.#missedUs = isLate ? dueUs : Number.NaN;
  }

  #hear(): void {
    tellEach(this.#handed, (player) => player.hear());
  }
}

/** Tells each of them, whatever comes of it with another. @throws in the end what the first of them has thrown */
function tellEach(players: Iterable<ThreadPlayer>, tell: (player: ThreadPlayer) => void): void {
  const thrown: unknown[] = [];
  for (const player of [...players]) {
    try {
      tell(player);
    } catch (error) {
      thrown.push(error);
    }
  }
  if (thrown.length > 0) throw thrown[0];
}

function failure(what: string, cause?: Error): HoldfastError {
  return new HoldfastError("LINE_FAILED", `The thread that plays waves ${what}.`, {}, { cause });
}

/** What tells a worker that it is this module's. */
interface WaveWorkerData {
  readonly holdfastWaves: LoopInput;
}

class RunningThread {
  readonly control = new Int32Array(new SharedArrayBuffer(CONTROL_BYTES));
  readonly #nextStep = nextStepOf(this.control.buffer as SharedArrayBuffer);
  readonly handOvers: MessagePort;
  readonly #worker: Worker;

  /**
   * @param hear called when there may be something to hear
   * @param ended called once, when the thread is no more, with why
   */
  constructor(realTime: boolean, hear: () => void, ended: (error: Error) => void) {
    const { port1, port2 } = new MessageChannel();
    this.handOvers = port1;
    // It takes its time to start.
    this.#nextStep[0] = Number.POSITIVE_INFINITY;
    const workerData: WaveWorkerData = { holdfastWaves: { control: this.control.buffer as SharedArrayBuffer, handOvers: port2, realTime } };
    // The worker's program is this very module, or, in an executable or a bundle, the file that holds all modules.
    this.#worker = new Worker(new URL(import.meta.url), { workerData, transferList: [port2], name: "holdfast waves" });
    let why = new Error("it was told to");
    this.#worker.on("error", (error) => {
      why = error instanceof Error ? error : new Error(String(error));
    });
    this.#worker.on("message", () => {
      Atomics.store(this.control, controlAt.told, 0);
      hear();
    });
    this.#worker.on("exit", () => {
      port1.close();
      ended(why);
    });
  }

  get scheduling(): WaveScheduling | null {
    const scheduling = Atomics.load(this.control, controlAt.scheduling);
    if (scheduling === schedulings.unknown) return null;
    return scheduling === schedulings.realTime ? "real-time" : "normal";
  }

  /** When the thread will step next, in µs. */
  get nextStepUs(): number {
    return this.#nextStep[0] as number;
  }

  end(): void {
    void this.#worker.terminate();
  }
}

function isWaveWorkerData(data: unknown): data is WaveWorkerData {
  return typeof data === "object" && data !== null && "holdfastWaves" in data;
}

// Last in the module, since it never returns: in that thread nothing that comes after this import is evaluated.
if (!isMainThread && isWaveWorkerData(workerData)) {
  playWaves(workerData.holdfastWaves, () => parentPort?.postMessage(null));
}
