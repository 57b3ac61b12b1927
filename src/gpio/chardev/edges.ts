import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { libc, SystemCallError } from "./libc.ts";
import { countEdges, encodeCommand, type PollerCommand, type PollerInput, type PollerReport, pollEdges } from "./poller.ts";
import { decodeLineEvents, type LineEvent } from "./uapi.ts";

/** What a watched line is told, from the event loop and in the order in which it happened. */
export interface EdgeSink {
  edge(event: LineEvent): void;
  /** The line's edges cannot be read any more: SystemCallError (ENODEV: the chip is gone), or whatever ended the thread. */
  fail(error: Error): void;
}

/** A line whose edges are being read. */
export interface EdgeWatch {
  /**
   * Ends it: the sink hears nothing more. `stopped` is called later, once, when the thread has let go of the line's descriptor.
   * To close that before would leave the line with us: the kernel keeps what a poll(2) is waiting on.
   */
  stop(stopped: () => void): void;
}

/**
 * Reads the edges of all inputs in one thread of its own, so that the event loop never waits for the kernel. The
 * thread starts with the first watch and lives until `close`.
 */
export class EdgeReader {
  #thread: PollerThread | undefined;
  #lastWatch = 0;
  readonly #sinks = new Map<number, EdgeSink>();
  readonly #stopping = new Map<number, () => void>();

  /**
   * Reads the edges of the line behind `fd`, which must be non-blocking.
   * @throws SystemCallError when the thread's pipe cannot be made or takes no more
   */
  watch(fd: number, sink: EdgeSink): EdgeWatch {
    this.#thread ??= new PollerThread(
      (report) => this.#hear(report),
      (error) => this.#ended(error),
    );
    const watch = ++this.#lastWatch;
    this.#thread.tell({ kind: "start", watch, fd });
    this.#sinks.set(watch, sink);
    return { stop: (stopped) => this.#stop(watch, stopped) };
  }

  /** Ends the thread. Watches that are stopping have stopped with it. */
  close(): void {
    this.#thread?.end();
  }

  #stop(watch: number, stopped: () => void): void {
    this.#sinks.delete(watch);
    this.#stopping.set(watch, stopped);
    try {
      // Without a thread nothing polls the line; it stops all the same, and later all the same.
      if (this.#thread === undefined) queueMicrotask(() => this.#stopped(watch));
      else this.#thread.tell({ kind: "stop", watch });
    } catch {
      // A pipe that takes no more belongs to a thread that hangs: end it, so that its lines come free.
      this.#thread?.end();
    }
  }

  #hear(report: PollerReport): void {
    switch (report.kind) {
      case "edges":
        for (const { watch, events } of report.edges) {
          for (const event of decodeLineEvents(events)) this.#sinks.get(watch)?.edge(event);
        }
        break;
      case "stopped":
        this.#stopped(report.watch);
        break;
      case "failed":
        this.#failed(report.watch, new SystemCallError("read", report.errno));
        break;
    }
  }

  #stopped(watch: number): void {
    const stopped = this.#stopping.get(watch);
    this.#stopping.delete(watch);
    stopped?.();
  }

  #failed(watch: number, error: Error): void {
    const sink = this.#sinks.get(watch);
    this.#sinks.delete(watch);
    sink?.fail(error);
  }

  #ended(error: Error): void {
    this.#thread = undefined;
    for (const watch of [...this.#stopping.keys()]) this.#stopped(watch);
    for (const watch of [...this.#sinks.keys()]) this.#failed(watch, error);
  }
}

/** What tells a worker that it is this module's. */
interface EdgeWorkerData {
  readonly holdfastEdges: PollerInput;
}

/** The thread, and the pipe by which it is woken and told what to do: blocked in poll(2), it hears no messages. */
class PollerThread {
  readonly #pipe = libc().pipe();
  readonly #untaken = new Int32Array(new SharedArrayBuffer(4));
  readonly #worker: Worker;

  /** @param ended called once, when the thread is no more, with why */
  constructor(hear: (report: PollerReport) => void, ended: (error: Error) => void) {
    const data: EdgeWorkerData = { holdfastEdges: { commandFd: this.#pipe.readEnd, untaken: this.#untaken } };
    // The worker's program is this very module, or, in an executable or a bundle, the file that holds all modules.
    this.#worker = new Worker(new URL(import.meta.url), { workerData: data, name: "holdfast edges" });
    let why = new Error("The thread that reads edges has ended.");
    this.#worker.on("error", (error) => {
      why = error instanceof Error ? error : new Error(String(error));
    });
    this.#worker.on("message", (report: PollerReport) => {
      if (report.kind === "edges") Atomics.sub(this.#untaken, 0, countEdges(report.edges));
      hear(report);
    });
    this.#worker.on("exit", () => {
      libc().close(this.#pipe.readEnd);
      libc().close(this.#pipe.writeEnd);
      ended(why);
    });
  }

  tell(command: PollerCommand): void {
    libc().write(this.#pipe.writeEnd, encodeCommand(command));
  }

  end(): void {
    void this.#worker.terminate();
  }
}

function isEdgeWorkerData(data: unknown): data is EdgeWorkerData {
  return typeof data === "object" && data !== null && "holdfastEdges" in data;
}

// Last in the module, since it never returns: in that thread nothing that comes after this import is evaluated.
if (!isMainThread && isEdgeWorkerData(workerData)) {
  pollEdges(workerData.holdfastEdges, (report) => parentPort?.postMessage(report));
}
