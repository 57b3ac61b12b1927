import { type Clock, timestampNs } from "../clock/clock.ts";

/** When something was captured, as the clock on the wall says, in ms since 1970. @param capturedNs CLOCK_MONOTONIC */
export function wallMs(clock: Clock, capturedNs: bigint): number {
  return Date.now() - Number(timestampNs(clock) - capturedNs) / 1e6;
}
