import { type FSWatcher, watch } from "node:fs";
import type { Alarm, Clock } from "../clock/clock.ts";

/** Editors write a file in several steps: what follows within so many ms is one change. */
const SETTLING_MS = 100;

/** Tells when anything has changed in some folders. */
export class FolderWatch {
  readonly #clock: Clock;
  readonly #changed: () => void;
  readonly #watchers = new Map<string, FSWatcher>();
  #alarm: Alarm | null = null;

  /** @param changed is called some time after a change */
  constructor(clock: Clock, changed: () => void) {
    this.#clock = clock;
    this.#changed = changed;
  }

  /** Watches these folders from now on, and no others. One that is not there can't be watched. */
  look(folders: Iterable<string>): void {
    const wanted = new Set(folders);
    for (const [folder, watcher] of this.#watchers) {
      if (wanted.has(folder)) continue;
      watcher.close();
      this.#watchers.delete(folder);
    }
    for (const folder of wanted) if (!this.#watchers.has(folder)) this.#watch(folder);
  }

  /** Watches nothing more. */
  close(): void {
    this.#alarm?.cancel();
    this.look([]);
  }

  #watch(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, () => this.#settle());
      // Such as the end of the folder itself, which is told as a change as well.
      watcher.on("error", () => this.#settle());
      this.#watchers.set(folder, watcher);
    } catch {
      // It has gone meanwhile: its files have changed for whoever looks.
    }
  }

  #settle(): void {
    this.#alarm?.cancel();
    this.#alarm = this.#clock.at(this.#clock.nowUs() + SETTLING_MS * 1000, () => this.#changed());
  }
}
