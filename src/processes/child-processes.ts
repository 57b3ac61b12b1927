import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import type { Readable } from "node:stream";
import { HoldfastError } from "../protocol/errors.ts";
import { Family } from "./family.ts";
import { Guard } from "./guard.ts";
import { groupLives, groupOf, signalGroup } from "./process-group.ts";
import type { HostedProcess, ProcessExit, ProcessHost, ProcessListener, ProcessSpec } from "./process-host.ts";
import { assertRunnable } from "./program-file.ts";

/** Waits until it is guarded before it becomes the program. When this process ends first it reads the end of the pipe, and ends as well. */
const ON_ITS_MARKS = 'read -r go && exec "$@" </dev/null';

/** The pause before a group that still lives is looked at again, in ms: the first one, and the longest. */
const FIRST_LOOK_MS = 5;
const LONGEST_LOOK_MS = 200;

/** What a process writes beyond so many bytes in so many ms waits in its pipe, and so does the process in the end: pins must not. */
const OUTPUT_BYTES = 1024 * 1024;
const OUTPUT_WINDOW_MS = 1000;

/** How long what it has written may take to be read when it has ended, in ms. It may have to wait for a window first. */
const LAST_WORDS_MS = OUTPUT_WINDOW_MS + 500;

/** What the kernel may have too little of now, and enough later: descriptors, processes, memory (errno(3)). */
const passing: readonly unknown[] = ["EMFILE", "ENFILE", "EAGAIN", "ENOMEM"];

/** So long that no two supervisors have the same. */
const FAMILY_BYTES = 8;

/** Variables that change what this runtime does, and are not meant for others. */
const runtimeVariables = ["BUN_OPTIONS", "BUN_BE_BUN", "BUN_INSPECT", "NODE_OPTIONS"];

/** The processes that this one starts, each with a session of its own. */
export class ChildProcesses implements ProcessHost {
  /** How the names of its families begin. */
  readonly #families = `${randomBytes(FAMILY_BYTES).toString("hex")}.`;
  readonly #guard = new Guard(this.#families);
  readonly #environment: Readonly<Record<string, string | undefined>>;
  readonly #running = new Set<Child>();
  #started = 0;

  /** @param environment variables of all processes; undefined: one that they don't inherit */
  constructor(environment: Readonly<Record<string, string | undefined>> = {}) {
    const removed = Object.fromEntries(runtimeVariables.map((name) => [name, undefined]));
    this.#environment = { ...process.env, ...removed, ...environment };
  }

