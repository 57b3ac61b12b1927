/**
 * A program that keeps views of frames and nothing else, while pools, clients and supervisors go and the collector runs all the time.
 * A view that outlives its mapping ends the process (SIGSEGV). It prints what it saw as JSON.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FolderSharedMemory } from "../../src/frames/folder.ts";
import { createSupervisor, RealClock, SimBackend } from "../../src/index.ts";

const ROUNDS = 40;
const BYTES = 200_000;

/** Ways to keep the bytes of a frame, and to read one of them. */
const kinds: readonly ((data: Uint8Array) => (at: number) => number | undefined)[] = [
  (data) => (at) => data[at],
  (data) => {
    const part = data.subarray(1);
    return (at) => part[at - 1];
  },
  (data) => {
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    return (at) => view.getUint8(at);
  },
  (data) => {
    const { buffer } = data;
    return (at) => new Uint8Array(buffer)[at];
  },
  (data) => {
    const part = Buffer.from(data.buffer, data.byteOffset, data.byteLength).subarray(0);
    return (at) => part[at];
  },
];

const folder = mkdtempSync(join(tmpdir(), "holdfast-"));
let kept: { readonly read: (at: number) => number | undefined; readonly value: number }[] = [];
let wrong = 0;

/** How often this process has the file of a pool mapped, removed or not. */
const mappings = () => readFileSync("/proc/self/maps", "utf8").split("holdfast-cam").length - 1;

async function collect(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) {
    Bun.gc(true);
    await new Promise((resolve) => setTimeout(resolve));
  }
}

/** Keeps something of a frame; of its pool, client and supervisor nothing stays. */
async function round(number: number): Promise<void> {
  const supervisor = await createSupervisor({
    backend: new SimBackend({ clock: new RealClock() }),
    memory: new FolderSharedMemory(folder),
  });
  const client = await supervisor.client();
  const pool = await client.createPool(`cam${number}`, { slots: 4, bytes: BYTES });
  const frames = pool.frames();
  const next = frames.next();
  await client.request("ping", {});
  const slot = await pool.produce();
  slot.data.fill(number);
  await slot.publish();
  const { value: frame } = await next;
  if (frame === undefined) throw new Error("no frame came");
  const keep = kinds[number % kinds.length] as (typeof kinds)[number];
  kept.push({ read: keep(frame.data), value: number });
  // Every other round the program forgets the frame itself; every third the end comes without a word.
  if (number % 2 === 0) kept.push({ read: (at) => frame.data[at], value: number });
  if (number % 3 === 0) await pool.remove();
  if (number % 3 === 1) await client.close();
  await supervisor.shutdown({ hard: true });
}

for (let number = 1; number <= ROUNDS; number++) {
  await round(number);
  await collect();
  for (const { read, value } of kept) for (let at = 1; at < BYTES; at += 997) if (read(at) !== value) wrong++;
}
const most = mappings();
kept = [];
for (let turn = 0; turn < 10; turn++) await collect();
rmSync(folder, { recursive: true });
console.log(JSON.stringify({ wrong, most, left: mappings() }));
