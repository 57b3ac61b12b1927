import type { Frame } from "../client/frame.ts";
import type { FramePool } from "../client/frame-pool.ts";
import type { Clock } from "../clock/clock.ts";
import { HoldfastError } from "../protocol/errors.ts";
import type { CameraOrders, CameraSnapshot } from "../protocol/replies.ts";
import type { CameraCounters } from "../protocol/requests.ts";
import type { CameraTask } from "./camera-duty.ts";
import type { SavedFiles } from "./saved-files.ts";
import { Stills } from "./stills.ts";
import { wallMs } from "./wall-time.ts";

/** How long a frame that can be shown by itself may take to come, and ffmpeg to make a picture of it, in ms. */
const PATIENCE_MS = 15_000;

/** A camera that is slower is waited for so many periods. */
const PERIODS = 3;

/** A frame that has been given back. */
type Taken = Pick<Frame, "data" | "seq" | "timestampNs">;

/** Saves the next frame of a camera as a JPEG picture whenever it is told to: each time another one, one after the other. */
export class Snapshots implements CameraTask {
  readonly counters: CameraCounters = {};
  readonly #pool: FramePool;
  readonly #camera: CameraOrders;
  readonly #files: SavedFiles;
  readonly #clock: Clock;
  readonly #ended = new AbortController();
  #last: Promise<unknown> = Promise.resolve();

  constructor(pool: FramePool, camera: CameraOrders, files: SavedFiles, clock: Clock) {
    this.#pool = pool;
    this.#camera = camera;
    this.#files = files;
    this.#clock = clock;
  }

  run(): Promise<void> {
    const { signal } = this.#ended;
    return new Promise((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener("abort", () => resolve());
    });
  }

  stop(): void {
    this.#ended.abort();
  }

  /** @throws HoldfastError `CAMERA_STALLED`, `SAVE_FAILED`, `PROGRAM_MISSING`, `PIPELINE_EXITED`, `POOL_GONE`, `POOL_SLOTS`, `DISCONNECTED` */
  follow(): Promise<CameraSnapshot> {
    const saved = this.#last.then(() => this.#save());
    this.#last = saved.catch(() => {});
    return saved;
  }

  async #save(): Promise<CameraSnapshot> {
    const frame = await this.#nextFrame();
    const picture = await this.#pictureOf(frame);
    const file = await this.#files.savePicture(picture, wallMs(this.#clock, frame.timestampNs));
    return { file, bytes: picture.length, seq: frame.seq, timestampNs: frame.timestampNs };
  }

  /** The next frame that can be shown without those before it. */
  async #nextFrame(): Promise<Taken> {
    const { format, fps } = this.#camera;
    const frames = this.#pool.frames();
    const leave = () => void frames.return();
    const patienceMs = Math.max(PATIENCE_MS, (PERIODS * 1000) / fps);
    const impatience = setTimeout(leave, patienceMs);
    this.#ended.signal.addEventListener("abort", leave);
    try {
      for await (using frame of frames) {
        if (format === "H264" && frame.meta["key"] !== true) continue;
        const taken = { data: frame.data.slice(), seq: frame.seq, timestampNs: frame.timestampNs };
        // What was read of a frame that was taken away meanwhile may be of another one.
        if (await frame.release()) return taken;
      }
    } finally {
      clearTimeout(impatience);
      this.#ended.signal.removeEventListener("abort", leave);
      await frames.return();
    }
    const wanted = format === "H264" ? "no key frame, which can be shown by itself," : "no frame";
    throw new HoldfastError("CAMERA_STALLED", `${wanted} has come within ${Math.round(patienceMs)} ms`);
  }

  async #pictureOf(frame: Taken): Promise<Uint8Array> {
    const pictures: Uint8Array[] = [];
    const stills = new Stills(this.#camera, 1, async (data) => void pictures.push(data.slice()));
    let impatience: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      const why = new HoldfastError("CAMERA_STALLED", `ffmpeg has made no picture of the frame within ${PATIENCE_MS} ms`);
      impatience = setTimeout(() => reject(why), PATIENCE_MS);
    });
    const made = stills.take(frame).then(() => stills.end());
    await Promise.race([made, late]).finally(() => clearTimeout(impatience));
    const [picture] = pictures;
    if (picture !== undefined) return picture;
    const trouble = await stills.trouble();
    // What such words mean of a camera they don't mean of a frame.
    const why = trouble === null ? "" : `: ${trouble.message}`;
    throw new HoldfastError("PIPELINE_EXITED", `no picture could be made of the frame${why}`, trouble?.details ?? {});
  }
}
