/** One process, as long as it is watched: a number that the kernel gives to another process later does not deceive it. */
export interface ProcessHandle {
  /** Whether it has ended: it stores nothing any more. */
  hasEnded(): boolean;
  /** It is watched no longer. */
  close(): void;
}

/** The processes of this machine. */
export interface Processes {
  /** A handle on a process that runs now; null: its end can't be seen from here. */
  watch(pid: number): ProcessHandle | null;
}
