import { row, whole } from "../report.ts";
import type { ActorFigures } from "./figures.ts";
import { BUSY } from "./programs.ts";

const businesses = {
  none: "none",
  acting: `${BUSY} that command a pin and publish, 100 times a second`,
  computing: `${BUSY} that compute for half of the time`,
} as const;

/** The figures as a person reads them. */
export function reportActors({ events, pinEvents, delays }: ActorFigures): string {
  const [alone] = delays;
  const sides = events.map((ours, index) => [ours, pinEvents[index]] as const);
  return [
    "Events by `send`, from another process: to an actor in its thread, beside a pin",
    row("in flight", "actor/s", "pin/s", "ratio", "p50 µs", "p99 µs", "pin p50", "pin p99"),
    ...sides.map(([ours, pin]) =>
      row(
        String(ours.inFlight),
        whole(ours.perSecond),
        whole(pin?.perSecond ?? Number.NaN),
        (ours.perSecond / (pin?.perSecond ?? Number.NaN)).toFixed(2),
        whole(ours.p50Us),
        whole(ours.p99Us),
        whole(pin?.p50Us ?? Number.NaN),
        whole(pin?.p99Us ?? Number.NaN),
      ),
    ),
    "",
    "On and off of a pin, one each ms, while actors are busy",
    row("busy actors".padEnd(56), "p50 µs", "p99 µs", "÷ alone", "p99 ÷", "CPU %", "MB"),
    ...delays.map(({ business, p50Us, p99Us, cpuPercent, residentMb }) =>
      row(
        businesses[business].padEnd(56),
        whole(p50Us),
        whole(p99Us),
        (p50Us / (alone?.p50Us ?? Number.NaN)).toFixed(2),
        (p99Us / (alone?.p99Us ?? Number.NaN)).toFixed(2),
        whole(cpuPercent),
        whole(residentMb),
      ),
    ),
  ].join("\n");
}
