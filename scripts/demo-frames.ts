/**
 * Why slots have owners: `bun scripts/demo-frames.ts`, after dist/holdfast has been built. One camera's frames go at the same time
 * through three pools, each between two processes of its own, to a consumer that takes three times as long as the camera.
 * Ends with status 1 when a frame of holdfast's was torn or wrong, or when something is left behind.
 */
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type HoldfastClient } from "../src/index.ts";
import { FRAME_MS, framesOf, HEIGHT, POOL, type Sighting, SLOTS, WIDTH, WORK_MS } from "./demo-frames/workload.ts";

const RUN_MS = 12_000;

/** Longest time that anything here may take beside that, in ms. */
const PATIENCE_MS = 120_000;

const SHARED_MEMORY = "/dev/shm";

const executable = join(import.meta.dir, "..", "dist", "holdfast");
const painted = process.stdout.isTTY && !process.env["NO_COLOR"];

function paint(colour: number, text: string): string {
  return painted ? `\x1b[${colour}m${text}\x1b[0m` : text;
}

/** One of the three: its script takes `producer` or `consumer`, then a folder and for how long the camera runs. */
interface Way {
  readonly name: string;
  readonly script: string;
  /** What happens in it: lines of text. */
  readonly why: readonly string[];
}

const holdfast: Way = {
  name: "holdfast",
  script: "holdfast-pool.ts",
  why: [
    "a slot is free when its reader has released it, and not before.",
    "What the consumer has no time for makes way for the newest frame.",
  ],
};

const ways: readonly Way[] = [
  {
    name: "two queues",
    script: "two-queue-pool.ts",
    why: [
      "a slot is back in the free queue before the view of it is used, and the camera draws over what is being read.",
      "Without a free slot the camera waits, so frames grow old in the ready queue.",
    ],
  },
  {
    name: "modulo ring",
    script: "modulo-ring.ts",
    why: [
      `slots are reused in turn, and no reader gives one back: all is well while ${SLOTS} frames last longer than two that wait and one in work.`,
      "Frigate, whose pattern this is, has 20 and more, which is enough until a consumer is slower still.",
    ],
  },
  holdfast,
];

const started: Bun.Subprocess[] = [];

function start(command: readonly string[]): Bun.Subprocess<"ignore", "pipe", "inherit"> {
  const child = Bun.spawn([...command], { stdin: "ignore", stdout: "pipe", stderr: "inherit" });
  started.push(child);
  return child;
}

/** What the consumer of one pool has seen. */
async function run({ name, script }: Way, folder: string): Promise<Sighting> {
  const [producer, consumer] = (["producer", "consumer"] as const).map((role) =>
    start([process.execPath, join(import.meta.dir, "demo-frames", script), role, folder, String(RUN_MS)]),
  ) as [Bun.Subprocess, Bun.Subprocess<"ignore", "pipe", "inherit">];
  const seen = await consumer.stdout.text();
  if ((await consumer.exited) !== 0 || (await producer.exited) !== 0) throw new Error(`a process of "${name}" has failed`);
  return JSON.parse(seen);
}

/** The supervisor, with its pool. All its files are in the folder. */
async function supervisorIn(folder: string): Promise<HoldfastClient> {
  const [socket, config] = [join(folder, "holdfast.sock"), join(folder, "holdfast.toml")];
  writeFileSync(
    config,
    `frames.directory = "${folder}"\npool.${POOL} = { slots = ${SLOTS}, format = "BGR3", width = ${WIDTH}, height = ${HEIGHT} }\n`,
  );
  const supervisor = start([executable, "serve", "--backend", "sim", "--config", config, "--socket", socket, "--log-level", "silent"]);
  for (;;) {
    try {
      return await connect({ socket, name: "demo" });
    } catch (error) {
      if (supervisor.exitCode !== null) throw error;
      await Bun.sleep(10);
    }
  }
}

async function demo(folder: string): Promise<void> {
  await using client = await supervisorIn(folder);
  const seen = await Promise.all(ways.map((way) => run(way, folder)));
  console.log(table(seen));
  await client.shutdown();
  await Promise.all(started.map((child) => child.exited));
  const left = readdirSync(folder).filter((name) => name.startsWith("holdfast-"));
  if (left.length > 0) throw new Error(`the supervisor has left ${left}`);
  const ours = seen[ways.indexOf(holdfast)] as Sighting;
  if (ours.taken === 0 || ours.torn > 0 || ours.wrong > 0) throw new Error("holdfast's frames were not what they should be");
}

function table(seen: readonly Sighting[]): string {
  const frames = framesOf(RUN_MS);
  const head = ["", "taken", "torn", "wrong", "dropped", "latency p50", "max"];
  const rows = seen.map(({ taken, torn, wrong, latencyMs }, index) => {
    const sorted = latencyMs.toSorted((a, b) => a - b);
    const [p50 = 0, max = 0] = [sorted[sorted.length >> 1], sorted.at(-1)];
    const damaged = (count: number) => {
      const text = `${count} (${Math.round((100 * count) / Math.max(1, taken))} %)`.padStart(COLUMN);
      return paint(count > 0 ? 31 : 32, text);
    };
    const cells = [String(taken), damaged(torn), damaged(wrong), String(frames - taken), `${p50.toFixed(0)} ms`, `${max.toFixed(0)} ms`];
    return row((ways[index] as Way).name, cells);
  });
  const lines = [row("", head.slice(1)), ...rows, "", LEGEND, "", ...ways.map(({ name, why }) => `${paint(1, name)}: ${why.join("\n  ")}`)];
  return lines.join("\n");
}

const COLUMN = 12;
const LEGEND = "torn: changed while it was held. wrong: whole, but not the frame that was announced. latency: from publishing to taking.";

function row(name: string, cells: readonly string[]): string {
  return name.padEnd(11) + cells.map((cell) => cell.padStart(COLUMN)).join("");
}

const folder = mkdtempSync(join(existsSync(SHARED_MEMORY) ? SHARED_MEMORY : tmpdir(), "demo-frames-"));
const clear = () => {
  for (const child of started) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
};
for (const [signal, status] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const) {
  process.once(signal, () => {
    clear();
    process.exit(status);
  });
}
const impatience = setTimeout(() => {
  console.error("\nThe demo has failed: it takes too long");
  clear();
  process.exit(1);
}, RUN_MS + PATIENCE_MS);
try {
  const seconds = RUN_MS / 1000;
  console.log(
    `A camera gives ${WIDTH}x${HEIGHT} pixels every ${FRAME_MS} ms for ${seconds} s; its consumer works ${WORK_MS} ms on each; every pool has ${SLOTS} slots.\n`,
  );
  if (!existsSync(executable)) throw new Error("there is no dist/holdfast; `make build` makes it");
  await demo(folder);
} catch (error) {
  console.error(`\nThe demo has failed: ${(error as Error).message}`);
  process.exitCode = 1;
} finally {
  clearTimeout(impatience);
  clear();
}
