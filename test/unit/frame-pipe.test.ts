import { expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { readdirSync, readlinkSync, writeSync } from "node:fs";
import { FramePipe } from "../../src/cameras/frame-pipe.ts";

const FRAME_BYTES = 64 * 1024;

/** Whether this process has any end of a pipe. */
function has(pipe: string): boolean {
  return readdirSync("/proc/self/fd").some((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === pipe;
    } catch {
      // It was there for the listing only.
      return false;
    }
  });
}

/** A pipe that ends with the test. */
function openPipe(): FramePipe & Disposable {
  const pipe = new FramePipe(FRAME_BYTES);
  return Object.assign(pipe, { [Symbol.dispose]: () => pipe.close() });
}

test("what comes is stored when it is read, in order, in whichever pieces it is asked for", async () => {
  using pipe = openPipe();
  const bytes = Uint8Array.from({ length: 20_000 }, (_, index) => index % 251);
  writeSync(pipe.writingEnd, bytes);
  const taken: number[] = [];
  for (let size = 1; taken.length < bytes.length; size = 3 * size) {
    expect(await pipe.come()).toBe(true);
    const into = new Uint8Array(size);
    taken.push(...into.subarray(0, pipe.read(into)));
  }
  expect(Uint8Array.from(taken)).toEqual(bytes);
});

test("while something is waited for, nothing of what comes is stored anywhere but by the next read", async () => {
  using pipe = openPipe();
  const memory = new Uint8Array(8);
  writeSync(pipe.writingEnd, Uint8Array.of(1, 2));
  await pipe.come();
  expect(pipe.read(memory)).toBe(2);
  const coming = pipe.come();
  writeSync(pipe.writingEnd, Uint8Array.of(3, 4));
  expect(await coming).toBe(true);
  expect([...memory]).toEqual([1, 2, 0, 0, 0, 0, 0, 0]);
  expect(pipe.read(memory.subarray(2))).toBe(2);
  expect([...memory]).toEqual([1, 2, 3, 4, 0, 0, 0, 0]);
});

test("a read that may take its time ends when its memory is full", async () => {
  using pipe = openPipe();
  const program = spawn("/bin/sh", ["-c", "printf ab; sleep 0.1; printf cdef; exec sleep 60"], {
    stdio: ["ignore", pipe.writingEnd, "ignore"],
  });
  pipe.handedOver();
  try {
    await pipe.come();
    const memory = new Uint8Array(5);
    expect(pipe.read(memory, 120_000)).toBe(5);
    expect(String.fromCharCode(...memory)).toBe("abcde");
    expect(await pipe.come()).toBe(true);
    expect(pipe.read(memory)).toBe(1);
  } finally {
    program.kill("SIGKILL");
  }
});

test("it ends with all who could write, when what they have written has been read", async () => {
  using pipe = openPipe();
  writeSync(pipe.writingEnd, Uint8Array.of(7));
  pipe.handedOver();
  expect(await pipe.come()).toBe(true);
  const memory = new Uint8Array(2);
  expect(pipe.read(memory, 120_000)).toBe(1);
  expect(await pipe.come()).toBe(false);
  expect(pipe.read(memory, 120_000)).toBe(0);
});

test("who waits is told that it has ended, and its descriptor is given back when nobody can write any more", async () => {
  const pipe = new FramePipe(FRAME_BYTES);
  const name = readlinkSync(`/proc/self/fd/${pipe.writingEnd}`);
  const coming = pipe.come();
  pipe.end();
  expect(await coming).toBe(false);
  expect(await pipe.come()).toBe(false);
  pipe.close();
  while (has(name)) await new Promise((resolve) => setTimeout(resolve, 5));
});
