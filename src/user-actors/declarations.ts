import type { z } from "zod";
import type { FrameOptions } from "../client/frame-stream.ts";
import type { InputOptions, OutputOptions } from "../client/held-pin.ts";
import type { Fields } from "../protocol/requests.ts";

/** A signal of life is the actor's own: who hangs is restarted. A pin that is closing is waited for. */
type NotForActors = "heartbeatMs";

/** An output that an actor commands: the pin, and what may be said of it when it is opened. */
export type OutputDeclaration = { readonly out: string } & Omit<OutputOptions, NotForActors>;

/** An input whose edges an actor hears. */
export type InputDeclaration = { readonly in: string } & Omit<InputOptions, NotForActors> & Omit<Fields<"watch">, "pin">;

/** A pin that an actor uses. */
export type PinDeclaration = OutputDeclaration | InputDeclaration;

/** A topic that an actor publishes on. */
export interface PublishDeclaration {
  readonly publish: string;
}

/** Topics that an actor hears: a name, or a filter with wildcards. */
export interface SubscribeDeclaration {
  readonly subscribe: string;
}

/** A topic that an actor uses. */
export type TopicDeclaration = PublishDeclaration | SubscribeDeclaration;

/** A pool from which an actor takes frames, and which of them. */
export type PoolDeclaration = { readonly consume: string } & FrameOptions;

/** Pins by the names that the actor has for them. */
export type PinDeclarations = Readonly<Record<string, PinDeclaration>>;
/** Topics by the names that the actor has for them. */
export type TopicDeclarations = Readonly<Record<string, TopicDeclaration>>;
/** Pools by the names that the actor has for them. */
export type PoolDeclarations = Readonly<Record<string, PoolDeclaration>>;
/** All that an actor uses. */
export interface Declarations {
  readonly pins: PinDeclarations;
  readonly topics: TopicDeclarations;
  readonly pools: PoolDeclarations;
}
/** What each event has beside its type, that anyone may send. */
export type EventDeclarations = Readonly<Record<string, z.ZodRawShape>>;

/** The keys of `T` whose values are of the kind `Kind`. */
export type NamesOf<T, Kind> = { [K in keyof T]: T[K] extends Kind ? K : never }[keyof T] & string;

/** Refuses what the kind of a declaration has no setting for. */
type Known<D, Kind> = D & { readonly [K in Exclude<keyof D, keyof Kind>]: never };

/** Pins with no settings but those that an output or an input has. */
export type KnownPins<P> = {
  readonly [K in keyof P]: P[K] extends { readonly out: string } ? Known<P[K], OutputDeclaration> : Known<P[K], InputDeclaration>;
};
/** Topics that are published on or subscribed to, and not both. */
export type KnownTopics<T> = {
  readonly [K in keyof T]: T[K] extends PublishDeclaration ? Known<T[K], PublishDeclaration> : Known<T[K], SubscribeDeclaration>;
};
/** Pools with no settings but those that a consumer has. */
export type KnownPools<F> = { readonly [K in keyof F]: Known<F[K], PoolDeclaration> };
