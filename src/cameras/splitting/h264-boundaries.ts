import type { Boundaries, Cut } from "./encoded-stream.ts";

/** What every NAL unit of a byte stream begins with (ITU-T H.264, annex B). */
const START_CODE = Buffer.from([0, 0, 1]);

/** Types of NAL units (table 7-1). */
const SLICE = 1;
const PARTITION_A = 2;
const IDR_SLICE = 5;
const SEI = 6;
const AUD = 9;
const PREFIX = 14;
const RESERVED_18 = 18;

/** In a slice's header comes first_mb_in_slice first, as ue(v): a first bit of 1 is 0, the slice at the top of the picture. */
const FIRST_BIT = 0x80;

/**
 * Access units of H.264 in a byte stream (annex B): one picture each, with all that belongs to it. One ends where the next begins (7.4.1.2.3):
 * behind a picture at the first of its delimiter, parameter sets, SEI, or slice at the top of a picture, which stands for the
 * comparison of slice headers (7.4.1.2.4). So slices must come from top to bottom, as all encoders of cameras have it.
 */
export class H264Boundaries implements Boundaries {
  /** Before this there is no start code that has not been seen. */
  #at = 0;
  /** An access unit begins at the first byte. */
  #hasBegun = false;
  #hasPicture = false;
  #isKey = false;

  find(bytes: Buffer): Cut | null {
    for (;;) {
      const found = bytes.indexOf(START_CODE, this.#at);
      // The last two bytes may be the first ones of a start code.
      this.#at = found >= 0 ? found : Math.max(this.#at, bytes.length - START_CODE.length + 1);
      if (found < 0 || found + 4 >= bytes.length) return this.#hasBegun ? null : this.#skip(this.#at);
      const type = (bytes[found + 3] as number) & 0x1f;
      const isSlice = type === SLICE || type === PARTITION_A || type === IDR_SLICE;
      const isTop = isSlice && ((bytes[found + 4] as number) & FIRST_BIT) !== 0;
      const begins = isTop || (type >= SEI && type <= AUD) || (type >= PREFIX && type <= RESERVED_18);
      // The first NAL unit of an access unit has one zero more before it.
      const start = found > 0 && bytes[found - 1] === 0 ? found - 1 : found;
      if (begins && !this.#hasBegun) {
        this.#hasBegun = true;
        if (start > 0) return this.#cut({ skip: start, frame: 0 });
        continue;
      }
      if (begins && this.#hasPicture) {
        const isKey = this.#isKey;
        this.#hasPicture = false;
        this.#isKey = false;
        return this.#cut({ skip: 0, frame: start, isKey });
      }
      this.#hasPicture ||= isSlice && this.#hasBegun;
      this.#isKey ||= type === IDR_SLICE;
      this.#at = found + START_CODE.length;
    }
  }

  get seen(): number {
    // The zero before a start code may belong to what comes next; and one byte stays, so that there is a frame to end.
    return Math.max(0, this.#at - 2);
  }

  letGo(bytes: number): void {
    this.#at -= bytes;
  }

  /** What came before the first access unit is of no use. */
  #skip(at: number): Cut | null {
    const skip = at - 1;
    if (skip <= 0) return null;
    this.#at -= skip;
    return { skip, frame: 0 };
  }

  #cut(cut: Cut): Cut {
    this.#at = 0;
    return cut;
  }
}
