import { goal, row, whole } from "../report.ts";
import { type EdgeFigures, type Player, players, type ShapeFigures, type WaveFigures } from "./figures.ts";

/** What is to be reached, in the worst of the waves. Drift: less than an edge is off anyway. */
const targets = { idleRatio: 2, loadedRatio: 4, gpiozeroRatio: 10, driftUs: 10 };

/** The figures as a person reads them. */
export function reportWaves({ gpiozero, idle, loaded, commandsPerSecond, drift }: WaveFigures): string {
  const present = players.filter((player) => idle.some((figures) => figures[player] !== undefined));
  const table = (all: readonly ShapeFigures[]) => [
    row("", ...present.map(wide)),
    ...all.map((figures) => row(figures.shape.name.padStart(12), ...present.map((player) => wide(cell(figures[player]))))),
  ];
  return [
    `Waves: by how much edges are off, µs, p50 / p99 / max; in brackets: how many pulses are left out. ${gpiozero === null ? "There is no gpiozero." : `gpiozero ${gpiozero}`}`,
    ...(present.includes("holdfast, FIFO") ? [] : ["This process may not ask for real-time scheduling: what needs it is missing."]),
    "",
    "The supervisor idle",
    ...table(idle),
    "",
    `The supervisor handling ${whole(commandsPerSecond)} commands/s`,
    ...table(loaded),
    "",
    "From one edge to the next, whatever the drift, µs, p50, the supervisor idle",
    ...present.map((player) => row(wide(player), ...idle.map((figures) => (figures[player]?.intervalP50Us ?? Number.NaN).toFixed(1)))),
    `Phase after ${drift.holdfast.periods} periods: ${drift.holdfast.driftUs.toFixed(1)} µs from that at the start${drift.gpiozero === null ? "" : `; gpiozero's, after ${drift.gpiozero.periods}: ${whole(drift.gpiozero.driftUs)} µs`}`,
    "",
    ...ratios("idle, p99 / C's", idle, "holdfast", "C", targets.idleRatio),
    ...ratios("the same, FIFO", idle, "holdfast, FIFO", "C, FIFO", targets.idleRatio),
    ...ratios("with commands, p99 / C's", loaded, "holdfast", "C", targets.loadedRatio),
    ...ratios("the same, FIFO", loaded, "holdfast, FIFO", "C, FIFO", targets.loadedRatio),
    ...betterThanGpiozero("gpiozero's p50 / our p99", [...idle, ...loaded], "holdfast"),
    ...betterThanGpiozero("the same, FIFO", [...idle, ...loaded], "holdfast, FIFO"),
    goal("drift, µs", drift.holdfast.driftUs.toFixed(1), Math.abs(drift.holdfast.driftUs) <= targets.driftUs, `at most ${targets.driftUs}`),
  ].join("\n");
}

const WIDE = 30;

function wide(text: string): string {
  return text.padStart(WIDE);
}

function cell(figures: EdgeFigures | undefined): string {
  if (figures === undefined) return "–";
  const { p50Us, p99Us, maxUs, leftOutPercent } = figures;
  const leftOut = leftOutPercent >= 0.05 ? ` (${leftOutPercent.toFixed(1)} %)` : "";
  return `${whole(p50Us)} / ${whole(p99Us)} / ${whole(maxUs)}${leftOut}`;
}

/** Of each wave, in the order of the table. */
function ratios(what: string, all: readonly ShapeFigures[], ours: Player, theirs: Player, most: number): string[] {
  const each = all.flatMap((figures) => {
    const [mine, peer] = [figures[ours], figures[theirs]];
    return mine === undefined || peer === undefined ? [] : [mine.p99Us / peer.p99Us];
  });
  if (each.length === 0) return [];
  const reached = each.filter((ratio) => ratio <= most).length;
  const text = each.map((ratio) => ratio.toFixed(1)).join(" ");
  return [
    `${goal(what, text, reached === each.length, `at most ${most}`)}${reached === each.length ? "" : ` by ${each.length - reached} of ${each.length}`}`,
  ];
}

/** Our p99 beside gpiozero's median, in the wave that fares worst. */
function betterThanGpiozero(what: string, all: readonly ShapeFigures[], ours: Player): string[] {
  const each = all.flatMap((figures) => {
    const [mine, peer] = [figures[ours], figures.gpiozero];
    return mine === undefined || peer === undefined ? [] : [peer.p50Us / mine.p99Us];
  });
  if (each.length === 0) return [];
  const worst = Math.min(...each);
  return [goal(what, worst.toFixed(0), worst >= targets.gpiozeroRatio, `at least ${targets.gpiozeroRatio}`)];
}
