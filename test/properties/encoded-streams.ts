import fc from "fast-check";

/** A stream as a camera sends it: frames, and what lies between them. */
export interface CameraStream {
  readonly bytes: Uint8Array;
  /** What must come out, in this order. */
  readonly frames: readonly Uint8Array[];
  /** Frames that begin in it and come no further. */
  readonly broken: number;
}

/** A part of a stream: a frame that must come out, one that is broken, or something else. */
interface Part {
  readonly kind: "frame" | "broken" | "else";
  readonly bytes: Uint8Array;
}

const bytes = (...values: readonly number[]) => new Uint8Array(values);
const joined = (parts: readonly Uint8Array[]) => new Uint8Array(Buffer.concat(parts));
const anyBytes = (maxLength: number) => fc.uint8Array({ maxLength });

/** A segment, whose content may look like a picture of its own. */
const segment = fc
  .tuple(
    fc.constantFrom(0xe0, 0xe1, 0xdb, 0xc4, 0xfe, 0xc0),
    fc.oneof(anyBytes(40), fc.constant(bytes(0xff, 0xd8, 0xff, 0xd9)), fc.constant(bytes(0xff, 0xd8, 0xff, 0xe0, 0, 2, 0xff, 0xd9))),
  )
  .map(([marker, content]) => {
    // A frame header has five bytes at least: precision, lines, samples in a line.
    const filled = marker === 0xc0 ? joined([bytes(8, 0, 4, 0, 4), content]) : content;
    return joined([bytes(0xff, marker, (filled.length + 2) >> 8, (filled.length + 2) & 0xff), filled]);
  });

/** Compressed data: 0xFF only with a zero behind it, or as a restart. */
const scan = fc
  .tuple(
    anyBytes(12),
    fc.array(
      fc.oneof(
        fc.nat(254).map((value) => bytes(value)),
        fc.constant(bytes(0xff, 0)),
        fc.constant(bytes(0xff, 0xd3)),
        fc.constant(bytes(0xff, 0xff, 0xd4)),
      ),
      { maxLength: 60 },
    ),
  )
  .map(([header, data]) => joined([bytes(0xff, 0xda, 0, header.length + 2), header, ...data]));

const END = bytes(0xff, 0xd9);
const jpeg = fc
  .tuple(
    fc.array(segment, { maxLength: 4 }),
    fc.array(fc.tuple(scan, fc.array(segment, { maxLength: 1 })), { minLength: 1, maxLength: 3 }),
    fc.boolean(),
  )
  .map(([segments, scans, hasFill]) =>
    joined([bytes(0xff, 0xd8), ...segments, ...scans.flatMap(([data, more]) => [data, ...more]), ...(hasFill ? [bytes(0xff)] : []), END]),
  );

/** Noise without the beginning of a picture in it. */
const noise = anyBytes(30).map((value) => value.map((byte) => (byte === 0xff ? 0 : byte)));

/** A picture that has lost its end, cut within the compressed data so that what follows is seen as the next one. */
const cutJpeg = fc
  .tuple(fc.array(segment, { maxLength: 2 }), scan)
  .map(([segments, data]) => joined([bytes(0xff, 0xd8), ...segments, data]));

/** Pictures, some of them without an end, and noise between them. */
export const jpegStream: fc.Arbitrary<CameraStream> = fc
  .array(
    fc.oneof(
      { weight: 4, arbitrary: jpeg.map((frame): Part => ({ kind: "frame", bytes: frame })) },
      { weight: 1, arbitrary: noise.map((frame): Part => ({ kind: "else", bytes: frame })) },
      { weight: 1, arbitrary: fc.tuple(cutJpeg, jpeg).map(([cut, next]) => [cut, next]) },
    ),
    { maxLength: 8 },
  )
  .map((parts) =>
    parts.flatMap((part): readonly Part[] =>
      Array.isArray(part)
        ? [
            { kind: "broken", bytes: part[0] as Uint8Array },
            { kind: "frame", bytes: part[1] as Uint8Array },
          ]
        : [part as Part],
    ),
  )
  .map(streamOf);

const SHORT = bytes(0, 0, 1);
const LONG = bytes(0, 0, 0, 1);

/** What a NAL unit holds: no three bytes of it look like a start code, and the last one is not zero. */
const payload = anyBytes(40).map((value) => joined([value.map((byte) => (byte === 0 ? 3 : byte)), bytes(0x80)]));
const nal = (type: number, first: number | null) =>
  payload.map((content) => joined([bytes(0x60 | type), ...(first === null ? [] : [bytes(first)]), content]));
/** A slice at the top of its picture begins with a bit of 1, every other one with 0. */
const top = (type: number) => fc.integer({ min: 0x80, max: 0xff }).chain((first) => nal(type, first));
const lower = (type: number) => fc.integer({ min: 1, max: 0x7f }).chain((first) => nal(type, first));

const accessUnit = fc
  .tuple(
    fc.subarray([9, 7, 8, 6]).chain((types) => fc.tuple(...types.map((type) => nal(type, null)))),
    fc.constantFrom(1, 5).chain((type) => fc.tuple(top(type), fc.array(fc.tuple(lower(type), fc.boolean()), { maxLength: 3 }))),
  )
  .map(([before, [first, slices]]) => {
    const [head = first, ...others] = [...before, first];
    const behind = others.flatMap((unit) => [SHORT, unit]);
    return joined([LONG, head, ...behind, ...slices.flatMap(([unit, isLong]) => [isLong ? LONG : SHORT, unit])]);
  });

/** What a stream begins with that is joined in its middle: the rest of a picture. */
const rest = fc.oneof(
  fc.constant(bytes()),
  lower(1).map((unit) => joined([SHORT, unit])),
);

/** Access units behind each other. The last one does not come out, for nobody knows whether it is over. */
export const h264Stream: fc.Arbitrary<CameraStream> = fc
  .tuple(rest, fc.array(accessUnit, { maxLength: 8 }))
  .map(([before, units]) => ({ bytes: joined([before, ...units]), frames: units.slice(0, -1), broken: 0 }));

function streamOf(parts: readonly Part[]): CameraStream {
  return {
    bytes: joined(parts.map((part) => part.bytes)),
    frames: parts.filter(({ kind }) => kind === "frame").map((part) => part.bytes),
    broken: parts.filter(({ kind }) => kind === "broken").length,
  };
}
