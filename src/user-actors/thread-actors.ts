import type { Worker } from "node:worker_threads";
import type { Dial } from "../client/link.ts";
import { HoldfastError } from "../protocol/errors.ts";
import type { ActorHost, ActorListener, ActorSource, HostedActor, LoadedActor } from "./actor-host.ts";
import { startActorThread } from "./actor-thread.ts";
import { RunningThread, type Thread } from "./running-thread.ts";
import { type FromThread, postedBy, type ToThread } from "./thread-messages.ts";

/**
 * A thread that is to end, and sleeps within the system (execSync, Bun.sleepSync), is ended only when it wakes up, which may be never. It does
 * nothing more of its own then. After so long, in ms, nobody waits for it, so that its pins are closed.
 */
const UNENDING_MS = 5000;

/** Actors from files, each in a thread of its own: one that hangs, or throws where nobody catches it, touches nobody else. */
export class ThreadActors implements ActorHost {
  load(source: ActorSource, { heard }: Pick<ActorListener, "heard">, signal: AbortSignal): Promise<LoadedActor> {
    if ("file" in source) return new ActorFile(source.name, source.file).load(heard, signal);
    return Promise.reject(new HoldfastError("BAD_ACTOR", `${source.name} is a definition, and this is for files`));
  }
}

/** Who is told what a thread tells: who loads its actor, and then who runs it. */
type Following = Pick<RunningThread, "told" | "exited">;

/** A file in a thread that loads it, and may run it then. */
class ActorFile implements Thread {
  readonly #file: string;
  readonly #worker: Worker;
  /** Told between the load and the start, or before. */
  readonly #early: FromThread[] = [];
  #following: Following | null = null;
  /** The thread is no more: what it threw, or that it threw nothing. */
  #exit: { readonly why: Error | null } | null = null;

  constructor(name: string, file: string) {
    this.#file = file;
    this.#worker = startActorThread({ file, name });
    let why: Error | null = null;
    this.#worker.on("error", (error) => {
      why = error instanceof Error ? error : new Error(String(error));
    });
    this.#worker.on("message", (message: unknown) => {
      const told = postedBy(message);
      if (told === null || this.#exit !== null) return;
      if (this.#following === null) this.#early.push(told);
      else this.#following.told(told);
    });
    this.#worker.on("exit", () => this.#exited(why));
  }

  /** @throws HoldfastError `BAD_ACTOR` */
  load(heard: () => void, signal: AbortSignal): Promise<LoadedActor> {
    return new Promise((resolve, reject) => {
      const end = () => this.end();
      const decided = () => {
        signal.removeEventListener("abort", end);
        this.#following = null;
      };
      signal.addEventListener("abort", end);
      if (signal.aborted) end();
      this.#following = {
        told: (told) => {
          if ("heard" in told) heard();
          else if ("loaded" in told) {
            decided();
            resolve(this.#loaded(told.loaded));
          } else if ("refused" in told) {
            decided();
            this.end();
            reject(HoldfastError.fromValue(told.refused));
          } else this.#early.push(told);
        },
        exited: (why) => {
          decided();
          const reason = why === null ? "" : `: ${why.message}`;
          reject(new HoldfastError("BAD_ACTOR", `its thread has ended while it was loaded${reason}`, { file: this.#file }));
        },
      };
    });
  }

  tell(told: ToThread): void {
    this.#worker.postMessage(told);
  }

  end(): void {
    void this.#worker.terminate();
    setTimeout(() => {
      this.#worker.unref();
      this.#exited(null);
    }, UNENDING_MS).unref();
  }

  #exited(why: Error | null): void {
    if (this.#exit !== null) return;
    this.#exit = { why };
    this.#following?.exited(why);
  }

  #loaded(loaded: Pick<LoadedActor, "name" | "named" | "files">): LoadedActor {
    return { ...loaded, start: (dial, listener) => this.#start(loaded.name, dial, listener), discard: () => this.end() };
  }

  #start(name: string, dial: Dial, listener: ActorListener): HostedActor {
    const running = new RunningThread(name, this, dial, listener);
    queueMicrotask(() => {
      this.#following = running;
      for (const told of this.#early.splice(0)) running.told(told);
      if (this.#exit !== null) running.exited(this.#exit.why);
    });
    this.tell({ start: true });
    return running;
  }
}