  spawn(spec: ProcessSpec, listener: ProcessListener): HostedProcess {
    const family = spec.isWhole === true ? new Family(`${this.#families}${++this.#started}`) : null;
    const environment = { ...this.#environment, ...spec.environment, ...family?.environment };
    assertRunnable(spec, environment["PATH"]);
    const child = new Child(spec, environment, family, this.#guard, listener, () => this.#running.delete(child));
    this.#running.add(child);
    return child;
  }

  groupOf(pid: number): number | null {
    return groupOf(pid);
  }

  close(): void {
    for (const child of this.#running) child.signal("SIGKILL");
    this.#guard.close();
  }
}

class Child implements HostedProcess {
  readonly pid: number | null;
  /** Null: those that have left its group are on their own. */
  readonly #family: Family | null;
  readonly #guard: Guard;
  readonly #listener: ProcessListener;
  readonly #ended: () => void;
  /** The last that it was sent. */
  #signal: "SIGTERM" | "SIGKILL" | null = null;

  /**
   * @param ended is called when it has, with all of its group
   * @throws HoldfastError `PROGRAM_MISSING`
   */
  constructor(
    { command, directory }: ProcessSpec,
    environment: Readonly<Record<string, string | undefined>>,
    family: Family | null,
    guard: Guard,
    listener: ProcessListener,
    ended: () => void,
  ) {
    this.#family = family;
    this.#guard = guard;
    this.#listener = listener;
    this.#ended = ended;
    const child = spawnShell(command, directory, environment);
    this.pid = child.pid ?? null;
    child.on("error", (cause) => {
      if (this.pid !== null) return;
      ended();
      listener.failed(notStarted(cause));
    });
    // With no descriptors left there are no pipes either.
    child.stdin?.on("error", () => {});
    if (this.pid === null) return;
    family?.begin(this.pid);
    this.#follow(child, this.pid);
    guard.add(this.pid, () => child.stdin?.end("\n", () => listener.started()));
  }

  signal(signal: "SIGTERM" | "SIGKILL"): void {
    if (this.pid === null) return;
    signalGroup(this.pid, signal);
    // One that was stopped hears of it only when it goes on.
    if (signal === "SIGTERM") signalGroup(this.pid, "SIGCONT");
    this.#signal = signal;
    this.#family?.signal(signal, this.pid);
  }

  #follow(child: ChildProcess, pid: number): void {
    for (const stream of ["stdout", "stderr"] as const) {
      const pipe = child[stream];
      if (pipe !== null) readInMeasure(pipe, (bytes) => this.#listener.output(stream, bytes));
    }
    const read = new Promise<void>((resolve) => child.on("close", () => resolve()));
    child.on("exit", (status, signal) => {
      const exit: ProcessExit = signal === null ? { status: status ?? 0 } : { signal };
      this.#listener.exited(exit);
      this.#lookAfter(pid, FIRST_LOOK_MS, () => void this.#end(child, read));
    });
  }

  /** Looks again and again until nobody is left: nobody tells of those who are not our own children. */
  #lookAfter(group: number, pauseMs: number, ended: () => void): void {
    if (groupLives(group) || this.#kinLives(group)) {
      setTimeout(() => this.#lookAfter(group, Math.min(2 * pauseMs, LONGEST_LOOK_MS), ended), pauseMs);
      return;
    }
    this.#guard.remove(group);
    ended();
  }

  /** Whether anybody of its family lives. Who has been started since the last signal hears of that, too. */
  #kinLives(group: number): boolean {
    if (this.#family === null) return false;
    return this.#signal === null ? this.#family.live : this.#family.signal(this.#signal, group);
  }

  /** What it has written is read before it is gone, but for what a process may still write that has left the group. */
  async #end({ stdout, stderr }: ChildProcess, read: Promise<void>): Promise<void> {
    let impatience: ReturnType<typeof setTimeout> | undefined;
    const inTime = new Promise<void>((resolve) => {
      impatience = setTimeout(resolve, LAST_WORDS_MS);
    });
    await Promise.race([read, inTime]);
    clearTimeout(impatience);
    stdout?.destroy();
    stderr?.destroy();
    this.#ended();
    this.#listener.gone();
  }
}

/** @throws HoldfastError `PROGRAM_MISSING`: for some reasons at once, for others there is an `error` later */
function spawnShell(command: readonly string[], cwd: string | undefined, env: Readonly<Record<string, string | undefined>>): ChildProcess {
  const args = ["-c", ON_ITS_MARKS, "holdfast-start", ...command];
  try {
    return spawn("/bin/sh", args, { stdio: ["pipe", "pipe", "pipe"], detached: true, cwd, env });
  } catch (error) {
    throw notStarted(error as Error);
  }
}

function notStarted({ message, code }: NodeJS.ErrnoException): HoldfastError {
  return new HoldfastError("PROGRAM_MISSING", `the kernel starts no process: ${message}`, { isPassing: passing.includes(code) });
}

/** Reads no more than a process may write. */
function readInMeasure(pipe: Readable, take: (bytes: Uint8Array) => void): void {
  let bytes = 0;
  let since = performance.now();
  pipe.on("error", () => {});
  pipe.on("data", (chunk: Uint8Array) => {
    const now = performance.now();
    if (now - since >= OUTPUT_WINDOW_MS) [bytes, since] = [0, now];
    bytes += chunk.length;
    take(chunk);
    if (bytes < OUTPUT_BYTES) return;
    pipe.pause();
    setTimeout(() => pipe.resume(), OUTPUT_WINDOW_MS);
  });
}
