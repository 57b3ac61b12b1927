import { ALL_LEVELS, ANY_LEVEL, isHidden, type TopicLevels } from "../../protocol/topics.ts";

/** What is filed under the filters that begin alike. */
interface Branch<T> {
  /** By the next level; the wildcards are levels as any other. */
  readonly next: Map<string, Branch<T>>;
  /** Under the filter that ends here. */
  readonly here: Set<T>;
}

/**
 * Things that are filed under filters of topics, and found by names. A look-up goes only where a filter begins as the name does: a thousand
 * filters of other topics cost it nothing.
 */
export class FilterTree<T> {
  readonly #root: Branch<T> = newBranch();

  /** Nothing is filed, and nothing left of what was. */
  get isEmpty(): boolean {
    return isBare(this.#root);
  }

  add(filter: TopicLevels, thing: T): void {
    let branch = this.#root;
    for (const level of filter) {
      let next = branch.next.get(level);
      if (next === undefined) {
        next = newBranch();
        branch.next.set(level, next);
      }
      branch = next;
    }
    branch.here.add(thing);
  }

  /** @param filter that it was filed under */
  delete(filter: TopicLevels, thing: T): void {
    this.#delete(this.#root, filter, 0, thing);
  }

  /** Everything that is filed under a filter which fits a name. */
  fitting(name: TopicLevels): T[] {
    const found: T[] = [];
    this.#find(this.#root, name, 0, found);
    return found;
  }

  #delete(branch: Branch<T>, filter: TopicLevels, depth: number, thing: T): void {
    const level = filter[depth];
    if (level === undefined) {
      branch.here.delete(thing);
      return;
    }
    const next = branch.next.get(level);
    if (next === undefined) return;
    this.#delete(next, filter, depth + 1, thing);
    if (isBare(next)) branch.next.delete(level);
  }

  #find(branch: Branch<T>, name: TopicLevels, depth: number, found: T[]): void {
    const { next, here } = branch;
    const isOpen = depth > 0 || !isHidden(name);
    const all = isOpen ? next.get(ALL_LEVELS) : undefined;
    if (all !== undefined) found.push(...all.here);
    const level = name[depth];
    if (level === undefined) {
      found.push(...here);
      return;
    }
    const same = next.get(level);
    if (same !== undefined) this.#find(same, name, depth + 1, found);
    const any = isOpen ? next.get(ANY_LEVEL) : undefined;
    if (any !== undefined) this.#find(any, name, depth + 1, found);
  }
}

function newBranch<T>(): Branch<T> {
  return { next: new Map(), here: new Set() };
}

function isBare<T>({ next, here }: Branch<T>): boolean {
  return next.size === 0 && here.size === 0;
}
