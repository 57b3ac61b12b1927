import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from "xstate";

/** A transition of a machine, as plain data. */
export interface TransitionDefinition {
  /** Each `#` and the `id` of a state; absent: it stays where it is. */
  readonly target?: readonly string[];
  /** What must hold. */
  readonly guard?: string;
  readonly actions?: readonly string[];
  /** It leaves and enters again what it stays in. */
  readonly reenter?: true;
  readonly description?: string;
}

/** What a state starts and ends with itself. */
export interface InvokeDefinition {
  readonly src: string;
  readonly id: string;
  readonly onDone?: readonly TransitionDefinition[];
  readonly onError?: readonly TransitionDefinition[];
  readonly onSnapshot?: readonly TransitionDefinition[];
}

/** A state of a machine with all that is in it, as plain data. What is empty is absent. */
export interface StateDefinition {
  readonly id: string;
  readonly type: "atomic" | "compound" | "parallel" | "final" | "history";
  /** Of a compound state: the key of the one that it begins in. */
  readonly initial?: string;
  readonly states?: Readonly<Record<string, StateDefinition>>;
  /** Of a history state. */
  readonly history?: "shallow" | "deep";
  /** Of a history state: where it leads when there is none; `#` and an `id`. */
  readonly target?: string;
  readonly on?: Readonly<Record<string, readonly TransitionDefinition[]>>;
  /** When what is in it has come to its end. */
  readonly onDone?: readonly TransitionDefinition[];
  /** By the delay: ms, or its name. */
  readonly after?: Readonly<Record<string, readonly TransitionDefinition[]>>;
  readonly always?: readonly TransitionDefinition[];
  readonly invoke?: readonly InvokeDefinition[];
  readonly entry?: readonly string[];
  readonly exit?: readonly string[];
  readonly tags?: readonly string[];
  readonly description?: string;
}

/**
 * A machine as plain data, whole: a configuration that XState's `createMachine` takes, with names in the place of functions. XState's own
 * `toJSON` leaves `always` out, and actions that are functions.
 */
export function machineDefinition(machine: AnyStateMachine): StateDefinition {
  return stateDefinition(machine.root);
}

function stateDefinition(node: AnyStateNode): StateDefinition {
  const { config } = node;
  const kept = (event: string) => transitions(node.transitions.get(event));
  const own = [...node.transitions].filter(([event]) => Object.hasOwn(config.on ?? {}, event));
  const invoked = node.invoke.map(({ src, id }) => ({
    src: String(src),
    id,
    ...present({
      onDone: kept(`xstate.done.actor.${id}`),
      onError: kept(`xstate.error.actor.${id}`),
      onSnapshot: kept(`xstate.snapshot.${id}`),
    }),
  }));
  return {
    id: node.id,
    type: node.type,
    ...present({ initial: node.type === "compound" ? node.initial.target[0]?.key : undefined }),
    ...(node.type === "history" ? historyOf(node) : {}),
    ...present({
      entry: listed(config.entry).map(actionName),
      exit: listed(config.exit).map(actionName),
      invoke: invoked,
      on: Object.fromEntries(own.map(([event, defined]) => [event, transitions(defined)])),
      after: delayed(node),
      always: transitions(node.always),
      onDone: kept(`xstate.done.state.${node.id}`),
      tags: node.tags,
      description: node.description,
      states: Object.fromEntries(Object.entries(node.states).map(([key, state]) => [key, stateDefinition(state)])),
    }),
  };
}

function historyOf(node: AnyStateNode): Pick<StateDefinition, "history" | "target"> {
  const { target } = node.config as { readonly target?: string };
  const history = node.history === "deep" ? "deep" : "shallow";
  if (target === undefined || target.startsWith("#")) return { history, ...present({ target }) };
  const found = target.split(".").reduce<AnyStateNode | undefined>((at, key) => at?.states[key], node.parent);
  return { history, ...present({ target: found && `#${found.id}` }) };
}

function delayed(node: AnyStateNode): Record<string, readonly TransitionDefinition[]> {
  const byDelay: Record<string, TransitionDefinition[]> = {};
  for (const each of node.after) {
    const delay = String(each.delay);
    byDelay[delay] ??= [];
    byDelay[delay].push(transition(each));
  }
  return byDelay;
}

function transitions(defined: readonly AnyTransitionDefinition[] | undefined): readonly TransitionDefinition[] {
  return (defined ?? []).map(transition);
}

function transition({ target, guard, actions, reenter, description }: AnyTransitionDefinition): TransitionDefinition {
  return present({
    target: target?.map(({ id }) => `#${id}`),
    guard: guard === undefined ? undefined : guardName(guard),
    actions: actions.map(actionName),
    reenter: reenter || undefined,
    description,
  });
}

/** A guard's name, with what it is given if that is short: `startsAs(on)`. */
function guardName(guard: unknown): string {
  if (typeof guard === "string") return guard;
  if (typeof guard === "function") return nameOf(guard, "guard");
  const { type, params } = guard as { readonly type: string; readonly params?: unknown };
  return ["string", "number", "boolean"].includes(typeof params) ? `${type}(${params})` : type;
}

/** What an action that is made by XState has beside its type. */
interface MadeAction {
  readonly type?: string;
  /** What is emitted, raised or sent: an event, or what makes one. */
  readonly event?: unknown;
}

/** An action's name. What is emitted is called by itself, for that is a command: `relay.on`. */
function actionName(action: unknown): string {
  if (typeof action === "string") return action;
  const { type, event } = action as MadeAction;
  if (typeof action !== "function") return String(type);
  if (type === undefined) return nameOf(action, "action");
  const kind = type.replace(/^xstate\./, "");
  if (event === undefined) return kind;
  const told = typeof event === "function" ? nameOf(event, "") : (event as { readonly type: string }).type;
  if (told === "") return kind;
  return kind === "emit" ? told : `${kind}(${told})`;
}

/** Names that a function has from where it is written, and not from who wrote it. */
const places: ReadonlySet<string> = new Set(["", "guard", "actions", "entry", "exit", "anonymous"]);

function nameOf({ name }: { readonly name: string }, otherwise: string): string {
  return places.has(name) ? otherwise : name;
}

/** Without what is empty. */
function present<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const isThere = (value: unknown) => value !== undefined && (typeof value !== "object" || value === null || Object.keys(value).length > 0);
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => isThere(value))) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

function listed(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}
