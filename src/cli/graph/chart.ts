import type { StateDefinition, TransitionDefinition } from "../../machine-definition.ts";

/** A state to draw. */
export interface ChartState {
  /** A word of letters and digits; none other has it. */
  readonly id: string;
  readonly name: string;
  readonly type: StateDefinition["type"];
  /** Of a history state. */
  readonly history: "shallow" | "deep" | null;
  /** What it does without leaving: `entry / beep`, `tick / count`. */
  readonly lines: readonly string[];
  readonly states: readonly ChartState[];
  /** The one among its states that it begins in; null: in all, or none. */
  readonly initial: ChartState | null;
  readonly parent: ChartState | null;
}

/** Transitions from one state to another: an arrow. */
export interface Arrow {
  readonly from: ChartState;
  readonly to: ChartState;
  /** Of each transition: `open [isLate] / ring, beep`. */
  readonly labels: readonly string[];
}

/** A machine to draw. */
export interface Chart {
  readonly root: ChartState;
  readonly arrows: readonly Arrow[];
}

/** What there is to draw of a machine. */
export function chartOf(definition: StateDefinition): Chart {
  const states = new Map<string, ChartState>();
  const root = chartState(definition, definition.id, null, states);
  const arrows = new Map<string, { from: ChartState; to: ChartState; labels: string[] }>();
  for (const { at, event, transition } of transitionsIn(definition)) {
    const from = states.get(at) as ChartState;
    for (const target of transition.target ?? []) {
      const to = states.get(target.slice(1));
      if (to === undefined) continue;
      const key = `${from.id} ${to.id}`;
      const arrow = arrows.get(key) ?? { from, to, labels: [] };
      arrow.labels.push(labelOf(event, transition));
      arrows.set(key, arrow);
    }
  }
  return { root, arrows: [...arrows.values()] };
}

/** Whether a state is in another one, at any depth. */
export function isWithin(inner: ChartState, outer: ChartState): boolean {
  for (let { parent } = inner; parent !== null; parent = parent.parent) {
    if (parent === outer) return true;
  }
  return false;
}

function chartState(definition: StateDefinition, name: string, parent: ChartState | null, all: Map<string, ChartState>): ChartState {
  const { id, type, entry = [], exit = [], invoke = [] } = definition;
  const staying = ownTransitions(definition).filter(({ transition }) => transition.target === undefined);
  const children: ChartState[] = [];
  const state = {
    id: `s${all.size}`,
    name,
    type,
    history: definition.history ?? null,
    lines: [
      ...entry.map((action) => `entry / ${action}`),
      ...invoke.map(({ src }) => `do / ${src}`),
      ...staying.map(({ event, transition }) => labelOf(event, transition)),
      ...exit.map((action) => `exit / ${action}`),
    ],
    states: children,
    initial: null as ChartState | null,
    parent,
  };
  all.set(id, state);
  for (const [key, child] of Object.entries(definition.states ?? {})) {
    const made = chartState(child, key, state, all);
    children.push(made);
    if (key === definition.initial) state.initial = made;
  }
  return state;
}

/** A transition, and what it is for. */
interface Caused {
  /** The state's `id` in the definition. */
  readonly at: string;
  readonly event: string;
  readonly transition: TransitionDefinition;
}

function transitionsIn(definition: StateDefinition): readonly Caused[] {
  return [...ownTransitions(definition), ...Object.values(definition.states ?? {}).flatMap(transitionsIn)];
}

function ownTransitions({
  id,
  on = {},
  after = {},
  always = [],
  onDone = [],
  invoke = [],
  type,
  target,
}: StateDefinition): readonly Caused[] {
  const caused = (event: string, defined: readonly TransitionDefinition[]) => defined.map((transition) => ({ at: id, event, transition }));
  return [
    ...Object.entries(on).flatMap(([event, defined]) => caused(event, defined)),
    ...Object.entries(after).flatMap(([delay, defined]) => caused(/^\d/.test(delay) ? `after ${delay} ms` : `after ${delay}`, defined)),
    ...caused("", always),
    ...caused("done", onDone),
    ...invoke.flatMap(({ src, onDone: done = [], onError = [], onSnapshot = [] }) => [
      ...caused(`${src} done`, done),
      ...caused(`${src} failed`, onError),
      ...caused(`${src} told`, onSnapshot),
    ]),
    ...(type === "history" && target !== undefined ? caused("", [{ target: [target] }]) : []),
  ];
}

function labelOf(event: string, { guard, actions = [] }: TransitionDefinition): string {
  const condition = guard === undefined ? "" : `[${guard}]`;
  const done = actions.length === 0 ? "" : `/ ${actions.join(", ")}`;
  return [event, condition, done].filter((part) => part !== "").join(" ");
}
