import { test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ConnectOptions, connect, type HoldfastClient } from "../../src/index.ts";
import type { Puppetry } from "./puppet.ts";
import { RawConnection } from "./raw-connection.ts";

/** What is tested: the executable, as it is shipped. */
export const executable = join(import.meta.dir, "..", "..", "dist", "holdfast");
if (!existsSync(executable)) throw new Error(`there is no ${executable}: run \`make build\` first`);

/** How long a test may wait for what must come: slow machines with other work to do pass, and only what hangs fails. */
const PATIENCE_MS = Number(process.env["TEST_PATIENCE_MS"] ?? 120_000);

/** So much of a log is shown, from its end. */
const SHOWN_LOG_LENGTH = 20_000;

/** Where the supervisors of a test take their lines from. */
export type Lines = "sim" | "chardev";

/** A test with a stage of its own, which is cleared away however the test ends. */
export function story(name: string, tell: (stage: Stage) => Promise<void>, lines: Lines = "sim"): void {
  const play = async () => {
    await using stage = new Stage(lines);
    try {
      await inTime(tell(stage), "the end of the test");
    } catch (error) {
      stage.showLogs();
      throw error;
    }
  };
  test(name, play, 2 * PATIENCE_MS);
}

/** Waits until something is so. @param what it is, for the error when it never is */
export async function eventually(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`waited ${PATIENCE_MS} ms in vain: ${what}`);
    await Bun.sleep(2);
  }
}

async function inTime<T>(awaited: Promise<T>, what: string): Promise<T> {
  let timer: Timer | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${PATIENCE_MS} ms in vain for ${what}`)), PATIENCE_MS);
  });
  try {
    return await Promise.race([awaited, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The code of the error with which something fails; `done` when it doesn't. */
export function codeOf(attempt: Promise<unknown>): Promise<string> {
  return attempt.then(
    () => "done",
    (error: { readonly code?: string }) => error.code ?? String(error),
  );
}

/** A folder, and all processes and connections of one test. */
export class Stage implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), "holdfast-"));
  readonly socket = join(this.folder, "holdfast.sock");
  /** What is disposed of when all processes have ended. */
  readonly resources = new DisposableStack();
  readonly #processes: Bun.Subprocess[] = [];
  readonly #supervisors: ServeProcess[] = [];
  readonly #clients: HoldfastClient[] = [];
  readonly #raw: RawConnection[] = [];

  constructor(readonly lines: Lines = "sim") {}

  /** Starts a supervisor, and waits until it is ready. @throws Error when it ends before that */
  async serve(...args: readonly string[]): Promise<ServeProcess> {
    const supervisor = this.startServe(this.socket, args);
    if (!(await supervisor.ready)) throw new Error(`the supervisor has ended at once: ${supervisor.errors}`);
    return supervisor;
  }

  /** Starts a supervisor that may fail. @param prefix a command that runs it */
  startServe(socket: string, args: readonly string[] = [], prefix: readonly string[] = []): ServeProcess {
    const command = [...prefix, executable, "serve", "--backend", this.lines, "--socket", socket, "--config", "/dev/null", ...args];
    const child = Bun.spawn(command, { cwd: this.folder, stdin: "ignore", stdout: "ignore", stderr: "pipe" });
    this.#processes.push(child);
    const supervisor = new ServeProcess(child);
    this.#supervisors.push(supervisor);
    return supervisor;
  }

  /** Prints the last that each supervisor has written: a test that fails elsewhere than here may never fail so again. */
  showLogs(): void {
    for (const { pid, errors } of this.#supervisors)
      console.error(`the supervisor ${pid} has written:\n${errors.slice(-SHOWN_LOG_LENGTH)}`);
  }

  /** Writes a file in the folder. @returns its path */
  file(name: string, text: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, text);
    return path;
  }

  /** Runs a program to its end. */
  async run(...command: readonly string[]): Promise<{ readonly status: number; readonly stdout: string; readonly stderr: string }> {
    const child = Bun.spawn([...command], { cwd: this.folder, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
    this.#processes.push(child);
    const [status, stdout, stderr] = await Promise.all([child.exited, child.stdout.text(), child.stderr.text()]);
    return { status, stdout, stderr };
  }

  /** A client in this process. */
  async connect(options: ConnectOptions = {}): Promise<HoldfastClient> {
    const client = await connect({ socket: this.socket, name: "test", ...options });
    this.#clients.push(client);
    return client;
  }

  /** A client in a process of its own. */
  async puppet(name: string): Promise<Puppet> {
    const puppet = new Puppet([join(import.meta.dir, "puppet.ts"), this.socket, name]);
    this.#processes.push(puppet.process);
    await puppet.connected;
    return puppet;
  }

  /** A connection that sends any bytes. */
  async raw(): Promise<RawConnection> {
    const connection = await RawConnection.open(this.socket);
    this.#raw.push(connection);
    return connection;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.#raw) connection.destroy();
    for (const client of this.#clients) void client.close();
    for (const child of this.#processes) child.kill("SIGKILL");
    await Promise.all(this.#processes.map(({ exited }) => exited));
    this.resources.dispose();
    rmSync(this.folder, { recursive: true });
  }
}

/** A supervisor in a process of its own. */
export class ServeProcess {
  readonly #process: Bun.Subprocess<"ignore", "ignore", "pipe">;
  readonly #reading: Promise<void>;
  readonly #ready = Promise.withResolvers<boolean>();
  /** What it has written to stderr: its log, and errors. */
  errors = "";

  constructor(process: Bun.Subprocess<"ignore", "ignore", "pipe">) {
    this.#process = process;
    this.#reading = this.#read();
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Whether it serves; false: it has ended without. */
  get ready(): Promise<boolean> {
    return inTime(this.#ready.promise, "the supervisor's start");
  }

  /** Its exit status, when it has ended and all that it wrote has been read. */
  async ended(): Promise<number> {
    const status = await inTime(this.#process.exited, "the supervisor's end");
    await inTime(this.#reading, "the end of the supervisor's log");
    return status;
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** Where it listens on TCP, as it has told: the port of `remoteio`, for one. */
  port(listener: string): number {
    const entry = this.errors.split("\n").find((line) => line.includes('"msg":"listening"') && line.includes(`"listener":"${listener}"`));
    if (entry === undefined) throw new Error(`the supervisor does not listen for ${listener}: ${this.errors}`);
    return (JSON.parse(entry) as { readonly port: number }).port;
  }

  /** The memory that it has, in bytes. */
  get residentBytes(): number {
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${this.pid}/status`, "utf8"))?.[1];
    return Number(kib) * 1024;
  }

  async #read(): Promise<void> {
    for await (const text of this.#process.stderr.pipeThrough(new TextDecoderStream())) {
      this.errors += text;
      if (this.errors.includes('"msg":"ready"')) this.#ready.resolve(true);
    }
    this.#ready.resolve(false);
  }
}

