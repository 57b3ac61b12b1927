import { constants } from "node:os";
import { libc, SystemCallError } from "./libc.ts";
import { structBytes } from "./uapi.ts";

/** What the poller is told through its pipe. */
export type PollerCommand =
  | { readonly kind: "start"; readonly watch: number; readonly fd: number }
  | { readonly kind: "stop"; readonly watch: number };

/** What the poller says. After `stopped` or `failed` it does not touch the watch's descriptor any more. */
export type PollerReport =
  | { readonly kind: "edges"; readonly edges: readonly WatchEdges[] }
  | { readonly kind: "stopped"; readonly watch: number }
  | { readonly kind: "failed"; readonly watch: number; readonly errno: number };

/** Consecutive structs gpio_v2_line_event of one watch. */
export interface WatchEdges {
  readonly watch: number;
  readonly events: Uint8Array;
}

/** What a poller works with. */
export interface PollerInput {
  /** The read end of the pipe that commands come through: what wakes it up tells it why. */
  readonly commandFd: number;
  /** One number: the edges that were reported and not taken yet. The poller adds, who takes them subtracts. */
  readonly untaken: Int32Array;
}

/** Bytes of a command in the pipe: kind, watch, descriptor. Far below PIPE_BUF, so each arrives whole. */
const COMMAND_BYTES = 12;
const START = 1;
const STOP = 2;
/** Commands taken in one read. */
const COMMANDS_AT_ONCE = 64;

/** Edges taken from one line in one read; the other lines get their turn before the next. */
const EDGES_AT_ONCE = 64;

/**
 * Edges that may wait to be taken. Beyond them the lines are left alone: what comes meanwhile waits in the kernel's
 * buffers, whose overflow the line's sequence numbers tell. So a stalled event loop and a humming pin cost no more memory than this.
 */
const MAX_UNTAKEN = 8192;
/** How often, in ms, to look whether they have been taken. */
const UNTAKEN_RETRY_MS = 2;

/** struct pollfd of poll.h: descriptor, events, revents. */
const POLLFD_BYTES = 8;
const POLLIN = 0x1;
const POLLNVAL = 0x20;
const POLL_FAILED = 0x8 | 0x10 | POLLNVAL;
const FOREVER_MS = -1;

/** A command as bytes for the pipe. */
export function encodeCommand(command: PollerCommand): Uint8Array {
  const words = new Int32Array(new ArrayBuffer(COMMAND_BYTES));
  words.set(command.kind === "start" ? [START, command.watch, command.fd] : [STOP, command.watch, 0]);
  return new Uint8Array(words.buffer);
}

/** The commands in `bytes`. */
function decodeCommands(bytes: Uint8Array): PollerCommand[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: Math.floor(bytes.byteLength / COMMAND_BYTES) }, (_, index) => {
    const at = index * COMMAND_BYTES;
    const watch = view.getInt32(at + 4, true);
    return view.getInt32(at, true) === START ? { kind: "start", watch, fd: view.getInt32(at + 8, true) } : { kind: "stop", watch };
  });
}

/** How many edges a report carries. */
export function countEdges(edges: readonly WatchEdges[]): number {
  return edges.reduce((sum, { events }) => sum + events.byteLength / structBytes.gpio_v2_line_event, 0);
}

/** Polls lines for edges and reports them, for as long as the thread lives. Blocks it: nothing else can run there. */
export function pollEdges({ commandFd, untaken }: PollerInput, report: (report: PollerReport) => void): never {
  const poller = new Poller(commandFd, report);
  for (;;) {
    const full = Atomics.load(untaken, 0) >= MAX_UNTAKEN;
    const edges = poller.poll(full);
    if (edges.length === 0) continue;
    Atomics.add(untaken, 0, countEdges(edges));
    report({ kind: "edges", edges });
  }
}

class Poller {
  readonly #libc = libc();
  readonly #commands = new Uint8Array(new ArrayBuffer(COMMAND_BYTES * COMMANDS_AT_ONCE));
  readonly #events = new Uint8Array(new ArrayBuffer(structBytes.gpio_v2_line_event * EDGES_AT_ONCE));
  readonly #fds = new Map<number, number>();
  /** The watches in the order of their structs pollfd; the first struct is the pipe's. */
  #order: readonly number[] = [];
  #pollfds = new DataView(new ArrayBuffer(POLLFD_BYTES));

  constructor(
    readonly commandFd: number,
    readonly report: (report: PollerReport) => void,
  ) {
    this.#arrange();
  }

  /** Waits for commands and, unless `full`, for edges; obeys the former and returns the latter. */
  poll(full: boolean): WatchEdges[] {
    const pollfds = new Uint8Array(this.#pollfds.buffer);
    const order = this.#order;
    const count = full ? 1 : 1 + order.length;
    if (this.#libc.poll(pollfds, count, full ? UNTAKEN_RETRY_MS : FOREVER_MS) === 0) return [];
    const ready = Array.from({ length: count }, (_, index) => this.#pollfds.getInt16(index * POLLFD_BYTES + 6, true));
    if (ready[0] !== 0) this.#obey();
    return order.flatMap((watch, index) => this.#take(watch, ready[index + 1] ?? 0) ?? []);
  }

  #obey(): void {
    const bytes = this.#libc.read(this.commandFd, this.#commands);
    for (const command of decodeCommands(this.#commands.subarray(0, bytes))) {
      if (command.kind === "start") {
        this.#fds.set(command.watch, command.fd);
      } else {
        this.#fds.delete(command.watch);
        this.report({ kind: "stopped", watch: command.watch });
      }
    }
    this.#arrange();
  }

  /** The edges of a watch whose descriptor showed `ready`, copied; null when there are none, or no such watch any more. */
  #take(watch: number, ready: number): WatchEdges | null {
    const fd = this.#fds.get(watch);
    if (fd === undefined || ready === 0) return null;
    if ((ready & POLL_FAILED) !== 0) return this.#fail(watch, ready & POLLNVAL ? constants.errno.EBADF : constants.errno.ENODEV);
    try {
      const bytes = this.#libc.read(fd, this.#events);
      return bytes === 0 ? null : { watch, events: this.#events.slice(0, bytes) };
    } catch (error) {
      if (!(error instanceof SystemCallError)) throw error;
      return this.#fail(watch, error.errno);
    }
  }

  #fail(watch: number, errno: number): null {
    this.#fds.delete(watch);
    this.#arrange();
    this.report({ kind: "failed", watch, errno });
    return null;
  }

  #arrange(): void {
    this.#order = [...this.#fds.keys()];
    this.#pollfds = new DataView(new ArrayBuffer(POLLFD_BYTES * (1 + this.#order.length)));
    for (const [index, fd] of [this.commandFd, ...this.#fds.values()].entries()) {
      this.#pollfds.setInt32(index * POLLFD_BYTES, fd, true);
      this.#pollfds.setInt16(index * POLLFD_BYTES + 4, POLLIN, true);
    }
  }
}
