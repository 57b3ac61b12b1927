import { median, medians, percentile } from "../medians.ts";
import { familyCpuUs } from "./family-cpu.ts";
import { type Command, holdfastSide, pollingSide, type Side } from "./sides.ts";

/** Commands given one after the other, each when the one before had its reply. */
export interface RoundTrips {
  readonly p50Us: number;
  readonly p99Us: number;
  /** Of the server and all its processes, for one command. */
  readonly serverCpuUs: number;
}

/** What commanding a pin of another program's has come to, in the middle of the rounds. */
export interface RemoteioFigures {
  /** remoteio's pattern; null: there is no Python. */
  readonly polling: RoundTrips | null;
  /** remoteio's protocol, answered by holdfast. */
  readonly text: RoundTrips;
  /** Our own protocol and client, on the Unix socket. */
  readonly own: RoundTrips;
  /** What a server uses of one processor, in percent, with one pin open and nothing to do. */
  readonly idlePercent: { readonly polling: number | null; readonly holdfast: number };
}

const ROUNDS = 3;
/** A server that looks every 5 ms takes a second for as many. */
const POLLED_COMMANDS = 150;
const COMMANDS = 3000;
const IDLE_MS = 1000;

/** @param folder for sockets @param tell told what is measured now */
export async function measureRemoteio(folder: string, tell: (what: string) => void): Promise<RemoteioFigures> {
  const polling = await pollingSide();
  const holdfast = await holdfastSide(folder);
  try {
    const rounds = { polling: [] as RoundTrips[], text: [] as RoundTrips[], own: [] as RoundTrips[] };
    for (let round = 1; round <= ROUNDS; round++) {
      tell(`remoteio: round ${round} of ${ROUNDS}`);
      if (polling !== null) rounds.polling.push(await roundTrips(polling, polling.commands.text, POLLED_COMMANDS));
      rounds.text.push(await roundTrips(holdfast, holdfast.commands.text, COMMANDS));
      rounds.own.push(await roundTrips(holdfast, holdfast.commands.own, COMMANDS));
    }
    tell("remoteio: nothing to do");
    return {
      polling: polling && medians(rounds.polling),
      text: medians(rounds.text),
      own: medians(rounds.own),
      idlePercent: { polling: polling && (await idlePercent(polling.pid)), holdfast: await idlePercent(holdfast.pid) },
    };
  } finally {
    await polling?.end();
    await holdfast.end();
  }
}

/** As many go before those that count, up to 1000: code is compiled, and caches are filled. */
async function roundTrips({ pid }: Side<never>, command: Command, count: number): Promise<RoundTrips> {
  for (let given = 0; given < Math.min(count, 1000); given++) await command(given % 2 === 0);
  const tookUs: number[] = [];
  const cpuUs = familyCpuUs(pid);
  for (let given = 0; given < count; given++) {
    const began = performance.now();
    await command(given % 2 === 0);
    tookUs.push((performance.now() - began) * 1000);
  }
  return { p50Us: median(tookUs), p99Us: percentile(tookUs, 0.99), serverCpuUs: (familyCpuUs(pid) - cpuUs) / count };
}

async function idlePercent(pid: number): Promise<number> {
  const [cpuUs, began] = [familyCpuUs(pid), performance.now()];
  await Bun.sleep(IDLE_MS);
  return (familyCpuUs(pid) - cpuUs) / (performance.now() - began) / 10;
}
