import { expect } from "bun:test";
import { join } from "node:path";
import type { HoldfastClient } from "../../src/index.ts";
import { cameraStory, framesOf } from "./camera-stage.ts";

const SIZE = { width: 640, height: 480 };
const BYTES = SIZE.width * SIZE.height;

/** How often it is killed. */
const KILLS = 10;

const source = [
  process.execPath,
  join(import.meta.dir, "..", "integration", "frame-source.mjs"),
  JSON.stringify({ bytes: BYTES, periodMs: 2 }),
];
const table = `[camera.front]
pipeline = ${JSON.stringify(source)}
width = ${SIZE.width}
height = ${SIZE.height}
format = "GREY"
backoffMs = 10
maxBackoffMs = 20`;

/** Looks at frames until it is told to end. @returns how many there were, and how many were not of one piece */
async function watch(client: HoldfastClient, hasEnded: () => boolean): Promise<{ frames: number; torn: number }> {
  await using pool = await client.pool("front");
  const seen = { frames: 0, torn: 0 };
  for await (using frame of pool.frames()) {
    const [first] = frame.data;
    const isWhole = frame.data.length === BYTES && frame.data.every((byte) => byte === first);
    if (await frame.release()) {
      seen.frames++;
      if (!isWhole) seen.torn++;
    }
    if (hasEnded()) break;
  }
  return seen;
}

for (const [whom, text] of [
  ["pipeline", "frame-source.mjs"],
  ["worker", "camera-worker"],
] as const) {
  cameraStory(`no frame is torn or cut short, whenever the ${whom} is killed`, table, async ({ client, processes, eventually: wait }) => {
    await wait("front", "captures", ({ state }) => state === "capturing");
    let hasEnded = false;
    const watching = watch(client, () => hasEnded);
    for (let kill = 0; kill < KILLS; kill++) {
      const { starts } = await wait("front", "captures", ({ state }) => state === "capturing");
      await framesOf(client, "front", 1 + (kill % 3), () => null);
      for (const pid of processes(text)) process.kill(pid, "SIGKILL");
      await wait("front", "captures again", (info) => info.state === "capturing" && info.starts > starts);
    }
    hasEnded = true;
    const { frames, torn } = await watching;
    expect(torn).toBe(0);
    expect(frames).toBeGreaterThan(KILLS);
  });
}
