import { expect } from "bun:test";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cameraStory, framesOf, numberOf, numbersIn } from "./camera-stage.ts";

const SIZE = { width: 160, height: 120 };

/** So many frames of the recording are looked at when it is played: more than it has. */
const PLAYED = 60;

for (const format of ["GREY", "MJPG", "H264"] as const) {
  cameraStory(
    `what a camera has recorded in ${format} is played again as one in the same format, and again`,
    `[camera.front]
    pipeline = "test"
    width = ${SIZE.width}
    height = ${SIZE.height}
    format = "${format}"
    save = { folder = "VIDEO", segmentMs = 60000 }`,
    async ({ stage, client, video, eventually: wait }) => {
      await wait("front", "captures", ({ state }) => state === "capturing");
      await client.saveCamera("front", true);
      await wait("front", "records", ({ save }) => save.frames > 20);
      await client.stopCamera("front");
      const [recording = ""] = readdirSync(video);
      const recorded = await numbersIn(stage, join(video, recording), SIZE.width, SIZE.height);
      expect(recorded.length).toBeGreaterThan(20);
      await client.createCamera("film", { pipeline: "file", source: join(video, recording), ...SIZE, format, slots: 64 });
      await wait("film", "is played", ({ state }) => state === "capturing");
      const look = { policy: "drop-oldest", depth: 32 } as const;
      const played = await framesOf(
        client,
        "film",
        PLAYED,
        (frame) => ({ number: numberOf(frame), data: frame.data.slice(), isKey: frame.meta["key"] }),
        look,
      );
      let numbers = played.map(({ number }) => number);
      if (format !== "GREY") {
        const path = join(stage.folder, `played.${format === "MJPG" ? "mjpeg" : "h264"}`);
        const units = played.slice(
          Math.max(
            0,
            played.findIndex(({ isKey }) => isKey !== false),
          ),
        );
        writeFileSync(path, Buffer.concat(units.map(({ data }) => data)));
        numbers = await numbersIn(stage, path, SIZE.width, SIZE.height);
      }
      expect(numbers.filter((number) => !recorded.includes(number))).toEqual([]);
      expect(new Set(numbers).size).toBeGreaterThan(10);
    },
  );
}
