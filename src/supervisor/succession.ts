/** Something that the configuration names. */
interface Named {
  readonly name: string;
  /** Nothing of it runs or is to. */
  readonly isAtRest: boolean;
  /** Nobody wants it to run. It may yet have to end. */
  readonly isStopped: boolean;
}

/** What comes after one that ends. */
interface Successor<Table> {
  /** Null: nothing. */
  readonly table: Table | null;
  starts: boolean;
}

/** Those that end because something else is to be there, and what takes the place of each as soon as it has ended. */
export class Succession<N extends Named, Table> {
  readonly #successors = new Map<N, Successor<Table>>();

  /** Those that end. */
  get ending(): readonly N[] {
    return [...this.#successors.keys()];
  }

  /** Whether something comes after it, or nothing. */
  has(one: N): boolean {
    return this.#successors.has(one);
  }

  /** Whether nothing comes after it. */
  isLast(one: N): boolean {
    return this.#successors.get(one)?.table === null;
  }

  /**
   * Has one be succeeded by what a table says, or by nothing. Whoever has it end does so himself.
   * @param starts whether what comes then is started; by default, when this one was to run, or what was to come after it
   */
  replace(one: N, table: Table | null, starts: boolean = this.#successors.get(one)?.starts ?? !one.isStopped): void {
    this.#successors.set(one, { table, starts });
  }

  /** Somebody wants it to run, or not: that is for what comes after it. @returns whether there is such a thing */
  wants(one: N, starts: boolean): boolean {
    const successor = this.#successors.get(one);
    if (successor !== undefined) successor.starts = starts;
    return successor !== undefined;
  }

  /** Puts those into place whose predecessors have ended. @param put puts one there */
  succeed(put: (predecessor: N, table: Table | null, starts: boolean) => void): void {
    for (const [one, { table, starts }] of [...this.#successors]) if (one.isAtRest && this.#successors.delete(one)) put(one, table, starts);
  }
}
