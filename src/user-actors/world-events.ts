import type { z } from "zod";
import type { CancelReason } from "../../actors/pin.ts";
import type { Frame } from "../client/frame.ts";
import type { ErrorValue } from "../protocol/errors.ts";
import type { CommandRequest, Level } from "../protocol/requests.ts";
import type {
  EventDeclarations,
  InputDeclaration,
  NamesOf,
  OutputDeclaration,
  PublishDeclaration,
  SubscribeDeclaration,
} from "./declarations.ts";

/** What an actor is told of an input, each behind the name that it has for it: `sensor.rising`. */
export type InputEvent<Name extends string> =
  | {
      readonly type: `${Name}.rising` | `${Name}.falling`;
      readonly level: Level;
      /** Of the kernel, CLOCK_MONOTONIC, ns. */
      readonly timestampNs: bigint;
      /** Counts the edges from 1, lost ones included. */
      readonly seq: number;
      /** Edges lost since the one before. */
      readonly lost: number;
      /** Of a group: the line whose edge it is, and its place from 0. */
      readonly member?: string;
      readonly index?: number;
    }
  /** No edge came for `silenceMs`. */
  | { readonly type: `${Name}.silent`; readonly silenceMs: number; readonly timestampNs: bigint }
  /** No more edges come: the line has gone, say. */
  | { readonly type: `${Name}.lost`; readonly error: ErrorValue };

/** What an actor is told of a command that asked for it by `ack`, and of one that was refused: `relay.done`. */
export type OutputEvent<Name extends string> =
  | { readonly type: `${Name}.started`; readonly op: CommandRequest["op"]; readonly command: number }
  | { readonly type: `${Name}.done`; readonly op: CommandRequest["op"]; readonly command: number; readonly lateMs: number }
  | { readonly type: `${Name}.cancelled`; readonly op: CommandRequest["op"]; readonly command: number; readonly reason: CancelReason }
  | { readonly type: `${Name}.failed`; readonly op: OutputOp; readonly error: ErrorValue };

/** A message of a topic: `light.message`. */
export type TopicEvent<Name extends string> =
  | {
      readonly type: `${Name}.message`;
      readonly topic: string;
      /** What others publish, to be checked as any input is. */
      readonly value: unknown;
      readonly retained: boolean;
      readonly timestampNs: bigint;
      readonly by: string;
      readonly lost: number;
    }
  | { readonly type: `${Name}.lost`; readonly error: ErrorValue };

/** A frame that was taken: `cam.frame`. */
export type PoolEvent<Name extends string> =
  | ({
      readonly type: `${Name}.frame`;
      /** The frame itself, with its `data`. For this event alone: what is kept of it in the context is to be plain data. */
      readonly frame: Frame;
    } & Pick<Frame, "seq" | "bytes" | "timestampNs" | "fourcc" | "width" | "height" | "stride" | "meta" | "lost">)
  /** The frame was held for longer than `maxHoldMs`: what was read of it since may be torn. It is still to be released. */
  | { readonly type: `${Name}.revoked`; readonly seq: number }
  /** No frame can be taken. */
  | { readonly type: `${Name}.failed`; readonly error: ErrorValue };

/** What an output can be commanded. */
export type OutputOp = CommandRequest["op"] | "mode" | "cancel";

/** The events that anyone may send. */
export type AuthorEvent<E extends EventDeclarations> = {
  [K in keyof E & string]: { readonly type: K } & z.output<z.ZodObject<E[K], z.core.$strip>>;
}[keyof E & string];

/** What may be published behind the name of a topic. */
type PublishEvent<Name extends string> = { readonly type: `${Name}.failed`; readonly error: ErrorValue };

/** Each name with the events that are told of it. */
type Each<Names extends string, Kind> = Kind extends "input"
  ? { [N in Names]: InputEvent<N> }[Names]
  : Kind extends "output"
    ? { [N in Names]: OutputEvent<N> }[Names]
    : Kind extends "topic"
      ? { [N in Names]: TopicEvent<N> }[Names]
      : Kind extends "published"
        ? { [N in Names]: PublishEvent<N> }[Names]
        : { [N in Names]: PoolEvent<N> }[Names];

/** All that the machine of an actor may be told. */
export type EventsOf<P, T, F, E extends EventDeclarations> = OrNone<
  | AuthorEvent<E>
  | Each<NamesOf<P, InputDeclaration>, "input">
  | Each<NamesOf<P, OutputDeclaration>, "output">
  | Each<NamesOf<T, SubscribeDeclaration>, "topic">
  | Each<NamesOf<T, PublishDeclaration>, "published">
  | Each<keyof F & string, "pool">
>;

/** XState has no machines without events. */
type OrNone<E> = [E] extends [never] ? { readonly type: never } : E;
