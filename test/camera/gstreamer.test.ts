import { expect } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Frame } from "../../src/index.ts";
import { codeOf } from "../integration/processes.ts";
import { cameraStory, framesInFile, framesOf } from "./camera-stage.ts";

const [WIDTH, HEIGHT] = [168, 120];

const table = (format: string, source: string, more = "") =>
  `[camera.front]
  pipeline = "gstreamer"
  source = ${JSON.stringify(source)}
  width = ${WIDTH}
  height = ${HEIGHT}
  format = "${format}"
  startMs = 60000
  ${more}\n`;

/** The upper bars of SMPTE's test picture, from the left: white, yellow, cyan, green, magenta, red, blue. */
const bars = [
  { rgb: [255, 255, 255], yuv: [235, 128, 128] },
  { rgb: [255, 255, 0], yuv: [210, 16, 146] },
  { rgb: [0, 255, 255], yuv: [170, 166, 16] },
  { rgb: [0, 255, 0], yuv: [145, 54, 34] },
  { rgb: [255, 0, 255], yuv: [106, 202, 222] },
  { rgb: [255, 0, 0], yuv: [81, 90, 240] },
  { rgb: [0, 0, 255], yuv: [41, 240, 110] },
];

/** The samples of a pixel, in the order in which the format has them. */
const pixelAt: Readonly<Record<string, (data: Uint8Array, x: number, y: number) => (number | undefined)[]>> = {
  BGR3: (data, x, y) => [2, 1, 0].map((i) => data[(y * WIDTH + x) * 3 + i]),
  RGB3: (data, x, y) => [0, 1, 2].map((i) => data[(y * WIDTH + x) * 3 + i]),
  GREY: (data, x, y) => [data[y * WIDTH + x]],
  NV12: (data, x, y) => {
    const chroma = WIDTH * HEIGHT + (y >> 1) * WIDTH + (x >> 1) * 2;
    return [data[y * WIDTH + x], data[chroma], data[chroma + 1]];
  },
  YU12: (data, x, y) => {
    const chroma = (y >> 1) * (WIDTH / 2) + (x >> 1);
    const blue = WIDTH * HEIGHT;
    return [data[y * WIDTH + x], data[blue + chroma], data[(blue * 5) / 4 + chroma]];
  },
};

/** How far the colours of a frame are from those of the bars, in the middle of each and near its lower end. */
function farthestOff({ data }: Frame, format: string): number {
  const off = bars.flatMap(({ rgb, yuv }, i) => {
    const x = Math.floor(((i + 0.5) * WIDTH) / bars.length);
    const wanted = format.endsWith("3") ? rgb : yuv;
    return [2, 60].flatMap((y) => (pixelAt[format]?.(data, x, y) ?? []).map((sample, j) => Math.abs((sample ?? 1000) - (wanted[j] ?? 0))));
  });
  return Math.max(...off);
}

for (const format of Object.keys(pixelAt)) {
  cameraStory(
    `GStreamer's images in ${format} have the colours of what it shows, in their places`,
    table(format, "videotestsrc is-live=true pattern=smpte"),
    async ({ client, eventually: wait }) => {
      await wait("front", "captures", ({ state }) => state === "capturing");
      const off = await framesOf(client, "front", 5, (frame) => farthestOff(frame, format));
      expect(Math.max(...off)).toBeLessThanOrEqual(2);
    },
  );
}

for (const [format, source, ending] of [
  ["MJPG", "videotestsrc is-live=true pattern=ball ! jpegenc", "mjpg"],
  ["H264", "videotestsrc is-live=true pattern=ball ! x264enc tune=zerolatency key-int-max=10", "h264"],
  ["H264", "videotestsrc is-live=true pattern=ball ! openh264enc gop-size=10", "h264"],
] as const) {
  cameraStory(
    `${format} of GStreamer's ${source.split(/ ! | /)[3]} comes as whole frames, each of which can be decoded`,
    table(format, source, "slots = 64"),
    async ({ client, stage, eventually: wait }) => {
      await wait("front", "captures", ({ state }) => state === "capturing");
      await using pool = await client.pool("front");
      let units: Uint8Array[] = [];
      for await (using frame of pool.frames({ policy: "drop-oldest", depth: 32 })) {
        if (frame.lost > 0 || (units.length === 0 && frame.meta["key"] === false)) units = [];
        else units.push(frame.data.slice());
        if (units.length === 25) break;
      }
      const path = join(stage.folder, `units.${ending}`);
      writeFileSync(path, Buffer.concat(units));
      expect(await framesInFile(stage, path)).toBe(25);
    },
  );
}

for (const [what, source, code, said] of [
  ["an element that there is not", "nosuchsrc", "PROGRAM_MISSING", 'no element "nosuchsrc"'],
  ["a device that is absent", "/dev/video77", "DEVICE_GONE", "/dev/video77"],
  ["a device that is none", "/dev/null", "DEVICE_GONE", "/dev/null"],
  ["a source that has no such size", "videotestsrc ! video/x-raw,width=320", "DEVICE_REFUSED", "width=(int)168"],
  ["a property that there is not", "videotestsrc nosuch=1", "PROGRAM_MISSING", 'no property "nosuch"'],
  ["a pipeline that makes no sense", "videotestsrc ! !", "PROGRAM_MISSING", "syntax error"],
  ["a file that there is not", "filesrc location=/nonexistent ! decodebin", "DEVICE_GONE", "Resource not found"],
] as const) {
  cameraStory(
    `what GStreamer says of ${what} is told`,
    table("BGR3", source, 'autostart = false\nrestart = "never"'),
    async ({ client, camera }) => {
      expect(await codeOf(client.startCamera("front"))).toBe(code);
      expect((await camera("front")).fault).toMatchObject({ code, message: expect.stringContaining(said) });
    },
  );
}

cameraStory(
  "a pipeline of GStreamer whose source ends has exited, and is started again",
  table("GREY", "videotestsrc is-live=true num-buffers=5", "backoffMs = 10"),
  async ({ eventually: wait }) => {
    const { fault } = await wait("front", "was started again", ({ starts }) => starts > 1);
    expect(fault).toMatchObject({ code: "PIPELINE_EXITED", message: expect.stringContaining("gst-launch-1.0 has ended with status 0") });
  },
);
