/**
 * `bun bench/cameras/main.ts`: how many frames a second a camera brings, what they take of the processors, and how old they are when a consumer has
 * them; beside a program in Python that copies the same pipeline's frames into shared memory. Then what 30 frames a second take. docs/performance.md
 * explains the figures. It takes less than four minutes.
 */
import { cpus } from "node:os";
import { assertBuilt } from "../supervisor.ts";
import { type BothSides, type CameraFigures, measureCameras } from "./figures.ts";

const sizes = [
  [640, 480],
  [1920, 1080],
  [3840, 2160],
] as const;

const ROUNDS = 3;
const FAST = { settling: 3, measured: 2 } as const;
/** The supervisor's code is being compiled for so long when it has little to do. */
const SLOW = { settling: 30, measured: 20 } as const;
const SLOW_FPS = 30;

const ms = (us: number) => (us / 1000).toFixed(2);
const row = (...cells: readonly string[]) => console.log(`| ${cells.join(" | ")} |`);
const total = ({ readerUs, pipelineUs, supervisorUs }: CameraFigures) => readerUs + pipelineUs + supervisorUs;

/** Columns of what it costs, in whichever unit, and how old a frame is. */
function costs(figures: CameraFigures, unit: (us: number) => string): string[] {
  const { readerUs, pipelineUs, supervisorUs, delayUs } = figures;
  return [readerUs, pipelineUs, supervisorUs, total(figures)].map(unit).concat(ms(delayUs));
}

function ratio(one: number, other: number): string {
  return (one / other).toFixed(2);
}

function costRatios({ holdfast, byHand }: BothSides): string[] {
  const { readerUs, pipelineUs, delayUs } = holdfast;
  return [
    ratio(readerUs, byHand.readerUs),
    ratio(pipelineUs, byHand.pipelineUs),
    "",
    ratio(total(holdfast), total(byHand)),
    ratio(delayUs, byHand.delayUs),
  ];
}

assertBuilt();
console.log(`${cpus().length} × ${cpus()[0]?.model.trim()}, Linux ${process.arch}, Bun ${Bun.version}\n`);
console.log("As many frames as are taken; processors in ms a frame\n");
row("BGR3", "", "frames/s", "reader", "pipeline", "supervisor", "all", "delay, ms");
row("---", "---", ...Array(6).fill("---:"));
for (const [width, height] of sizes) {
  const both = await measureCameras({ width, height, fps: 0 }, FAST, ROUNDS);
  row(`${width}×${height}`, "holdfast", both.holdfast.fps.toFixed(0), ...costs(both.holdfast, ms));
  row("", "by hand", both.byHand.fps.toFixed(0), ...costs(both.byHand, ms));
  row("", "÷", ratio(both.holdfast.fps, both.byHand.fps), ...costRatios(both));
}

console.log(`\n1920×1080 at ${SLOW_FPS} frames a second; processors in % of one\n`);
row("", "frames/s", "reader", "pipeline", "supervisor", "all", "delay, ms");
row("---", ...Array(6).fill("---:"));
const slow = await measureCameras({ width: 1920, height: 1080, fps: SLOW_FPS }, SLOW, 1);
for (const [name, figures] of [
  ["holdfast", slow.holdfast],
  ["by hand", slow.byHand],
] as const) {
  row(name, figures.fps.toFixed(1), ...costs(figures, (us) => ((us * figures.fps) / 10_000).toFixed(1)));
}
row("÷", "", ...costRatios(slow));
