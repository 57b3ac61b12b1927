import { openLibc } from "../../../libc.ts";

/** include/uapi/asm-generic/unistd.h and arch/x86/entry/syscalls/syscall_64.tbl. */
const SYS_FUTEX = process.arch === "arm64" ? 98 : 202;

/** include/uapi/linux/futex.h; the bit FUTEX_PRIVATE_FLAG says that no other process uses the word. */
const FUTEX_WAKE_PRIVATE = 1 | 128;
const FUTEX_WAIT_BITSET_PRIVATE = 9 | 128;
const FUTEX_BITSET_MATCH_ANY = 0xffffffff;

/** As SYS_FUTEX. */
const [SYS_SCHED_SETATTR, SYS_SCHED_GETATTR] = process.arch === "arm64" ? [274, 275] : [314, 315];

/** include/uapi/linux/sched/types.h: struct sched_attr in its first version, and where its sched_runtime is, in words of 64 bits. */
const SCHED_ATTR_BYTES = 48;
const SCHED_RUNTIME = 3;
/** The shortest that the kernel takes. */
const SHORTEST_SLICE_NS = 100_000n;

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
  /**
   * Asks the kernel to wake this thread up as exactly as it can: not with others, and, as ordinary work goes, before those that
   * want to run for longer at a time (sched_setattr(2): since Linux 6.12; before, it changes nothing).
   */
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
    beExact: () => {
      symbols.prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
      const { syscall } = openLibc(schedulingSignatures).symbols;
      const attributes = new BigUint64Array(new ArrayBuffer(SCHED_ATTR_BYTES));
      if (syscall(SYS_SCHED_GETATTR, 0, attributes, SCHED_ATTR_BYTES, 0) !== 0) return;
      attributes[SCHED_RUNTIME] = SHORTEST_SLICE_NS;
      syscall(SYS_SCHED_SETATTR, 0, attributes, 0, 0);
    },
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

/** As the C library of Debian 12 has no functions for them. */
const schedulingSignatures = {
  syscall: { args: ["u64", "i32", "ptr", "u32", "u32"], returns: "i32" },
} as const;
