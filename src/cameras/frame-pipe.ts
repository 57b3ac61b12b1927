import { closeSync, read as readLater } from "node:fs";
import { openLibc } from "../libc.ts";
import { HoldfastError } from "../protocol/errors.ts";

/** fcntl(2), pipe2(2), poll(2). */
const O_CLOEXEC = 0o2000000;
const F_SETPIPE_SZ = 1031;
const POLLIN = 1;

/** What a pipe may hold without privileges unless the system says otherwise (/proc/sys/fs/pipe-max-size), and what it has anyway; in bytes. */
const LARGEST_PIPE = 1024 * 1024;
const USUAL_PIPE = 64 * 1024;

/** How much is taken to learn that something has come, in bytes: a page. */
const FIRST_BYTES = 4096;

let opened: ReturnType<typeof openPipes> | null = null;

function openPipes() {
  return openLibc({
    pipe2: { args: ["ptr", "i32"], returns: "i32" },
    fcntl: { args: ["i32", "i32", "i32"], returns: "i32" },
    poll: { args: ["ptr", "u64", "i32"], returns: "i32" },
    read: { args: ["i32", "ptr", "u64"], returns: "i64" },
  });
}

/**
 * What a program writes its frames to. A pipe of our own, and not the one that comes with a child process: it may be larger, and is read
 * straight into whatever memory the frame is to be in.
 *
 * Only `come` waits while others work, in a thread that takes the first bytes into memory of its own. All others are stored by `read`, and
 * never behind its end: whoever gave it memory may give that away at once, whatever becomes of the program.
 */
export class FramePipe {
  readonly #reading: number;
  #writing: number | null;
  readonly #polled: Int32Array;
  /** What has come first, and was not read yet. */
  readonly #first = new Uint8Array(FIRST_BYTES);
  #unread = this.#first.subarray(0, 0);
  #isEnded = false;
  #isClosed = false;
  /** Tells who waits that it has ended; null: nobody waits. */
  #endWait: (() => void) | null = null;

  /**
   * @param frameBytes of one frame. A pipe holds no more than that: what waits in it grows old
   * @throws HoldfastError `NO_BACKEND` without FFI, `INTERNAL`: the process has no descriptors left
   */
  constructor(frameBytes: number) {
    opened ??= openPipes();
    const { symbols } = opened;
    const ends = new Int32Array(2);
    const failed = symbols.pipe2(ends, O_CLOEXEC) !== 0;
    if (failed) throw new HoldfastError("INTERNAL", "the kernel makes no pipe: this process has no descriptors left");
    [this.#reading, this.#writing] = ends as unknown as [number, number];
    // struct pollfd: the descriptor; what is asked for, and what is so, in 16 bits each, which reads as this on the machines that there are.
    this.#polled = Int32Array.of(this.#reading, POLLIN);
    // Where it is refused, the usual size does too.
    symbols.fcntl(this.#reading, F_SETPIPE_SZ, Math.min(LARGEST_PIPE, Math.max(USUAL_PIPE, frameBytes)));
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
   * Waits until something has come. One at a time.
   * @returns false: all who could write have ended, or `end` has been called
   */
  come(): Promise<boolean> {
    if (this.#isEnded) return Promise.resolve(false);
    if (this.#unread.length > 0) return Promise.resolve(true);
    return new Promise((resolve, reject) => {
      this.#endWait = () => resolve(false);
      readLater(this.#reading, this.#first, 0, FIRST_BYTES, null, (error, bytes) => {
        this.#endWait = null;
        if (this.#isClosed) closeSync(this.#reading);
        if (error !== null) return reject(error);
        this.#unread = this.#first.subarray(0, bytes);
        resolve(bytes > 0 && !this.#isEnded);
      });
    });
  }

  /**
   * Stores what has come, when `come` has said so.
   * @param forMs how long to read on where it does not fill the memory, in ms. Nothing else happens in this process meanwhile
   * @returns how many bytes
   */
  read(into: Uint8Array, forMs = 0): number {
    const { symbols } = opened as ReturnType<typeof openPipes>;
    const untilMs = performance.now() + forMs;
    let done = Math.min(this.#unread.length, into.length);
    into.set(this.#unread.subarray(0, done));
    this.#unread = this.#unread.subarray(done);
    while (done < into.length && this.#hasCome(untilMs)) {
      // It is what nobody else reads from, so that this does not wait.
      const bytes = Number(symbols.read(this.#reading, into.subarray(done), into.length - done));
      if (bytes <= 0) break;
      done += bytes;
    }
    return done;
  }

  /** Nothing is read any more, and who waits is told that it has ended. */
  end(): void {
    this.#isEnded = true;
    this.#endWait?.();
  }

  /** Gives the pipe back. While somebody waits it has its end until the last program has ended that could write. */
  close(): void {
    this.end();
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.handedOver();
    if (this.#endWait === null) closeSync(this.#reading);
  }

  /** Whether a read would end at once, or will within this time. */
  #hasCome(untilMs: number): boolean {
    const { symbols } = opened as ReturnType<typeof openPipes>;
    return symbols.poll(this.#polled, 1, Math.max(0, Math.ceil(untilMs - performance.now()))) > 0;
  }
}
