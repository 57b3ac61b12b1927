import { expect, spyOn, test } from "bun:test";
import { SimulatedClock } from "../../src/clock/simulated.ts";
import { OutputLines } from "../../src/output-lines.ts";
import { OutputLog } from "../../src/supervisor/processes/output-log.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

/** The lines that these chunks make. */
function linesOf(...chunks: readonly Uint8Array[]): readonly string[] {
  const lines: string[] = [];
  const output = new OutputLines((read) => lines.push(read()));
  for (const chunk of chunks) output.push(chunk);
  output.end();
  return lines;
}

test("a line is one wherever its pieces end, also within a character", () => {
  const whole = bytes("größer\nkleiner\n");
  for (let at = 0; at <= whole.length; at++) expect(linesOf(whole.subarray(0, at), whole.subarray(at))).toEqual(["größer", "kleiner"]);
});

test("a line that was begun is told when nothing more comes, and empty ones are not", () => {
  expect(linesOf(bytes("a\n\n\r\nb"))).toEqual(["a", "b"]);
});

test("a carriage return ends a line, as progress bars have it", () => {
  expect(linesOf(bytes("10 %\r20 %\r\ndone\n"))).toEqual(["10 %", "20 %", "done"]);
});

test("what is no text, and what moves a cursor, is shown as such", () => {
  expect(linesOf(new Uint8Array([0x61, 0xff, 0x00, 0x1b, 0x09, 0x62, 0x0a]))).toEqual(["a\ufffd\ufffd\ufffd\tb"]);
  expect(linesOf(bytes("a\u202eb"))).toEqual(["a\ufffdb"]);
});

test("of a line that is too long the rest is counted, and none of it kept", () => {
  const [line = ""] = linesOf(...Array.from({ length: 100 }, () => bytes("x".repeat(1000))));
  expect(line).toBe(`${"x".repeat(4096)} … and ${100_000 - 4096} bytes more`);
});

test("memory that is used again changes no line", () => {
  const lines: string[] = [];
  const output = new OutputLines((read) => lines.push(read()));
  const buffer = bytes("abc");
  output.push(buffer);
  buffer.fill(0x78);
  output.push(bytes("\n"));
  expect(lines).toEqual(["abc"]);
});

test("a line that nobody reads costs nothing, and changes no other", () => {
  const lines: string[] = [];
  let count = 0;
  const output = new OutputLines((read) => {
    if (count++ % 2 === 1) lines.push(read());
  });
  const decode = spyOn(TextDecoder.prototype, "decode");
  for (const chunk of ["a\nb\nc", "c\nd", "d\n", "x".repeat(5000), "\ne\n"]) output.push(bytes(chunk));
  expect([lines, decode.mock.calls.length]).toEqual([["b", "dd", "e"], 3]);
  decode.mockRestore();
});

test("a process that writes without end fills no log: the lines that are left out are counted", () => {
  const clock = new SimulatedClock();
  const told: unknown[] = [];
  const tell = (fields: object, message: string) => void told.push({ ...fields, message });
  const log = new OutputLog("algo", 7, clock, { debug: tell, info: tell, warn: tell, error: tell });
  log.push("stdout", bytes("y\n".repeat(1000)));
  expect(told.length).toBe(200);
  clock.advanceMs(1000);
  expect(told[200]).toEqual({ process: "algo", pid: 7, lines: 800, message: "the process writes too much: lines were left out" });
  log.push("stderr", bytes("once more\nand"));
  expect(told.slice(201)).toEqual([{ process: "algo", pid: 7, stream: "stderr", message: "once more" }]);
  log.end();
  expect([told.length, clock.pending]).toEqual([203, 0]);
});
