import { connect, type HoldfastClient, HoldfastError } from "../../src/index.ts";

/**
 * What producers and consumers of the library have in common: `producer.ts` and `consumer.ts` are processes of their own, which go on
 * whatever happens to their pool and to their supervisor, and tell the test over IPC.
 */

/** What such a process tells. */
export type Told =
  /** Frames published, or read, so far; also when there was none since it last told. */
  | { readonly frames: number; readonly held: number; readonly revoked: number }
  /** What may not be. */
  | { readonly fault: string };

/** What they count. */
export interface Tally {
  frames: number;
  /** Frames that outlived their pool or supervisor in the hands of their reader, and were unchanged. */
  held: number;
  revoked: number;
}

const TELL_EVERY_MS = 50;

/** What others do to pools and supervisors ends in one of these. */
const usual: ReadonlySet<string> = new Set([
  "DISCONNECTED",
  "NOT_RUNNING",
  "POOL_GONE",
  "POOL_UNKNOWN",
  "POOL_SLOTS",
  "SHUTTING_DOWN",
  "SLOT_NONE",
]);

/** Tells what may not be. */
export function tellFault(fault: string): void {
  process.send?.({ fault } satisfies Told);
}

/** Works on a pool for ever: whenever it or the supervisor goes, again with what takes its place. Ends with the test. */
export async function goOn(socket: string, name: string, tally: Tally, work: (client: HoldfastClient) => Promise<void>): Promise<void> {
  process.on("disconnect", () => process.exit());
  const client = await persistently(() => connect({ socket, name, reconnect: true }));
  setInterval(() => process.send?.({ ...tally } satisfies Told), TELL_EVERY_MS);
  for (;;) await persistently(() => work(client));
}

async function persistently<T>(attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof HoldfastError && usual.has(error.code))) tellFault(`unexpected: ${(error as Error).stack}`);
      await Bun.sleep(10);
    }
  }
}
