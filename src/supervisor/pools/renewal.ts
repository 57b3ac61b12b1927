import type { Alarm, Clock } from "../../clock/clock.ts";
import type { Log } from "../surroundings.ts";

/** How often a pool that is used looks whether its file is still good, in µs. */
const LOOK_EVERY_US = 1_000_000;

/** The pause before a file that could not be made is tried again, in ms: the first one, and the longest. */
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;

/** What a renewal asks of its pool. */
export interface Renewable {
  /** Why the pool needs another file; null: it needs none. */
  fault(): string | null;
  /** Makes another file and puts it in the place of the one there was. */
  renew(): Promise<void>;
}

/** Sees to it that a pool has a good file: another one when somebody has deleted it, again and again when there is no room for that. */
export class Renewal {
  readonly #name: string;
  readonly #pool: Renewable;
  readonly #clock: Clock;
  readonly #log: Log;
  #lookedUs: number;
  #underWay: Promise<void> | null = null;
  #pauseMs = FIRST_PAUSE_MS;
  /** When it is tried again. */
  #alarm: Alarm | null = null;

  /** @param name the pool's */
  constructor(name: string, pool: Renewable, clock: Clock, log: Log) {
    this.#name = name;
    this.#pool = pool;
    this.#clock = clock;
    this.#log = log;
    this.#lookedUs = clock.nowUs();
  }

  /** The pool is used. */
  used(): void {
    if (this.#alarm !== null || this.#clock.nowUs() - this.#lookedUs < LOOK_EVERY_US) return;
    this.look();
  }

  /** Something has happened that may take another file. */
  look(): void {
    // A failure has been logged, and there will be another try.
    this.ensure().catch(() => {});
  }

  /** Resolves when the file is good. @throws what `renew` throws */
  ensure(): Promise<void> {
    this.#lookedUs = this.#clock.nowUs();
    if (this.#underWay !== null) return this.#underWay;
    const why = this.#pool.fault();
    if (why === null) return Promise.resolve();
    this.#alarm?.cancel();
    this.#alarm = null;
    this.#underWay = this.#renew(why).finally(() => {
      this.#underWay = null;
    });
    return this.#underWay;
  }

  /** Nothing is tried any more. */
  close(): void {
    this.#alarm?.cancel();
  }

  async #renew(why: string): Promise<void> {
    const pool = this.#name;
    this.#log.warn({ pool, why }, "the pool gets a new file");
    try {
      await this.#pool.renew();
      this.#pauseMs = FIRST_PAUSE_MS;
    } catch (error) {
      // What is shut or removed needs no file.
      if (this.#pool.fault() !== null) {
        this.#log.error({ err: error, pool }, "the pool gets no new file yet");
        this.#tryLater();
      }
      throw error;
    }
  }

  #tryLater(): void {
    this.#alarm = this.#clock.at(this.#clock.nowUs() + this.#pauseMs * 1000, () => {
      this.#alarm = null;
      this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
      this.look();
    });
  }
}
