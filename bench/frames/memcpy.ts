/** The most that memory allows: `bun memcpy.ts BYTES SLOTS` copies an image into one mapped slot after the other. Prints copies a second. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const MEASURED_MS = 300;

const [bytes, slots] = process.argv.slice(2).map(Number) as [number, number];
const folder = mkdtempSync("/dev/shm/holdfast-bench-");
try {
  const path = join(folder, "slots");
  writeFileSync(path, new Uint8Array(bytes * slots), { mode: 0o600 });
  const memory = Bun.mmap(path);
  const image = new Uint8Array(bytes).fill(7);
  for (let slot = 0; slot < slots; slot++) memory.set(image, slot * bytes);
  const began = performance.now();
  let copies = 0;
  while (performance.now() - began < MEASURED_MS) memory.set(image, (copies++ % slots) * bytes);
  console.log(JSON.stringify((copies / (performance.now() - began)) * 1000));
} finally {
  rmSync(folder, { recursive: true });
}
