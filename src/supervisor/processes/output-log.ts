import type { Clock } from "../../clock/clock.ts";
import { OutputLines } from "../../output-lines.ts";
import { LogWindow } from "../log-window.ts";
import type { Log } from "../surroundings.ts";

/** Brings what a process writes into the log, as far as there is room for it. */
export class OutputLog {
  readonly #window: LogWindow;
  readonly #lines: { readonly [S in "stdout" | "stderr"]: OutputLines };

  constructor(process: string, pid: number | null, clock: Clock, log: Log) {
    this.#window = new LogWindow(clock, (lines) => log.warn({ process, pid, lines }, "the process writes too much: lines were left out"));
    const linesOf = (stream: string) =>
      new OutputLines((read) => {
        if (this.#window.admits()) log.info({ process, pid, stream }, read());
      });
    this.#lines = { stdout: linesOf("stdout"), stderr: linesOf("stderr") };
  }

  push(stream: "stdout" | "stderr", bytes: Uint8Array): void {
    this.#lines[stream].push(bytes);
  }

  /** Nothing more comes: a line that was begun is one. */
  end(): void {
    this.#lines.stdout.end();
    this.#lines.stderr.end();
    this.#window.end();
  }
}
