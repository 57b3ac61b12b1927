import { flush } from "./print.ts";

/**
 * From now on a signal ends what is being read, and lets what is being done with the last of it be finished. A second one ends the process.
 * @returns tells which signal it was; null: none yet
 */
export function endSoftly(reading: { return(): unknown }): () => NodeJS.Signals | null {
  let first: NodeJS.Signals | null = null;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => {
      first ??= signal;
      void reading.return();
    });
  }
  return () => first;
}

/** Ends as every program that a signal ends. */
export async function dieOf(signal: NodeJS.Signals): Promise<never> {
  await flush();
  process.kill(process.pid, signal);
  return new Promise(() => {});
}
