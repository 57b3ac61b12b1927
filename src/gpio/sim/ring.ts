/** The latest items of a series, and how many there ever were. */
export class Ring<Item> {
  #count = 0;
  readonly #limit: number;
  #items: Item[] = [];

  /** @param limit how many items are kept */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** How many items were ever pushed, those that were dropped since included. */
  get count(): number {
    return this.#count;
  }

  push(item: Item): void {
    this.#count++;
    this.#items.push(item);
    // Dropping half of the array at a time keeps a push at constant cost on average.
    if (this.#items.length >= 2 * this.#limit) this.#items = this.#items.slice(-this.#limit);
  }

  /** What is kept, oldest first. */
  latest(): readonly Item[] {
    return this.#items.slice(-this.#limit);
  }
}
