import type { Dial, Link } from "../../client/link.ts";
import type { Clock } from "../../clock/clock.ts";
import { Watchdog } from "../../clock/watchdog.ts";
import { HoldfastError } from "../../protocol/errors.ts";
import type { ActorListener, HostedActor, LoadedActor } from "../../user-actors/actor-host.ts";

/** Who is told what becomes of an actor that runs. After `gone` nothing is told. */
export interface RunListener extends Omit<ActorListener, "heard"> {
  /** Its event loop stands still. */
  blocked(): void;
  /** Its connection to the supervisor was ended, and not by itself. */
  cutOff(error: HoldfastError): void;
}

/** What a run is given of the world. */
export interface RunWorld {
  readonly clock: Clock;
  /** For so long its event loop may stand still, in ms; null: it has no thread of its own, and blocks everybody or nobody. */
  readonly blockedMs: number | null;
}

/** One run of an actor, from its start until nothing is left of it: its host, its connection to the supervisor, and its signs of life. */
export class ActorRun {
  readonly #hosted: HostedActor;
  readonly #links = new Set<Link>();
  readonly #watchdog: Watchdog | null;
  #heardUs: number;
  #isGone = false;

  /** @param dial makes it a client of the supervisor */
  constructor(loaded: LoadedActor, dial: Dial, { clock, blockedMs }: RunWorld, listener: RunListener) {
    this.#heardUs = clock.nowUs();
    this.#hosted = loaded.start(this.#tracked(dial, listener), {
      ready: (description) => listener.ready(description),
      transition: (change) => listener.transition(change),
      said: (line) => listener.said(line),
      ended: (end) => {
        this.#watchdog?.stop();
        listener.ended(end);
      },
      heard: () => {
        this.#heardUs = clock.nowUs();
      },
      gone: () => {
        this.#leave();
        listener.gone();
      },
    });
    const dueUs = () => this.#heardUs + (blockedMs ?? 0) * 1000;
    this.#watchdog = blockedMs === null ? null : new Watchdog(clock, blockedMs * 1000, dueUs, () => listener.blocked());
  }

  get hosted(): HostedActor {
    return this.#hosted;
  }

  /** When its last sign of life came. */
  get heardUs(): number {
    return this.#heardUs;
  }

  /** Ends it in peace. Who is told to end need show no signs of life. */
  stop(): void {
    this.#watchdog?.stop();
    this.#hosted.stop();
  }

  /** Ends it at once. */
  kill(): void {
    this.#watchdog?.stop();
    this.#hosted.kill();
  }

  /**
   * However it has come to its end, so do its connections, but not before: as long as its thread lives, it may still write to the memory of
   * frames that it holds.
   */
  #leave(): void {
    this.#isGone = true;
    this.#watchdog?.stop();
    for (const link of this.#links) link.abandon(ended());
    this.#links.clear();
  }

  /** The same way to the supervisor, on which nothing comes any more when the actor has gone. */
  #tracked(dial: Dial, { cutOff }: RunListener): Dial {
    return async (listener) => {
      const link = await dial({
        message: (message) => {
          if (!this.#isGone) listener.message(message);
        },
        isReady: () => listener.isReady?.() ?? true,
        closed: (error) => {
          const isCut = this.#links.delete(link);
          if (this.#isGone) return;
          listener.closed(error);
          if (isCut) cutOff(error);
        },
      });
      this.#links.add(link);
      if (this.#isGone) {
        link.abandon(ended());
        throw ended();
      }
      return {
        ...link,
        close: () => {
          this.#links.delete(link);
          return link.close();
        },
      };
    };
  }
}

function ended(): HoldfastError {
  return new HoldfastError("DISCONNECTED", "the actor has ended");
}
