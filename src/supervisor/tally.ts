import type { Counters } from "../protocol/replies.ts";

/** What the supervisor counts while it runs; `status` shows it. */
export type Tally = { -readonly [K in keyof Counters]: Counters[K] };

/** A tally with nothing counted yet. */
export function newTally(): Tally {
  return {
    clients: 0,
    requests: 0,
    errors: 0,
    accepted: 0,
    done: 0,
    cancelled: 0,
    edges: 0,
    lostEvents: 0,
    skippedCycles: 0,
    framesPublished: 0,
    framesDelivered: 0,
    framesDropped: 0,
    leasesRevoked: 0,
    slotsQuarantined: 0,
    holdsLost: 0,
    messagesPublished: 0,
    messagesTold: 0,
  };
}
