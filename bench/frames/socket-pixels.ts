/**
 * The pixels themselves through a Unix socket: `bun socket-pixels.ts '{"bytes", "runMs", "paceMs"}'`. Two processes: this one starts
 * the consumer, sends it whole frames and says before each when it did. The consumer prints what it has seen.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { createConnection, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Run } from "./run.ts";
import { nowUs, pace, Watcher } from "./seen.ts";

/** Before each frame, the time of its publishing: a double. */
const STAMP_BYTES = 8;

/** The last one has this time, and no pixels. */
const LAST = -1;

/** Takes the bytes of frames as they come: they are in buffers of their own, so nothing is copied again. */
function consume(path: string, { bytes }: Run): void {
  const watcher = new Watcher();
  const stamp = new DataView(new ArrayBuffer(STAMP_BYTES));
  let at = 0;
  createConnection(path).on("data", (chunk: Uint8Array) => {
    for (let taken = 0; taken < chunk.length; ) {
      if (at < STAMP_BYTES) {
        stamp.setUint8(at++, chunk[taken++] as number);
        if (at === STAMP_BYTES && stamp.getFloat64(0) === LAST) {
          console.log(JSON.stringify(watcher.seen));
          process.exit(0);
        }
        continue;
      }
      const part = Math.min(chunk.length - taken, STAMP_BYTES + bytes - at);
      at += part;
      taken += part;
      if (at < STAMP_BYTES + bytes) continue;
      at = 0;
      watcher.frame(stamp.getFloat64(0));
    }
  });
}

function stamped(us: number): Uint8Array {
  const stamp = new DataView(new ArrayBuffer(STAMP_BYTES));
  stamp.setFloat64(0, us);
  return new Uint8Array(stamp.buffer);
}

async function send(socket: Socket, bytes: Uint8Array): Promise<void> {
  if (!socket.write(bytes)) await new Promise<void>((drained) => socket.once("drain", drained));
}

async function produce(run: Run): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-bench-"));
  try {
    const path = join(folder, "pixels.sock");
    const connected = new Promise<Socket>((resolve) => createServer(resolve).listen(path));
    const command = [process.execPath, import.meta.path, JSON.stringify(run), path];
    const consumer = Bun.spawn(command, { stdin: "ignore", stdout: "inherit", stderr: "inherit" });
    const socket = await connected;
    socket.on("error", () => {});
    const image = new Uint8Array(run.bytes).fill(7);
    for await (const _ of pace(run.runMs, run.paceMs)) {
      await send(socket, stamped(nowUs()));
      await send(socket, image);
    }
    await send(socket, stamped(LAST));
    await consumer.exited;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const [json, path] = process.argv.slice(2) as [string, string | undefined];
const run: Run = JSON.parse(json);
if (path === undefined) {
  await produce(run);
  process.exit(0);
} else {
  consume(path, run);
}
