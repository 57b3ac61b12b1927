import { formatAddress } from "../../protocol/addresses.ts";
import { HoldfastError } from "../../protocol/errors.ts";
import type { ActorTransition, HostedActor } from "../../user-actors/actor-host.ts";
import type { UserActor } from "../user-actors/user-actor.ts";
import type { Addressed } from "./addressed.ts";
import { carried, carriedFields } from "./carried.ts";

/**
 * A user's actor at its address. While it runs, its own machine's state and context are what it shows, and otherwise what its life has come to.
 * @param change that its machine has just made; absent: it is looked at as it is
 */
export function addressedActor(name: string, actor: UserActor, change?: ActorTransition): Addressed {
  const hosted = (): HostedActor => {
    if (actor.state === "running" && actor.hosted !== null) return actor.hosted;
    throw new HoldfastError("ACTOR_NOT_RUNNING", `actor ${name} does not run: it is ${actor.state}`, { actor: name, state: actor.state });
  };
  return {
    kind: "actor",
    address: formatAddress({ kind: "actor", actor: name }),
    state: change?.state ?? actor.inner ?? actor.state,
    data: () => {
      if (change !== undefined) return carriedFields(change.data ?? {});
      if (actor.inner !== null)
        return hosted()
          .snapshot()
          .then(({ data }) => carriedFields(data));
      const { starts, restarts, end } = actor.info(name);
      return { starts, restarts, end };
    },
    machine: () => actor.description?.machine ?? null,
    isSeenBy: ({ rights }) => rights.mayAsk(name),
    inbox: {
      accepts: () => actor.description?.accepts ?? [],
      send: (_, event) => hosted().send(event),
      ask: (_, event, timeoutMs) =>
        hosted()
          .ask(event, timeoutMs)
          .then((reply) => carriedReply(name, reply)),
    },
  };
}

function carriedReply(name: string, reply: unknown): unknown {
  try {
    return carried(reply);
  } catch (error) {
    const { message } = HoldfastError.from(error);
    throw new HoldfastError("ACTOR_FAILED", `actor ${name} has answered what no message can carry: ${message}`, { actor: name });
  }
}
