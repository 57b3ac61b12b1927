import type { Frame } from "../client/frame.ts";
import type { FramePool } from "../client/frame-pool.ts";
import type { WritableFrame } from "../client/writable-frame.ts";
import { type Clock, timestampNs } from "../clock/clock.ts";
import type { CameraOrders } from "../protocol/replies.ts";
import type { CameraCounters } from "../protocol/requests.ts";
import type { CameraTask, Order } from "./camera-duty.ts";
import { fedInput, feed } from "./fed-frames.ts";
import { pipelineFrames } from "./pipeline-frames.ts";
import { PipelineProcess } from "./pipeline-process.ts";
import { ffmpeg, jpegOutput, quietly } from "./pipelines/ffmpeg.ts";
import { PreviewPace } from "./preview-pace.ts";
import { slotAtOnce, unlessPassing } from "./slot-at-once.ts";

/** What a preview is made of, and how. */
export interface PreviewSettings {
  /** What the camera captures. */
  readonly camera: CameraOrders;
  /** In pixels. */
  readonly width: number;
  readonly height: number;
  /** Frames a second. */
  readonly fps: number;
  /** Of JPEG, 1 to 100. */
  readonly quality: number;
}

/** Makes smaller frames of a camera's, fewer of them, as JPEG, and publishes them in a pool of their own. */
export class Preview implements CameraTask {
  readonly #source: FramePool;
  readonly #target: FramePool;
  readonly #settings: PreviewSettings;
  readonly #clock: Clock;
  readonly #pace: PreviewPace;
  readonly #ended = new AbortController();
  #counted = { frames: 0, skipped: 0 };
  /** When those were captured that ffmpeg has in hand. */
  readonly #times: bigint[] = [];

  constructor(source: FramePool, target: FramePool, settings: PreviewSettings, clock: Clock) {
    this.#source = source;
    this.#target = target;
    this.#settings = settings;
    this.#clock = clock;
    this.#pace = new PreviewPace(settings.fps, settings.camera.fps);
  }

  get counters(): CameraCounters {
    return { ...this.#counted };
  }

  /** @throws HoldfastError `PROGRAM_MISSING`, `PIPELINE_EXITED`, `CAMERA_STALLED`, `POOL_GONE`, `POOL_SLOTS`, `DISCONNECTED` */
  async run(): Promise<void> {
    const { camera, width, height, fps, quality } = this.#settings;
    // Frames of H264 build upon each other: all of them are decoded, and ffmpeg leaves out those that are too many.
    const filters = [...(this.#decodesAll ? [`fps=${fps}`] : []), `scale=${width}:${height}`];
    const command = ["ffmpeg", ...quietly(), ...fedInput(camera), ...jpegOutput(filters, quality)];
    const { bytes } = this.#target.layout;
    const program = new PipelineProcess({ command, debianPackage: ffmpeg.debianPackage }, { frameBytes: bytes, isFed: true });
    const frames = this.#source.frames(this.#decodesAll ? { policy: "drop-oldest" } : { policy: "latest" });
    this.#ended.signal.addEventListener("abort", () => void frames.return());
    const publishing = this.#publishAll(program);
    try {
      if (!this.#ended.signal.aborted) for await (using frame of frames) if (!(await this.#take(frame, program))) break;
      if (!this.#ended.signal.aborted) throw await program.trouble();
    } finally {
      await frames.return();
      program.endInput();
      await program.stop();
      await publishing.catch(() => {});
      program.close();
    }
    await publishing;
  }

  stop(): void {
    this.#ended.abort();
  }

  async follow({ type, fps }: Order): Promise<void> {
    if (type === "fps" && fps !== undefined) this.#pace.cameraFps = fps;
  }

  get #decodesAll(): boolean {
    return this.#settings.camera.format === "H264";
  }

  /** Gives a frame to ffmpeg when it is time for one. @returns false: ffmpeg takes no more */
  async #take(frame: Frame, program: PipelineProcess): Promise<boolean> {
    if (!this.#decodesAll) {
      if (!this.#pace.takes(frame.timestampNs)) return true;
      this.#times.push(frame.timestampNs);
    }
    return feed(program, this.#settings.camera.format, frame.data);
  }

  /** Publishes what ffmpeg makes. */
  async #publishAll(program: PipelineProcess): Promise<void> {
    const nowNs = () => timestampNs(this.#clock);
    const pictures = pipelineFrames("MJPG", this.#target.layout.bytes, program, nowNs);
    for (;;) {
      let slot: WritableFrame | null = null;
      try {
        const picture = await pictures.next(async () => {
          slot = await slotAtOnce(this.#target);
          return slot?.data ?? null;
        });
        if (picture === null) return;
        const captured = this.#times.shift() ?? picture.timestampNs;
        const published = await publish(slot, picture.bytes, captured);
        this.#counted[published ? "frames" : "skipped"]++;
      } finally {
        (slot as WritableFrame | null)?.[Symbol.dispose]();
      }
    }
  }
}

/** @returns false: there is no slot for it */
async function publish(slot: WritableFrame | null, bytes: number, capturedNs: bigint): Promise<boolean> {
  return slot !== null && (await unlessPassing(slot.publish({ bytes, timestampNs: capturedNs }))) !== null;
}
