import type { PinInfo, ReplyOf } from "../../src/index.ts";
import { eventually, executable, type ServeProcess, type Stage, story } from "./processes.ts";

/** What a command has said, and how it has ended. */
export interface Ran {
  /** The exit status; 128 + the signal's number when one ended it, as shells count. */
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/** A test of what a person types, beside a supervisor on simulated pins. */
export function shellStory(
  name: string,
  tell: (shell: Shell, stage: Stage, supervisor: ServeProcess) => Promise<void>,
  ...serve: readonly string[]
): void {
  story(name, async (stage) => {
    const supervisor = await stage.serve(...serve);
    await using shell = new Shell(stage.folder, { HOLDFAST_SOCKET: stage.socket });
    await tell(shell, stage, supervisor);
  });
}

/** A shell in which holdfast is typed. Nothing but what it is given is in its environment. */
export class Shell implements AsyncDisposable {
  readonly #started: Typed[] = [];

  constructor(
    readonly folder: string,
    readonly environment: Readonly<Record<string, string>>,
  ) {}

  /** Starts `holdfast ARGS`. */
  start(...args: readonly string[]): Typed {
    return this.startAs([executable, ...args]);
  }

  /** Starts any command. */
  startAs(command: readonly string[]): Typed {
    const options = {
      cwd: this.folder,
      env: { PATH: "/bin:/usr/bin", ...this.environment },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    } as const;
    const typed = new Typed(Bun.spawn([...command], options));
    this.#started.push(typed);
    return typed;
  }

  /** Runs `holdfast ARGS` to its end. */
  run(...args: readonly string[]): Promise<Ran> {
    return this.start(...args).ended;
  }

  /** Runs what must go well, and returns what it prints. */
  async ok(...args: readonly string[]): Promise<string> {
    const { status, out, err } = await this.run(...args);
    if (status !== 0 || err !== "") throw new Error(`holdfast ${args.join(" ")}: exit status ${status}\n${err}`);
    return out;
  }

  async status(): Promise<ReplyOf<"status">> {
    return JSON.parse(await this.ok("status", "--json"));
  }

  /** A pin as `pins` shows it. */
  async pin(name: string): Promise<PinInfo> {
    const { pins } = JSON.parse(await this.ok("pins", "--json"));
    return pins.find(({ pin }: PinInfo) => pin === name);
  }

  /** Waits until a pin is as it should be. */
  eventually(name: string, what: string, isSo: (pin: PinInfo) => boolean): Promise<void> {
    return eventually(`${name} ${what}`, async () => isSo(await this.pin(name)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const typed of this.#started) typed.kill("SIGKILL");
    await Promise.all(this.#started.map(({ ended }) => ended));
  }
}

/** A command that has been started. */
export class Typed {
  readonly #process: Bun.Subprocess<"ignore", "pipe", "pipe">;
  readonly ended: Promise<Ran>;
  /** What it has printed so far, and what it has complained of. */
  out = "";
  err = "";

  constructor(process: Bun.Subprocess<"ignore", "pipe", "pipe">) {
    this.#process = process;
    this.ended = this.#run();
  }

  get pid(): number {
    return this.#process.pid;
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** Waits until it has printed so many lines. */
  async printed(lines: number): Promise<void> {
    await eventually(`${lines} lines`, () => this.out.split("\n").length > lines);
  }

  async #run(): Promise<Ran> {
    const { stdout, stderr, exited } = this.#process;
    await Promise.all([
      read(stdout, (text) => {
        this.out += text;
      }),
      read(stderr, (text) => {
        this.err += text;
      }),
    ]);
    return { status: await exited, out: this.out, err: this.err };
  }
}

async function read(stream: ReadableStream<Uint8Array<ArrayBuffer>>, take: (text: string) => void): Promise<void> {
  for await (const text of stream.pipeThrough(new TextDecoderStream())) take(text);
}
