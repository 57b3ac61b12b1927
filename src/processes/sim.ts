import type { Processes, ProcessHandle } from "./processes.ts";

/** Processes that a test starts and ends. A number may be given to another process when its own has ended, as a kernel does. */
export class SimProcesses implements Processes {
  readonly #running = new Map<number, { ended: boolean }>();
  readonly #hidden = new Set<number>();
  #openHandles = 0;

  /** Handles that have not been closed. */
  get openHandles(): number {
    return this.#openHandles;
  }

  /** A process with this number begins; one that had it ends. */
  start(pid: number): void {
    this.end(pid);
    this.#running.set(pid, { ended: false });
  }

  /** The process with this number ends, if there is one. */
  end(pid: number): void {
    const process = this.#running.get(pid);
    if (process !== undefined) process.ended = true;
    this.#running.delete(pid);
  }

  /** The process with this number can't be seen from here, as one in another container. */
  hide(pid: number): void {
    this.#hidden.add(pid);
  }

  watch(pid: number): ProcessHandle | null {
    if (!Number.isInteger(pid) || pid <= 0 || this.#hidden.has(pid)) return null;
    const process = this.#running.get(pid);
    let open = true;
    this.#openHandles++;
    return {
      hasEnded: () => process === undefined || process.ended,
      close: () => {
        if (open) this.#openHandles--;
        open = false;
      },
    };
  }
}
