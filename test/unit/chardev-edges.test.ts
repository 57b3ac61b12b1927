import { afterEach, expect, test } from "bun:test";
import { constants } from "node:os";
import { EdgeReader, type EdgeSink } from "../../src/gpio/chardev/edges.ts";
import { libc, SystemCallError } from "../../src/gpio/chardev/libc.ts";
import type { LineEvent } from "../../src/gpio/chardev/uapi.ts";

// To the thread a pipe is as good as a line: what is written to it is read as events, and closing it is the chip's going.

const EVENT_BYTES = 48;

const readers: EdgeReader[] = [];
afterEach(() => {
  for (const reader of readers.splice(0)) reader.close();
});

function edgeReader(): EdgeReader {
  const reader = new EdgeReader();
  readers.push(reader);
  return reader;
}

/** A sink that keeps what it hears and lets a test wait for it. */
class Recorder implements EdgeSink {
  readonly events: LineEvent[] = [];
  readonly failures: Error[] = [];
  #wake = () => {};

  edge(event: LineEvent): void {
    this.events.push(event);
    this.#wake();
  }

  fail(error: Error): void {
    this.failures.push(error);
    this.#wake();
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

function rising(lineSeqno: number): Uint8Array {
  const bytes = new Uint8Array(new ArrayBuffer(EVENT_BYTES));
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(lineSeqno) * 1000n, true);
  view.setUint32(8, 1, true);
  view.setUint32(20, lineSeqno, true);
  return bytes;
}

function seqnos(recorder: Recorder): number[] {
  return recorder.events.map(({ lineSeqno }) => lineSeqno);
}

test("edges of several lines arrive, each at its own sink and in order", async () => {
  const reader = edgeReader();
  const lines = [libc().pipe(), libc().pipe(), libc().pipe()];
  const recorders = lines.map(({ readEnd }) => {
    const recorder = new Recorder();
    reader.watch(readEnd, recorder);
    return recorder;
  });
  for (let seqno = 1; seqno <= 100; seqno++) {
    for (const { writeEnd } of lines) libc().write(writeEnd, rising(seqno));
  }
  for (const recorder of recorders) {
    await recorder.until(() => recorder.events.length === 100);
    expect(seqnos(recorder)).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
  }
});

test("edges on their way when a watch stops are not delivered, and the thread lets go of the line before `stopped`", async () => {
  const reader = edgeReader();
  const line = libc().pipe();
  const first = new Recorder();
  const watch = reader.watch(line.readEnd, first);
  libc().write(line.writeEnd, rising(1));
  await first.until(() => first.events.length === 1);

  libc().write(line.writeEnd, rising(2));
  await new Promise<void>((resolve) => watch.stop(resolve));
  expect(seqnos(first)).toEqual([1]);

  const left = new Uint8Array(new ArrayBuffer(EVENT_BYTES));
  libc().read(line.readEnd, left);
  libc().write(line.writeEnd, rising(3));
  expect(libc().read(line.readEnd, left)).toBe(EVENT_BYTES);
});

test("a line that goes is reported once, and the others are still read", async () => {
  const reader = edgeReader();
  const [going, staying] = [libc().pipe(), libc().pipe()];
  const [gone, stayed] = [new Recorder(), new Recorder()];
  const watch = reader.watch(going.readEnd, gone);
  reader.watch(staying.readEnd, stayed);
  libc().close(going.writeEnd);
  await gone.until(() => gone.failures.length > 0);
  libc().write(staying.writeEnd, rising(1));
  await stayed.until(() => stayed.events.length === 1);
  expect(gone.failures).toEqual([new SystemCallError("read", constants.errno.ENODEV)]);
  await new Promise<void>((resolve) => watch.stop(resolve));
});

test("while the event loop is stalled only so many edges are taken; the rest wait where they are, and none is lost", async () => {
  const reader = edgeReader();
  const line = libc().pipe();
  const recorder = new Recorder();
  reader.watch(line.readEnd, recorder);
  libc().write(line.writeEnd, rising(1));
  await recorder.until(() => recorder.events.length === 1);

  // This loop is the stall. It ends when the pipe has stayed full for a while: the thread takes no more.
  let written = 1;
  for (let refused = 0; refused < 50 && written < 100_000; ) {
    try {
      libc().write(line.writeEnd, rising(written + 1));
      written++;
      refused = 0;
    } catch {
      refused++;
      Bun.sleepSync(2);
    }
  }
  expect(written).toBeLessThan(12_000);
  await recorder.until(() => recorder.events.length === written);
  expect(seqnos(recorder)).toEqual(Array.from({ length: written }, (_, index) => index + 1));
});

test("when the thread ends, what was watched fails and what was stopping has stopped", async () => {
  const reader = new EdgeReader();
  const [watched, stopping] = [libc().pipe(), libc().pipe()];
  const recorder = new Recorder();
  reader.watch(watched.readEnd, recorder);
  const watch = reader.watch(stopping.readEnd, new Recorder());
  const stopped = new Promise<void>((resolve) => watch.stop(resolve));
  reader.close();
  await stopped;
  await recorder.until(() => recorder.failures.length > 0);
  expect(recorder.failures).toHaveLength(1);
});

test("a watch that stops after its thread has ended has stopped, too", async () => {
  const reader = new EdgeReader();
  const recorder = new Recorder();
  const watch = reader.watch(libc().pipe().readEnd, recorder);
  reader.close();
  await recorder.until(() => recorder.failures.length > 0);
  await new Promise<void>((resolve) => watch.stop(resolve));
});
