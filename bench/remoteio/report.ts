import { goal, row, whole } from "../report.ts";
import type { RemoteioFigures, RoundTrips } from "./figures.ts";

/** What is to be reached. */
const targets = { pollingRatio: 20, ownRatio: 2, idlePercent: 1 };

/** The figures as a person reads them. */
export function reportRemoteio({ polling, text, own, idlePercent }: RemoteioFigures): string {
  const side = (name: string, { p50Us, p99Us, serverCpuUs }: RoundTrips) =>
    row(name.padEnd(36), whole(p50Us), whole(p99Us), whole(serverCpuUs));
  const ratio = (polling?.p50Us ?? Number.NaN) / text.p50Us;
  return [
    "remoteio: on and off in turn, each when the one before has its reply",
    row("".padEnd(36), "p50 µs", "p99 µs", "CPU µs"),
    ...(polling === null
      ? ["There is no Python for the pattern of remoteio's server."]
      : [side("remoteio's pattern, polling at 5 ms", polling)]),
    side("holdfast, by remoteio's protocol", text),
    side("holdfast, by its own, Unix socket", own),
    `With nothing to do: holdfast ${idlePercent.holdfast.toFixed(1)} % of one processor${idlePercent.polling === null ? "" : `, remoteio's pattern with one pin ${idlePercent.polling.toFixed(1)} %`}`,
    "",
    ...(polling === null
      ? []
      : [goal("polling's p50 / ours", ratio.toFixed(0), ratio >= targets.pollingRatio, `at least ${targets.pollingRatio}`)]),
    goal(
      "p50 / that of our own",
      (text.p50Us / own.p50Us).toFixed(2),
      text.p50Us / own.p50Us <= targets.ownRatio,
      `at most ${targets.ownRatio}`,
    ),
    goal(
      "idle, % of a processor",
      idlePercent.holdfast.toFixed(1),
      idlePercent.holdfast <= targets.idlePercent,
      `at most ${targets.idlePercent}`,
    ),
  ].join("\n");
}
