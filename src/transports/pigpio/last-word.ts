import type { User } from "./seat.ts";

/** What programs have said of one thing: the last word counts. When its program goes, the last of those that are still there; of none, what it was. */
export class LastWord<T> {
  readonly #words = new Map<User, T>();
  #last: T | undefined;

  /** The word that counts; undefined: nobody has ever said any. */
  get value(): T | undefined {
    return this.#last;
  }

  say(user: User, word: T): void {
    this.#words.delete(user);
    this.#words.set(user, word);
    this.#last = word;
  }

  /** A program has gone. */
  forget(user: User): void {
    this.#words.delete(user);
    const left = [...this.#words.values()];
    if (left.length > 0) this.#last = left.at(-1);
  }
}
