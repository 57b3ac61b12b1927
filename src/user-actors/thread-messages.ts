import type { ToClient, ToSupervisor } from "../client/port-link.ts";
import type { ErrorValue } from "../protocol/errors.ts";
import type { ActorDescription, ActorEnd, ActorEvent, ActorLine, ActorTransition, LoadedActor } from "./actor-host.ts";

/** What a thread is started with. */
export interface ThreadInput {
  /** The actor's file, and what the actor is called unless its definition says. */
  readonly file: string;
  readonly name: string;
}

/** What a thread asks of its actor when it is asked itself; each has a number, which the answer repeats. */
export type Question =
  | { readonly ask: number; readonly what: "send"; readonly event: ActorEvent }
  | { readonly ask: number; readonly what: "ask"; readonly event: ActorEvent; readonly timeoutMs: number }
  | { readonly ask: number; readonly what: "snapshot" };

/** What a thread is told. Its way to the supervisor, `link`, is the same as for all else, so that who is answered finds done what was commanded. */
export type ToThread =
  | Question
  | { readonly start: true }
  | { readonly observed: boolean }
  | { readonly stop: true }
  | { readonly link: ToClient };

/** What a thread tells. */
export type FromThread =
  | { readonly link: ToSupervisor }
  | { readonly heard: true }
  | { readonly loaded: Pick<LoadedActor, "name" | "named" | "files"> }
  | { readonly refused: ErrorValue }
  | { readonly ready: ActorDescription }
  | { readonly transition: ActorTransition }
  | { readonly said: ActorLine }
  | { readonly ended: ActorEnd }
  | { readonly gone: true }
  | { readonly answer: number; readonly value?: unknown }
  | { readonly answer: number; readonly error: ErrorValue };

/** What a thread posts. What else it posts, by the `postMessage` that any module there has, is none of ours. */
export interface Posted {
  readonly holdfast: FromThread;
}

/** What has been posted, if it is ours. */
export function postedBy(message: unknown): FromThread | null {
  return typeof message === "object" && message !== null && "holdfast" in message ? (message as Posted).holdfast : null;
}
