/**
 * In a guest whose kernel has simulated chips: `bun guest.js TOGGLES`, with TOGGLES the program in C beside which it measures how
 * often a second a line is toggled. Prints `Toggles` as JSON.
 */
import { steady, waveOf } from "../../actors/wave.ts";
import { ChardevBackend } from "../../src/gpio/chardev/chardev.ts";
import { SimulatedChip } from "../../test/kernel/simulated-chip.ts";
import { medians } from "../medians.ts";

/** Toggles a second, the middle of several rounds. */
export interface Toggles {
  /** The program in C. */
  readonly c: number;
  /** `set` of a line in turn, by the thread of the supervisor. */
  readonly set: number;
  /** A wave that is too fast for the thread of waves: it plays each edge as soon as it can. */
  readonly wave: number;
}

const ROUNDS = 5;
/** Not counted: code is compiled meanwhile, which takes its time in an emulated machine. */
const WARM_UP_ROUNDS = 4;
const COUNT = 50_000;
const OFFSET = 17;
const settings = { direction: "out", activeLow: false, bias: "as-is", drive: "push-pull", initial: 0 } as const;
const TOO_FAST_MS = 0.001;

async function byC(program: string, chip: SimulatedChip): Promise<number> {
  const child = Bun.spawn([program, chip.path, String(OFFSET), String(COUNT)], { stdio: ["ignore", "pipe", "inherit"] });
  const tookNs = Number(await child.stdout.text());
  if ((await child.exited) !== 0) throw new Error("the program in C has failed");
  return (COUNT / tookNs) * 1e9;
}

function bySet(backend: ChardevBackend, chip: SimulatedChip): number {
  const line = backend.request(chip.line(OFFSET), settings, "bench", { edge() {}, fail() {} });
  const began = performance.now();
  for (let set = 1; set <= COUNT; set++) line.set(set % 2 === 1 ? 1 : 0);
  const tookMs = performance.now() - began;
  line.release(() => {});
  return (COUNT / tookMs) * 1000;
}

async function byWave(backend: ChardevBackend, chip: SimulatedChip): Promise<number> {
  const line = backend.request(chip.line(OFFSET), settings, "bench", { edge() {}, fail() {} });
  const tookMs = await new Promise<number>((resolve, reject) => {
    const player = line.player?.(
      { initial: 0, maxOnMs: Number.POSITIVE_INFINITY, frequencyHz: 200 },
      {
        started() {},
        edge() {},
        skipped() {},
        limited() {},
        failed: reject,
        ended: () => resolve(performance.now() - began),
      },
    );
    const began = performance.now();
    const blink = { id: 0, pin: "GPIO17", op: "blink", onMs: TOO_FAST_MS, offMs: TOO_FAST_MS, n: COUNT / 2 } as const;
    player?.play(1, waveOf(blink, steady(0)), true);
  });
  line.release(() => {});
  return (COUNT / tookMs) * 1000;
}

if (import.meta.main) {
  using chip = new SimulatedChip();
  const backend = new ChardevBackend();
  backend.start();
  const rounds: Toggles[] = [];
  for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS; round++) {
    rounds.push({ c: await byC(process.argv[2] as string, chip), set: bySet(backend, chip), wave: await byWave(backend, chip) });
  }
  backend.close();
  console.log(JSON.stringify(medians(rounds.slice(WARM_UP_ROUNDS))));
}
