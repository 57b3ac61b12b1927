import { writeFile } from "node:fs/promises";
import type { Frame } from "../client/frame.ts";
import type { FramePool } from "../client/frame-pool.ts";
import type { Clock } from "../clock/clock.ts";
import { HoldfastError } from "../protocol/errors.ts";
import type { CameraOrders } from "../protocol/replies.ts";
import type { CameraCounters } from "../protocol/requests.ts";
import type { CameraTask, Order } from "./camera-duty.ts";
import { fedInput, feed } from "./fed-frames.ts";
import { PipelineProcess } from "./pipeline-process.ts";
import { reasonIn } from "./pipeline-trouble.ts";
import { ffmpeg, fileOutput, pixelFormats, quietly } from "./pipelines/ffmpeg.ts";
import { notSaved, type SavedFiles } from "./saved-files.ts";
import { Stills } from "./stills.ts";
import { wallMs } from "./wall-time.ts";

/** What is recorded, and where. */
export interface RecordingSettings {
  /** What the camera captures. */
  readonly camera: CameraOrders;
  readonly folder: string;
  /** So many frames apart are those of which each is a JPEG file; null: video. */
  readonly everyNth: number | null;
  /** Of video in one file. */
  readonly segmentMs: number;
}

/** Frames that wait while another one is written. More that come push the oldest out. */
const DEPTH = 2;

/** How often files that are too old, or too many, are looked for, in ms. */
const PRUNE_EVERY_MS = 5000;

/** How long before it is needed the ffmpeg of the next file is started, in ns: frames that come meanwhile would be lost. */
const AHEAD_NS = 2_000_000_000n;

/** A file of video, written by an ffmpeg of its own. */
interface Segment {
  /** What it is called until it is finished. */
  readonly name: string;
  /** What it is played with, where its frames have no times. */
  readonly fps: number;
  readonly program: PipelineProcess;
  /** When its first frame was captured; null: it has none yet. */
  sinceNs: bigint | null;
}

/** Writes a camera's frames to files: video, or every n-th frame as a picture. */
export class Recording implements CameraTask {
  readonly #pool: FramePool;
  readonly #settings: RecordingSettings;
  readonly #files: SavedFiles;
  readonly #clock: Clock;
  readonly #begun: () => void;
  /** What it captures now. */
  #camera: CameraOrders;
  #hasBegun = false;
  readonly #ended = new AbortController();
  readonly #counted = { frames: 0, files: 0, bytes: 0 };
  /** Segments that end, and why one could not be written. */
  readonly #finishing = new Set<Promise<void>>();
  #failure: HoldfastError | null = null;
  #segment: Segment | null = null;
  /** The one that comes after it. */
  #next: Segment | null = null;
  #stills: Stills | null = null;
  /** Frames of H264 are of no use before a key frame, and when one before them was lost. */
  #needsKey = true;

  /** @param begun is called when something has been written */
  constructor(pool: FramePool, settings: RecordingSettings, files: SavedFiles, clock: Clock, begun: () => void) {
    this.#pool = pool;
    this.#settings = settings;
    this.#camera = settings.camera;
    this.#files = files;
    this.#clock = clock;
    this.#begun = begun;
  }

