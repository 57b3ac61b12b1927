/** Something at a time. */
export interface Timed {
  readonly timestampNs: bigint;
}

/**
 * Brings what comes nearly in order in order: an edge has the time at which the kernel saw it, and comes later than a transition that was told
 * at once. Whatever comes is held back until the `settled` after next.
 */
export class InOrder<T extends Timed> {
  #held: T[] = [];
  #newestNs = 0n;
  #dueNs = 0n;

  add(each: T): void {
    this.#held.push(each);
    if (each.timestampNs > this.#newestNs) this.#newestNs = each.timestampNs;
  }

  /** Takes what is no newer than all that had come when this was called the time before. To be called in equal pauses. */
  settled(): readonly T[] {
    const due = this.#take(this.#dueNs);
    this.#dueNs = this.#newestNs;
    return due;
  }

  /** Takes all that is left. */
  rest(): readonly T[] {
    return this.#take(this.#newestNs);
  }

  #take(dueNs: bigint): readonly T[] {
    const due = this.#held.filter(({ timestampNs }) => timestampNs <= dueNs);
    this.#held = this.#held.filter(({ timestampNs }) => timestampNs > dueNs);
    return due.sort((one, other) => (one.timestampNs < other.timestampNs ? -1 : one.timestampNs > other.timestampNs ? 1 : 0));
  }
}
