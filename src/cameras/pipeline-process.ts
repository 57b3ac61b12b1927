import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { OutputLines } from "../output-lines.ts";
import { familyWithin } from "../processes/family.ts";
import { assertRunnable } from "../processes/program-file.ts";
import { HoldfastError } from "../protocol/errors.ts";
import { withoutPasswords } from "../protocol/hidden-passwords.ts";
import { FramePipe } from "./frame-pipe.ts";
import type { PipelineCommand } from "./pipeline-command.ts";
import type { PipelineBytes } from "./pipeline-frames.ts";
import { fatalSaying, type PipelineExit, reasonIn, troubleOf } from "./pipeline-trouble.ts";

/** Lines of stderr that are kept to tell why it has ended, and how long one may be. */
const KEPT_LINES = 20;
const LONGEST_LINE = 500;

/** From SIGTERM to SIGKILL, in ms. */
const GRACE_MS = 2000;

/** How long what a program has said and written may take to come when it has ended, in ms. */
const LAST_WORDS_MS = 500;

/** How long a program that is given frames may take to take one, in ms. */
const PATIENCE_MS = 15_000;

/** How often it is looked whether those that it has started have ended, in ms. */
const LOOK_EVERY_MS = 20;

/** How a program is connected to this process. */
export interface PipelineEnds {
  /** Of one of the frames that it writes to its stdout, in bytes; null: it writes none. */
  readonly frameBytes: number | null;
  /** It is given frames on its stdin; default false. */
  readonly isFed?: boolean;
  /** How long it may take to take one, in ms. It is ended when it takes longer. */
  readonly patienceMs?: number;
}

/** A program that a camera's frames come from, or go through, and all that it has started. It belongs to the group of this process. */
export class PipelineProcess implements PipelineBytes {
  readonly #program: string;
  readonly #pipe: FramePipe | null;
  readonly #child: ChildProcess;
  /** It, and all that it has started. */
  readonly #family = familyWithin();
  readonly #patienceMs: number;
  readonly #lines: string[] = [];
  /** What made its frames useless. */
  #fatal: HoldfastError | null = null;
  /** Resolves when it has ended, and what it has said has come. */
  readonly ended: Promise<PipelineExit>;
  #stopped: Promise<void> | null = null;

  /** @throws HoldfastError `PROGRAM_MISSING` with the `program`, and the `package` of Debian that has it */
  constructor({ command, debianPackage }: PipelineCommand, { frameBytes, isFed = false, patienceMs = PATIENCE_MS }: PipelineEnds) {
    const [program = "", ...args] = command;
    assertInstalled(command, debianPackage);
    this.#program = program;
    this.#patienceMs = patienceMs;
    this.#pipe = frameBytes === null ? null : new FramePipe(frameBytes);
    try {
      const stdio = [isFed ? "pipe" : "ignore", this.#pipe?.writingEnd ?? "ignore", "pipe"] as const;
      this.#child = spawn(program, args, { stdio: [...stdio], env: { ...process.env, ...this.#family.environment } });
      if (this.#child.pid !== undefined) this.#family.begin(this.#child.pid);
    } catch (error) {
      this.#pipe?.close();
      throw notStarted(program, error);
    }
    // Of its end the exit tells.
    this.#child.stdin?.on("error", () => {});
    this.#pipe?.handedOver();
    this.ended = this.#follow();
    // Others that it has started may have its stdout too, and outlive it.
    void this.ended.then(() => setTimeout(() => this.#pipe?.end(), LAST_WORDS_MS).unref());
  }

  come(): Promise<boolean> {
    return this.#pipe?.come() ?? Promise.resolve(false);
  }

  read(into: Uint8Array, forMs?: number): number {
    return this.#pipe?.read(into, forMs) ?? 0;
  }

  /** Gives it data on its stdin. Resolves when the data may change again. @returns false: it takes no more, and `trouble` tells why */
  write(data: Uint8Array): Promise<boolean> {
    const { stdin } = this.#child;
    if (stdin === null || !stdin.writable) return Promise.resolve(false);
    return new Promise((resolve) => {
      const impatience = setTimeout(() => this.#giveUp(), this.#patienceMs);
      stdin.write(data, (error) => {
        clearTimeout(impatience);
        resolve(error === null || error === undefined);
      });
    });
  }

  /** It has been given all that there is, and ends when it has seen to that. */
  endInput(): void {
    this.#child.stdin?.end();
  }

  /**
   * Asks it and all that it has started to end, and ends them when they do not: one of them may have the device.
   * What they write meanwhile must be read.
   */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  /** What it has said last that may tell why it brings nothing; null: nothing. */
  get said(): string | null {
    return reasonIn(this.#lines);
  }

  /** Why it has ended by itself. */
  async trouble(): Promise<HoldfastError> {
    const exit = await this.ended;
    return this.#fatal ?? troubleOf(this.#program, exit, this.#lines);
  }

  /** Nobody reads any more. */
  close(): void {
    this.#pipe?.close();
  }

  async #stop(): Promise<void> {
    let signal: "SIGTERM" | "SIGKILL" = "SIGTERM";
    const impatience = setTimeout(() => {
      signal = "SIGKILL";
    }, GRACE_MS);
    // Those that are started meanwhile hear of it as well.
    while (this.#family.signal(signal)) await sleep(LOOK_EVERY_MS);
    clearTimeout(impatience);
    await this.ended;
  }

  #giveUp(): void {
    this.#fatal ??= new HoldfastError("CAMERA_STALLED", `${this.#program} has taken no frame for ${this.#patienceMs} ms`);
    this.#child.kill("SIGKILL");
  }

  #follow(): Promise<PipelineExit> {
    const child = this.#child;
    const said = this.#listen();
    return new Promise((resolve) => {
      const end = (exit: PipelineExit) => {
        const inTime = new Promise<void>((late) => setTimeout(late, LAST_WORDS_MS).unref());
        void Promise.race([said, inTime]).then(() => resolve(exit));
      };
      child.on("error", (error) => {
        if (child.pid !== undefined) return;
        this.#fatal = notStarted(this.#program, error);
        end({ status: 127 });
      });
      child.on("exit", (status, signal) => end(signal === null ? { status: status ?? 0 } : { signal }));
    });
  }

  /** Keeps the last lines that it says, until it says no more. */
  async #listen(): Promise<void> {
    if (this.#child.stderr === null) return;
    const lines = new OutputLines((read) => this.#note(read()));
    for await (const bytes of this.#child.stderr) lines.push(bytes);
    lines.end();
  }

  /** It has said something. */
  #note(line: string): void {
    // What it was given it repeats: the URL of a camera.
    this.#lines.push(withoutPasswords(line).slice(0, LONGEST_LINE));
    if (this.#lines.length > KEPT_LINES) this.#lines.shift();
    const fatal = fatalSaying(line);
    if (fatal === null || this.#fatal !== null) return;
    this.#fatal = fatal;
    this.#child.kill("SIGTERM");
  }
}

function assertInstalled(command: readonly string[], debianPackage: string | null): void {
  try {
    assertRunnable({ command, environment: {} }, process.env["PATH"]);
  } catch (error) {
    if (!(error instanceof HoldfastError) || debianPackage === null) throw error;
    const message = `there is no program "${command[0]}" that may be run: it is in Debian's package ${debianPackage}`;
    throw new HoldfastError(error.code, message, { ...error.details, package: debianPackage });
  }
}

function notStarted(program: string, cause: unknown): HoldfastError {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new HoldfastError("PROGRAM_MISSING", `${program} could not be started: ${message}`, { program }, { cause });
}
