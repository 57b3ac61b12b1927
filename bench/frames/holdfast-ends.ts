/**
 * A producer or a consumer with the TypeScript client: `bun holdfast-ends.ts producer|consumer '{…}'`. What it is told is a run, and
 * where that happens; a consumer prints what it has seen when the producer has ended.
 */
import { timestampNs } from "../../src/clock/clock.ts";
import { connect } from "../../src/index.ts";
import type { HoldfastRun } from "./holdfast-run.ts";
import { clock, pace, touch, Watcher } from "./seen.ts";

const [role, json] = process.argv.slice(2) as [string, string];
const run: HoldfastRun = JSON.parse(json);
await using client = await connect({ socket: run.socket, name: role });
await using pool = await client.pool(run.pool);

async function produce(): Promise<void> {
  const image = new Uint8Array(run.bytes).fill(7);
  for await (const _ of pace(run.runMs, run.paceMs)) {
    const frame = await pool.produce();
    if (run.touch) frame.data.set(image);
    await frame.publish({ timestampNs: timestampNs(clock) });
  }
  // A frame of no bytes says that it was the last.
  const last = await pool.produce();
  await last.publish({ bytes: 0 });
}

async function consume(): Promise<void> {
  const watcher = new Watcher();
  for await (using frame of pool.frames({ policy: "block", deadlineMs: run.deadlineMs })) {
    if (frame.bytes === 0) break;
    if (run.touch) touch(frame.data);
    watcher.frame(Number(frame.timestampNs) / 1000);
  }
  console.log(JSON.stringify(watcher.seen));
}

await (role === "producer" ? produce() : consume());
