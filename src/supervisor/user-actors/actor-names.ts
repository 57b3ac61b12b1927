import { actorNameSchema, nearestActorName } from "../../protocol/addresses.ts";
import { HoldfastError } from "../../protocol/errors.ts";
import type { LoadedActor } from "../../user-actors/actor-host.ts";
import type { UserActor } from "./user-actor.ts";

/** What one of all actors is called: until it has a name of its own, as its file is, with the ending where another one is called so. */
export function shownName({ claimed, source }: UserActor, all: readonly UserActor[]): string {
  if (claimed !== null) return claimed;
  // It must have an address, too, when its file is called what no actor can be.
  const name = nearestActorName(source.name);
  const isTaken = all.some((other) => other.claimed === name);
  return isTaken && "file" in source ? nearestActorName(source.file.slice(source.file.lastIndexOf("/") + 1)) : name;
}

/** Whether what has been loaded for an actor may have the name that it wants, among all. @throws HoldfastError `BAD_ACTOR` */
export function assertMayBeCalled({ name, named }: LoadedActor, actor: UserActor, all: readonly UserActor[]): void {
  const file = { ...("file" in actor.source && { file: actor.source.file }), ...named };
  if (!actorNameSchema.safeParse(name).success) {
    throw new HoldfastError("BAD_ACTOR", `"${name}" is no name for an actor: it must be letters, digits, and . _ - behind the first`, file);
  }
  const other = all.find(({ claimed }) => claimed === name);
  if (other === undefined || other === actor) return;
  const where = "file" in other.source ? other.source.file : "the program itself";
  throw new HoldfastError("BAD_ACTOR", `there is an actor "${name}" already, of ${where}`, { ...file, actor: name });
}
