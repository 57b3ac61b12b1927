/**
 * The pool with two queues of slot numbers, a free and a ready one, as it is often written: what takes a frame puts its slot back
 * into the free queue, then returns a view of it. `bun two-queue-pool.ts producer|consumer FOLDER RUN_MS`, one process each.
 */
import { closeSync, ftruncateSync, openSync } from "node:fs";
import { join } from "node:path";
import { dial, listen } from "./message-pipe.ts";
import { camera, draw, FRAME_BYTES, nowMs, SLOTS, Witness } from "./workload.ts";

/** An entry of the ready queue. */
interface Ready {
  readonly slot: number;
  readonly number: number;
  readonly publishedMs: number;
}

/** An entry of the free queue: a slot. */
type Free = number;

const [role, folder, runMs] = process.argv.slice(2) as [string, string, string];
const segment = join(folder, "two-queues");
const socket = join(folder, "two-queues.sock");

function slotsOf(memory: Uint8Array): Uint8Array[] {
  return Array.from({ length: SLOTS }, (_, slot) => memory.subarray(slot * FRAME_BYTES, (slot + 1) * FRAME_BYTES));
}

async function produce(): Promise<void> {
  const file = openSync(segment, "wx", 0o600);
  ftruncateSync(file, SLOTS * FRAME_BYTES);
  closeSync(file);
  const slots = slotsOf(Bun.mmap(segment));
  for (const slot of slots) slot.fill(0);
  const queues = await listen<Ready, Free>(socket);
  const unused = slots.map((_, slot) => slot);
  for await (const { number } of camera(Number(runMs))) {
    // A pool without a free slot keeps its camera waiting.
    const slot = unused.shift() ?? (await queues.receive());
    if (slot === null) return;
    draw(slots[slot] as Uint8Array, number);
    queues.send({ slot, number, publishedMs: nowMs() });
  }
  queues.end();
}

async function consume(): Promise<void> {
  const queues = await dial<Free, Ready>(socket);
  const slots = slotsOf(Bun.mmap(segment));
  const witness = new Witness();
  const readFrame = async () => {
    const ready = await queues.receive();
    if (ready === null) return null;
    // Here is the fault: from now on the producer may draw into what is returned.
    queues.send(ready.slot);
    return { ...ready, payload: slots[ready.slot] as Uint8Array };
  };
  for (let frame = await readFrame(); frame !== null; frame = await readFrame()) {
    await witness.work(frame.payload, frame.number, frame.publishedMs);
  }
  console.log(JSON.stringify(witness.sighting));
}

await (role === "producer" ? produce() : consume());
process.exit(0);
