import type { AnyStateMachine } from "xstate";
import { z } from "zod";
import { HoldfastError } from "../protocol/errors.ts";
import { issueInWords } from "../protocol/issue-in-words.ts";
import { MAX_NAME_LENGTH } from "../protocol/limits.ts";
import type { Level } from "../protocol/requests.ts";
import type {
  Declarations,
  EventDeclarations,
  InputDeclaration,
  KnownPins,
  KnownPools,
  KnownTopics,
  NamesOf,
  PinDeclarations,
  PoolDeclarations,
  TopicDeclarations,
} from "./declarations.ts";
import {
  outputHandle,
  type PinHandles,
  type PoolHandles,
  poolHandle,
  publishHandle,
  type Reply,
  reply,
  type TopicHandles,
} from "./handles.ts";
import { soundMachine } from "./sound-machine.ts";
import type { EventsOf } from "./world-events.ts";

type None = Record<never, never>;

/** What the machine is given when it is started. */
export interface MachineInput<P = PinDeclarations> {
  /** Of the inputs, when they began to be watched; null: those of a group differ. */
  readonly levels: { readonly [K in NamesOf<P, InputDeclaration>]: Level | null };
}

/** What a machine is made with. */
export interface MachineParts<P, T, F, E extends EventDeclarations> {
  /** The outputs, as actions. */
  readonly pins: PinHandles<P>;
  /** The topics that are published on. */
  readonly topics: TopicHandles<T>;
  /** The pools that frames are taken from. */
  readonly pools: PoolHandles<F>;
  /** For `setup({ types })`: the events of the machine, and its input. Nothing at run time. */
  readonly types: { readonly events: EventsOf<P, T, F, E>; readonly input: MachineInput<P> };
  /** Answers who has asked. */
  readonly reply: Reply;
}

/** What is said of an actor. */
export interface ActorSettings<
  P extends PinDeclarations,
  T extends TopicDeclarations,
  F extends PoolDeclarations,
  E extends EventDeclarations,
  M extends AnyStateMachine,
> {
  /** Default: the name of its file. */
  readonly name?: string;
  /** Outputs to command, `{ out: "GPIO17" }`, and inputs to hear, `{ in: "GPIO4" }`, with the settings of `open`. */
  readonly pins?: P & KnownPins<P>;
  /** Topics to publish on, `{ publish: "house/alarm" }`, and topics to hear, `{ subscribe: "house/+/light" }`. */
  readonly topics?: T & KnownTopics<T>;
  /** Pools to take frames from, `{ consume: "cam0" }`, with the settings of `frames.subscribe`. */
  readonly pools?: F & KnownPools<F>;
  /** The events that anyone may send, and what each has beside its type: zod's schemas. */
  readonly events?: E;
  /** Makes the machine, once for each time that the actor is started. */
  readonly machine: (parts: MachineParts<P, T, F, E>) => M;
}

/** What marks a definition, whichever copy of the library has made it. */
const mark = Symbol.for("holdfast.actor");

/** An actor that a user has defined: data, and what makes its machine. */
export interface ActorDefinition<M extends AnyStateMachine = AnyStateMachine> extends Declarations {
  readonly [mark]: true;
  /** Undefined: that of its file. */
  readonly name: string | undefined;
  readonly events: EventDeclarations;
  /** Makes the machine, whose actions emit commands. @throws HoldfastError `BAD_ACTOR`: it is none, or names what is not there */
  makeMachine(): M;
}

/**
 * Defines an actor. Nothing is opened or started.
 * @throws HoldfastError `BAD_ACTOR` with the `field`
 */
export function defineActor<
  const P extends PinDeclarations = None,
  const T extends TopicDeclarations = None,
  const F extends PoolDeclarations = None,
  const E extends EventDeclarations = None,
  M extends AnyStateMachine = AnyStateMachine,
>(settings: ActorSettings<P, T, F, E, M>): ActorDefinition<M> {
  const { name, pins, topics, pools, events, machine } = parsed(settings);
  const named = { pins, topics, pools };
  assertDistinct(named);
  const parts = {
    pins: handlesFor(pins, (pin) => "out" in pin, outputHandle),
    topics: handlesFor(topics, (topic) => "publish" in topic, publishHandle),
    pools: handlesFor(pools, () => true, poolHandle),
    types: {},
    reply,
  };
  return { [mark]: true, name, ...named, events, makeMachine: () => soundMachine(machine(parts as never)) as M };
}

