import type { StateDefinition } from "../../machine-definition.ts";

/** The state of a machine, as XState has it: a name, or by names what is in them. */
export type StateValue = string | { readonly [name: string]: StateValue };

/**
 * A state that was told as text, `moving.up` or `door.shut, light.on`, as a value of its machine. Of what the supervisor is made of the text may leave
 * out what is around a state or in it: of a slot, `quarantined`.
 */
export function stateValue(machine: StateDefinition, text: string): StateValue {
  return nested(text.split(", ").map((name) => pathIn(machine, name)));
}

function pathIn(machine: StateDefinition, name: string): readonly string[] {
  const path = name.split(".");
  const [key = ""] = path;
  const whole = [...(machine.states?.[key] === undefined ? around(machine, key) : []), ...path];
  const found = whole.reduce<StateDefinition | undefined>((at, each) => at?.states?.[each], machine);
  return [...whole, ...beginningOf(found)];
}

/** The keys of the states around the first one of this name. */
function around({ states = {} }: StateDefinition, name: string): readonly string[] {
  for (const [key, state] of Object.entries(states)) {
    if (state.states?.[name] !== undefined) return [key];
    const below = around(state, name);
    if (below.length > 0) return [key, ...below];
  }
  return [];
}

function beginningOf(state: StateDefinition | undefined): readonly string[] {
  if (state?.initial === undefined) return [];
  return [state.initial, ...beginningOf(state.states?.[state.initial])];
}

function nested(paths: readonly (readonly string[])[]): StateValue {
  const [only] = paths;
  if (paths.length === 1 && only?.length === 1) return only[0] as string;
  const below = Map.groupBy(paths, ([key = ""]) => key);
  return Object.fromEntries(
    [...below].map(([key, inside]) => [key, nested(inside.map(([, ...rest]) => rest).filter(({ length }) => length > 0))]),
  );
}
