import type { StateDefinition } from "../../machine-definition.ts";
import type { Kind } from "../../protocol/addresses.ts";
import type { ReplyOf } from "../../protocol/replies.ts";
import type { ActorEvent } from "../../protocol/requests.ts";
import type { Client } from "../client.ts";

/** What an actor has to show beside its state: plain data. */
export type Data = Readonly<Record<string, unknown>>;

/** One event that an actor takes: its type, and its other fields as JSON Schema. */
export type Accepted = ReplyOf<"actor.describe">["accepts"][number];

/** An actor at its address. Never the actor itself: what others see of it, and how they reach it. */
export interface Addressed {
  readonly kind: Kind;
  /** The canonical one. */
  readonly address: string;
  /** As it is now. */
  readonly state: string;
  /** A promise where it lives in another thread. */
  data(): Data | Promise<Data>;
  /** Its definition; null: it is no machine, or has never run. */
  machine(): StateDefinition | Data | null;
  isSeenBy(client: Client): boolean;
  /** The actors that are a part of it; absent: there are none, or it is the root. */
  parts?(): readonly Addressed[];
  /** It is a part of another one that is told of in its place: only those hear of it who ask for this very address. */
  readonly isPart?: boolean;
  /** How it takes events; absent: they are operations of the protocol. */
  readonly inbox?: Inbox;
}

/** How an actor takes events that are no operations. It refuses what it does not take with `EVENT_UNKNOWN` and `EVENT_INVALID`. */
export interface Inbox {
  accepts(): readonly Accepted[];
  /** Settles when the actor has taken it. @throws HoldfastError also as a rejection */
  send(client: Client, event: ActorEvent): void | Promise<void>;
  /** What the actor answers. @throws HoldfastError also as a rejection */
  ask(client: Client, event: ActorEvent, timeoutMs: number): unknown | Promise<unknown>;
}
