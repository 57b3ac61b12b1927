import type { Alarm, Clock } from "../clock/clock.ts";
import { HoldfastError } from "../protocol/errors.ts";
import type { HostedProcess, ProcessExit, ProcessHost, ProcessListener, ProcessSpec } from "./process-host.ts";

/** What a simulated program does. Times in ms. */
export interface SimProgram {
  /** It is not there. */
  readonly missing?: boolean;
  /** The kernel starts no process now, for it lacks this. */
  readonly lacks?: string;
  /** It ends by itself after so long; absent: never. */
  readonly runsMs?: number;
  /** The status that it ends with then; default 0. */
  readonly status?: number;
  /** How long it takes to end when it is asked to; null: it does not listen. Default 0. */
  readonly endsMs?: number | null;
  /** Those that it has started take so much longer; null: they don't listen. Default: it starts none. */
  readonly othersEndMs?: number | null;
}

/** Processes of a test, which do what their programs say. */
export class SimProcessHost implements ProcessHost {
  readonly #clock: Clock;
  readonly #programOf: (spec: ProcessSpec) => SimProgram;
  #lastPid = 1000;
  /** All that were ever started, in order. */
  readonly started: SimProcess[] = [];

  constructor(clock: Clock, programOf: (spec: ProcessSpec) => SimProgram = () => ({})) {
    this.#clock = clock;
    this.#programOf = programOf;
  }

  /** Those of which somebody is left. */
  get living(): readonly SimProcess[] {
    return this.started.filter(({ isGone }) => !isGone);
  }

  spawn(spec: ProcessSpec, listener: ProcessListener): HostedProcess {
    const program = this.#programOf(spec);
    if (program.missing === true) throw new HoldfastError("PROGRAM_MISSING", "there is no such program", { program: spec.command[0] });
    const { lacks } = program;
    if (lacks !== undefined) throw new HoldfastError("PROGRAM_MISSING", `the kernel has no ${lacks} left`, { isPassing: true });
    const process = new SimProcess(++this.#lastPid, spec, program, this.#clock, listener);
    this.started.push(process);
    return process;
  }

  /** A process belongs to the group of its own number. */
  groupOf(pid: number): number | null {
    return this.living.some((process) => process.pid === pid) ? pid : null;
  }

  close(): void {
    for (const process of this.living) process.signal("SIGKILL");
  }
}

/** A simulated process and its group. */
export class SimProcess implements HostedProcess {
  readonly #clock: Clock;
  readonly #program: SimProgram;
  readonly #listener: ProcessListener;
  readonly #alarms: Alarm[] = [];
  #hasEnded = false;
  #othersLeft: boolean;
  /** Nobody of the group is left. */
  isGone = false;
  /** The signals that it has been sent. */
  readonly signals: string[] = [];

  constructor(
    readonly pid: number,
    readonly spec: ProcessSpec,
    program: SimProgram,
    clock: Clock,
    listener: ProcessListener,
  ) {
    this.#program = program;
    this.#clock = clock;
    this.#listener = listener;
    this.#othersLeft = program.othersEndMs !== undefined;
    this.#after(0, () => {
      if (!this.#hasEnded) listener.started();
    });
    if (program.runsMs !== undefined) this.#after(program.runsMs, () => this.end({ status: program.status ?? 0 }));
  }

  /** It has ended itself; others of its group may be left. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  signal(signal: "SIGTERM" | "SIGKILL"): void {
    this.signals.push(signal);
    const { endsMs = 0, othersEndMs } = this.#program;
    const isKill = signal === "SIGKILL";
    if (isKill || endsMs !== null) this.#after(isKill ? 0 : (endsMs ?? 0), () => this.end({ signal }));
    if (isKill || (othersEndMs !== null && othersEndMs !== undefined)) {
      this.#after(isKill ? 0 : (endsMs ?? 0) + (othersEndMs ?? 0), () => {
        this.#othersLeft = false;
        this.#tellIfGone();
      });
    }
  }

  /** It ends by itself, now. */
  end(exit: ProcessExit): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#listener.exited(exit);
    this.#after(0, () => this.#tellIfGone());
  }

  /** It writes this. */
  write(bytes: Uint8Array, stream: "stdout" | "stderr" = "stdout"): void {
    this.#listener.output(stream, bytes);
  }

  #tellIfGone(): void {
    if (!this.#hasEnded || this.#othersLeft || this.isGone) return;
    this.isGone = true;
    for (const alarm of this.#alarms) alarm.cancel();
    this.#listener.gone();
  }

  #after(ms: number, task: () => void): void {
    this.#alarms.push(this.#clock.at(this.#clock.nowUs() + ms * 1000, task));
  }
}
