/** What is to become of the first bytes that are buffered. */
export interface Cut {
  /** So many belong to no whole frame. */
  readonly skip: number;
  /** So many behind those are one; 0: no frame has ended yet. */
  readonly frame: number;
  /** What is skipped was the beginning of a frame that came no further. */
  readonly isBroken?: boolean;
  /** The frame can be shown without those before it. */
  readonly isKey?: boolean;
  /** Of the picture, in pixels, where the frame says so. */
  readonly size?: PictureSize;
}

/** In pixels. */
export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/** Finds where the frames of one encoding begin and end. It looks at every byte once, in whichever pieces they come. */
export interface Boundaries {
  /**
   * Looks on. After a cut the bytes that it names are gone.
   * @param bytes all that are buffered: those of the last call that are left, and perhaps more
   * @returns null: no more can be said without further bytes
   */
  find(bytes: Buffer): Cut | null;
  /** So many bytes at the beginning belong to one frame for certain. They may be more than are buffered. */
  readonly seen: number;
  /** So many of those are gone: their frame is too long to be kept, and is looked through to its end all the same. */
  letGo(bytes: number): void;
}

/** A frame out of a stream. */
export interface EncodedFrame {
  /** To be copied before the stream is given more. */
  readonly data: Uint8Array;
  readonly isKey: boolean;
  /** Of the picture; null: the frame does not say. */
  readonly size: PictureSize | null;
  /** When its first byte came, in ns. */
  readonly timestampNs: bigint;
}

/** What a stream had beside whole frames. */
export interface StreamLosses {
  /** Frames that began and came no further. */
  broken: number;
  /** Frames that are longer than they may be. */
  tooLong: number;
}

/** The least that is asked for at once, in bytes. */
const LEAST_ROOM = 64 * 1024;

/** Cuts a stream of encoded frames, which comes in pieces of any size. */
export class EncodedStream {
  readonly #boundaries: Boundaries;
  readonly #longest: number;
  readonly #losses: StreamLosses = { broken: 0, tooLong: 0 };
  #buffer = Buffer.allocUnsafe(4 * LEAST_ROOM);
  #start = 0;
  #end = 0;
  /** The frame at the start has been too long already; what was seen of it is gone. */
  #isTooLong = false;
  /** Where in the stream the buffer's start is, and which piece came up to where. */
  #position = 0;
  #pieces: { readonly until: number; readonly timestampNs: bigint }[] = [];

  /** @param longest a frame may have, in bytes */
  constructor(boundaries: Boundaries, longest: number) {
    this.#boundaries = boundaries;
    this.#longest = longest;
  }

  get losses(): Readonly<StreamLosses> {
    return this.#losses;
  }

  /** Where the next piece is to be written to, from its beginning. Frames that were taken before are overwritten. */
  room(): Uint8Array {
    if (this.#buffer.length - this.#end < LEAST_ROOM) this.#makeRoom();
    return this.#buffer.subarray(this.#end);
  }

  /** So many bytes have been written to the room. @param timestampNs when they came */
  came(bytes: number, timestampNs: bigint): void {
    this.#end += bytes;
    this.#pieces.push({ until: this.#position + this.#end - this.#start, timestampNs });
  }

  /** The next whole frame; null: it has not come yet. */
  next(): EncodedFrame | null {
    for (;;) {
      const buffered = this.#buffer.subarray(this.#start, this.#end);
      const cut = this.#boundaries.find(buffered);
      if (cut === null) {
        const seen = Math.min(this.#boundaries.seen, buffered.length);
        if (seen > this.#longest) this.#letGo(seen);
        return null;
      }
      if (cut.isBroken) this.#lost();
      this.#consume(cut.skip);
      const frame = cut.frame === 0 ? null : this.#taken(cut);
      this.#consume(cut.frame);
      if (frame !== null) return frame;
    }
  }

  /** The frame that the cut names; null: it is too long. */
  #taken({ frame, isKey = true, size }: Cut): EncodedFrame | null {
    const isTooLong = this.#isTooLong || frame > this.#longest;
    this.#isTooLong = false;
    if (isTooLong) {
      this.#losses.tooLong++;
      return null;
    }
    const timestampNs = this.#pieces[0]?.timestampNs ?? 0n;
    return { data: this.#buffer.subarray(this.#start, this.#start + frame), isKey, size: size ?? null, timestampNs };
  }

  /** A frame came no further. */
  #lost(): void {
    this.#losses[this.#isTooLong ? "tooLong" : "broken"]++;
    this.#isTooLong = false;
  }

  #letGo(bytes: number): void {
    this.#isTooLong = true;
    this.#boundaries.letGo(bytes);
    this.#consume(bytes);
  }

  #consume(bytes: number): void {
    this.#start += bytes;
    this.#position += bytes;
    const first = this.#pieces.findIndex(({ until }) => until > this.#position);
    this.#pieces.splice(0, first < 0 ? this.#pieces.length : first);
  }

  #makeRoom(): void {
    const left = this.#end - this.#start;
    const enough = left + LEAST_ROOM <= this.#buffer.length / 2;
    const larger = enough ? this.#buffer : Buffer.allocUnsafe(2 * this.#buffer.length);
    this.#buffer.copy(larger, 0, this.#start, this.#end);
    this.#buffer = larger;
    [this.#start, this.#end] = [0, left];
  }
}
