import { expect } from "bun:test";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { codeOf, eventually } from "../integration/processes.ts";
import { cameraStory, framesOf, numbersIn } from "./camera-stage.ts";

const table = (format: string, more = "") => `[camera.front]
pipeline = "test"
width = 160
height = 120
slots = 16
format = "${format}"
${more}`;

for (const format of ["BGR3", "MJPG", "H264"]) {
  cameraStory(
    `a preview of ${format} is smaller pictures, fewer of them, in a pool that is there as long as it is on`,
    table(format, "preview = { width = 128, height = 96, fps = 5 }"),
    async ({ stage, client, camera, processes, eventually: wait }) => {
      await wait("front", "captures", ({ state }) => state === "capturing");
      expect((await client.previewCamera("front", true)).preview).toMatchObject({ state: "on" });
      const seen = await framesOf(client, "front-preview", 4, ({ data, timestampNs }) => ({ data: data.slice(), timestampNs }), {
        policy: "drop-oldest",
        depth: 2,
      });
      for (const [i, { data, timestampNs }] of seen.entries()) {
        const path = join(stage.folder, `${i}.jpg`);
        await Bun.write(path, data);
        const { stdout } = await stage.run(
          "ffprobe",
          "-v",
          "error",
          "-show_entries",
          "stream=codec_name,width,height",
          "-of",
          "csv=p=0",
          path,
        );
        expect(stdout.trim()).toBe("mjpeg,128,96");
        // What ffmpeg decodes may come at one instant, behind a moment in which nothing ran.
        const leastNs = (seen[i - 1]?.timestampNs ?? 0n) + (format === "H264" ? 0n : 1n);
        expect(timestampNs).toBeGreaterThanOrEqual(leastNs);
      }
      await client.previewCamera("front", false);
      expect((await client.pools()).map(({ pool }) => pool)).toEqual(["front"]);
      expect(processes("camera-worker preview")).toEqual([]);
      expect(processes("scale=128:96")).toEqual([]);
      expect(await camera("front")).toMatchObject({ state: "capturing", fault: null, preview: { state: "off" } });
    },
  );

  cameraStory(
    `a recording of ${format} is files that have every frame, from one to the next`,
    table(format, 'save = { folder = "VIDEO", segmentMs = 1000 }'),
    async ({ stage, client, video, camera, eventually: wait }) => {
      await wait("front", "captures", ({ state }) => state === "capturing");
      expect((await client.saveCamera("front", true)).save).toMatchObject({ state: "on" });
      await wait("front", "has saved", ({ save }) => save.files >= 3);
      await client.saveCamera("front", false);
      const { save } = await camera("front");
      expect(save).toMatchObject({ state: "off", fault: null });
      const files = readdirSync(video).sort();
      expect(files).toHaveLength(save.files);
      expect(files.filter((name) => !/^front-[0-9T.-]+Z\.mkv$/.test(name))).toEqual([]);
      expect(files.reduce((sum, name) => sum + statSync(join(video, name)).size, 0)).toBe(save.bytes);
      const numbers: number[][] = [];
      for (const name of files) numbers.push(await numbersIn(stage, join(video, name), 160, 120));
      const all = numbers.flat();
      // It may have been too slow for some frames; those that it has taken are there once, in their order.
      expect(all).toEqual([...new Set(all)].sort((a, b) => a - b));
      expect(all.length).toBeLessThanOrEqual(save.frames);
      expect(all.length).toBeGreaterThan(save.frames - 10);
      const { stdout } = await stage.run(
        "ffprobe",
        "-v",
        "error",
        "-count_frames",
        "-show_entries",
        "stream=nb_read_frames",
        "-of",
        "csv=p=0",
        join(video, files[0] ?? ""),
      );
      expect(Number(stdout)).toBe(numbers[0]?.length as number);
    },
  );

  cameraStory(
    `every fifth frame of ${format} is saved as a picture`,
    table(format, 'save = { folder = "VIDEO", everyNth = 5 }'),
    async ({ stage, client, video, eventually: wait }) => {
      await wait("front", "captures", ({ state }) => state === "capturing");
      await client.saveCamera("front", true);
      await wait("front", "has saved", ({ save }) => save.files >= 5);
      await client.saveCamera("front", false);
      const numbers: number[] = [];
      for (const name of readdirSync(video).sort()) {
        expect(name).toMatch(/^front-[0-9T.-]+Z\.jpg$/);
        numbers.push(...(await numbersIn(stage, join(video, name), 160, 120)));
      }
      expect(numbers.length).toBeGreaterThanOrEqual(5);
      // Frames that it was too slow for are not counted.
      for (const [i, number] of numbers.entries()) if (i > 0) expect(number - (numbers[i - 1] ?? 0)).toBeGreaterThanOrEqual(5);
    },
  );
}

