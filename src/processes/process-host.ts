import type { HoldfastError } from "../protocol/errors.ts";

/** What is to be run, and where. */
export interface ProcessSpec {
  /** The program, by a path or by a name that is looked for in PATH, and its arguments. */
  readonly command: readonly string[];
  /** Where it runs; absent: where this process does. */
  readonly directory?: string | undefined;
  /** Variables beside those that it inherits. */
  readonly environment: Readonly<Record<string, string>>;
  /** Those that it has started and that have left its group end with it, too; default: they are on their own. */
  readonly isWhole?: boolean | undefined;
}

/** How a process ended: with a status of its own, or by a signal. */
export type ProcessExit = { readonly status: number } | { readonly signal: string };

/** Who is told what becomes of a process. */
export interface ProcessListener {
  /** Its program runs. */
  started(): void;
  /** It could not be started. Nothing else is told. The error's `isPassing` is true where another attempt may do better, though nobody changes anything. */
  failed(error: HoldfastError): void;
  /** It has written something. What one call brings may end anywhere, within a line or a character. */
  output(stream: "stdout" | "stderr", bytes: Uint8Array): void;
  /** It has ended itself, and is no zombie. Others of its group may go on, and what it has written may still come. */
  exited(exit: ProcessExit): void;
  /** Nobody of its group is left, what they have written has been told, and nothing more is. */
  gone(): void;
}

/** A process with a session and a group of its own: those that it starts belong to the group, unless they leave it. */
export interface HostedProcess {
  /** Also the number of its group; null: it could not be started. */
  readonly pid: number | null;
  /** Sends a signal to the whole group. Harmless when nobody is left of it. */
  signal(signal: "SIGTERM" | "SIGKILL"): void;
}

/** Where processes run. None of them outlives who started it, however that ends. */
export interface ProcessHost {
  /**
   * Starts a process. The listener is told nothing before this has returned.
   * @throws HoldfastError `PROGRAM_MISSING`, as `failed` is told
   */
  spawn(spec: ProcessSpec, listener: ProcessListener): HostedProcess;
  /** The group that a process of this machine belongs to; null: it has ended, or can't be seen from here. */
  groupOf(pid: number): number | null;
  /** No process is started any more, and none runs. */
  close(): void;
}
