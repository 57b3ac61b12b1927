import type { Boundaries, Cut, PictureSize } from "./encoded-stream.ts";

/** Markers of ITU-T T.81, table B.1: the byte behind 0xFF. */
const STUFFED = 0x00;
const TEM = 0x01;
const RST0 = 0xd0;
const RST7 = 0xd7;
const SOI = 0xd8;
const EOI = 0xd9;
const SOS = 0xda;

/** Every picture begins with SOI and another marker. */
const BEGINNING = Buffer.from([0xff, SOI, 0xff]);

/** DHT, JPG and DAC lie among the numbers of the frame headers (SOF0 to SOF15) and are none. */
const notFrameHeaders = new Set([0xc4, 0xc8, 0xcc]);

/** `seeking` a beginning, at a `marker` of a picture, or in the `compressed` data behind SOS. */
type Phase = "seeking" | "marker" | "compressed";

/** What a step has come to: a cut, further bytes that it needs, or another step. */
type Step = Cut | "more" | "on";

/**
 * Pictures of MJPEG, from SOI to EOI. Segments are passed over by their length, so a picture within a picture (a thumbnail in its
 * header) ends nothing, and in the compressed data only a real marker counts. What lies between pictures is skipped.
 */
export class JpegBoundaries implements Boundaries {
  #phase: Phase = "seeking";
  /** What has been looked at. May be beyond what has come: segments are not looked into. */
  #at = 0;
  #size: PictureSize | undefined;

  find(bytes: Buffer): Cut | null {
    for (;;) {
      const step = this.#step(bytes);
      if (step === "more") return null;
      if (step !== "on") return step;
    }
  }

  get seen(): number {
    return this.#at;
  }

  letGo(bytes: number): void {
    this.#at -= bytes;
  }

  #step(bytes: Buffer): Step {
    switch (this.#phase) {
      case "seeking":
        return this.#seek(bytes);
      case "marker":
        return this.#readMarker(bytes);
      case "compressed":
        return this.#passCompressed(bytes);
    }
  }

  #seek(bytes: Buffer): Step {
    const found = bytes.indexOf(BEGINNING);
    if (found === 0) {
      this.#go("marker", 2);
      return "on";
    }
    // The last two bytes may be the first ones of a beginning.
    const skip = found > 0 ? found : bytes.length - BEGINNING.length + 1;
    return skip > 0 ? { skip, frame: 0 } : "more";
  }

  #readMarker(bytes: Buffer): Step {
    let at = this.#at;
    if (at + 1 >= bytes.length) return "more";
    if (bytes[at] !== 0xff) return this.#broken(1);
    // Any number of 0xFF may come before a marker.
    while (bytes[at + 1] === 0xff) at++;
    this.#at = at;
    if (at + 1 >= bytes.length) return "more";
    const marker = bytes[at + 1] as number;
    if (marker === EOI) return this.#ended(at + 2);
    if (marker === SOI) return this.#broken(at);
    if (marker === STUFFED) return this.#broken(1);
    if (marker === TEM || (marker >= RST0 && marker <= RST7)) return this.#go("marker", at + 2);
    return this.#passSegment(bytes, marker);
  }

  #passSegment(bytes: Buffer, marker: number): Step {
    const at = this.#at;
    const isFrameHeader = marker >= 0xc0 && marker <= 0xcf && !notFrameHeaders.has(marker);
    // Marker, length, precision, lines, samples in a line.
    if (bytes.length < at + (isFrameHeader ? 9 : 4)) return "more";
    const length = bytes.readUInt16BE(at + 2);
    if (length < 2) return this.#broken(1);
    if (isFrameHeader) this.#size = { height: bytes.readUInt16BE(at + 5), width: bytes.readUInt16BE(at + 7) };
    return this.#go(marker === SOS ? "compressed" : "marker", at + 2 + length);
  }

  #passCompressed(bytes: Buffer): Step {
    if (this.#at >= bytes.length) return "more";
    const found = bytes.indexOf(0xff, this.#at);
    this.#at = found < 0 ? bytes.length : found;
    if (found < 0 || found + 1 >= bytes.length) return "more";
    const next = bytes[found + 1] as number;
    if (next === 0xff) return this.#go("compressed", found + 1);
    const isData = next === STUFFED || (next >= RST0 && next <= RST7);
    return isData ? this.#go("compressed", found + 2) : this.#go("marker", found);
  }

  #go(phase: Phase, at: number): "on" {
    this.#phase = phase;
    this.#at = at;
    return "on";
  }

  #ended(frame: number): Cut {
    const size = this.#size;
    this.#begin();
    return { skip: 0, frame, ...(size && { size }) };
  }

  /** @param skip from here on another picture may begin */
  #broken(skip: number): Cut {
    this.#begin();
    return { skip, frame: 0, isBroken: true };
  }

  #begin(): void {
    this.#go("seeking", 0);
    this.#size = undefined;
  }
}
