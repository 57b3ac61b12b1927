import { getPriority, setPriority } from "node:os";
import { format } from "node:util";
import { isMainThread, type MessagePort, parentPort, Worker, workerData } from "node:worker_threads";
import { HoldfastClient } from "../client/client.ts";
import { overPort, type ToClient } from "../client/port-link.ts";
import { RealClock } from "../clock/real.ts";
import { HoldfastError } from "../protocol/errors.ts";
import type { ActorEnd, ActorLine } from "./actor-host.ts";
import type { ActorDefinition } from "./define-actor.ts";
import { failureOf } from "./failure.ts";
import { placeOfDeclaration, placeOfName, placeOfText } from "./imported-files.ts";
import { loadActor } from "./load-actor.ts";
import { RunningActor } from "./running-actor.ts";
import { serveModules } from "./served-modules.ts";
import type { FromThread, Posted, Question, ThreadInput, ToThread } from "./thread-messages.ts";

/** How often a thread whose event loop turns says so, in ms. */
const HEARD_EVERY_MS = 500;

/** Where there is too little time for all threads, the supervisor's own go first, and with them the pins: an actor's gets a third of what they do. */
const NICENESS = 5;

/** What tells a worker that it is this module's. */
interface ActorWorkerData {
  readonly holdfastActor: ThreadInput;
}

const isActorThread = !isMainThread && parentPort !== null && isActorWorkerData(workerData);

/** Starts a thread for one actor, which loads it and waits. */
export function startActorThread(input: ThreadInput): Worker {
  const workerData: ActorWorkerData = { holdfastActor: input };
  // The worker's program is this very module, or, in an executable or a bundle, the file that holds all modules.
  return new Worker(new URL(import.meta.url), { workerData, name: `holdfast ${input.name}` });
}

/**
 * To be asked by a program before it begins its work: in a bundle that has the library in it, the thread of an actor runs the program itself, too,
 * which would then start further threads without end.
 * @throws HoldfastError `BAD_ACTOR`
 */
export function assertNoActorThread(): void {
  if (!isActorThread) return;
  const message =
    "its thread runs the whole program, for that is bundled with holdfast in one file: leave holdfast out of the bundle, as external";
  throw new HoldfastError("BAD_ACTOR", message);
}

/** The actor of this thread. */
class ActorThread {
  readonly #input: ThreadInput;
  readonly #port: MessagePort;
  #name: string;
  #definition: ActorDefinition | null = null;
  #files: readonly string[] = [];
  #actor: RunningActor | null = null;
  #isObserved = false;
  #isStopped = false;
  #hearLink: (told: ToClient) => void = () => {};

