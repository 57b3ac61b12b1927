import { resolve } from "node:path";
import { type ActorsTable, actorSettings } from "./protocol/actors-table.ts";
import type { ActorPlan } from "./supervisor/user-actors/user-actors.ts";
import { actorsIn } from "./user-actors/actor-folder.ts";
import type { ActorDefinition } from "./user-actors/define-actor.ts";

/** What a program says of users' actors. */
export interface ActorsOptions extends ActorsTable {
  /** Actors of the program itself, which run in its own thread, by what they are called unless they say it themselves. */
  readonly definitions?: Readonly<Record<string, ActorDefinition>>;
}

/** Which actors there are to be by what was said. @throws HoldfastError `BAD_CONFIG` with the `key` */
export function actorPlan({ definitions = {}, ...table }: ActorsOptions = {}): ActorPlan {
  const settings = actorSettings(table);
  const { folder } = table;
  const own = Object.entries(definitions).map(([name, definition]) => ({ name, definition }));
  return { settings, sources: () => [...own, ...(folder === undefined ? [] : actorsIn(resolve(folder)))] };
}
