import type { Frame } from "../client/frame.ts";
import type { HoldfastError } from "../protocol/errors.ts";
import type { CameraOrders } from "../protocol/replies.ts";
import { fedInput, feed } from "./fed-frames.ts";
import { pipelineFrames } from "./pipeline-frames.ts";
import { PipelineProcess } from "./pipeline-process.ts";
import { ffmpeg, jpegOutput, quietly } from "./pipelines/ffmpeg.ts";

/** Of JPEG, 1 to 100. */
const QUALITY = 95;

/** More than any picture of this size takes as JPEG, in bytes a pixel, and of the smallest. */
const BYTES_PER_PIXEL = 4;
const LEAST_BYTES = 256 * 1024;

/** What is done with a picture; never throws. @param capturedNs CLOCK_MONOTONIC */
export type KeepPicture = (data: Uint8Array, capturedNs: bigint) => Promise<void>;

/** Every n-th frame of a camera as a JPEG picture. Those of MJPG are pictures already; of others ffmpeg makes them. */
export class Stills {
  readonly #camera: CameraOrders;
  readonly #everyNth: number;
  readonly #keep: KeepPicture;
  readonly #program: PipelineProcess | null;
  /** Resolves when all pictures have been kept that come. */
  readonly #kept: Promise<void>;
  /** When those were captured that ffmpeg has in hand. */
  readonly #times: bigint[] = [];
  #taken = 0;

  /** @throws HoldfastError `PROGRAM_MISSING` */
  constructor(camera: CameraOrders, everyNth: number, keep: KeepPicture) {
    this.#camera = camera;
    this.#everyNth = everyNth;
    this.#keep = keep;
    this.#program = camera.format === "MJPG" ? null : begin(camera, everyNth);
    this.#kept = this.#program === null ? Promise.resolve() : this.#keepAll(this.#program);
  }

  /** @returns false: no more are taken, as `trouble` says */
  async take(frame: Pick<Frame, "data" | "timestampNs">): Promise<boolean> {
    const isWanted = this.#taken++ % this.#everyNth === 0;
    const isFed = this.#program !== null && (isWanted || decodesAll(this.#camera));
    if (isWanted && this.#program !== null) this.#times.push(frame.timestampNs);
    if (isWanted && this.#program === null) await this.#keep(frame.data, frame.timestampNs);
    return isFed ? feed(this.#program, this.#camera.format, frame.data) : true;
  }

  /** Why no more are taken. */
  async trouble(): Promise<HoldfastError | null> {
    return (await this.#program?.trouble()) ?? null;
  }

  /** Resolves when all that were taken have been kept. */
  async end(): Promise<void> {
    this.#program?.endInput();
    await this.#kept;
    await this.#program?.ended;
    this.#program?.close();
  }

  async #keepAll(program: PipelineProcess): Promise<void> {
    const { width, height } = this.#camera;
    const data = new Uint8Array(Math.max(LEAST_BYTES, width * height * BYTES_PER_PIXEL));
    const pictures = pipelineFrames("MJPG", data.length, program, () => 0n);
    for (;;) {
      const picture = await pictures.next(async () => data);
      const capturedNs = this.#times.shift();
      if (picture === null) return;
      await this.#keep(data.subarray(0, picture.bytes), capturedNs ?? 0n);
    }
  }
}

/** Frames of H264 build upon each other: ffmpeg is given all of them, and leaves out those that are not wanted. */
function decodesAll({ format }: CameraOrders): boolean {
  return format === "H264";
}

function begin(camera: CameraOrders, everyNth: number): PipelineProcess {
  const filters = decodesAll(camera) ? [`select=not(mod(n\\,${everyNth}))`] : [];
  const command = ["ffmpeg", ...quietly(), ...fedInput(camera), ...jpegOutput(filters, QUALITY)];
  const frameBytes = camera.width * camera.height;
  return new PipelineProcess({ command, debianPackage: ffmpeg.debianPackage }, { frameBytes, isFed: true });
}
