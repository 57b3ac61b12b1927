import { dirname, resolve } from "node:path";
import type { Clock } from "./clock/clock.ts";
import type { ActorsTable } from "./protocol/actors-table.ts";
import { HoldfastError } from "./protocol/errors.ts";
import type { Log } from "./supervisor/surroundings.ts";
import type { UserActors } from "./supervisor/user-actors/user-actors.ts";
import { FolderWatch } from "./user-actors/folder-watch.ts";

/** Has users' actors swapped as soon as their files change, where that is wanted. */
export class ActorWatch {
  readonly #actors: UserActors;
  readonly #log: Log;
  readonly #watch: FolderWatch;
  /** Null: nothing is watched. */
  #folder: string | null = null;

  constructor(actors: UserActors, clock: Clock, log: Log) {
    this.#actors = actors;
    this.#log = log;
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

  /** Nobody has asked. */
  async #reload(): Promise<void> {
    // First as well: what comes into a folder that is new is missed otherwise.
    this.#look();
    await this.#actors.reload().catch((error) => this.#tell(HoldfastError.from(error)));
    this.#look();
  }

  /** What is wrong with an actor the log has been told, but not that there is no folder. */
  #tell({ code, message, details }: HoldfastError): void {
    if (code === "BAD_CONFIG") this.#log.error({ ...details, code, reason: message }, "no actor can be looked for: what runs goes on");
  }

  /** Watches the folder, and those of the files that are imported from elsewhere. */
  #look(): void {
    this.#watch.look(this.#folder === null ? [] : [this.#folder, ...this.#actors.files.map((file) => dirname(file))]);
  }
}
