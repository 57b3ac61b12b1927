import { constants } from "node:os";
import { openLibc } from "../libc.ts";
import type { Processes, ProcessHandle } from "./processes.ts";

/** The number of pidfd_open(2), the same on every architecture. */
const SYS_PIDFD_OPEN = 434;
/** poll.h. A pidfd can be read from when its process has ended. */
const POLLIN = 1;
/** struct pollfd: a descriptor of 32 bits, the events asked for and those found, 16 bits each. */
const POLLFD_BYTES = 8;

/** The calls of libc that watching a process takes. */
interface Calls {
  /** @returns a descriptor, close-on-exec, or an errno, negated */
  pidfdOpen(pid: number): number;
  /** @returns whether a descriptor can be read from now */
  isReadable(fd: number): boolean;
  close(fd: number): void;
}

let opened: Calls | null | undefined;

/** Null where libc cannot be called: in Node, or without the JIT. */
function calls(): Calls | null {
  if (opened === undefined) opened = openCalls();
  return opened;
}

function openCalls(): Calls | null {
  try {
    const { symbols, errno } = openLibc({
      syscall: { args: ["i64", "i32", "u32"], returns: "i32" },
      poll: { args: ["ptr", "u64", "i32"], returns: "i32" },
      close: { args: ["i32"], returns: "i32" },
    });
    const pollfd = new DataView(new ArrayBuffer(POLLFD_BYTES));
    const pollfdBytes = new Uint8Array(pollfd.buffer);
    return {
      pidfdOpen: (pid) => {
        const fd = symbols.syscall(SYS_PIDFD_OPEN, pid, 0);
        const failure = errno[0] ?? 0;
        return fd >= 0 ? fd : -failure;
      },
      isReadable: (fd) => {
        pollfd.setInt32(0, fd, true);
        pollfd.setInt16(4, POLLIN, true);
        pollfd.setInt16(6, 0, true);
        return symbols.poll(pollfdBytes, 1, 0) === 1 && (pollfd.getInt16(6, true) & POLLIN) !== 0;
      },
      close: (fd) => void symbols.close(fd),
    };
  } catch {
    return null;
  }
}

/** A process that has ended before it was watched. */
const ended: ProcessHandle = { hasEnded: () => true, close: () => {} };

/**
 * The processes of this machine, by their descriptors (pidfd_open(2), Linux 5.3): they stand for one process and never for a later
 * one with its number. Node can't have them, and watches none.
 */
export class PidfdProcesses implements Processes {
  watch(pid: number): ProcessHandle | null {
    const libc = calls();
    if (libc === null || !Number.isInteger(pid) || pid <= 0) return null;
    const fd = libc.pidfdOpen(pid);
    if (fd === -constants.errno.ESRCH) return ended;
    return fd < 0 ? null : new Pidfd(fd, libc);
  }
}

class Pidfd implements ProcessHandle {
  readonly #libc: Calls;
  #fd: number | null;
  #ended = false;

  constructor(fd: number, libc: Calls) {
    this.#fd = fd;
    this.#libc = libc;
  }

  hasEnded(): boolean {
    if (!this.#ended && this.#fd !== null) this.#ended = this.#libc.isReadable(this.#fd);
    return this.#ended;
  }

  close(): void {
    if (this.#fd !== null) this.#libc.close(this.#fd);
    this.#fd = null;
  }
}
