import { type EncodedFrame, EncodedStream, type PictureSize } from "./splitting/encoded-stream.ts";
import { H264Boundaries } from "./splitting/h264-boundaries.ts";
import { JpegBoundaries } from "./splitting/jpeg-boundaries.ts";

/** Where the bytes of a pipeline come from. @returns how many have been read; 0: there are no more */
export type ReadBytes = (into: Uint8Array) => Promise<number>;

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
  /** The next whole frame; null: the stream has ended, and what was left at its end is lost. */
  next(findMemory: FindMemory): Promise<ReadFrame | null>;
  readonly losses: FrameLosses;
}

/**
 * @param bytes of an image, or the most that an encoded frame may have
 * @param nowNs CLOCK_MONOTONIC
 */
export function pipelineFrames(format: string, bytes: number, read: ReadBytes, nowNs: () => bigint): PipelineFrames {
  if (format === "MJPG") return new EncodedFrames(new EncodedStream(new JpegBoundaries(), bytes), false, read, nowNs);
  if (format === "H264") return new EncodedFrames(new EncodedStream(new H264Boundaries(), bytes), true, read, nowNs);
  return new Images(bytes, read, nowNs);
}

/** Images of one size, behind each other. They are read into the memory in which they stay. */
class Images implements PipelineFrames {
  readonly #bytes: number;
  readonly #read: ReadBytes;
  readonly #nowNs: () => bigint;
  #isBroken = false;
  #scrap: Uint8Array | null = null;

  constructor(bytes: number, read: ReadBytes, nowNs: () => bigint) {
    this.#bytes = bytes;
    this.#read = read;
    this.#nowNs = nowNs;
  }

  get losses(): FrameLosses {
    return { broken: this.#isBroken ? 1 : 0, tooLong: 0 };
  }

  async next(findMemory: FindMemory): Promise<ReadFrame | null> {
    const bytes = this.#bytes;
    const found = await findMemory();
    this.#scrap ??= found === null ? new Uint8Array(bytes) : null;
    const memory = found ?? (this.#scrap as Uint8Array);
    let timestampNs = 0n;
    for (let done = 0; done < bytes; ) {
      const read = await this.#read(memory.subarray(done, bytes));
      if (read === 0) {
        this.#isBroken = done > 0;
        return null;
      }
      if (done === 0) timestampNs = this.#nowNs();
      done += read;
    }
    return { bytes, timestampNs };
  }
}

/** Frames of any length. They are copied once: where one ends is known only when it is there. */
class EncodedFrames implements PipelineFrames {
  readonly #stream: EncodedStream;
  readonly #hasKeys: boolean;
  readonly #read: ReadBytes;
  readonly #nowNs: () => bigint;

  constructor(stream: EncodedStream, hasKeys: boolean, read: ReadBytes, nowNs: () => bigint) {
    this.#stream = stream;
    this.#hasKeys = hasKeys;
    this.#read = read;
    this.#nowNs = nowNs;
  }

  get losses(): FrameLosses {
    return this.#stream.losses;
  }

  async next(findMemory: FindMemory): Promise<ReadFrame | null> {
    for (;;) {
      const frame = this.#stream.next();
      if (frame !== null) return this.#keep(frame, await findMemory());
      const read = await this.#read(this.#stream.room());
      if (read === 0) return null;
      this.#stream.came(read, this.#nowNs());
    }
  }

  #keep({ data, isKey, size, timestampNs }: EncodedFrame, memory: Uint8Array | null): ReadFrame {
    memory?.set(data);
    return { bytes: data.length, timestampNs, size, ...(this.#hasKeys && { isKey }) };
  }
}
