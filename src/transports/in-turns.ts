import type { Dial } from "../client/link.ts";
import { HoldfastError } from "../protocol/errors.ts";

/** For so long requests of one client are answered without a break, then it is others' turn, in ms. */
const TURN_MS = 2;

/** A client that has so many requests waiting for their turn asks faster than anybody could answer. */
const MOST_WAITING = 20_000;

/**
 * The same way to a supervisor, for a client in its own process that may ask without end: its requests take turns with all else that is to be done,
 * as those of a socket do. One whose requests grow in number however many are answered is cut off, with `LIMIT_PENDING`, before they fill the memory.
 */
export function inTurns(dial: Dial): Dial {
  return async (listener) => {
    const link = await dial(listener);
    let waiting: object[] = [];
    /** How much of its turn it has had; null: none has begun. */
    let spentMs: number | null = null;
    const serve = () => {
      let served = 0;
      while (served < waiting.length && (spentMs as number) < TURN_MS) {
        const beganMs = performance.now();
        link.send(waiting[served++] as object);
        spentMs = (spentMs as number) + performance.now() - beganMs;
      }
      waiting.splice(0, served);
    };
    const begin = () => {
      spentMs = 0;
      setImmediate(() => {
        spentMs = null;
        if (waiting.length > 0) begin();
      });
      serve();
    };
    let isOver = false;
    const end = () => {
      isOver = true;
      waiting = [];
    };
    return {
      send(request) {
        if (isOver) return;
        waiting.push(request);
        if (spentMs === null) begin();
        else if (waiting.length === 1) serve();
        if (waiting.length <= MOST_WAITING) return;
        end();
        link.abandon(new HoldfastError("LIMIT_PENDING", `more than ${MOST_WAITING} requests wait for their turn`, { limit: MOST_WAITING }));
      },
      flush: () => link.flush?.(),
      close() {
        // What was asked before comes before.
        for (const request of waiting) link.send(request);
        end();
        return link.close();
      },
      abandon(why) {
        end();
        link.abandon(why);
      },
    };
  };
}
