import type { Dial } from "../client/link.ts";
import type { ToClient, ToSupervisor } from "../client/port-link.ts";
import { type ErrorValue, HoldfastError } from "../protocol/errors.ts";
import type { ActorEnd, ActorEvent, ActorListener, ActorSnapshot, HostedActor } from "./actor-host.ts";
import { failureOf } from "./failure.ts";
import { servePort } from "./served-port.ts";
import type { FromThread, Question, ToThread } from "./thread-messages.ts";

/** The thread, as who runs an actor in it sees it. */
export interface Thread {
  tell(told: ToThread): void;
  /** Ends it, whatever it does. */
  end(): void;
}

/** A question without its number. */
type Asked<Q> = Q extends Question ? Omit<Q, "ask"> : never;

interface PendingAnswer {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: HoldfastError) => void;
}

/** An actor that runs in a thread of its own. */
export class RunningThread implements HostedActor {
  readonly #name: string;
  readonly #thread: Thread;
  readonly #listener: ActorListener;
  readonly #pending = new Map<number, PendingAnswer>();
  readonly #leave: () => void;
  #hearLink: (said: ToSupervisor) => void = () => {};
  #lastQuestion = 0;
  #isStopped = false;
  #end: ActorEnd | null = null;
  #isGone = false;

  /** @param dial how it reaches the supervisor */
  constructor(name: string, thread: Thread, dial: Dial, listener: ActorListener) {
    this.#name = name;
    this.#thread = thread;
    this.#listener = listener;
    const post = (link: ToClient) => thread.tell({ link });
    const listen = (hear: (said: ToSupervisor) => void) => {
      this.#hearLink = hear;
    };
    this.#leave = servePort({ post, listen }, dial);
  }

  async send(event: ActorEvent): Promise<void> {
    await this.#ask({ what: "send", event });
  }

  ask(event: ActorEvent, timeoutMs: number): Promise<unknown> {
    return this.#ask({ what: "ask", event, timeoutMs });
  }

  async snapshot(): Promise<ActorSnapshot> {
    return (await this.#ask({ what: "snapshot" })) as ActorSnapshot;
  }

  observed(on: boolean): void {
    this.#thread.tell({ observed: on });
  }

  stop(): void {
    this.#isStopped = true;
    this.#thread.tell({ stop: true });
  }

  kill(): void {
    this.#isStopped = true;
    this.#thread.end();
  }

  /** The thread has told something. */
  told(told: FromThread): void {
    if ("link" in told) this.#hearLink(told.link);
    else if ("heard" in told) this.#listener.heard();
    else if ("ready" in told) this.#listener.ready(told.ready);
    else if ("transition" in told) this.#listener.transition(told.transition);
    else if ("said" in told) this.#listener.said(told.said);
    else if ("ended" in told) this.#hasEnded(told.ended);
    else if ("answer" in told) this.#answered(told);
    else if ("gone" in told) this.#thread.end();
  }

  /** The thread is no more. @param why what it threw last, where nobody caught it */
  exited(why: Error | null): void {
    if (!this.#isStopped && this.#end === null) {
      this.#hasEnded({ reason: "failed", error: failureOf(why ?? "its thread has ended", this.#name) });
    }
    this.#isGone = true;
    this.#leave();
    // At one of these it may have ended; who has sent one learns that something is wrong.
    const unanswered = new HoldfastError("ACTOR_FAILED", `${this.#name} has ended before it had done what it was sent`, {
      actor: this.#name,
    });
    for (const { reject } of this.#pending.values()) reject(unanswered);
    this.#pending.clear();
    this.#listener.gone();
  }

  #hasEnded(end: ActorEnd): void {
    this.#end = end;
    this.#listener.ended(end);
  }

  #ask(asked: Asked<Question>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#isGone) throw this.#notRunning();
      const ask = ++this.#lastQuestion;
      this.#thread.tell({ ...asked, ask });
      this.#pending.set(ask, { resolve, reject });
    });
  }

  #answered(told: { readonly answer: number } & ({ readonly value?: unknown } | { readonly error: ErrorValue })): void {
    const pending = this.#pending.get(told.answer);
    this.#pending.delete(told.answer);
    if ("error" in told) pending?.reject(HoldfastError.fromValue(told.error));
    else pending?.resolve(told.value);
  }

  #notRunning(): HoldfastError {
    return new HoldfastError("ACTOR_NOT_RUNNING", `${this.#name} does not run`);
  }
}
