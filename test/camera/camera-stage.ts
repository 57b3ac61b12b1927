import { mkdirSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import type { CameraInfo, Frame, HoldfastClient } from "../../src/index.ts";
import { eventually, type ServeProcess, type Stage, story } from "../integration/processes.ts";

/** A supervisor with cameras, in a process of its own. */
export interface CameraStage {
  readonly stage: Stage;
  readonly client: HoldfastClient;
  readonly supervisor: ServeProcess;
  /** Where its pools are. */
  readonly shm: string;
  /** Where cameras may save. */
  readonly video: string;
  camera(name: string): Promise<CameraInfo>;
  /** Waits until a camera is as it should be. */
  eventually(name: string, what: string, isSo: (camera: CameraInfo) => boolean): Promise<CameraInfo>;
  /** Processes of this stage that run what has this in its command line: workers and pipelines. */
  processes(text: string): number[];
}

/**
 * A test with a supervisor and its cameras. In the end nothing of them may be left.
 * @param tables of the configuration; `VIDEO` stands for a folder
 */
export function cameraStory(name: string, tables: string, tell: (stage: CameraStage) => Promise<void>): void {
  story(name, async (stage) => {
    const [shm, video] = [join(stage.folder, "shm"), join(stage.folder, "video")];
    for (const folder of [shm, video]) mkdirSync(folder);
    const config = `frames.directory = "${shm}"\n${tables.replaceAll("VIDEO", video)}`;
    const supervisor = await stage.serve("--config", stage.file("its.toml", config));
    const processes = (text: string) => ofFolder(stage.folder).filter((pid) => commandOf(pid).includes(text));
    const client = await stage.connect();
    const camera = async (wanted: string) => {
      const found = (await client.cameras()).find((info) => info.camera === wanted);
      if (found === undefined) throw new Error(`there is no camera ${wanted}`);
      return found;
    };
    const wait = async (wanted: string, what: string, isSo: (info: CameraInfo) => boolean) => {
      await eventually(`${wanted} ${what}`, async () => isSo(await camera(wanted)));
      return camera(wanted);
    };
    await tell({ stage, client, supervisor, shm, video, camera, eventually: wait, processes });
    supervisor.kill("SIGTERM");
    await supervisor.ended();
    await nothingLeft(stage.folder);
    const left = readdirSync(shm);
    if (left.length > 0) throw new Error(`${left} are left in shared memory`);
  });
}

/** Waits until no process is left that runs in a folder. */
export function nothingLeft(folder: string): Promise<void> {
  return eventually("no process is left", () => ofFolder(folder).length === 0);
}

/** Processes that run in a folder: the supervisor's, for it runs there, and so do those that it starts. Zombies are none. */
function ofFolder(folder: string): number[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) return [];
    try {
      return readlinkSync(`/proc/${name}/cwd`) === folder ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}

/** What the pipeline `test` draws: bits of the frame's number, and the size of a block. */
const BITS = 16;
const BLOCK = 8;

/** The number that is drawn in an image. @param luma says how bright it is at a point, 0 to 255 */
export function numberIn(luma: (x: number, y: number) => number): number {
  let number = 0;
  for (let bit = 0; bit < BITS; bit++) number = number * 2 + (luma(bit * BLOCK + BLOCK / 2, BLOCK / 2) > 127 ? 1 : 0);
  return number;
}

/** The number that is drawn in a raw frame. */
export function numberOf({ data, fourcc, stride }: Frame): number {
  const [pixelBytes, green] = fourcc === "BGR3" || fourcc === "RGB3" ? [3, 1] : [1, 0];
  return numberIn((x, y) => data[y * (stride ?? 0) + x * pixelBytes + green] ?? 0);
}

/** The numbers that are drawn in the pictures of a file or a pipe, as ffmpeg decodes them. */
export async function numbersIn(stage: Stage, path: string, width: number, height: number): Promise<number[]> {
  const raw = `${path}.grey`;
  const decode = ["ffmpeg", "-v", "error", "-y", "-i", path, "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "gray", raw];
  const { status, stderr } = await stage.run(...decode);
  if (status !== 0) throw new Error(`ffmpeg can't decode ${path}: ${stderr}`);
  const bytes = readFileSync(raw);
  const image = width * height;
  return Array.from({ length: bytes.length / image }, (_, i) => numberIn((x, y) => bytes[i * image + y * width + x] ?? 0));
}

/** How many frames of a file can be decoded, as ffmpeg counts them. @throws Error when one of them is not as it should be */
export async function framesInFile(stage: Stage, path: string): Promise<number> {
  const count = ["ffprobe", "-v", "error", "-count_frames", "-show_entries", "stream=nb_read_frames", "-of", "csv=p=0", path];
  const { status, stdout, stderr } = await stage.run(...count);
  if (status !== 0 || stderr !== "") throw new Error(`${path} is not as it should be: ${stderr}`);
  return Number(stdout.trim().replace(/,$/, ""));
}

/** The next so many frames of a pool, as something is made of each while it is held. */
export async function framesOf<T>(
  client: HoldfastClient,
  pool: string,
  count: number,
  look: (frame: Frame) => T,
  options: Parameters<Awaited<ReturnType<HoldfastClient["pool"]>>["frames"]>[0] = {},
): Promise<T[]> {
  await using opened = await client.pool(pool);
  const seen: T[] = [];
  for await (using frame of opened.frames(options)) {
    seen.push(look(frame));
    if (seen.length === count) break;
  }
  return seen;
}
