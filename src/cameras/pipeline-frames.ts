import { type EncodedFrame, EncodedStream, type PictureSize } from "./splitting/encoded-stream.ts";
import { H264Boundaries } from "./splitting/h264-boundaries.ts";
import { JpegBoundaries } from "./splitting/jpeg-boundaries.ts";

/** How long the rest of an image is read before anything else is seen to, in ms. A pipeline has it ready, as a rule. */
const READ_ON_MS = 10;

/** Where the bytes of a pipeline come from. */
export interface PipelineBytes {
  /** Waits until there are some. @returns false: there are no more */
  come(): Promise<boolean>;
  /**
   * Stores what has come, and nothing later.
   * @param forMs how long to wait for more where that does not fill the memory, in ms; nothing else happens meanwhile. Default: 0
   * @returns how many bytes
   */
  read(into: Uint8Array, forMs?: number): number;
}

/** Memory for the next frame; null: there is none at the moment, and the frame is read and thrown away. */
export type FindMemory = () => Promise<Uint8Array | null>;

/** A frame that was read whole. */
export interface ReadFrame {
  readonly bytes: number;
  /** When its first byte came, CLOCK_MONOTONIC, ns. */
  readonly timestampNs: bigint;
  /** Of an encoding whose frames build upon each other: whether this one can be shown without those before it. */
  readonly isKey?: boolean;
  /** What the frame says of itself. */
  readonly size?: PictureSize | null;
}

/** What came and was no whole frame. */
export interface FrameLosses {
  readonly broken: number;
  readonly tooLong: number;
}

/** Takes frames out of the stream of a pipeline. */
export interface PipelineFrames {
  /** The next whole frame; null: the stream has ended, and what was left at its end is lost. Memory is looked for while the frame is waited for. */
  next(findMemory: FindMemory): Promise<ReadFrame | null>;
  readonly losses: FrameLosses;
}

/**
 * @param bytes of an image, or the most that an encoded frame may have
 * @param nowNs CLOCK_MONOTONIC
 */
export function pipelineFrames(format: string, bytes: number, source: PipelineBytes, nowNs: () => bigint): PipelineFrames {
  if (format === "MJPG") return new EncodedFrames(new EncodedStream(new JpegBoundaries(), bytes), false, source, nowNs);
  if (format === "H264") return new EncodedFrames(new EncodedStream(new H264Boundaries(), bytes), true, source, nowNs);
  return new Images(bytes, source, nowNs);
}

/** Images of one size, behind each other. They are read into the memory in which they stay. */
class Images implements PipelineFrames {
  readonly #bytes: number;
  readonly #source: PipelineBytes;
  readonly #nowNs: () => bigint;
  #isBroken = false;
  #scrap: Uint8Array | null = null;

  constructor(bytes: number, source: PipelineBytes, nowNs: () => bigint) {
    this.#bytes = bytes;
    this.#source = source;
    this.#nowNs = nowNs;
  }

  get losses(): FrameLosses {
    return { broken: this.#isBroken ? 1 : 0, tooLong: 0 };
  }

  async next(findMemory: FindMemory): Promise<ReadFrame | null> {
    const bytes = this.#bytes;
    const [found, timestampNs] = await Promise.all([findMemory(), this.#cameNs()]);
    if (timestampNs === null) return null;
    this.#scrap ??= found === null ? new Uint8Array(bytes) : null;
    const memory = found ?? (this.#scrap as Uint8Array);
    for (let done = 0; ; ) {
      done += this.#source.read(memory.subarray(done, bytes), READ_ON_MS);
      if (done === bytes) return { bytes, timestampNs };
      if (await this.#source.come()) continue;
      this.#isBroken = true;
      return null;
    }
  }

  /** When the next bytes come; null: there are no more. */
  async #cameNs(): Promise<bigint | null> {
    return (await this.#source.come()) ? this.#nowNs() : null;
  }
}

/** Frames of any length. They are copied once: where one ends is known only when it is there. */
class EncodedFrames implements PipelineFrames {
  readonly #stream: EncodedStream;
  readonly #hasKeys: boolean;
  readonly #source: PipelineBytes;
  readonly #nowNs: () => bigint;

  constructor(stream: EncodedStream, hasKeys: boolean, source: PipelineBytes, nowNs: () => bigint) {
    this.#stream = stream;
    this.#hasKeys = hasKeys;
    this.#source = source;
    this.#nowNs = nowNs;
  }

  get losses(): FrameLosses {
    return this.#stream.losses;
  }

  async next(findMemory: FindMemory): Promise<ReadFrame | null> {
    for (;;) {
      const frame = this.#stream.next();
      if (frame !== null) return this.#keep(frame, await findMemory());
      if (!(await this.#source.come())) return null;
      const cameNs = this.#nowNs();
      this.#stream.came(this.#source.read(this.#stream.room()), cameNs);
    }
  }

  #keep({ data, isKey, size, timestampNs }: EncodedFrame, memory: Uint8Array | null): ReadFrame {
    memory?.set(data);
    return { bytes: data.length, timestampNs, size, ...(this.#hasKeys && { isKey }) };
  }
}
