import type { HoldfastClient } from "../client/client.ts";
import type { ActorEvent } from "./actor-host.ts";

/** What the pins, topics and pools of a running actor need. */
export interface World {
  readonly client: HoldfastClient;
  /** Tells the machine. */
  tell(event: ActorEvent): void;
  /** Whether the machine has a transition for that in its state. */
  foresees(event: ActorEvent): boolean;
  /** Tells the machine of something that went wrong. Where it has no transition for that, the actor has failed. */
  trouble(event: ActorEvent & { readonly error: object }, cause: unknown): void;
}
