import type { Dial } from "../client/link.ts";
import type { StateDefinition } from "../machine-definition.ts";
import type { ErrorValue } from "../protocol/errors.ts";
import type { ActorDefinition } from "./define-actor.ts";
import type { Place } from "./error-place.ts";

/** What an actor is made from: a file, which is loaded in a thread, or a definition of this process. */
export type ActorSource =
  | { readonly name: string; readonly file: string }
  | { readonly name: string; readonly definition: ActorDefinition };

/** An event for an actor: plain data. */
export interface ActorEvent {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** An event that an actor accepts from anyone. */
export interface AcceptedEvent {
  readonly type: string;
  /** What the event has beside its type, as a JSON Schema. */
  readonly schema: Readonly<Record<string, unknown>>;
}

/** What can be said of a running actor's machine. */
export interface ActorDescription {
  readonly machine: StateDefinition;
  readonly accepts: readonly AcceptedEvent[];
}

/** A change of an actor's state. */
export interface ActorTransition {
  /** The event that it was for; null: it has only just started. */
  readonly event: string | null;
  /** The state before; null: there was none. */
  readonly from: string | null;
  /** As in `stateName`. */
  readonly state: string;
  /** The machine's context, as far as it is plain data; absent while nobody observes. */
  readonly data?: Readonly<Record<string, unknown>>;
}

/** What an actor is now. */
export interface ActorSnapshot {
  readonly state: string;
  /** The machine's context, as far as it is plain data. */
  readonly data: Readonly<Record<string, unknown>>;
}

/** Why an actor has ended by itself. A failure says `file`, `line`, `column` and `source`, the line itself, where they are known, and the `stack`. */
export type ActorEnd = { readonly reason: "done" } | { readonly reason: "failed"; readonly error: ErrorValue };

/** A line for the log. */
export interface ActorLine {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly text: string;
}

/** Who is told of a running actor. Nothing is told before `start` has returned, nor after `gone`. */
export interface ActorListener {
  /** Its pins are open and its machine runs. */
  ready(description: ActorDescription): void;
  /** Its state has changed, and, while it is observed, its context. The first is behind `ready`. */
  transition(change: ActorTransition): void;
  /** A sign of life: its event loop turns. From a thread several times a second; of an actor of this process there is none. */
  heard(): void;
  /** It has written a line (`console.log`), or has been refused a command. */
  said(line: ActorLine): void;
  /** It has ended by itself. What it held is being let go of. */
  ended(end: ActorEnd): void;
  /** Nothing of it is left; its client has ended. */
  gone(): void;
}

/** An actor that runs, or is about to. */
export interface HostedActor {
  /**
   * Gives it an event; resolves once it has been taken.
   * @throws HoldfastError `EVENT_UNKNOWN`, `EVENT_INVALID`, `ACTOR_NOT_RUNNING`, `ACTOR_FAILED` when it fails at this event
   */
  send(event: ActorEvent): Promise<void>;
  /**
   * The same, and resolves to what the machine replies.
   * @throws HoldfastError as `send` does; `ASK_TIMEOUT`
   */
  ask(event: ActorEvent, timeoutMs: number): Promise<unknown>;
  /** @throws HoldfastError `ACTOR_NOT_RUNNING` */
  snapshot(): Promise<ActorSnapshot>;
  /** Whether transitions are to be told with their data, and changes of data alone, too. */
  observed(on: boolean): void;
  /** Ends it in peace: its client closes, and so its pins, softly. `gone` follows, unless the actor is blocked: then `kill`. */
  stop(): void;
  /** Ends it at once, whatever it does. `gone` follows. Its pins close softly as those of any client that has gone. An actor of this process can't be stopped in the middle of anything. */
  kill(): void;
}

/** An actor that has been loaded, and can be started, once. */
export interface LoadedActor {
  /** What its definition says, or else the name of its source. */
  readonly name: string;
  /** Where its definition says that name; null: it is that of its source, or the place is not known. */
  readonly named: Place | null;
  /** The files that it was made from, by their absolute paths: its own and what that imports, but for packages. Of a definition: none. */
  readonly files: readonly string[];
  /** @param dial how it reaches the supervisor, as a client */
  start(dial: Dial, listener: ActorListener): HostedActor;
  /** It is not started after all. */
  discard(): void;
}

/** Where actors run. */
export interface ActorHost {
  /**
   * Loads an actor. Nothing of it runs yet but what its file does when it is imported.
   * @param listener is told of signs of life: the first when there is a thread, before the file is imported
   * @param signal ends the thread, and the load with it
   * @throws HoldfastError `BAD_ACTOR` with the `file` and, where they are known, `line`, `column` and `source`
   */
  load(source: ActorSource, listener: Pick<ActorListener, "heard">, signal: AbortSignal): Promise<LoadedActor>;
}
