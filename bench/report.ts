import type { LoadFigures } from "./load.ts";
import type { Figures } from "./main.ts";

/** What is to be reached. */
const targets = { roundTripRatio: 2, commandsPerSecond: 50_000, readyMs: 150, idleMb: 70 };

/** The figures as a person reads them. */
export function report(figures: Figures): string {
  const { frameBytes, holdfast, echo, readyMs, idleMb, afterLoadMb, blinking, message } = figures;
  const pairs = holdfast.map((ours, index) => [ours, echo[index] as LoadFigures] as const);
  const alone = pairs.find(([{ inFlight }]) => inFlight === 1);
  const crowded = pairs.find(([{ inFlight }]) => inFlight === 64);
  const ratio = (alone?.[0].p50Us ?? Number.NaN) / (alone?.[1].p50Us ?? Number.NaN);
  return [
    `On and off in turn, from another process (request ${frameBytes.request} bytes, reply ${frameBytes.reply}), beside an echo of that size`,
    row("in flight", "holdfast/s", "echo/s", "ratio", "p50 µs", "p99 µs", "echo p50", "echo p99", "CPU µs", "echo CPU", "client"),
    ...pairs.map(([ours, theirs]) =>
      row(
        String(ours.inFlight),
        whole(ours.perSecond),
        whole(theirs.perSecond),
        (ours.perSecond / theirs.perSecond).toFixed(2),
        whole(ours.p50Us),
        whole(ours.p99Us),
        whole(theirs.p50Us),
        whole(theirs.p99Us),
        ours.serverCpuUs.toFixed(1),
        theirs.serverCpuUs.toFixed(1),
        ours.clientCpuUs.toFixed(1),
      ),
    ),
    "CPU µs: what one request takes of the processors in the server; client: in our client.",
    "",
    `The bytes of a command: decode ${message.decodeUs.toFixed(2)} µs, parse ${message.parseUs.toFixed(2)} µs, encode the reply ${message.encodeUs.toFixed(2)} µs; together ${message.allUs.toFixed(2)} µs`,
    `${blinking.pins} pins blinking, ${blinking.edgesPerSecond} edges/s, embedded in a script: ${blinking.blinkingMb.toFixed(0)} MB resident (${blinking.idleMb.toFixed(0)} idle), ${blinking.cpuPercent.toFixed(1)} % of one processor`,
    `After the load: ${afterLoadMb.toFixed(0)} MB resident`,
    "",
    goal("round trip p50 / echo's", ratio.toFixed(2), ratio <= targets.roundTripRatio, `at most ${targets.roundTripRatio}`),
    goal(
      "commands/s, 64 in flight",
      whole(crowded?.[0].perSecond ?? 0),
      (crowded?.[0].perSecond ?? 0) >= targets.commandsPerSecond,
      `at least ${targets.commandsPerSecond}`,
    ),
    goal("exec to first reply, ms", readyMs.toFixed(0), readyMs <= targets.readyMs, `at most ${targets.readyMs}`),
    goal("idle, MB resident", idleMb.toFixed(0), idleMb <= targets.idleMb, `at most ${targets.idleMb}`),
  ].join("\n");
}

/** The cells of one line, under each other. */
export function row(...cells: readonly string[]): string {
  return cells.map((cell) => cell.padStart(10)).join(" ");
}

/** Without a fraction. */
export function whole(value: number): string {
  return value.toFixed(0);
}

/** What is to be reached, and whether it is. */
export function goal(what: string, value: string, reached: boolean, target: string): string {
  return `${what.padEnd(26)} ${value.padStart(8)}   ${target.padEnd(15)} ${reached ? "reached" : "not reached"}`;
}
