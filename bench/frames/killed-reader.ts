/** A process that holds the first frame it gets until it is killed: `bun killed-reader.ts SOCKET POOL`. */
import { connect } from "../../src/index.ts";
import { median } from "../medians.ts";
import type { Measured } from "./holdfast-run.ts";

/** From the SIGKILL of a reader to the grant of its slot. */
export interface KilledReaderFigures {
  readonly kills: number;
  readonly medianMs: number;
  readonly longestMs: number;
}

const KILLS = 20;
const POOL = "killed";
/** One that is read, one that waits, one for the latest frame, one to write. */
const SLOTS = 4;

/** A producer that holds all the other slots waits for the one that a reader holds, and the reader is killed. */
async function kill({ client, socket }: Measured): Promise<number> {
  const reader = Bun.spawn([process.execPath, import.meta.path, socket, POOL], { stdio: ["ignore", "ignore", "inherit"] });
  const pools = async () => (await client.request("pools", {})).pools.find(({ pool }) => pool === POOL);
  while ((await pools())?.groups.length !== 1) await Bun.sleep(5);
  const first = await client.request("slot.acquire", { pool: POOL });
  await client.request("slot.publish", { lease: first.lease, bytes: 1 });
  while (!(await pools())?.slots.some(({ state }) => state === "reading")) await Bun.sleep(5);
  const held = [];
  for (let slot = 1; slot < SLOTS; slot++) held.push(await client.request("slot.acquire", { pool: POOL }));
  const granted = client.request("slot.acquire", { pool: POOL, waitMs: 10_000 });
  while ((await pools())?.waiting !== 1) await Bun.sleep(5);
  const killedMs = performance.now();
  reader.kill("SIGKILL");
  held.push(await granted);
  const tookMs = performance.now() - killedMs;
  for (const { lease } of held) await client.request("slot.abort", { lease });
  await reader.exited;
  return tookMs;
}

/** Kills readers, one after the other. */
export async function killReaders(measured: Measured): Promise<KilledReaderFigures> {
  const { client } = measured;
  await client.request("pool.create", { pool: POOL, slots: SLOTS, fourcc: "YU12", width: 640, height: 480 });
  const tookMs: number[] = [];
  for (let round = 0; round < KILLS; round++) tookMs.push(await kill(measured));
  await client.request("pool.remove", { pool: POOL });
  return { kills: KILLS, medianMs: median(tookMs), longestMs: Math.max(...tookMs) };
}

if (import.meta.main) {
  const [socket, name] = process.argv.slice(2) as [string, string];
  const client = await connect({ socket, name: "reader" });
  const pool = await client.pool(name);
  await pool.frames().next();
  await Bun.sleep(60_000);
}
