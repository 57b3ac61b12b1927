/**
 * A client process: `bun load.ts holdfast|echo SOCKET SERVER_PID FRAME_BYTES`. It keeps 1, 16 and 64 requests in flight in turn, `on` and
 * `off` by the TypeScript client or frames of the same size to the echo, and prints what it has measured as JSON.
 */
import { connect as dial } from "node:net";
import { connect } from "../src/client/connect.ts";
import { type Ask, keepInFlight } from "./in-flight.ts";
import { percentile } from "./medians.ts";
import { cpuUs } from "./proc.ts";

/** One number of requests in flight, and what it gave. */
export interface LoadFigures {
  readonly inFlight: number;
  readonly perSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** Of both processes, for one request. */
  readonly serverCpuUs: number;
  readonly clientCpuUs: number;
}

/** How many requests of each kind are measured; as many again go before them. */
const requests = { 1: 10_000, 16: 60_000, 64: 100_000 } as const;

async function commandPin(socket: string): Promise<Ask> {
  const client = await connect({ socket, name: "bench" });
  const pin = await client.output(17);
  let on = false;
  return () => {
    on = !on;
    return on ? pin.on() : pin.off();
  };
}

/** As our client does, it sends with one write what is asked within a turn of the event loop. */
function askEcho(path: string, frameBytes: number): Promise<Ask> {
  const frame = new Uint8Array(frameBytes).fill(0x61);
  const pending: (() => void)[] = [];
  let unwritten: Uint8Array[] = [];
  let receivedBytes = 0;
  return new Promise((connected) => {
    const socket = dial(path);
    socket.on("data", (chunk) => {
      receivedBytes += chunk.length;
      const frames = Math.floor(receivedBytes / frameBytes);
      receivedBytes -= frames * frameBytes;
      for (const answered of pending.splice(0, frames)) answered();
    });
    const flush = () => {
      socket.write(Buffer.concat(unwritten));
      unwritten = [];
    };
    const ask = () =>
      new Promise<void>((answered) => {
        if (unwritten.length === 0) queueMicrotask(flush);
        unwritten.push(frame);
        pending.push(answered);
      });
    socket.once("connect", () => connected(ask));
  });
}

async function measure(one: Ask, inFlight: number, count: number, serverPid: number): Promise<LoadFigures> {
  await keepInFlight(one, inFlight, count);
  const [server, client, began] = [cpuUs(serverPid), cpuUs(process.pid), performance.now()];
  const tookUs = await keepInFlight(one, inFlight, count);
  return {
    inFlight,
    perSecond: (count / (performance.now() - began)) * 1000,
    p50Us: percentile(tookUs, 0.5),
    p99Us: percentile(tookUs, 0.99),
    serverCpuUs: (cpuUs(serverPid) - server) / count,
    clientCpuUs: (cpuUs(process.pid) - client) / count,
  };
}

if (import.meta.main) {
  const [kind, socket, serverPid, frameBytes] = process.argv.slice(2) as [string, string, string, string];
  const one = kind === "echo" ? await askEcho(socket, Number(frameBytes)) : await commandPin(socket);
  const figures: LoadFigures[] = [];
  for (const [inFlight, count] of Object.entries(requests)) figures.push(await measure(one, Number(inFlight), count, Number(serverPid)));
  console.log(JSON.stringify(figures));
  process.exit(0);
}
