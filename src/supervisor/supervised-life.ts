import { type Actor, createActor } from "xstate";
import { type SupervisedContext, type SupervisedEvent, type SupervisedInput, supervisedMachine } from "../../actors/supervised.ts";
import { type Clock, xstateClock } from "../clock/clock.ts";
import type { ProcessState } from "../protocol/replies.ts";
import { afterEach } from "./addresses/after-each.ts";

/** What starts and ends the thing itself. */
export interface SupervisedActions {
  /** `spawned`, `heard` or `unstartable` answers. */
  spawn(): void;
  /** Softly; `gone` answers. */
  terminate(): void;
  kill(): void;
}

/** Who is told of its life. */
export interface LifeListener {
  /** Its state has changed. */
  changed(state: ProcessState): void;
  /** It has been through an event. Null: its time was up. */
  told?(event: string | null): void;
}

/** What is shown of any life. */
export interface LifeShown {
  readonly state: ProcessState;
  readonly stateMs: number;
  /** Within the window. */
  readonly restarts: number;
  readonly nextStartMs: number | null;
}

/** The life of what is started, ended, and started again by its policy: the machine that says what follows what, and since when it is what it is. */
export class SupervisedLife {
  readonly #clock: Clock;
  readonly #actor: Actor<typeof supervisedMachine>;
  #changedUs: number;

  constructor(input: SupervisedInput, clock: Clock, actions: SupervisedActions, listener: LifeListener) {
    this.#clock = clock;
    this.#changedUs = clock.nowUs();
    const provided = { spawn: () => actions.spawn(), terminate: () => actions.terminate(), kill: () => actions.kill() };
    this.#actor = createActor(supervisedMachine.provide({ actions: provided }), {
      input,
      clock: xstateClock(clock),
      inspect: afterEach((event) => listener.told?.(event)),
    });
    let before: ProcessState = "stopped";
    this.#actor.subscribe(() => {
      const { state } = this;
      if (state === before) return;
      before = state;
      this.#changedUs = clock.nowUs();
      listener.changed(state);
    });
    this.#actor.start();
  }

  get state(): ProcessState {
    const { value } = this.#actor.getSnapshot();
    return typeof value === "string" ? value : "stopping";
  }

  get context(): SupervisedContext {
    return this.#actor.getSnapshot().context;
  }

  /** When it came into its state. */
  get changedUs(): number {
    return this.#changedUs;
  }

  /** It neither runs nor is to. */
  get isAtRest(): boolean {
    return this.state === "stopped" || this.state === "done" || this.state === "failed";
  }

  /** Nobody wants it to run: it has not been started, or somebody has stopped it. It may yet have to end. */
  get isStopped(): boolean {
    const snapshot = this.#actor.getSnapshot();
    return snapshot.matches("stopped") || snapshot.matches({ stopping: "asked" });
  }

  /** What is shown of it. */
  get shown(): LifeShown {
    const { state } = this;
    const { restarts, restartWindowMs, pauseMs } = this.context;
    const nowMs = this.#clock.nowUs() / 1000;
    const stateMs = nowMs - this.#changedUs / 1000;
    return {
      state,
      stateMs,
      restarts: restarts.filter((atMs) => atMs > nowMs - restartWindowMs).length,
      nextStartMs: state === "backoff" ? Math.max(0, pauseMs - stateMs) : null,
    };
  }

  send(event: SupervisedEvent): void {
    this.#actor.send(event);
  }
}