/** A client in a process of its own, which does what it is told. */
export class Puppet {
  readonly process: Bun.Subprocess<"ignore", "inherit", "inherit">;
  readonly #answers = new Map<number, PromiseWithResolvers<unknown>>();
  readonly connected: Promise<unknown>;
  #calls = 0;

  constructor(program: readonly string[]) {
    this.process = Bun.spawn([process.execPath, ...program], {
      stdin: "ignore",
      stdout: "inherit",
      stderr: "inherit",
      serialization: "advanced",
      ipc: ({ call, value, error }: { call: number; value?: unknown; error?: { code: string; message: string } }) => {
        const answer = this.#answers.get(call);
        this.#answers.delete(call);
        if (error === undefined) answer?.resolve(value);
        else answer?.reject(Object.assign(new Error(error.message), error));
      },
      onExit: () => {
        for (const { reject } of this.#answers.values()) reject(new Error("the process has ended"));
      },
    });
    this.connected = this.#answer(0);
  }

  get pid(): number {
    return this.process.pid;
  }

  /** Has it do something, and waits for the answer. */
  do<K extends keyof Puppetry>(what: K, ...args: Parameters<Puppetry[K]>): Promise<Awaited<ReturnType<Puppetry[K]>>> {
    const call = ++this.#calls;
    this.process.send({ call, what, args });
    return this.#answer(call) as Promise<Awaited<ReturnType<Puppetry[K]>>>;
  }

  /** Ends, stops or continues it, and waits until the kernel has done so. */
  async signal(signal: "SIGKILL" | "SIGSTOP" | "SIGCONT"): Promise<void> {
    this.process.kill(signal);
    if (signal === "SIGKILL") await this.process.exited;
    else await eventually(`${signal} of ${this.pid}`, () => (this.#state === "T") === (signal === "SIGSTOP"));
  }

  /** One letter: proc_pid_stat(5). */
  get #state(): string | undefined {
    return readFileSync(`/proc/${this.pid}/stat`, "utf8").split(") ")[1]?.[0];
  }

  #answer(call: number): Promise<unknown> {
    const answer = Promise.withResolvers<unknown>();
    this.#answers.set(call, answer);
    return inTime(answer.promise, `the puppet's answer ${call}`);
  }
}