/** Whether something is what `defineActor` returns. */
export function isActorDefinition(value: unknown): value is ActorDefinition {
  return typeof value === "object" && value !== null && mark in value;
}

/** A name is the first word of events and commands, and ends at their dot. */
const namePattern = /^[A-Za-z][A-Za-z0-9_-]*$/;
const name = z.string().max(MAX_NAME_LENGTH).regex(namePattern, "must be letters, digits, and _ - behind the first letter");
const actorName = z
  .string()
  .min(1)
  .max(MAX_NAME_LENGTH)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, "must be letters, digits, and . _ - behind the first");

/** One of two keys says of which kind a declaration is. Its settings the supervisor checks, as it does for anyone. */
function eitherOf(one: string, other: string) {
  return z.record(z.string(), z.unknown()).superRefine((declaration, context) => {
    const said = [one, other].filter((key) => declaration[key] !== undefined);
    if (said.length !== 1) context.addIssue({ code: "custom", path: [one], message: `must be there, or ${other}, and not both` });
    for (const key of said)
      if (typeof declaration[key] !== "string") context.addIssue({ code: "custom", path: [key], message: "must be text" });
  });
}

const field = z.custom((value) => typeof value === "object" && value !== null && "_zod" in value, "must be a schema of zod 4");
const shape = z
  .record(z.string(), field)
  .refine((fields) => !("type" in fields), { path: ["type"], message: "is the event's own name: call the field something else" });

const settingsSchema = z.strictObject({
  name: actorName.optional(),
  pins: z.record(name, eitherOf("in", "out")).default({}),
  topics: z.record(name, eitherOf("publish", "subscribe")).default({}),
  pools: z.record(name, z.looseObject({ consume: z.string() })).default({}),
  events: z.record(name, shape).default({}),
  machine: z.custom<(parts: never) => AnyStateMachine>((value) => typeof value === "function", "must be a function that makes the machine"),
});

/** Settings as they are written in a program that no compiler has seen. */
interface ParsedSettings extends Pick<ActorDefinition, "name" | "events">, Declarations {
  readonly machine: (parts: never) => AnyStateMachine;
}

function parsed(settings: unknown): ParsedSettings {
  const { data, error } = settingsSchema.safeParse(settings);
  if (error === undefined) return data as unknown as ParsedSettings;
  const [issue] = error.issues as [z.core.$ZodIssue];
  const isUnknown = issue.code === "unrecognized_keys";
  const field = [...issue.path, ...(isUnknown ? issue.keys.slice(0, 1) : [])].join(".");
  const words = isUnknown ? "there is no such setting" : issue.code === "invalid_key" ? namesOfKeys(issue) : issueInWords(issue);
  throw badActor(field, words);
}

function namesOfKeys({ issues: [issue] }: z.core.$ZodIssueInvalidKey): string {
  return issue === undefined ? "is no name" : `as a name it ${issueInWords(issue)}`;
}

/** Events and commands begin with these names alone. */
function assertDistinct(named: Declarations): void {
  const seen = new Map<string, string>();
  for (const [kind, declarations] of Object.entries(named)) {
    for (const name of Object.keys(declarations)) {
      const other = seen.get(name);
      if (other !== undefined) throw badActor(`${kind}.${name}`, `has the name that is among ${other}, too, and their events would be one`);
      seen.set(name, kind);
    }
  }
}

function badActor(field: string, words: string): HoldfastError {
  return new HoldfastError("BAD_ACTOR", `defineActor: ${field === "" ? "it" : field}: ${words}`, field === "" ? {} : { field });
}

function handlesFor<D, H>(
  declarations: Readonly<Record<string, D>>,
  fits: (declaration: D) => boolean,
  make: (name: string) => H,
): Readonly<Record<string, H>> {
  const names = Object.keys(declarations).filter((name) => fits(declarations[name] as D));
  return Object.fromEntries(names.map((name) => [name, make(name)]));
}
