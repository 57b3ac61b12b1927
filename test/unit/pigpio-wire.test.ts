import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Command, CommandReader, EXTENSION_LIMIT_BYTES, encodeReply } from "../../src/transports/pigpio/command-reader.ts";
import { encodeReport, tickOf, watchdogOf } from "../../src/transports/pigpio/report.ts";
import { refusal } from "../refusal.ts";

/** A command as a program sends it. */
function sent(number: number, p1: number, p2: number, extension: readonly number[] = []): Uint8Array {
  return new Uint8Array([...new Uint8Array(new Uint32Array([number, p1, p2, extension.length]).buffer), ...extension]);
}

function readAll(chunks: readonly Uint8Array[]): Command[] {
  const commands: Command[] = [];
  const reader = new CommandReader();
  for (const chunk of chunks) reader.read(chunk, (command) => commands.push(command));
  return commands;
}

const word = fc.nat({ max: 0xffff_ffff });
const extension = fc.oneof(fc.constant([]), fc.array(fc.nat({ max: 255 }), { maxLength: 40 }));

describe("commands on the wire", () => {
  test("are read however the stream is chopped", () => {
    const commands = fc.array(fc.tuple(word, word, word, extension), { maxLength: 6 });
    fc.assert(
      fc.property(commands, fc.array(fc.nat(), { maxLength: 20 }), (commands, places) => {
        const stream = Buffer.concat(commands.map((command) => sent(...command)));
        const cuts = [0, ...places.map((place) => place % (stream.length + 1)).sort((a, b) => a - b), stream.length];
        const read = readAll(cuts.slice(1).map((cut, index) => stream.subarray(cuts[index], cut)));
        expect(read).toEqual(
          commands.map(([number, p1, p2, bytes]) => {
            const first = bytes.length < 4 ? null : new Uint32Array(new Uint8Array(bytes.slice(0, 4)).buffer)[0];
            return { number, p1, p2, extension: first as number | null };
          }),
        );
      }),
    );
  });

  test("may have what pigpiod takes behind them, and no more", () => {
    const announce = (bytes: number) => new Uint8Array(new Uint32Array([29, 0, 0, bytes]).buffer);
    const longest = new Uint8Array(EXTENSION_LIMIT_BYTES - 1);
    expect(readAll([announce(longest.length), longest, sent(16, 0, 0)])).toEqual([
      { number: 29, p1: 0, p2: 0, extension: 0 },
      { number: 16, p1: 0, p2: 0, extension: null },
    ]);
    const reader = new CommandReader();
    const taken: Command[] = [];
    const refused = refusal(() =>
      reader.read(Buffer.concat([sent(3, 4, 0), announce(EXTENSION_LIMIT_BYTES)]), (command) => taken.push(command)),
    );
    expect(refused.code).toBe("LIMIT_MESSAGE");
    expect(taken).toHaveLength(1);
  });

  test("are answered by their own words and a result, which may be negative", () => {
    const command = { number: 97, p1: 4, p2: 0xffff_ffff, extension: null };
    expect([...new Int32Array(encodeReply(command, -125).buffer)]).toEqual([97, 4, -1, -125]);
    expect([...new Uint32Array(encodeReply(command, 0xf000_0001).buffer)]).toEqual([97, 4, 0xffff_ffff, 0xf000_0001]);
  });
});

test("a report has twelve bytes: number, flags, tick and levels, each with its least byte first", () => {
  const report = encodeReport({ sequence: 0x0102, flags: watchdogOf(17), tick: 0x0a0b0c0d, levels: 0x8000_0001 });
  expect([...report]).toEqual([0x02, 0x01, 0x31, 0x00, 0x0d, 0x0c, 0x0b, 0x0a, 0x01, 0x00, 0x00, 0x80]);
});

test("a tick is the µs since boot, of which a word holds 72 minutes", () => {
  expect([0, 1.75, 2 ** 32 - 0.5, 2 ** 32, 10 * 2 ** 32 + 7].map(tickOf)).toEqual([0, 1, 2 ** 32 - 1, 0, 7]);
});
