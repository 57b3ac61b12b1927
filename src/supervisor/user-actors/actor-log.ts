import type { SupervisedContext } from "../../../actors/supervised.ts";
import type { HoldfastError } from "../../protocol/errors.ts";
import type { ProcessState } from "../../protocol/replies.ts";
import type { Log } from "../surroundings.ts";

/** Which actor a line of the log is about. */
export interface LoggedActor {
  readonly actor: string;
  /** Absent: a definition of the program itself. */
  readonly file?: string;
}

/** Tells the log what has become of an actor. @param error what its last failure was */
export function logLife(log: Log, state: ProcessState, about: LoggedActor, life: SupervisedContext, error: HoldfastError | null): void {
  const { actor } = about;
  const { end, pauseMs, restarts, restartLimit } = life;
  const failed = { ...about, ...error?.details, actor, code: error?.code, reason: error?.message };
  switch (state) {
    case "stopping":
      if (end?.reason === "blocked") log.warn({ actor }, "actor blocks its thread: it is ended");
      break;
    case "stopped":
      log.info({ actor }, "actor stopped");
      break;
    case "done":
      log.info({ actor }, "actor is done");
      break;
    case "backoff":
      log.warn({ ...failed, pauseMs: Math.round(pauseMs) }, "actor failed: it is started again");
      break;
    case "failed": {
      const gaveUp = end?.reason !== "unstartable" && restarts.length > 0 && restarts.length >= restartLimit;
      log.error({ ...failed, ...(gaveUp && { restartLimit }) }, "actor failed: it is not started again");
    }
  }
}
