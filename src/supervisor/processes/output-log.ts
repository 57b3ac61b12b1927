import type { Alarm, Clock } from "../../clock/clock.ts";
import type { Log } from "../surroundings.ts";
import { OutputLines } from "./output-lines.ts";

/** So many lines of one process are logged within so many ms; the others are counted. */
const LINES = 200;
const WINDOW_MS = 1000;

/** Brings what a process writes into the log. One that writes without end fills no disk with it. */
export class OutputLog {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #process: string;
  readonly #pid: number | null;
  readonly #lines: { readonly [S in "stdout" | "stderr"]: OutputLines };
  #logged = 0;
  #left = 0;
  #window: Alarm | null = null;

  constructor(process: string, pid: number | null, clock: Clock, log: Log) {
    this.#process = process;
    this.#pid = pid;
    this.#clock = clock;
    this.#log = log;
    const linesOf = (stream: string) => new OutputLines((read) => this.#tell(stream, read));
    this.#lines = { stdout: linesOf("stdout"), stderr: linesOf("stderr") };
  }

  push(stream: "stdout" | "stderr", bytes: Uint8Array): void {
    this.#lines[stream].push(bytes);
  }

  /** Nothing more comes: a line that was begun is one. */
  end(): void {
    this.#lines.stdout.end();
    this.#lines.stderr.end();
    this.#window?.cancel();
    this.#renew();
  }

  #tell(stream: string, read: () => string): void {
    this.#window ??= this.#clock.at(this.#clock.nowUs() + WINDOW_MS * 1000, () => this.#renew());
    if (this.#logged === LINES) {
      this.#left += 1;
      return;
    }
    this.#logged += 1;
    this.#log.info({ process: this.#process, pid: this.#pid, stream }, read());
  }

  #renew(): void {
    this.#window = null;
    this.#logged = 0;
    if (this.#left === 0) return;
    this.#log.warn({ process: this.#process, pid: this.#pid, lines: this.#left }, "the process writes too much: lines were left out");
    this.#left = 0;
  }
}
