import { expect } from "bun:test";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { codeOf, eventually } from "../integration/processes.ts";
import { cameraStory, framesOf, nothingLeft, numberOf, numbersIn } from "./camera-stage.ts";

const table = (format: string, more = "") =>
  `[camera.front]\npipeline = "test"\nwidth = 160\nheight = 120\nformat = "${format}"\n${more}\n`;

for (const format of ["BGR3", "RGB3", "NV12", "YU12", "GREY"]) {
  cameraStory(`images in ${format} come with their own pictures, in their order`, table(format), async ({ client, eventually: wait }) => {
    await wait("front", "captures", ({ state }) => state === "capturing");
    const seen = await framesOf(client, "front", 10, (frame) => ({
      seq: frame.seq,
      number: numberOf(frame),
      timestampNs: frame.timestampNs,
    }));
    for (const [i, { seq, number, timestampNs }] of seen.entries()) {
      // The first one drawn is 0, the first one published 1. More are drawn than published when frames are skipped.
      expect(number).toBeGreaterThanOrEqual(seq - 1);
      expect(number).toBeGreaterThan(seen[i - 1]?.number ?? -1);
      expect(timestampNs).toBeGreaterThan(seen[i - 1]?.timestampNs ?? 0n);
    }
  });
}

cameraStory("every frame of MJPG is a picture by itself", table("MJPG"), async ({ client, stage, eventually: wait }) => {
  await wait("front", "captures", ({ state }) => state === "capturing");
  const seen = await framesOf(client, "front", 5, (frame) => ({ seq: frame.seq, data: frame.data.slice() }));
  for (const { seq, data } of seen) {
    const path = join(stage.folder, `${seq}.jpg`);
    writeFileSync(path, data);
    const [number = -1, ...others] = await numbersIn(stage, path, 160, 120);
    expect(number).toBeGreaterThanOrEqual(seq - 1);
    expect(others).toEqual([]);
  }
});

cameraStory(
  "frames of H264 can be decoded from a key frame on",
  table("H264", "slots = 16"),
  async ({ client, stage, eventually: wait }) => {
    await wait("front", "captures", ({ state }) => state === "capturing");
    await using pool = await client.pool("front");
    let units: Uint8Array[] = [];
    for await (using frame of pool.frames({ policy: "drop-oldest", depth: 8 })) {
      if (frame.lost > 0 || (units.length === 0 && frame.meta["key"] !== true)) units = [];
      else units.push(frame.data.slice());
      if (units.length === 20) break;
    }
    const path = join(stage.folder, "units.h264");
    writeFileSync(path, Buffer.concat(units));
    const numbers = await numbersIn(stage, path, 160, 120);
    expect(numbers).toEqual(Array.from({ length: 20 }, (_, i) => (numbers[0] ?? 0) + i));
  },
);

cameraStory("a recording is played as a camera", "", async ({ client, stage }) => {
  const path = join(stage.folder, "film.mkv");
  const made = await stage.run(
    "ffmpeg",
    "-v",
    "error",
    "-f",
    "lavfi",
    "-i",
    "testsrc2=size=320x240:rate=10",
    "-t",
    "1",
    "-c:v",
    "mjpeg",
    path,
  );
  expect(made).toMatchObject({ status: 0, stderr: "" });
  await client.createCamera("film", { pipeline: "file", source: path, width: 160, height: 120, fps: 10 });
  await client.startCamera("film");
  // More than it has: it begins again.
  expect(await framesOf(client, "film", 15, ({ width, height }) => `${width}x${height}`)).toEqual(Array(15).fill("160x120"));
});

cameraStory(
  "it is paused, goes on, and changes its rate; each is answered when it is so",
  table("GREY"),
  async ({ client, camera, processes, eventually: wait }) => {
    await wait("front", "captures", ({ state }) => state === "capturing");
    await client.pauseCamera("front");
    const published = async () => (await client.pools())[0]?.published ?? 0;
    const before = await published();
    const { counters } = await camera("front");
    await wait("front", "goes on to be read", ({ counters: now }) => now.discarded > counters.discarded + 5);
    expect(await published()).toBe(before);
    await client.resumeCamera("front");
    await eventually("it goes on", async () => (await published()) > before);
    expect(await client.setCameraFps("front", 5)).toMatchObject({ state: "capturing", fps: 5 });
    expect([processes("rate=30").length, processes("rate=5").length]).toEqual([0, 1]);
    await framesOf(client, "front", 2, numberOf);
  },
);

cameraStory(
  "a device that is not there, a server that does not answer and a program that is not installed are told apart",
  `[camera.gone]
  pipeline = "v4l2"
  source = "/dev/video77"
  width = 160
  height = 120
  autostart = false
  [camera.far]
  pipeline = "rtsp"
  source = "rtsp://127.0.0.1:1/stream"
  width = 160
  height = 120
  autostart = false
  [camera.missing]
  pipeline = "rpicam"
  format = "YU12"
  width = 128
  height = 120
  autostart = false
  [camera.front]
  pipeline = "test"
  width = 160
  height = 120`,
  async ({ client, camera, eventually: wait }) => {
    expect(await codeOf(client.startCamera("gone"))).toBe("DEVICE_GONE");
    expect(await codeOf(client.startCamera("far"))).toBe("DEVICE_GONE");
    await expect(client.startCamera("missing")).rejects.toMatchObject({
      code: "PROGRAM_MISSING",
      message: expect.stringContaining("rpicam-apps"),
    });
    expect((await camera("missing")).state).toBe("failed");
    await wait("front", "captures all the same", ({ state }) => state === "capturing");
  },
);

for (const [whom, text] of [
  ["worker", "camera-worker capture"],
  ["pipeline", "testsrc2"],
] as const) {
  cameraStory(
    `a ${whom} that is killed is replaced, with all that was begun by it`,
    table("GREY"),
    async ({ eventually: wait, processes, client }) => {
      await wait("front", "captures", ({ state }) => state === "capturing");
      const before = [...processes("camera-worker"), ...processes("testsrc2")];
      expect(before).toHaveLength(2);
      const { starts } = await wait("front", "was started", () => true);
      process.kill(processes(text)[0] as number, "SIGKILL");
      await wait("front", "captures again", (info) => info.state === "capturing" && info.starts > starts);
      const now = [...processes("camera-worker"), ...processes("testsrc2")];
      expect(now.filter((pid) => before.includes(pid))).toEqual([]);
      await framesOf(client, "front", 3, numberOf);
    },
  );
}

cameraStory(
  "after SIGKILL of the supervisor nothing of its cameras runs, and the next one removes their memory",
  table("GREY"),
  async (scene) => {
    const { stage, supervisor, shm, eventually: wait } = scene;
    await wait("front", "captures", ({ state }) => state === "capturing");
    supervisor.kill("SIGKILL");
    await supervisor.ended();
    await nothingLeft(stage.folder);
    const next = await stage.serve("--config", stage.file("none.toml", `frames.directory = "${shm}"\n`));
    expect(readdirSync(shm)).toEqual([]);
    next.kill("SIGTERM");
    await next.ended();
  },
);
