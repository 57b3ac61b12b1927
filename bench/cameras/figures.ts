import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RealClock } from "../../src/clock/real.ts";
import { connect, type HoldfastClient } from "../../src/index.ts";
import { median, medians } from "../medians.ts";
import { cpuUs } from "../proc.ts";
import { startSupervisor, stop } from "../supervisor.ts";

/** What was measured of one side; times of processors in µs a frame. */
export interface CameraFigures {
  readonly fps: number;
  /** What takes the frames from the pipe. */
  readonly readerUs: number;
  readonly pipelineUs: number;
  readonly supervisorUs: number;
  /** From the instant at which the pipeline began to write a frame until a consumer has it; without holdfast, until it is in shared memory. */
  readonly delayUs: number;
}

/** Both sides, one after the other. */
export interface BothSides {
  readonly holdfast: CameraFigures;
  readonly byHand: CameraFigures;
}

/** What a camera brings. */
export interface Stream {
  readonly width: number;
  readonly height: number;
  /** Frames a second; 0: as many as are taken. */
  readonly fps: number;
}

/** For how long it runs, in seconds: before it is measured, and while it is. */
export interface Spans {
  readonly settling: number;
  readonly measured: number;
}

/** How much longer than that a side may take, in seconds, before it is ended: it hangs. */
const PATIENCE = 30;

const python = "/usr/bin/python3";

/** Measures both sides in turn, so that what else the machine does meets both. */
export async function measureCameras(stream: Stream, spans: Spans, rounds: number): Promise<BothSides> {
  const [ours, theirs]: CameraFigures[][] = [[], []];
  for (let round = 0; round < rounds; round++) {
    ours?.push(await holdfast(stream, spans));
    theirs?.push(await byHand(stream, spans));
  }
  return { holdfast: medians(ours ?? []), byHand: medians(theirs ?? []) };
}

/** A camera, and a consumer in this process that looks at the time in each of its frames. */
async function holdfast(stream: Stream, spans: Spans): Promise<CameraFigures> {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-bench-"));
  const config = join(folder, "holdfast.toml");
  const { width, height, fps } = stream;
  const table = { pipeline: pipelineOf(stream), width, height, fps: fps || 1000, slots: 8 };
  writeFileSync(
    config,
    `[camera.bench]\n${Object.entries(table)
      .map((entry) => `${entry[0]} = ${JSON.stringify(entry[1])}\n`)
      .join("")}`,
  );
  const socket = join(folder, "s");
  const { child } = await startSupervisor(socket, "--config", config);
  try {
    await using client = await connect({ socket, name: "bench" });
    return await inTime("holdfast", spans, consume(client, child.pid, spans));
  } finally {
    await inTime("the supervisor's end", spans, stop(child));
    rmSync(folder, { recursive: true });
  }
}

async function consume(client: HoldfastClient, supervisor: number, { settling, measured }: Spans): Promise<CameraFigures> {
  const worker = (await client.startCamera("bench")).pid as number;
  const program = Number((await Bun.file(`/proc/${worker}/task/${worker}/children`).text()).split(" ")[0]);
  const now = async () => ({
    ms: performance.now(),
    frames: (await client.pools())[0]?.published ?? 0,
    reader: cpuUs(worker),
    pipeline: cpuUs(program),
    supervisor: cpuUs(supervisor),
  });
  const clock = new RealClock();
  let delaysUs: number[] = [];
  await using pool = await client.pool("bench");
  const reading = (async () => {
    for await (using frame of pool.frames()) {
      const begunNs = new DataView(frame.data.buffer, frame.data.byteOffset).getBigUint64(0, true);
      delaysUs.push(clock.nowUs() - Number(begunNs) / 1000);
    }
  })();
  await Bun.sleep(settling * 1000);
  delaysUs = [];
  const before = await now();
  await Bun.sleep(measured * 1000);
  const after = await now();
  const delayUs = median(delaysUs);
  await pool.close();
  await reading;
  const frames = after.frames - before.frames;
  return {
    fps: (frames * 1000) / (after.ms - before.ms),
    readerUs: (after.reader - before.reader) / frames,
    pipelineUs: (after.pipeline - before.pipeline) / frames,
    supervisorUs: (after.supervisor - before.supervisor) / frames,
    delayUs,
  };
}

/** What is done by hand in Python. */
async function byHand(stream: Stream, spans: Spans): Promise<CameraFigures> {
  const script = join(import.meta.dir, "pipe_to_shared_memory.py");
  const span = [spans.settling, spans.measured].map(String);
  const child = Bun.spawn([python, script, String(bytesOf(stream)), ...span, ...pipelineOf(stream)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const text = await inTime("the program in Python", spans, child.stdout.text());
    if ((await child.exited) !== 0) throw new Error("the program in Python has failed");
    return { ...JSON.parse(text), supervisorUs: 0 };
  } finally {
    child.kill("SIGINT");
  }
}

function pipelineOf(stream: Stream): readonly string[] {
  return [python, join(import.meta.dir, "raw_frames.py"), String(bytesOf(stream)), String(stream.fps)];
}

function bytesOf({ width, height }: Stream): number {
  return width * height * 3;
}

/** @throws Error when it takes so much longer than it should that it will never end */
async function inTime<T>(what: string, { settling, measured }: Spans, done: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`${what} hangs`)), (settling + measured + PATIENCE) * 1000);
  try {
    return await Promise.race([done, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
