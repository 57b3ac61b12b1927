/** A connection is asked for a sign of life so often within the time that it may be silent. */
const BEATS = 3;

/** What a heartbeat does. */
interface HeartbeatListener {
  /** Asks for a sign of life, which is one itself. */
  beat(): void;
  /** Nothing has come for too long. */
  silent(): void;
}

/**
 * Keeps a connection over the network alive, and notices when the other side has gone without a word. Turns are counted, not time: what has come
 * while this process was busy or stopped is read between two of them.
 */
export class Heartbeat {
  readonly #timer: ReturnType<typeof setInterval>;
  #quietTurns = 0;

  /** @param heartbeatMs for how long either side may be silent */
  constructor(heartbeatMs: number, listener: HeartbeatListener) {
    this.#timer = setInterval(() => {
      this.#quietTurns += 1;
      if (this.#quietTurns > BEATS) listener.silent();
      else listener.beat();
    }, heartbeatMs / BEATS);
  }

  /** Something has come. */
  heard(): void {
    this.#quietTurns = 0;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
