import type { FramePool } from "../client/frame-pool.ts";
import type { WritableFrame } from "../client/writable-frame.ts";
import { type Clock, timestampNs } from "../clock/clock.ts";
import { HoldfastError } from "../protocol/errors.ts";
import type { CameraCounters } from "../protocol/requests.ts";
import type { CameraTask, Order } from "./camera-duty.ts";
import { pipelineCommand } from "./pipeline-command.ts";
import { type PipelineFrames, pipelineFrames, type ReadFrame } from "./pipeline-frames.ts";
import { PipelineProcess } from "./pipeline-process.ts";
import type { StreamSettings } from "./pipelines/pipeline.ts";
import { slotAtOnce, unlessPassing } from "./slot-at-once.ts";

/** What is to be captured. */
export interface CaptureSettings extends StreamSettings {
  /** The name of a pipeline, or a program and its arguments. */
  readonly pipeline: string | readonly string[];
}

/** What a pipeline has said is told when it has to end after it has brought nothing for so long, in µs: it may be the reason. */
const SILENT_US = 1_000_000;

/** How a capture begins, and whom it tells. */
export interface CaptureOptions {
  readonly isPaused?: boolean;
  /** Is told what a pipeline has said that is ended since it brings nothing. */
  readonly tell?: (said: string) => void;
}

/** Runs a camera's pipeline, and publishes its frames. Whoever is slow: the pipeline is read on. */
export class Capture implements CameraTask {
  readonly #pool: FramePool;
  readonly #clock: Clock;
  #settings: CaptureSettings;
  #isPaused: boolean;
  readonly #tell: (said: string) => void;
  #isStopping = false;
  /** When a frame has come last, or its pipeline was started. */
  #cameUs = 0;
  #pipeline: PipelineProcess | null = null;
  /** The pipeline that runs is to be followed by another one. */
  #isChanging = false;
  readonly #counted = { frames: 0, skipped: 0, discarded: 0, truncated: 0 };
  /** Of the pipeline that runs. */
  #reader: PipelineFrames | null = null;
  /** Who waits for the next frame. */
  #waiting: { readonly resolve: () => void; readonly reject: (error: HoldfastError) => void }[] = [];

  constructor(pool: FramePool, settings: CaptureSettings, clock: Clock, { isPaused = false, tell = () => {} }: CaptureOptions = {}) {
    this.#pool = pool;
    this.#settings = settings;
    this.#clock = clock;
    this.#isPaused = isPaused;
    this.#tell = tell;
  }

  /** Frames that are longer than a slot are `skipped`, as those are for which there is none. */
  get counters(): { readonly [C in "frames" | "skipped" | "discarded" | "truncated"]: number } & CameraCounters {
    const { frames, skipped, discarded, truncated } = this.#counted;
    const { broken, tooLong } = this.#reader?.losses ?? { broken: 0, tooLong: 0 };
    return { frames: frames + tooLong, skipped: skipped + tooLong, discarded, truncated: truncated + broken };
  }

