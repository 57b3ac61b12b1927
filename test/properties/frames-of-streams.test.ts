import { expect, test } from "bun:test";
import fc from "fast-check";
import { pipelineFrames } from "../../src/cameras/pipeline-frames.ts";
import { type CameraStream, h264Stream, jpegStream } from "./encoded-streams.ts";
import { property } from "./property.ts";

/** A frame that came out. */
interface Taken {
  readonly data: Uint8Array;
  readonly timestampNs: bigint;
}

/** Longer than any frame of these streams. */
const LONG_ENOUGH = 1_000_000;

/** Reads a whole stream in pieces of these lengths, over and over; each piece comes a nanosecond after the one before. */
async function takeAll(format: string, bytes: Uint8Array, pieces: readonly number[], longest: number) {
  let done = 0;
  let nowNs = 0n;
  let turn = 0;
  const source = {
    come: async () => {
      nowNs++;
      return done < bytes.length;
    },
    read: (into: Uint8Array) => {
      const piece = bytes.subarray(done, done + Math.min(into.length, Math.max(1, pieces[turn++ % pieces.length] ?? 1)));
      into.set(piece);
      done += piece.length;
      return piece.length;
    },
  };
  const frames = pipelineFrames(format, longest, source, () => nowNs);
  const taken: Taken[] = [];
  const memory = new Uint8Array(longest);
  for (;;) {
    const frame = await frames.next(async () => memory);
    if (frame === null) return { taken, losses: frames.losses };
    taken.push({ data: memory.slice(0, frame.bytes), timestampNs: frame.timestampNs });
  }
}

const pieces = fc.array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 5000 })), { minLength: 1, maxLength: 10 });

const encodings: readonly (readonly [string, string, fc.Arbitrary<CameraStream>])[] = [
  ["MJPG", "pictures of MJPEG", jpegStream],
  ["H264", "access units of H.264", h264Stream],
];

for (const [format, what, streams] of encodings) {
  property(`${what} come out whole, in whichever pieces their stream comes`, fc.tuple(streams, pieces), async ([stream, lengths]) => {
    const { taken, losses } = await takeAll(format, stream.bytes, lengths, LONG_ENOUGH);
    expect(taken.map(({ data }) => data)).toEqual([...stream.frames]);
    expect(losses).toEqual({ broken: stream.broken, tooLong: 0 });
  });

  property(`${what} have the time at which their first byte came`, streams, async (stream) => {
    const { taken } = await takeAll(format, stream.bytes, [1], LONG_ENOUGH);
    let from = 0;
    for (const { data, timestampNs } of taken) {
      from = Buffer.from(stream.bytes).indexOf(data, from);
      expect(timestampNs).toBe(BigInt(from + 1));
      from += data.length;
    }
  });

  property(`${what} that are too long are left out and counted, all others come`, fc.tuple(streams, pieces), async ([stream, lengths]) => {
    const LONGEST = 60;
    const { taken, losses } = await takeAll(format, stream.bytes, lengths, LONGEST);
    const kept = stream.frames.filter(({ length }) => length <= LONGEST);
    expect(taken.map(({ data }) => data)).toEqual(kept);
    expect(losses.tooLong).toBeGreaterThanOrEqual(stream.frames.length - kept.length);
    expect(losses.tooLong + losses.broken).toBe(stream.frames.length - kept.length + stream.broken);
  });

  property(
    `any bytes at all as ${format} end, and what comes out was in them`,
    fc.tuple(fc.uint8Array({ maxLength: 3000 }), pieces),
    async ([bytes, lengths]) => {
      const { taken } = await takeAll(format, bytes, lengths, LONG_ENOUGH);
      let from = 0;
      for (const { data } of taken) {
        from = Buffer.from(bytes).indexOf(data, from);
        expect(from).toBeGreaterThanOrEqual(0);
        from += data.length;
      }
    },
  );
}

property(
  "images of one size come out whole, and what is left at the end is none",
  fc.tuple(fc.uint8Array({ maxLength: 400 }), fc.integer({ min: 1, max: 60 }), pieces),
  async ([bytes, size, lengths]) => {
    const { taken, losses } = await takeAll("GREY", bytes, lengths, size);
    const whole = Math.floor(bytes.length / size);
    expect(taken.map(({ data }) => data)).toEqual(Array.from({ length: whole }, (_, i) => bytes.slice(i * size, (i + 1) * size)));
    expect(losses.broken).toBe(bytes.length % size === 0 ? 0 : 1);
  },
);

test("a frame for which there is no memory is read all the same, and the next one is whole", async () => {
  const bytes = new Uint8Array([1, 1, 2, 2, 3, 3]);
  let done = 0;
  const source = {
    come: async () => done < bytes.length,
    read: (into: Uint8Array) => {
      into.set(bytes.subarray(done, done + into.length));
      done += into.length;
      return into.length;
    },
  };
  const frames = pipelineFrames("GREY", 2, source, () => 0n);
  const memory = new Uint8Array(2);
  await frames.next(async () => memory);
  await frames.next(async () => null);
  expect(memory).toEqual(new Uint8Array([1, 1]));
  await frames.next(async () => memory);
  expect(memory).toEqual(new Uint8Array([3, 3]));
});

test("an image has the time at which its first byte came, however long it takes to find memory for it", async () => {
  let nowNs = 1n;
  const source = { come: async () => true, read: (into: Uint8Array) => into.length };
  const frames = pipelineFrames("GREY", 2, source, () => nowNs);
  const frame = await frames.next(async () => {
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    nowNs = 2n;
    return new Uint8Array(2);
  });
  expect(frame?.timestampNs).toBe(1n);
});
