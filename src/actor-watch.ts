import { dirname, resolve } from "node:path";
import type { Clock } from "./clock/clock.ts";
import type { ActorsTable } from "./protocol/actors-table.ts";
import type { UserActors } from "./supervisor/user-actors/user-actors.ts";
import { FolderWatch } from "./user-actors/folder-watch.ts";

/** Has users' actors swapped as soon as their files change, where that is wanted. */
export class ActorWatch {
  readonly #actors: UserActors;
  readonly #watch: FolderWatch;
  /** Null: nothing is watched. */
  #folder: string | null = null;

  constructor(actors: UserActors, clock: Clock) {
    this.#actors = actors;
    this.#watch = new FolderWatch(clock, () => void this.#reload());
    actors.whenLoaded(() => this.#look());
  }

  /** What is said of it now. */
  become({ folder, watch = false }: ActorsTable = {}): void {
    this.#folder = watch && folder !== undefined ? resolve(folder) : null;
    this.#look();
  }

  close(): void {
    this.#folder = null;
    this.#watch.close();
  }

  /** The log has been told what is wrong with an actor, and nobody has asked. */
  async #reload(): Promise<void> {
    await this.#actors.reload().catch(() => {});
    this.#look();
  }

  /** Watches the folder, and those of the files that are imported from elsewhere. */
  #look(): void {
    this.#watch.look(this.#folder === null ? [] : [this.#folder, ...this.#actors.files.map((file) => dirname(file))]);
  }
}
