import type { Alarm, Clock } from "../../clock/clock.ts";
import { Watchdog } from "../../clock/watchdog.ts";
import { HoldfastError } from "../../protocol/errors.ts";
import type { ActorHost, ActorSource, LoadedActor } from "../../user-actors/actor-host.ts";

/** How long a thread may take to come up before its first sign of life, in ms: small boards that have just been started have much to do. */
const THREAD_START_MS = 30_000;

/** How long a module may wait for something while it is loaded, in ms. */
const LOAD_MS = 30_000;

/** What a load is given of the world. */
export interface LoadWorld {
  readonly host: ActorHost;
  readonly clock: Clock;
  /** For so long its event loop may stand still, in ms. */
  readonly blockedMs: number;
  readonly versions: FileVersions;
}

/** What tells whether files have changed. */
export interface FileVersions {
  /** Looks at what they say, as soon as they have been read from now on. What is changed while they are read is another version. */
  begin(): (files: readonly string[]) => string;
}

/** An actor that has been loaded, and which version of its files that was. */
export interface VersionedActor {
  readonly actor: LoadedActor;
  readonly version: string;
}

/** What keeps an actor from being loaded, when that is not in what its file says. */
export type LoadFailure = "blocked" | "slow" | "abandoned";

/** An actor that is being loaded. Nothing of it runs but what its file does when it is imported, and that not for ever. */
export class ActorLoad {
  readonly #abort = new AbortController();
  readonly #watchdog: Watchdog;
  readonly #limit: Alarm;
  #failure: LoadFailure | null = null;
  #isSettled = false;
  /**
   * Rejects when it can't be, and when it is abandoned.
   * HoldfastError `BAD_ACTOR`, `ACTOR_FAILED`
   */
  readonly loaded: Promise<VersionedActor>;

  constructor(source: ActorSource, { host, clock, blockedMs, versions }: LoadWorld) {
    let dueUs = clock.nowUs() + THREAD_START_MS * 1000;
    let isUp = false;
    const heard = () => {
      dueUs = clock.nowUs() + blockedMs * 1000;
      if (isUp || this.#isSettled) return;
      isUp = true;
      // The first sign was due later than the ones behind it.
      this.#watchdog.stop();
      this.#watchdog.start();
    };
    const versionOf = versions.begin();
    this.#watchdog = new Watchdog(
      clock,
      blockedMs * 1000,
      () => dueUs,
      () => this.#end("blocked"),
    );
    this.#limit = clock.at(clock.nowUs() + LOAD_MS * 1000, () => this.#end("slow"));
    this.loaded = host.load(source, { heard }, this.#abort.signal).then(
      (actor) => {
        this.#settle();
        if (this.#failure === null) return { actor, version: versionOf(actor.files) };
        actor.discard();
        throw this.#refusal(source);
      },
      (error) => {
        this.#settle();
        throw this.#failure === null ? error : this.#refusal(source);
      },
    );
  }

  /** Why it was ended; null: it was not. */
  get failure(): LoadFailure | null {
    return this.#failure;
  }

  /** It is not needed any more. */
  abandon(): void {
    this.#end("abandoned");
  }

  #end(failure: LoadFailure): void {
    this.#failure ??= failure;
    this.#settle();
    this.#abort.abort();
  }

  #settle(): void {
    this.#isSettled = true;
    this.#watchdog.stop();
    this.#limit.cancel();
  }

  #refusal(source: ActorSource): HoldfastError {
    const details = { actor: source.name, ...("file" in source && { file: source.file }) };
    switch (this.#failure) {
      case "blocked":
        return new HoldfastError("ACTOR_FAILED", "blocks its thread while it is loaded: it was ended", details);
      case "slow":
        return new HoldfastError("ACTOR_FAILED", `was not loaded within ${LOAD_MS / 1000} s`, details);
      default:
        return new HoldfastError("ACTOR_NOT_RUNNING", "was ended while it was loaded", details);
    }
  }
}
