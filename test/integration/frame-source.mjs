/**
 * A pipeline for tests: writes frames to its stdout as the argument says, `{bytes, frames, periodMs, halves, rest, say, status, deaf}`. Each byte of a frame is the
 * frame's number, from 1; with `halves` it writes the second half `periodMs` after the first. Then it writes `rest` bytes of another frame, says what it is to say, and ends with the status; without one it stays.
 */
import { writeSync } from "node:fs";

const {
  bytes,
  frames = Number.POSITIVE_INFINITY,
  periodMs = 0,
  halves = false,
  rest = 0,
  say,
  status,
  deaf = false,
} = JSON.parse(process.argv[2]);

if (deaf) process.on("SIGTERM", () => {});

function write(data) {
  for (let done = 0; done < data.length; ) done += writeSync(1, data, done);
}

for (let number = 1; number <= frames; number++) {
  const frame = new Uint8Array(bytes).fill(number);
  write(halves ? frame.subarray(0, bytes / 2) : frame);
  if (halves) {
    await new Promise((resolve) => setTimeout(resolve, periodMs));
    write(frame.subarray(bytes / 2));
  }
  if (periodMs > 0) await new Promise((resolve) => setTimeout(resolve, periodMs));
}
write(new Uint8Array(rest));
if (say !== undefined) process.stderr.write(`${say}\n`);
if (status === undefined) setInterval(() => {}, 1000);
else process.exitCode = status;
