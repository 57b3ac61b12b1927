import { closeSync, read } from "node:fs";
import { openLibc } from "../libc.ts";
import { HoldfastError } from "../protocol/errors.ts";

/** fcntl(2), pipe2(2). */
const O_CLOEXEC = 0o2000000;
const F_SETPIPE_SZ = 1031;

/** What a pipe may hold without privileges unless the system says otherwise (/proc/sys/fs/pipe-max-size), and what it has anyway; in bytes. */
const LARGEST_PIPE = 1024 * 1024;
const USUAL_PIPE = 64 * 1024;

let opened: ReturnType<typeof openPipes> | null = null;

function openPipes() {
  return openLibc({
    pipe2: { args: ["ptr", "i32"], returns: "i32" },
    fcntl: { args: ["i32", "i32", "i32"], returns: "i32" },
  });
}

/**
 * What a program writes its frames to. A pipe of our own, and not the one that comes with a child process: it may be larger, and is read
 * straight into whatever memory the frame is to be in.
 */
export class FramePipe {
  readonly #reading: number;
  #writing: number | null;
  #isEnded = false;
  #isClosed = false;
  /** Tells who waits for a read that it has ended; null: nobody reads. */
  #endRead: (() => void) | null = null;

  /**
   * @param frameBytes of one frame. A pipe holds no more than that: what waits in it grows old
   * @throws HoldfastError `NO_BACKEND` without FFI, `INTERNAL`: the process has no descriptors left
   */
  constructor(frameBytes: number) {
    opened ??= openPipes();
    const ends = new Int32Array(2);
    const failed = opened.symbols.pipe2(ends, O_CLOEXEC) !== 0;
    if (failed) throw new HoldfastError("INTERNAL", "the kernel makes no pipe: this process has no descriptors left");
    [this.#reading, this.#writing] = ends as unknown as [number, number];
    // Where it is refused, the usual size does too.
    opened.symbols.fcntl(this.#reading, F_SETPIPE_SZ, Math.min(LARGEST_PIPE, Math.max(USUAL_PIPE, frameBytes)));
  }

  /** The end for the program's stdout. */
  get writingEnd(): number {
    if (this.#writing === null) throw new Error("the program has it already");
    return this.#writing;
  }

  /** The program has its end. From now on the pipe ends with the program. */
  handedOver(): void {
    if (this.#writing !== null) closeSync(this.#writing);
    this.#writing = null;
  }

  /**
   * Reads what has come, and waits where nothing has. One at a time.
   * @returns how many bytes; 0: all who could write have ended, or `end` has been called, and the kernel may yet store into the memory
   */
  read(into: Uint8Array): Promise<number> {
    if (this.#isEnded) return Promise.resolve(0);
    return new Promise<number>((resolve, reject) => {
      this.#endRead = () => resolve(0);
      read(this.#reading, into, 0, into.length, null, (error, bytes) => {
        this.#endRead = null;
        if (this.#isClosed) closeSync(this.#reading);
        if (error === null) resolve(bytes);
        else reject(error);
      });
    });
  }

  /** Nothing is read any more, and who reads is told that it has ended. */
  end(): void {
    this.#isEnded = true;
    this.#endRead?.();
  }

  /** Gives the pipe back. A read that waits has its end until the last program has ended that could write. */
  close(): void {
    this.end();
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.handedOver();
    if (this.#endRead === null) closeSync(this.#reading);
  }
}
