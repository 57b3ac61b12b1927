import { type ActionFunction, type EventObject, emit, type MachineContext } from "xstate";
import type { TopicOptions } from "../client/client.ts";
import type { CommandOptions } from "../client/held-pin.ts";
import type { Fields, Mode } from "../protocol/requests.ts";
import type { Declarations, NamesOf, OutputDeclaration, PinDeclaration, PublishDeclaration, TopicDeclaration } from "./declarations.ts";
import type { OutputOp } from "./world-events.ts";

/** What the machine of an actor emits, and the runtime does: `{ type: "relay.on", durationMs: 500 }`. Plain data. */
export type ActorCommand =
  | ({ readonly type: `${string}.${OutputOp}` } & Readonly<Record<string, unknown>>)
  | { readonly type: `${string}.publish`; readonly value?: unknown; readonly retain?: boolean }
  | { readonly type: `${string}.take` | `${string}.release` }
  | { readonly type: "reply"; readonly value?: unknown };

/** An action of a machine that is mere data: it touches nothing. */
export type CommandAction<C extends MachineContext, E extends EventObject> = ActionFunction<
  C,
  E,
  // biome-ignore lint/suspicious/noExplicitAny: it is for machines of whatever events, with whatever parameters
  any,
  // biome-ignore lint/suspicious/noExplicitAny: as above
  any,
  never,
  never,
  never,
  never,
  ActorCommand
>;

/** What makes a value of the machine's context and the event. */
export type Evaluated<V, C extends MachineContext, E extends EventObject> = (args: { readonly context: C; readonly event: E }) => V;

/** Makes an action, from fields that may be left out. */
type Command<Fields> = <C extends MachineContext, E extends EventObject>(fields?: Fields | Evaluated<Fields, C, E>) => CommandAction<C, E>;
/** Makes an action, from fields that must be there. */
type CommandWith<Fields> = <C extends MachineContext, E extends EventObject>(
  fields: Fields | Evaluated<Fields, C, E>,
) => CommandAction<C, E>;

/** The commands of an output, as actions. With `ack` the machine is told: `relay.started`, `relay.done`, `relay.cancelled`. */
export interface OutputHandle {
  readonly on: Command<CommandOptions>;
  readonly off: Command<CommandOptions>;
  /** Anything but steady off becomes off, steady off becomes on. */
  readonly toggle: Command<CommandOptions>;
  /** Drives a duty from 0 to 1, by PWM between them. */
  readonly value: CommandWith<CommandOptions & Pick<Fields<"value">, "value">>;
  readonly blink: CommandWith<CommandOptions & Pick<Fields<"blink">, "onMs" | "offMs" | "n">>;
  readonly pulse: CommandWith<CommandOptions & Pick<Fields<"pulse">, "fadeInMs" | "fadeOutMs" | "n">>;
  readonly pattern: CommandWith<CommandOptions & Pick<Fields<"pattern">, "steps" | "n">>;
  /** Drives each line of a group to its own level, all at once. */
  readonly write: CommandWith<CommandOptions & Pick<Fields<"write">, "levels">>;
  /** How commands that say nothing else treat one that runs. */
  readonly mode: CommandWith<{ readonly mode: Mode }>;
  /** Ends one command, or all that the actor may. */
  readonly cancel: Command<{ readonly command?: number }>;
}

/** A topic to publish on. */
export interface PublishHandle {
  /** @param value makes what is published, as below */
  publish<C extends MachineContext, E extends EventObject>(value: Evaluated<unknown, C, E>, options?: TopicOptions): CommandAction<C, E>;
  /** @param value anything that CBOR carries; `undefined`: a mere sign */
  publish<C extends MachineContext, E extends EventObject>(value?: unknown, options?: TopicOptions): CommandAction<C, E>;
}

/** A pool to take frames from, one at a time. */
export interface PoolHandle {
  /** Asks for a frame, which comes as an event. While the actor holds one, the next comes when that has been released. */
  take<C extends MachineContext, E extends EventObject>(): CommandAction<C, E>;
  /** Gives the frame back. */
  release<C extends MachineContext, E extends EventObject>(): CommandAction<C, E>;
}

/** Answers who has asked. */
export interface Reply {
  /** @param value makes the answer, as below */
  <C extends MachineContext, E extends EventObject>(value: Evaluated<unknown, C, E>): CommandAction<C, E>;
  /** @param value anything that CBOR carries */
  <C extends MachineContext, E extends EventObject>(value?: unknown): CommandAction<C, E>;
}

/** The outputs among pins. */
export type PinHandles<P> = { readonly [K in NamesOf<P, OutputDeclaration>]: OutputHandle };
/** Those topics that are published on. */
export type TopicHandles<T> = { readonly [K in NamesOf<T, PublishDeclaration>]: PublishHandle };
/** All pools. */
export type PoolHandles<F> = { readonly [K in keyof F]: PoolHandle };

/** How a handle's method makes the fields of its command. */
type AnyFields = object | Evaluated<object, MachineContext, EventObject> | undefined;

/** What each kind of handle may be commanded. */
const outputCommands = [
  "on",
  "off",
  "toggle",
  "value",
  "blink",
  "pulse",
  "pattern",
  "write",
  "mode",
  "cancel",
] as const satisfies readonly OutputOp[];

const publishCommands = ["publish"];
const poolCommands = ["take", "release"];

/** What may be commanded by a name that an actor has: an input, or a topic that it hears, nothing. Null: it has no such name. */
export function commandsOf({ pins, topics, pools }: Declarations, name: string): readonly string[] | null {
  if (Object.hasOwn(pins, name)) return "out" in (pins[name] as PinDeclaration) ? outputCommands : [];
  if (Object.hasOwn(topics, name)) return "publish" in (topics[name] as TopicDeclaration) ? publishCommands : [];
  return Object.hasOwn(pools, name) ? poolCommands : null;
}

/** The actions of an output by the name that the actor has for it. */
export function outputHandle(name: string): OutputHandle {
  const command = (op: OutputOp) => (fields: AnyFields) => action(`${name}.${op}`, fields);
  return Object.fromEntries(outputCommands.map((op) => [op, command(op)])) as unknown as OutputHandle;
}

/** What publishes on the topic that the actor has this name for. */
export function publishHandle(name: string): PublishHandle {
  return {
    publish: (value?: unknown, options: TopicOptions = {}) =>
      action(`${name}.publish`, isExpression(value) ? (args) => ({ value: value(args), ...options }) : { value, ...options }),
  };
}

/** What takes frames from the pool that the actor has this name for. */
export function poolHandle(name: string): PoolHandle {
  return { take: () => action(`${name}.take`, undefined), release: () => action(`${name}.release`, undefined) };
}

/** Answers who has asked. */
export const reply: Reply = (value?: unknown) => action("reply", isExpression(value) ? (args) => ({ value: value(args) }) : { value });

// biome-ignore lint/suspicious/noExplicitAny: the methods of handles say for which machines it is
function action(type: string, fields: AnyFields): CommandAction<any, any> {
  if (typeof fields !== "function") return emit({ ...fields, type }) as never;
  // Named by its key, so that the machine's definition calls it by that.
  const named = { [type]: (args: Parameters<Evaluated<object, MachineContext, EventObject>>[0]) => ({ ...fields(args), type }) };
  return emit(named[type] as never) as never;
}

function isExpression(value: unknown): value is Evaluated<unknown, MachineContext, EventObject> {
  return typeof value === "function";
}