for (const format of ["BGR3", "MJPG", "H264"]) {
  cameraStory(
    `snapshots of ${format} are the frames that they say, while a recording goes on`,
    table(format, 'save = { folder = "VIDEO", segmentMs = 60000 }'),
    async ({ stage, client, video, camera, processes, eventually: wait }) => {
      await wait("front", "captures", ({ state }) => state === "capturing");
      await client.saveCamera("front", true);
      const recorder = processes("camera-worker record");
      const numbers = new Map<number, number>();
      for (let round = 0; round < 2; round++) {
        const taken = await Promise.all([client.snapshotCamera("front"), client.snapshotCamera("front")]);
        for (const { file, bytes, seq } of taken) {
          expect(statSync(file).size).toBe(bytes);
          const [number] = (await numbersIn(stage, file, 160, 120)) as [number];
          numbers.set(seq, number);
        }
      }
      // As many as there are numbers before the first frame of the pool.
      expect(numbers.size).toBe(4);
      expect(new Set([...numbers].map(([seq, number]) => number - seq)).size).toBe(1);
      expect(processes("camera-worker record")).toEqual(recorder);
      expect((await client.saveCamera("front", false)).save).toMatchObject({ files: 1, fault: null });
      const names = readdirSync(video);
      const [pictures, videos] = [".jpg", ".mkv"].map((ending) => names.filter((name) => name.endsWith(ending)).length);
      expect([pictures, videos]).toEqual([4, 1]);
      expect(await camera("front")).toMatchObject({ state: "capturing", starts: 1, fault: null });
    },
  );
}

cameraStory(
  "a folder that nothing can be written to fails the recording, and nothing else",
  table("GREY", 'save = { folder = "/proc" }'),
  async ({ client, camera, eventually: wait }) => {
    await wait("front", "captures", ({ state }) => state === "capturing");
    expect(await codeOf(client.saveCamera("front", true))).toBe("SAVE_FAILED");
    expect(await codeOf(client.snapshotCamera("front"))).toBe("SAVE_FAILED");
    expect(await camera("front")).toMatchObject({
      state: "capturing",
      starts: 1,
      save: { state: "failed", fault: { code: "SAVE_FAILED" } },
    });
    await framesOf(client, "front", 3, () => null);
  },
);

cameraStory(
  "a recorder that is killed is replaced; what it had written is kept, and the capture goes on",
  table("GREY", 'save = { folder = "VIDEO", segmentMs = 60000 }\nbackoffMs = 10'),
  async ({ client, video, processes, camera, eventually: wait }) => {
    await wait("front", "captures", ({ state }) => state === "capturing");
    await client.saveCamera("front", true);
    await wait("front", "records", ({ save }) => save.frames > 30);
    const [worker = 0] = processes("camera-worker record");
    process.kill(worker, "SIGKILL");
    await eventually("another one records", () => processes("camera-worker record").some((pid) => pid !== worker));
    await wait("front", "records", ({ save }) => save.state === "on");
    expect((await camera("front")).starts).toBe(1);
    await client.saveCamera("front", false);
    expect(readdirSync(video).filter((name) => !name.endsWith(".mkv"))).toEqual([]);
  },
);

cameraStory(
  "an ffmpeg that is killed ends neither a recording nor a preview: another one goes on",
  `${table("GREY", 'save = { folder = "VIDEO", segmentMs = 60000 }\nbackoffMs = 10')}`,
  async ({ client, processes, camera, eventually: wait }) => {
    await wait("front", "captures", ({ state }) => state === "capturing");
    await client.saveCamera("front", true);
    await client.previewCamera("front", true);
    for (const [part, of] of [
      ["save", "matroska"],
      ["preview", "scale="],
    ] as const) {
      const worker = (await camera("front"))[part].pid;
      for (const pid of processes(of)) process.kill(pid, "SIGKILL");
      const after = await wait("front", `has another ${part}`, ({ [part]: { state, pid } }) => state === "on" && pid !== worker);
      expect(after[part].fault?.code).toBe("PIPELINE_EXITED");
      expect(after.starts).toBe(1);
    }
  },
);

cameraStory(
  "a recording of raw frames goes on in another file when their pace changes, and each has the pace of its own",
  table("BGR3", 'fps = 10\nsave = { folder = "VIDEO", segmentMs = 600000 }'),
  async ({ stage, client, video, eventually: wait }) => {
    await wait("front", "captures", ({ state }) => state === "capturing");
    await client.saveCamera("front", true);
    await wait("front", "records", ({ save }) => save.frames >= 10);
    const before = (await client.setCameraFps("front", 25)).save;
    await wait("front", "records", ({ save }) => save.frames >= before.frames + 25);
    const { save } = await client.saveCamera("front", false);
    expect(save).toMatchObject({ files: 2, fault: null });
    const files = readdirSync(video).sort();
    const rates: string[] = [];
    let frames = 0;
    for (const name of files) {
      const path = join(video, name);
      const { stdout } = await stage.run("ffprobe", "-v", "error", "-show_entries", "stream=r_frame_rate", "-of", "csv=p=0", path);
      rates.push(stdout.trim());
      frames += (await numbersIn(stage, path, 160, 120)).length;
    }
    expect(rates).toEqual(["10/1", "25/1"]);
    expect(frames).toBeLessThanOrEqual(save.frames);
    expect(frames).toBeGreaterThan(save.frames - 10);
  },
);
