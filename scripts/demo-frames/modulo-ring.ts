/**
 * A ring of segments reused by modulo, after the pattern of Frigate: one segment a slot, the next one for each frame whoever reads;
 * their names go through a queue of two, and when that is full the new frame is skipped. No reader ever gives a slot back.
 * `bun modulo-ring.ts producer|consumer FOLDER RUN_MS`, one process each.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { dial, listen } from "./message-pipe.ts";
import { camera, draw, FRAME_BYTES, nowMs, SLOTS, Witness } from "./workload.ts";

/** An entry of the queue. */
interface Announced {
  readonly name: string;
  readonly number: number;
  readonly publishedMs: number;
}

/** As many names may wait. */
const QUEUED = 2;

const [role, folder, runMs] = process.argv.slice(2) as [string, string, string];
const socket = join(folder, "ring.sock");

/** The queue, which the producer keeps; its consumer asks for each entry. */
class BoundedQueue {
  readonly #entries: Announced[] = [];
  #asked = 0;
  #drained: (() => void) | null = null;

  constructor(readonly send: (entry: Announced) => void) {}

  /** Never waits: what finds the queue full is skipped. */
  put(entry: Announced): void {
    if (this.#entries.length < QUEUED) this.#entries.push(entry);
    this.#serve();
  }

  ask(): void {
    this.#asked++;
    this.#serve();
  }

  /** When the last entry has been taken. */
  drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#drained = resolve;
      this.#serve();
    });
  }

  #serve(): void {
    for (; this.#asked > 0 && this.#entries.length > 0; this.#asked--) this.send(this.#entries.shift() as Announced);
    if (this.#entries.length === 0) this.#drained?.();
  }
}

async function produce(): Promise<void> {
  const ring = Array.from({ length: SLOTS }, (_, index) => {
    const name = join(folder, `ring_frame${index}`);
    writeFileSync(name, new Uint8Array(FRAME_BYTES), { mode: 0o600 });
    return { name, payload: Bun.mmap(name) };
  });
  const consumer = await listen<Announced, "next">(socket);
  const queue = new BoundedQueue((entry) => consumer.send(entry));
  const serve = async () => {
    while ((await consumer.receive()) !== null) queue.ask();
  };
  const served = serve();
  let index = 0;
  for await (const { number } of camera(Number(runMs))) {
    const { name, payload } = ring[index] as (typeof ring)[0];
    draw(payload, number);
    queue.put({ name, number, publishedMs: nowMs() });
    index = (index + 1) % SLOTS;
  }
  await queue.drained();
  consumer.end();
  await served;
}

async function consume(): Promise<void> {
  const producer = await dial<"next", Announced>(socket);
  const witness = new Witness();
  for (;;) {
    producer.send("next");
    const announced = await producer.receive();
    if (announced === null) break;
    await witness.work(Bun.mmap(announced.name), announced.number, announced.publishedMs);
  }
  console.log(JSON.stringify(witness.sighting));
}

await (role === "producer" ? produce() : consume());
process.exit(0);