  /**
   * Captures until it is stopped.
   * @throws HoldfastError why it can't go on: `PROGRAM_MISSING`, `DEVICE_BUSY`, `DEVICE_GONE`, `DEVICE_REFUSED`, `PERMISSION_DENIED`,
   * `PIPELINE_EXITED`, `FRAME_TRUNCATED`; `BAD_FIELD`, `MISSING_FIELD`; `POOL_UNKNOWN`, `DISCONNECTED`
   */
  async run(): Promise<void> {
    try {
      while (!this.#isStopping) await this.#runPipeline();
    } catch (error) {
      const trouble = HoldfastError.from(error);
      for (const { reject } of this.#waiting.splice(0)) reject(trouble);
      throw trouble;
    }
  }

  /** Ends the pipeline, and then `run`. */
  stop(): void {
    const said = this.#clock.nowUs() - this.#cameUs < SILENT_US ? null : (this.#pipeline?.said ?? null);
    if (said !== null && !this.#isStopping) this.#tell(said);
    this.#isStopping = true;
    void this.#pipeline?.stop();
  }

  async follow({ type, fps }: Order): Promise<void> {
    if (type === "pause") this.pause();
    else if (type === "resume") await this.resume();
    else if (fps !== undefined) await this.change({ fps });
  }

  /** Nothing is published from now on. The pipeline runs on, and what it brings is read and thrown away. */
  pause(): void {
    this.#isPaused = true;
  }

  /** Publishes again. Resolves with the next frame. @throws HoldfastError as `run` does */
  resume(): Promise<void> {
    this.#isPaused = false;
    return this.nextFrame();
  }

  /** Has the pipeline run with other settings. Resolves with its first frame. @throws HoldfastError as `run` does */
  change(settings: Partial<CaptureSettings>): Promise<void> {
    this.#settings = { ...this.#settings, ...settings };
    this.#isChanging = true;
    void this.#pipeline?.stop();
    return this.nextFrame();
  }

  /** Resolves with the next frame, whatever becomes of it. @throws HoldfastError as `run` does */
  nextFrame(): Promise<void> {
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  async #runPipeline(): Promise<void> {
    const { format, pipeline: named } = this.#settings;
    const { bytes } = this.#pool.layout;
    this.#isChanging = false;
    const pipeline = new PipelineProcess(pipelineCommand(named, this.#settings), { frameBytes: bytes });
    this.#pipeline = pipeline;
    this.#cameUs = this.#clock.nowUs();
    const reader = pipelineFrames(format, bytes, pipeline, () => timestampNs(this.#clock));
    this.#reader = reader;
    try {
      await this.#publishAll(reader);
      if (this.#isEnding) return;
      // It may have closed its stdout and go on.
      void pipeline.stop();
      const trouble = await pipeline.trouble();
      throw reader.losses.broken > 0 && trouble.code === "PIPELINE_EXITED" ? truncated(trouble) : trouble;
    } finally {
      await pipeline.stop();
      pipeline.close();
      this.#pipeline = null;
      Object.assign(this.#counted, this.counters);
      this.#reader = null;
    }
  }

  /** Publishes all frames of a pipeline, until there are no more. */
  async #publishAll(reader: PipelineFrames): Promise<void> {
    // With the frame before comes the slot for the next one, whose first bytes are waited for meanwhile.
    let published = Promise.resolve();
    for (let isFirst = true; ; isFirst = false) {
      let slot: WritableFrame | null = null;
      let isUnwanted = false;
      try {
        const frame = await reader.next(async () => {
          await published;
          isUnwanted = this.#isPaused;
          slot = await this.#slot();
          return slot?.data ?? null;
        });
        if (frame === null) return await published;
        // What one still brings that is ended is for nobody.
        if (this.#isEnding) continue;
        this.#counted.frames++;
        this.#cameUs = this.#clock.nowUs();
        if (isFirst) this.#assertSize(frame);
        if (isUnwanted || this.#isPaused) {
          this.#discard();
        } else {
          published = this.#publish(frame, slot);
          slot = null;
          // Whoever waits for it next is told why it failed.
          published.catch(() => {});
        }
      } finally {
        // What is not published is given up.
        (slot as WritableFrame | null)?.[Symbol.dispose]();
      }
    }
  }

  async #publish({ bytes, timestampNs, isKey }: ReadFrame, slot: WritableFrame | null): Promise<void> {
    using _given = slot;
    const published = slot && (await unlessPassing(slot.publish({ bytes, timestampNs, ...metaOf(isKey) })));
    if (published === null) this.#counted.skipped++;
    // Who waits for a frame of the next pipeline has not waited for this one.
    if (!this.#isEnding) this.#tellWaiting();
  }

  /** The frame came while the capture was paused. */
  #discard(): void {
    this.#counted.discarded++;
    // Who waits for it to go on waits for one that is published.
    if (this.#isPaused) this.#tellWaiting();
  }

  #tellWaiting(): void {
    for (const { resolve } of this.#waiting.splice(0)) resolve();
  }

  /** A slot for the next frame; null: there is none, or the frame is not for anybody. */
  #slot(): Promise<WritableFrame | null> {
    return this.#isPaused || this.#isEnding ? Promise.resolve(null) : slotAtOnce(this.#pool);
  }

  /** The pipeline that runs is about to end. */
  get #isEnding(): boolean {
    return this.#isStopping || this.#isChanging;
  }

  /** A camera may take another size than it was asked for. @throws HoldfastError `DEVICE_REFUSED` */
  #assertSize({ size }: ReadFrame): void {
    const { width, height } = this.#settings;
    if (size === undefined || size === null || (size.width === width && size.height === height)) return;
    const [asked, offered] = [`${width}x${height}`, `${size.width}x${size.height}`];
    throw new HoldfastError("DEVICE_REFUSED", `the camera has no frames of ${asked}; it brings ${offered}`, { asked, offered });
  }
}

function metaOf(isKey: boolean | undefined): { meta?: { key: boolean } } {
  return isKey === undefined ? {} : { meta: { key: isKey } };
}

function truncated({ message, details }: HoldfastError): HoldfastError {
  return new HoldfastError("FRAME_TRUNCATED", `the last frame is not whole; ${message}`, details);
}
