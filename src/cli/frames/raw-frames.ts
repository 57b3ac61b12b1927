import { type FileHandle, open } from "node:fs/promises";
import { formatOf } from "../../frames/format.ts";
import type { PoolLayout } from "../../protocol/replies.ts";
import { FileFailed } from "../failure.ts";

/** Where the bytes of frames come from: a file, or `-` for stdin. */
export interface RawFrames extends AsyncDisposable {
  /**
   * Reads the next frame into a slot.
   * @returns its bytes; 0: there are no more
   * @throws FileFailed when the input ends within a frame, or can't be read
   */
  next(data: Uint8Array): Promise<number>;
}

/**
 * Opens a file that holds frames of a pool one after the other: images of the one size that they have, RAW frames of a whole slot, of which
 * the last may be shorter. Of a compressed format it is one frame, however long.
 * @throws FileFailed
 */
export async function openRawFrames(path: string, layout: PoolLayout): Promise<RawFrames> {
  const name = path === "-" ? "stdin" : path;
  // Opened anew, for the descriptor that we were given may be one that never waits.
  const file = await open(path === "-" ? "/dev/stdin" : path).catch((cause) => {
    throw new FileFailed(`${name} can't be opened`, cause);
  });
  return new OpenFrames(file, name, layout);
}

class OpenFrames implements RawFrames {
  readonly #file: FileHandle;
  readonly #name: string;
  readonly #layout: PoolLayout;
  #frames = 0;

  constructor(file: FileHandle, name: string, layout: PoolLayout) {
    this.#file = file;
    this.#name = name;
    this.#layout = layout;
  }

  async next(data: Uint8Array): Promise<number> {
    const { pool, fourcc, planes } = this.#layout;
    const isImage = planes.length > 0;
    const wanted = isImage ? imageBytes(this.#layout) : data.length;
    const read = await this.#fill(data, wanted);
    if (read === 0) {
      if (this.#frames === 0) throw new FileFailed(`${this.#name} is empty`);
      return 0;
    }
    this.#frames++;
    if (isImage && read < wanted) {
      throw new FileFailed(`${this.#name} ends within frame ${this.#frames}: it has ${read} bytes of the ${wanted} of one image`);
    }
    if (!isImage && fourcc !== "RAW" && read === wanted && (await this.#goesOn())) {
      throw new FileFailed(`${this.#name} is longer than a slot of pool ${pool}, which holds ${wanted} bytes`);
    }
    return read;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }

  /** Reads so many bytes, or to the end. */
  async #fill(data: Uint8Array, wanted: number): Promise<number> {
    let read = 0;
    while (read < wanted) {
      const bytes = await this.#read(data, read, wanted - read);
      if (bytes === 0) break;
      read += bytes;
    }
    return read;
  }

  async #goesOn(): Promise<boolean> {
    return (await this.#read(new Uint8Array(1), 0, 1)) > 0;
  }

  async #read(data: Uint8Array, offset: number, length: number): Promise<number> {
    try {
      return (await this.#file.read(data, offset, length)).bytesRead;
    } catch (cause) {
      throw new FileFailed(`${this.#name} can't be read`, cause);
    }
  }
}

/** Bytes of one image; a slot may hold more. */
function imageBytes({ slots, fourcc, width, height, stride }: PoolLayout): number {
  return formatOf({ slots, fourcc, width: width ?? undefined, height: height ?? undefined, stride: stride ?? undefined }).bytes;
}