  get counters(): CameraCounters {
    return { ...this.#counted };
  }

  /** @throws HoldfastError `SAVE_FAILED`, `PROGRAM_MISSING`, `PIPELINE_EXITED`, `CAMERA_STALLED`, `POOL_GONE`, `POOL_SLOTS`, `DISCONNECTED` */
  async run(): Promise<void> {
    this.#files.adopt();
    const frames = this.#pool.frames({ policy: "drop-oldest", depth: DEPTH });
    this.#ended.signal.addEventListener("abort", () => void frames.return());
    const prune = () => this.#attempt(() => this.#files.prune(Date.now()));
    prune();
    const pruning = setInterval(prune, PRUNE_EVERY_MS);
    try {
      if (this.#ended.signal.aborted) return;
      for await (using frame of frames) {
        const isTaken = await this.#take(frame);
        if (this.#failure !== null) break;
        if (!isTaken) continue;
        this.#counted.frames++;
        this.#lookWhetherBegun();
      }
    } finally {
      clearInterval(pruning);
      await frames.return();
      this.#endSegment();
      if (this.#next !== null) this.#finishLater(this.#next);
      await this.#stills?.end();
      await Promise.all(this.#finishing);
    }
    if (this.#failure !== null) throw this.#failure;
  }

  stop(): void {
    this.#ended.abort();
  }

  /** Raw frames have no times of their own in a file: those of another rate go into another one, which is begun when they are about to come. */
  async follow({ type, fps }: Order): Promise<void> {
    if (fps === undefined) return;
    if (type === "fps") this.#camera = { ...this.#camera, fps };
    const isTimed = !(this.#camera.format in pixelFormats);
    if (isTimed || this.#settings.everyNth !== null || this.#segment === null || this.#ended.signal.aborted) return;
    if (this.#next !== null && this.#next.fps !== fps) {
      this.#finishLater(this.#next);
      this.#next = null;
    }
    if (this.#segment.fps === fps) return;
    this.#next ??= this.#beginSegment(fps);
    if (type === "fps") this.#endSegment();
  }

  /** Only what is in a file has been saved: a disk may be full. */
  #lookWhetherBegun(): void {
    if (this.#hasBegun) return;
    const written = this.#segment === null ? this.#counted.files : this.#files.unfinishedBytes(this.#segment.name);
    this.#hasBegun = written > 0;
    if (this.#hasBegun) this.#begun();
  }

  /** @returns false: it is of no use, or can't be taken */
  #take(frame: Frame): Promise<boolean> {
    return this.#settings.everyNth === null ? this.#takeVideo(frame) : this.#takeStill(frame, this.#settings.everyNth);
  }

  async #takeVideo(frame: Frame): Promise<boolean> {
    const isH264 = this.#camera.format === "H264";
    const isKey = !isH264 || frame.meta["key"] === true;
    this.#needsKey = !isKey && (this.#needsKey || frame.lost > 0);
    if (this.#needsKey) return false;
    const { timestampNs: atNs } = frame;
    const wholeNs = BigInt(Math.round(this.#settings.segmentMs * 1e6));
    const doneNs = atNs - (this.#segment?.sinceNs ?? atNs);
    if (isKey && doneNs >= wholeNs) this.#endSegment();
    else if (doneNs >= wholeNs - AHEAD_NS) this.#next ??= this.#beginSegment();
    if (this.#segment === null) {
      this.#segment = this.#next ?? this.#beginSegment();
      this.#segment.sinceNs = atNs;
      this.#next = null;
    }
    const isTaken = await feed(this.#segment.program, this.#camera.format, frame.data);
    // Its end tells why.
    if (!isTaken) this.#endSegment();
    return isTaken;
  }

  async #takeStill(frame: Frame, everyNth: number): Promise<boolean> {
    this.#stills ??= new Stills(this.#camera, everyNth, (data, capturedNs) => this.#keep(data, capturedNs));
    if (await this.#stills.take(frame)) return true;
    const trouble = await this.#stills.trouble();
    if (trouble !== null) this.#failure ??= this.#notSaved(trouble);
    return false;
  }

  /** Writes a picture. */
  async #keep(data: Uint8Array, capturedNs: bigint): Promise<void> {
    const name = this.#files.nameAt(wallMs(this.#clock, capturedNs), "jpg");
    await writeFile(this.#files.unfinishedPath(name), data).catch((cause: Error) => {
      this.#failure ??= notSaved(this.#settings.folder, cause.message, cause);
      this.stop();
    });
    this.#attempt(() => this.#finish(name));
  }

  #beginSegment(fps = this.#camera.fps): Segment {
    const name = this.#files.newName("mkv");
    const camera = { ...this.#camera, fps };
    const output = fileOutput(camera, this.#files.unfinishedPath(name));
    const command = ["ffmpeg", ...quietly(), ...fedInput(camera), ...output];
    const program = new PipelineProcess({ command, debianPackage: ffmpeg.debianPackage }, { frameBytes: null, isFed: true });
    const segment: Segment = { name, fps, program, sinceNs: null };
    void program.ended.then(() => {
      // Nobody has ended it.
      if (this.#segment === segment) this.#endSegment();
    });
    return segment;
  }

  /** Nothing more is written to the file. */
  #endSegment(): void {
    const segment = this.#segment;
    this.#segment = null;
    if (segment !== null) this.#finishLater(segment);
  }

  #finishLater(segment: Segment): void {
    const finished = this.#finishSegment(segment).finally(() => this.#finishing.delete(finished));
    this.#finishing.add(finished);
  }

  async #finishSegment({ name, program, sinceNs }: Segment): Promise<void> {
    program.endInput();
    if (sinceNs === null) await program.stop();
    const exit = await program.ended;
    const hasFailed = sinceNs !== null && !("status" in exit && exit.status === 0) && !this.#ended.signal.aborted;
    if (hasFailed) this.#failure ??= this.#notSaved(await program.trouble());
    program.close();
    this.#attempt(() => this.#finish(name, sinceNs === null ? name : this.#files.nameAt(wallMs(this.#clock, sinceNs), "mkv")));
    // Without another frame it would not be noticed.
    if (this.#failure !== null) this.stop();
  }

  #finish(unfinished: string, name = unfinished): void {
    const bytes = this.#files.finish(unfinished, name);
    if (bytes === 0) return;
    this.#counted.files++;
    this.#counted.bytes += bytes;
  }

  #attempt(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#failure ??= HoldfastError.from(error);
      this.stop();
    }
  }

  /** What ends the recording. A program that was killed, or that hangs, does not tell of the folder: another one may do better. */
  #notSaved(trouble: HoldfastError): HoldfastError {
    const { code, details, message } = trouble;
    if (code === "PROGRAM_MISSING" || code === "CAMERA_STALLED" || "signal" in details) return trouble;
    const { stderr } = details;
    // What such words mean of a camera they don't mean of a file.
    const said = (Array.isArray(stderr) ? reasonIn(stderr.map(String)) : null) ?? message;
    return notSaved(this.#settings.folder, said, trouble);
  }
}
