import type { Dial } from "../../client/link.ts";
import { actorSettings } from "../../protocol/actors-table.ts";
import { HoldfastError } from "../../protocol/errors.ts";
import type { Supervisor } from "../supervisor.ts";
import type { ActorWorld } from "./user-actor.ts";
import type { ActorPlan } from "./user-actors.ts";

/** Which users' actors a supervisor has, and what it is given for them. */
export interface ActorParts extends Pick<ActorWorld, "host" | "versions"> {
  readonly plan: ActorPlan;
  /** Makes one a client of the supervisor, under its name. */
  readonly dial: (supervisor: Supervisor, name: string) => Dial;
}

const none = () => new HoldfastError("BAD_ACTOR", "this supervisor has no place for actors");

/** No users' actors. */
export const noActors: ActorParts = {
  plan: { settings: actorSettings({}), sources: () => [] },
  host: { load: () => Promise.reject(none()) },
  versions: { begin: () => () => "" },
  dial: () => () => Promise.reject(none()),
};
