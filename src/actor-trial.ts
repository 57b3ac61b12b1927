import { type ActorsOptions, actorPlan } from "./actor-plan.ts";
import { RealClock } from "./clock/real.ts";
import { HoldfastError } from "./protocol/errors.ts";
import { ActorLoad } from "./supervisor/user-actors/actor-load.ts";
import { fileVersions } from "./user-actors/file-versions.ts";
import { ThreadActors } from "./user-actors/thread-actors.ts";

/** What has come of an actor's file that was tried. */
export interface Trial {
  readonly file: string;
  /** What it is called, or why it is no actor: `BAD_ACTOR`, `ACTOR_FAILED`. */
  readonly found: { readonly name: string } | { readonly error: HoldfastError };
}

/**
 * Loads each file of a folder of actors as a supervisor does, and starts none. What a file does when it is imported is done.
 * @throws HoldfastError `BAD_CONFIG` with the `key`
 */
export async function tryActors(options: ActorsOptions): Promise<Trial[]> {
  const { settings, sources } = actorPlan(options);
  const world = { host: new ThreadActors(), clock: new RealClock(), versions: fileVersions, blockedMs: settings.blockedMs };
  const owners = new Map<string, string>();
  const trials: Trial[] = [];
  for (const source of sources()) {
    if (!("file" in source)) continue;
    const { file } = source;
    try {
      const { actor } = await new ActorLoad(source, world).loaded;
      actor.discard();
      const owner = owners.get(actor.name);
      if (owner !== undefined) throw new HoldfastError("BAD_ACTOR", `there is an actor "${actor.name}" already, of ${owner}`, { file });
      owners.set(actor.name, file);
      trials.push({ file, found: { name: actor.name } });
    } catch (error) {
      trials.push({ file, found: { error: HoldfastError.from(error) } });
    }
  }
  return trials;
}
