import type { SupervisedContext, SupervisedEvent, UserActorEnd } from "../../../actors/supervised.ts";
import { HoldfastError } from "../../protocol/errors.ts";
import type { UserActorInfo } from "../../protocol/replies.ts";

/** What an actor's life is told when its run has ended by itself. What is wrong in its file is so at every start. @param error null: it has done its work */
export function endEvent(error: HoldfastError | null): SupervisedEvent {
  if (error === null) return { type: "exited", end: { reason: "done" } };
  if (error.code === "BAD_ACTOR") return { type: "broken", end: { reason: "unstartable", message: error.message } };
  return { type: "exited", end: { reason: "failed", error: error.toValue() } };
}

/** What has become of an actor that could not tell it itself. Whoever is told says of which actor. */
export function fallen(why: string): HoldfastError {
  return new HoldfastError("ACTOR_FAILED", why);
}

/** How an actor ended last by itself, as clients are told. @param error what its last failure was */
export function shownEnd(end: SupervisedContext["end"], error: HoldfastError | null): UserActorInfo["end"] {
  if (end === null) return null;
  const { reason } = end as UserActorEnd;
  if (reason === "done" || error === null) return { reason };
  const { code, message, details } = error;
  const { file, line, column } = details as { readonly file?: string; readonly line?: number; readonly column?: number };
  return {
    reason,
    code,
    message,
    ...(file !== undefined && { file }),
    ...(line !== undefined && { line }),
    ...(column !== undefined && { column }),
  };
}
