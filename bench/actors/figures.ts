import { join } from "node:path";
import type { HoldfastClient } from "../../src/client/client.ts";
import { connect } from "../../src/client/connect.ts";
import { type Ask, keepInFlight } from "../in-flight.ts";
import { percentile, rowMedians } from "../medians.ts";
import { memory, threadsCpuUs } from "../proc.ts";
import { startSupervisor, stop } from "../supervisor.ts";
import { type Business, writeActors } from "./programs.ts";

/** Requests of one kind, in the middle of the rounds. */
export interface Sent {
  readonly inFlight: number;
  readonly perSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

/** `on` and `off` of a pin while actors are busy. */
export interface Delayed {
  readonly business: Business;
  readonly p50Us: number;
  readonly p99Us: number;
  /** What the supervisor, all its threads together, uses of one processor meanwhile, in percent. */
  readonly cpuPercent: number;
  readonly residentMb: number;
}

/** What users' actors cost. */
export interface ActorFigures {
  /** `count` to an actor in its thread. */
  readonly events: readonly Sent[];
  /** `on` and `off` to a pin, the same way: by its address. */
  readonly pinEvents: readonly Sent[];
  readonly delays: readonly Delayed[];
}

const ROUNDS = 3;
const WARM_UP = 2000;
const counts = { 1: 5000, 16: 30_000, 64: 60_000 } as const;
/** Of those that show a delay: one at a time, each 1 ms after the one before, as a person's program gives them. */
const PACED = 1500;

/** @param folder for sockets and actors @param tell told what is measured now */
export async function measureActors(folder: string, tell: (what: string) => void): Promise<ActorFigures> {
  const businesses: readonly Business[] = ["none", "acting", "computing"];
  const folders = new Map(businesses.map((business) => [business, writeActors(folder, business)]));
  const rounds: ActorFigures[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    tell(`actors: round ${round} of ${ROUNDS}`);
    const [events, pinEvents, delays]: [Sent[], Sent[], Delayed[]] = [[], [], []];
    for (const business of businesses) {
      await withSupervisor(join(folder, "actors.sock"), folders.get(business) as string, async (client, pid) => {
        await using pin = await client.output(17);
        if (business === "none") {
          for (const [inFlight, count] of Object.entries(counts)) {
            events.push(await sent(() => client.send("actor/counter", { type: "count" }), Number(inFlight), count));
            pinEvents.push(
              await sent(
                alternately((type) => client.send("pin/GPIO17", { type })),
                Number(inFlight),
                count,
              ),
            );
          }
        }
        delays.push(
          await delayed(
            business,
            alternately((type) => pin[type]()),
            pid,
          ),
        );
      });
    }
    rounds.push({ events, pinEvents, delays });
  }
  return {
    events: rowMedians(rounds.map(({ events }) => events)),
    pinEvents: rowMedians(rounds.map(({ pinEvents }) => pinEvents)),
    delays: rowMedians(rounds.map(({ delays }) => delays)),
  };
}

async function withSupervisor(socket: string, actors: string, act: (client: HoldfastClient, pid: number) => Promise<void>): Promise<void> {
  const { child } = await startSupervisor(socket, "--actors", actors);
  try {
    const client = await connect({ socket, name: "bench" });
    const areRunning = async () => (await client.status()).actors.every(({ state }) => state === "running");
    while (!(await areRunning())) await Bun.sleep(20);
    await act(client, child.pid);
    await client.close();
  } finally {
    await stop(child);
  }
}

function alternately(command: (type: "on" | "off") => Promise<unknown>): Ask {
  let on = false;
  return () => {
    on = !on;
    return command(on ? "on" : "off");
  };
}

async function sent(ask: Ask, inFlight: number, count: number): Promise<Sent> {
  await keepInFlight(ask, inFlight, WARM_UP);
  const began = performance.now();
  const tookUs = await keepInFlight(ask, inFlight, count);
  const perSecond = (count / (performance.now() - began)) * 1000;
  return { inFlight, perSecond, p50Us: percentile(tookUs, 0.5), p99Us: percentile(tookUs, 0.99) };
}

async function delayed(business: Business, ask: Ask, pid: number): Promise<Delayed> {
  await keepInFlight(ask, 1, WARM_UP);
  const [cpuUs, began] = [threadsCpuUs(pid), performance.now()];
  const tookUs: number[] = [];
  for (let given = 0; given < PACED; given++) {
    tookUs.push(...(await keepInFlight(ask, 1, 1)));
    await Bun.sleep(1);
  }
  const cpuPercent = (threadsCpuUs(pid) - cpuUs) / (performance.now() - began) / 10;
  const { residentMb } = memory(pid);
  return { business, p50Us: percentile(tookUs, 0.5), p99Us: percentile(tookUs, 0.99), cpuPercent, residentMb };
}
