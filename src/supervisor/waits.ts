import type { Client } from "./client.ts";

/** Those who wait for something to have become so. Each looks for itself whenever anything may have changed. */
export class Waits {
  readonly #looks = new Set<() => void>();

  /**
   * Has a client wait for as long as it is there.
   * @param find what it waits for; undefined: it is not so yet
   * @throws HoldfastError `DISCONNECTED`, and what `find` throws when it never will be
   */
  until<T>(client: Client, find: () => T | undefined): Promise<T> {
    return client.wait((resolve, reject) => this.add(find, resolve, reject));
  }

  /**
   * Looks now, behind all that is being done, and whenever anything may have changed, until something has been found or never will be.
   * @param find see `until`
   * @returns what calls it off
   */
  add<T>(find: () => T | undefined, found: (what: T) => void, never: (error: unknown) => void): () => void {
    const look = () => {
      try {
        const what = find();
        if (what === undefined) return;
        found(what);
      } catch (error) {
        never(error);
      }
      this.#looks.delete(look);
    };
    this.#looks.add(look);
    queueMicrotask(look);
    return () => this.#looks.delete(look);
  }

  /** Something has changed. */
  look(): void {
    for (const look of [...this.#looks]) look();
  }
}
