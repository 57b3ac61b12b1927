import { type FSWatcher, statSync, watch } from "node:fs";
import { basename, dirname } from "node:path";
import type { Alarm, Clock } from "../clock/clock.ts";

/** Editors write a file in several steps: what follows within so many ms is one change. */
const SETTLING_MS = 100;

/** A folder that is watched. */
interface Watched {
  /** Which one it was then: it may be removed, and made anew, or a link may lead to another one. Null: there was none. */
  readonly identity: string | null;
  readonly watchers: readonly FSWatcher[];
}

/** Tells when anything has changed in some folders, and when they come, go, or make room for others. */
export class FolderWatch {
  readonly #clock: Clock;
  readonly #changed: () => void;
  readonly #watched = new Map<string, Watched>();
  #alarm: Alarm | null = null;

  /** @param changed is called some time after a change */
  constructor(clock: Clock, changed: () => void) {
    this.#clock = clock;
    this.#changed = changed;
  }

  /** Watches these folders from now on, as they are now, and no others. @param folders by their absolute paths */
  look(folders: Iterable<string>): void {
    const wanted = new Set(folders);
    for (const [folder, { identity, watchers }] of this.#watched) {
      if (wanted.has(folder) && identity !== null && identity === identityOf(folder)) continue;
      for (const watcher of watchers) watcher.close();
      this.#watched.delete(folder);
    }
    for (const folder of wanted) if (!this.#watched.has(folder)) this.#watched.set(folder, this.#watch(folder));
  }

  /** Watches nothing more. */
  close(): void {
    this.#alarm?.cancel();
    this.look([]);
  }

  #watch(folder: string): Watched {
    const name = basename(folder);
    // Its place first: so nothing of what becomes of it is missed.
    const place = this.#watcher(dirname(folder), (changed) => changed === name);
    const identity = identityOf(folder);
    return { identity, watchers: [...place, ...this.#watcher(folder, () => true)] };
  }

  /** What can't be watched, such as a folder that is not there, is not. */
  #watcher(folder: string, concerns: (changed: string | null) => boolean): FSWatcher[] {
    try {
      const watcher = watch(folder, { persistent: false }, (_, changed) => {
        if (concerns(changed)) this.#settle();
      });
      // Such as the end of the folder itself, which is told as a change as well.
      watcher.on("error", () => this.#settle());
      return [watcher];
    } catch {
      return [];
    }
  }

  #settle(): void {
    this.#alarm?.cancel();
    this.#alarm = this.#clock.at(this.#clock.nowUs() + SETTLING_MS * 1000, () => this.#changed());
  }
}

function identityOf(folder: string): string | null {
  try {
    const { dev, ino, birthtimeMs } = statSync(folder);
    // The number of a removed folder may be the next one's.
    return `${dev}:${ino}:${birthtimeMs}`;
  } catch {
    return null;
  }
}
