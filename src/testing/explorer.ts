import assert from "node:assert/strict";

/** Something that may be done to a world, and when. */
export interface Move<World> {
  readonly words: string;
  applies(world: World): boolean;
  run(world: World): Promise<void>;
}

interface State {
  readonly key: string;
  /** Moves that have not been tried here. */
  readonly untried: number[];
  /** Where the others led. */
  readonly tried: Map<number, State>;
}

/** A world grows as it is walked through: so many steps, and it is begun anew. */
const STEPS_A_WALK = 60;

/**
 * Does every move in every state that can be reached. A world can't be copied, so it is walked through: from where it is to the
 * nearest state in which something has not been tried, over moves that have been, until there is none. Two worlds that look the same
 * must go on to look the same: a move that leads elsewhere than it did the time before is a failure.
 */
export class Explorer<World> {
  readonly #begin: () => Promise<World>;
  readonly #moves: readonly Move<World>[];
  readonly #keyOf: (world: World) => string;
  readonly #states = new Map<string, State>();
  steps = 0;

  /** @param keyOf tells states apart that differ in what can follow, and no others */
  constructor(begin: () => Promise<World>, moves: readonly Move<World>[], keyOf: (world: World) => string) {
    this.#begin = begin;
    this.#moves = moves;
    this.#keyOf = keyOf;
  }

  get states(): readonly string[] {
    return [...this.#states.keys()];
  }

  get transitions(): number {
    return [...this.#states.values()].reduce((sum, { tried }) => sum + tried.size, 0);
  }

  /** @throws Error with the shortest way to what went wrong */
  async explore(): Promise<void> {
    for (;;) {
      const world = await this.#begin();
      const initial = this.#arrive(world);
      let at = initial;
      for (let step = 0; step < STEPS_A_WALK; ) {
        const way = wayFrom(at, ({ untried }) => untried.length > 0);
        if (way === null && at === initial) return;
        if (way === null) break;
        for (const index of way) at = await this.#go(world, initial, at, index);
        at = await this.#go(world, initial, at, at.untried[0] as number);
        step += way.length + 1;
      }
    }
  }

  async #go(world: World, initial: State, from: State, index: number): Promise<State> {
    const move = this.#moves[index] as Move<World>;
    this.steps++;
    try {
      assert(move.applies(world), "two worlds that look the same differ in what can be done");
      await move.run(world);
      const to = this.#arrive(world);
      assert.equal(to.key, from.tried.get(index)?.key ?? to.key, "two worlds that looked the same differ after the same move");
      from.tried.set(index, to);
      if (from.untried.includes(index)) from.untried.splice(from.untried.indexOf(index), 1);
      return to;
    } catch (error) {
      const way = wayFrom(initial, (state) => state === from) ?? [];
      const words = [...way, index].map((step) => this.#moves[step]?.words);
      throw new Error(`${(error as Error).message}\n\nThe way to it: ${words.join(", ")}\nThe state before: ${from.key}`, { cause: error });
    }
  }

  #arrive(world: World): State {
    const key = this.#keyOf(world);
    const known = this.#states.get(key);
    if (known !== undefined) return known;
    const untried = [...this.#moves.keys()].filter((index) => this.#moves[index]?.applies(world));
    const state: State = { key, untried, tried: new Map() };
    this.#states.set(key, state);
    return state;
  }
}

/** The shortest way over moves that have been tried, breadth first; null: there is none. */
function wayFrom(from: State, isGoal: (state: State) => boolean): number[] | null {
  const came = new Map<State, { readonly from: State; readonly index: number } | null>([[from, null]]);
  for (const state of came.keys()) {
    if (isGoal(state)) {
      const way: number[] = [];
      for (let back = came.get(state); back; back = came.get(back.from)) way.unshift(back.index);
      return way;
    }
    for (const [index, to] of state.tried) if (!came.has(to)) came.set(to, { from: state, index });
  }
  return null;
}
