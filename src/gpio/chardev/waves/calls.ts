import { openLibc } from "../../../libc.ts";

/** include/uapi/asm-generic/unistd.h and arch/x86/entry/syscalls/syscall_64.tbl. */
const SYS_FUTEX = process.arch === "arm64" ? 98 : 202;

/** include/uapi/linux/futex.h; the bit FUTEX_PRIVATE_FLAG says that no other process uses the word. */
const FUTEX_WAKE_PRIVATE = 1 | 128;
const FUTEX_WAIT_BITSET_PRIVATE = 9 | 128;
const FUTEX_BITSET_MATCH_ANY = 0xffffffff;

const CLOCK_MONOTONIC = 1;
/** include/uapi/linux/prctl.h. */
const PR_SET_TIMERSLACK = 29;
/** include/uapi/linux/sched.h. */
const SCHED_FIFO = 1;
const SCHED_RESET_ON_FORK = 0x40000000;

/**
 * Above all ordinary work, below the kernel's own interrupt threads (50), which must run for a line to be driven at all, and
 * below what somebody has thought harder about.
 */
const REAL_TIME_PRIORITY = 10;

/** The calls of libc that a thread keeps time with. None makes garbage. */
export interface TimeCalls {
  /** CLOCK_MONOTONIC, in µs. */
  nowUs(): number;
  /**
   * Waits until `dueUs` on CLOCK_MONOTONIC, which may be Infinity, unless the first word of `bell` is not `seen` any more, or is
   * rung meanwhile. The time is absolute, so lateness never adds up (futex(2), FUTEX_WAIT_BITSET). May return for no reason.
   */
  wait(bell: Int32Array, seen: number, dueUs: number): void;
  /** Changes the first word of `bell`, and wakes up the thread that waits on it. */
  ring(bell: Int32Array): void;
  /** Asks the kernel to wake this thread up as exactly as it can, not with others. */
  beExact(): void;
  /** Asks the kernel to run this thread before all ordinary work (SCHED_FIFO). @returns whether it does */
  beRealTime(): boolean;
}

/** @throws HoldfastError `NO_BACKEND` where libc cannot be called */
export function timeCalls(): TimeCalls {
  const { symbols } = openLibc(signatures);
  // A struct timespec, of two 64-bit numbers, as words: no BigInt is made of them. All machines here are little-endian.
  const words = new Uint32Array(new ArrayBuffer(16));
  return {
    nowUs: () => {
      symbols.clock_gettime(CLOCK_MONOTONIC, words);
      return ((words[0] as number) + (words[1] as number) * 2 ** 32) * 1e6 + (words[2] as number) / 1000;
    },
    wait: (bell, seen, dueUs) => {
      if (dueUs === Number.POSITIVE_INFINITY) {
        symbols.syscall(SYS_FUTEX, bell, FUTEX_WAIT_BITSET_PRIVATE, seen, null, null, FUTEX_BITSET_MATCH_ANY);
        return;
      }
      const seconds = Math.floor(dueUs / 1e6);
      words[0] = seconds;
      words[1] = Math.floor(seconds / 2 ** 32);
      // Rounded up: what is due is never early.
      words[2] = Math.min(999_999_999, Math.ceil((dueUs - seconds * 1e6) * 1000));
      words[3] = 0;
      symbols.syscall(SYS_FUTEX, bell, FUTEX_WAIT_BITSET_PRIVATE, seen, words, null, FUTEX_BITSET_MATCH_ANY);
    },
    ring: (bell) => {
      Atomics.add(bell, 0, 1);
      symbols.syscall(SYS_FUTEX, bell, FUTEX_WAKE_PRIVATE, 1, null, null, 0);
    },
    beExact: () => void symbols.prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0),
    beRealTime: () => {
      const param = new Int32Array(new ArrayBuffer(4));
      param[0] = REAL_TIME_PRIORITY;
      return symbols.sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, param) === 0;
    },
  };
}

const signatures = {
  syscall: { args: ["u64", "ptr", "i32", "u32", "ptr", "ptr", "u32"], returns: "i32" },
  clock_gettime: { args: ["i32", "ptr"], returns: "i32" },
  prctl: { args: ["i32", "u64", "u64", "u64", "u64"], returns: "i32" },
  sched_setscheduler: { args: ["i32", "i32", "ptr"], returns: "i32" },
} as const;
