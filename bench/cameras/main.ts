/**
 * `bun bench/cameras/main.ts [--seconds N]`: how many frames a second a camera brings, what they take of the processors, and how old they are when a consumer
 * has them; beside ffmpeg writing to a pipe that a program in Python copies into shared memory. Both have the same pipeline: an ffmpeg that copies
 * zeros, so that it is what reads it that is measured. Each is measured in turn, three times, of which the middle one is shown.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RealClock } from "../../src/clock/real.ts";
import { connect, type HoldfastClient } from "../../src/index.ts";
import { cpuUs, median } from "../proc.ts";
import { assertBuilt, startSupervisor, stop } from "../supervisor.ts";

/** What was measured of one side; times of processors in µs a frame. */
interface Figures {
  readonly fps: number;
  readonly workerUs: number;
  readonly pipelineUs: number;
  readonly supervisorUs?: number;
  /** From a frame's first byte in the worker to its consumer. */
  readonly delayUs?: number;
}

const ROUNDS = 3;
const sizes = { "640x480": [640, 480], "1920x1080": [1920, 1080], "3840x2160": [3840, 2160] } as const;
const seconds = Number(process.argv[process.argv.indexOf("--seconds") + 1] || 5);

const pipeline = (size: string) => [
  ...["ffmpeg", "-v", "error", "-nostdin", "-f", "rawvideo", "-pix_fmt", "bgr24", "-video_size", size, "-framerate", "1000"],
  ...["-i", "/dev/zero", "-c:v", "copy", "-f", "rawvideo", "pipe:1"],
];

/** The same by holdfast: a camera, and a consumer in this process that looks at the times of its frames. */
async function holdfast(size: keyof typeof sizes): Promise<Figures> {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-bench-"));
  const [width, height] = sizes[size];
  const command = JSON.stringify(pipeline(size));
  const config = join(folder, "holdfast.toml");
  writeFileSync(config, `[camera.bench]\npipeline = ${command}\nwidth = ${width}\nheight = ${height}\nfps = 1000\nslots = 8\n`);
  const socket = join(folder, "s");
  const { child } = await startSupervisor(socket, "--config", config);
  try {
    await using client = await connect({ socket, name: "bench" });
    return await measure(client, child.pid);
  } finally {
    await stop(child);
    rmSync(folder, { recursive: true });
  }
}

async function measure(client: HoldfastClient, supervisor: number): Promise<Figures> {
  const { pid } = await client.startCamera("bench");
  const worker = pid as number;
  const program = Number((await Bun.file(`/proc/${worker}/task/${worker}/children`).text()).split(" ")[0]);
  const clock = new RealClock();
  const delays: number[] = [];
  await using pool = await client.pool("bench");
  const published = async () => (await client.pools())[0]?.published ?? 0;
  const before = { frames: await published(), worker: cpuUs(worker), program: cpuUs(program), supervisor: cpuUs(supervisor) };
  const began = performance.now();
  for await (using frame of pool.frames()) {
    delays.push(clock.nowUs() - Number(frame.timestampNs) / 1000);
    if (performance.now() - began > seconds * 1000) break;
  }
  const frames = (await published()) - before.frames;
  return {
    fps: (frames * 1000) / (performance.now() - began),
    workerUs: (cpuUs(worker) - before.worker) / frames,
    pipelineUs: (cpuUs(program) - before.program) / frames,
    supervisorUs: (cpuUs(supervisor) - before.supervisor) / frames,
    delayUs: median(delays),
  };
}

/** What is done by hand in Python. */
async function byHand(size: keyof typeof sizes): Promise<Figures> {
  const [width, height] = sizes[size];
  const script = join(import.meta.dir, "pipe_to_shared_memory.py");
  const child = Bun.spawn(["/usr/bin/python3", script, String(width * height * 3), String(seconds), ...pipeline(size)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const text = await child.stdout.text();
  if ((await child.exited) !== 0) throw new Error("the program in Python has failed");
  return JSON.parse(text);
}

function middle(rounds: readonly Figures[]): Figures {
  const of = (name: keyof Figures) => median(rounds.map((round) => round[name] ?? Number.NaN));
  return {
    fps: of("fps"),
    workerUs: of("workerUs"),
    pipelineUs: of("pipelineUs"),
    supervisorUs: of("supervisorUs"),
    delayUs: of("delayUs"),
  };
}

function row(size: string, who: string, { fps, workerUs, pipelineUs, supervisorUs = Number.NaN, delayUs = Number.NaN }: Figures): string {
  const ms = (us: number) => (Number.isNaN(us) ? "-" : (us / 1000).toFixed(2));
  return `| ${size} | ${who} | ${fps.toFixed(0)} | ${ms(workerUs)} | ${ms(pipelineUs)} | ${ms(supervisorUs)} | ${ms(delayUs)} |`;
}

assertBuilt();
console.log(
  "| BGR3 | | frames/s | reader, ms a frame | ffmpeg, ms a frame | supervisor, ms a frame | delay, ms |\n| --- | --- | --- | --- | --- | --- | --- |",
);
for (const size of Object.keys(sizes) as (keyof typeof sizes)[]) {
  const ours: Figures[] = [];
  const theirs: Figures[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    ours.push(await holdfast(size));
    theirs.push(await byHand(size));
  }
  console.log(row(size, "holdfast", middle(ours)));
  console.log(row(size, "Python, by hand", middle(theirs)));
}