  constructor(input: ThreadInput, port: MessagePort) {
    this.#input = input;
    this.#port = port;
    this.#name = input.name;
    port.on("message", (told: ToThread) => this.#hear(told));
    setInterval(() => this.#tell({ heard: true }), HEARD_EVERY_MS);
    this.#tell({ heard: true });
    // Whatever is not caught anywhere is the actor's failure. It is neither that of the thread nor of the process.
    process.on("uncaughtException", (error) => this.#fail(error));
    process.on("unhandledRejection", (error) => this.#fail(error));
    captureConsole((said) => this.#tell({ said }));
  }

  async load(): Promise<void> {
    try {
      serveModules();
      const { definition, files } = await loadActor(this.#input.file);
      this.#name = definition.name ?? this.#name;
      this.#definition = definition;
      this.#files = files;
      // On Linux, of this thread alone (setpriority(2), "C library/kernel differences"). What it did until here was not its own.
      setPriority(getPriority() + NICENESS);
      const named = definition.name === undefined ? null : placeOfName(files, definition.name);
      this.#tell({ loaded: { name: this.#name, named, files } });
    } catch (error) {
      this.#refuse(error);
    }
  }

  #hear(told: ToThread): void {
    if ("link" in told) this.#hearLink(told.link);
    else if ("ask" in told) void this.#answer(told);
    else if ("observed" in told) this.#observe(told.observed);
    else if ("stop" in told) this.#stop();
    else void this.#start(this.#definition as ActorDefinition);
  }

  async #start(definition: ActorDefinition): Promise<void> {
    try {
      const dial = overPort({
        post: (link) => this.#tell({ link }),
        listen: (hear) => {
          this.#hearLink = hear;
        },
      });
      const client = await HoldfastClient.over(dial, { name: this.#name });
      this.#actor = new RunningActor(definition, this.#name, client, new RealClock(), {
        ready: (ready) => this.#tell({ ready }),
        transition: (transition) => this.#tell({ transition }),
        ended: (ended) => this.#tell({ ended: this.#placed(ended) }),
        gone: () => this.#tell({ gone: true }),
      });
      this.#actor.observed(this.#isObserved);
      if (this.#isStopped) this.#actor.stop();
    } catch (error) {
      if (!this.#isStopped) this.#tell({ ended: { reason: "failed", error: failureOf(error, this.#name) } });
      this.#tell({ gone: true });
    }
  }

  /** What it declares and can't have, and what it emits and nobody takes, has a place in its file, though nothing was thrown there. */
  #placed(end: ActorEnd): ActorEnd {
    if (end.reason !== "failed" || end.error["line"] !== undefined) return end;
    const { declared, emitted } = end.error as { readonly declared?: unknown; readonly emitted?: unknown };
    const place =
      typeof declared === "string"
        ? placeOfDeclaration(this.#files, declared)
        : typeof emitted === "string"
          ? placeOfText(this.#files, emitted)
          : null;
    return { reason: "failed", error: { ...end.error, ...place } };
  }

  #observe(on: boolean): void {
    this.#isObserved = on;
    this.#actor?.observed(on);
  }

  #stop(): void {
    this.#isStopped = true;
    this.#actor?.stop();
  }

  async #answer(question: Question): Promise<void> {
    const { ask: answer } = question;
    let value: unknown;
    try {
      value = await this.#do(question);
    } catch (error) {
      return this.#tell({ answer, error: HoldfastError.from(error).toValue() });
    }
    try {
      this.#tell({ answer, value });
    } catch (error) {
      // A function, or what throws when it is read.
      const reason = `${this.#name} has answered what no message can carry: ${error instanceof Error ? error.message : String(error)}`;
      this.#tell({ answer, error: new HoldfastError("ACTOR_FAILED", reason, { actor: this.#name }).toValue() });
    }
  }

  async #do(question: Question): Promise<unknown> {
    if (this.#actor === null) throw new HoldfastError("ACTOR_NOT_RUNNING", `${this.#name} does not run`);
    switch (question.what) {
      case "send":
        return this.#actor.send(question.event);
      case "ask":
        return this.#actor.ask(question.event, question.timeoutMs);
      case "snapshot":
        return this.#actor.snapshot();
    }
  }

  #fail(thrown: unknown): void {
    if (this.#actor !== null) return this.#actor.fail(thrown);
    if (this.#definition === null) return this.#refuse(thrown);
    // It has been loaded, and has yet to be started or connected.
    if (this.#isStopped) return;
    this.#stop();
    this.#tell({ ended: { reason: "failed", error: failureOf(thrown, this.#name) } });
    this.#tell({ gone: true });
  }

  #refuse(thrown: unknown): void {
    const error =
      thrown instanceof HoldfastError && thrown.code === "BAD_ACTOR"
        ? thrown.toValue()
        : { ...failureOf(thrown, this.#name), code: "BAD_ACTOR" };
    this.#tell({ refused: { file: this.#input.file, ...error } });
  }

  #tell(told: FromThread): void {
    this.#port.postMessage({ holdfast: told } satisfies Posted);
  }
}

/** Has what a program writes by `console` told as lines. */
function captureConsole(say: (line: ActorLine) => void): void {
  const levels = { debug: "debug", trace: "debug", log: "info", info: "info", warn: "warn", error: "error" } as const;
  for (const [method, level] of Object.entries(levels)) {
    console[method as keyof typeof levels] = (...values: unknown[]) => say({ level, text: format(...values) });
  }
}

function isActorWorkerData(data: unknown): data is ActorWorkerData {
  return typeof data === "object" && data !== null && "holdfastActor" in data;
}

if (isActorThread) void new ActorThread(workerData.holdfastActor, parentPort as MessagePort).load();
