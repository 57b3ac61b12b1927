import { expect, test } from "bun:test";
import fc from "fast-check";
import { encode, LENGTH_BYTES } from "../../src/protocol/codec.ts";
import { HoldfastError } from "../../src/protocol/errors.ts";
import { FrameReader } from "../../src/protocol/framing.ts";
import { refusal } from "../refusal.ts";
import { anyMessage } from "./codec-messages.ts";

const limits = { messageBytes: 64 * 1024 };

function join(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** The stream in chunks, cut at these places; some chunks may be empty. */
function chop(stream: Uint8Array, places: readonly number[]): Uint8Array[] {
  const cuts = [0, ...places.map((place) => place % (stream.length + 1)).sort((a, b) => a - b), stream.length];
  return cuts.slice(1).map((cut, i) => stream.slice(cuts[i], cut));
}

function readAll(reader: FrameReader, chunks: readonly Uint8Array[]): Uint8Array[] {
  const messages: Uint8Array[] = [];
  for (const chunk of chunks) reader.read(chunk, (message) => messages.push(message));
  return messages;
}

test("the same messages come out however the stream is chopped", () => {
  fc.assert(
    fc.property(fc.array(anyMessage, { maxLength: 6 }), fc.array(fc.nat(), { maxLength: 30 }), (messages, places) => {
      const frames = messages.map(encode);
      const reader = new FrameReader(limits);
      expect(readAll(reader, chop(join(frames), places))).toEqual(frames.map((frame) => frame.slice(LENGTH_BYTES)));
    }),
  );
});

test("byte by byte the same messages come out", () => {
  fc.assert(
    fc.property(fc.array(anyMessage, { maxLength: 4 }), (messages) => {
      const frames = messages.map(encode);
      const single = [...join(frames)].map((byte) => new Uint8Array([byte]));
      expect(readAll(new FrameReader(limits), single)).toEqual(frames.map((frame) => frame.slice(LENGTH_BYTES)));
    }),
    { numRuns: 30 },
  );
});

test("messages stay as they are while later ones arrive", () => {
  fc.assert(
    fc.property(anyMessage, anyMessage, fc.nat(), (first, second, place) => {
      const reader = new FrameReader(limits);
      const frame = encode(first);
      const [message] = readAll(reader, chop(frame, [place])) as [Uint8Array];
      readAll(reader, chop(encode(second), [place]));
      expect(message).toEqual(frame.slice(LENGTH_BYTES));
    }),
  );
});

test("a stream that ends within a frame gives nothing of it", () => {
  fc.assert(
    fc.property(anyMessage, fc.nat(), (message, place) => {
      const frame = encode(message);
      const reader = new FrameReader(limits);
      expect(readAll(reader, [frame.subarray(0, 1 + (place % (frame.length - 1)))])).toEqual([]);
    }),
  );
});

test("a bad length is an error after the messages before it, and the stream stays unreadable", () => {
  const length = fc.oneof(fc.constant(0), fc.integer({ min: limits.messageBytes + 1, max: 0xffff_ffff }));
  fc.assert(
    fc.property(fc.array(anyMessage, { maxLength: 3 }), length, fc.array(fc.nat(), { maxLength: 10 }), (messages, bad, places) => {
      const header = new Uint8Array(4);
      new DataView(header.buffer).setUint32(0, bad);
      const reader = new FrameReader(limits);
      const received: Uint8Array[] = [];
      const chunks = chop(join([...messages.map(encode), header]), places);
      const error = refusal(() => {
        for (const chunk of chunks) reader.read(chunk, (message) => received.push(message));
      });
      expect(error.code).toBe(bad === 0 ? "BAD_LENGTH" : "LIMIT_MESSAGE");
      expect(received).toHaveLength(messages.length);
      expect(refusal(() => reader.read(encode({ id: 1 }), () => {}))).toBe(error);
    }),
  );
});

test("arbitrary bytes give messages within the limit or a typed error", () => {
  const small = { messageBytes: 64 };
  const stream = fc.array(fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.constant(new Uint8Array([0, 0, 0, 9]))), { maxLength: 20 });
  fc.assert(
    fc.property(stream, (chunks) => {
      const reader = new FrameReader(small);
      try {
        for (const message of readAll(reader, chunks)) expect(message.length).toBeWithin(1, small.messageBytes + 1);
      } catch (error) {
        expect(error).toBeInstanceOf(HoldfastError);
      }
    }),
    { numRuns: 1000 },
  );
});

test("a message of 8 MiB that comes byte by byte takes time in proportion to its length", () => {
  const elapsed = (bytes: number) => {
    const reader = new FrameReader({ messageBytes: bytes });
    const header = new Uint8Array(4);
    new DataView(header.buffer).setUint32(0, bytes);
    const one = new Uint8Array(1);
    let received = 0;
    // Of the processor: a busy machine's other work is none of it.
    const before = process.cpuUsage();
    reader.read(header, () => {});
    for (let i = 0; i < bytes; i++) reader.read(one, (message) => (received = message.length));
    expect(received).toBe(bytes);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  };
  elapsed(2 ** 16);
  // Quadratic work would take 256 times as long for 16 times the bytes.
  expect(elapsed(2 ** 23)).toBeLessThan(64 * Math.max(elapsed(2 ** 19), 5));
}, 240_000);
