import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseConfig } from "../../src/config/parse-config.ts";
import { type CameraTable, cameraSettings, previewSettings } from "../../src/protocol/camera-table.ts";
import { deviceOf, mistakesInCameras } from "../../src/supervisor/cameras/camera-tables.ts";
import { refusal } from "../refusal.ts";

const table: CameraTable = { pipeline: "v4l2", width: 640, height: 480 };

describe("a table is refused that is wrong by itself", () => {
  const size = "width = 640\nheight = 480";
  const wrong: [lines: string, key: string, says: string][] = [
    [size, "pipeline", "is missing"],
    ['pipeline = "v4l2"\nwidth = 640', "height", "is missing"],
    [`pipeline = "v4l"\n${size}`, "pipeline", "did you mean v4l2?"],
    [`pipeline = []\n${size}`, "pipeline", "must have at least 1 item"],
    [`pipeline = "v4l2"\n${size}\nformat = "YUYV"`, "format", '"BGR3"'],
    ['pipeline = "v4l2"\nwidth = 641\nheight = 480\nformat = "NV12"', "width", "is a multiple of 2 in NV12"],
    [`pipeline = "v4l2"\n${size}\nslots = 3`, "slots", "must be at least 4"],
    [`pipeline = "v4l2"\n${size}\nfps = 0`, "fps", "must be at least 0.01"],
    [`pipeline = "v4l2"\n${size}\npool = "x"`, "pool", "there is no such key"],
    [`pipeline = "v4l2"\n${size}\nsave = { folder = "video" }`, "save.folder", "must be a path from the root"],
  ];
  for (const [lines, key, says] of wrong) {
    test(lines.replaceAll("\n", "; "), () => {
      const { code, message, details } = refusal(() => parseConfig(`[camera.front]\n${lines}`, "holdfast.toml"));
      expect([code, details["key"]]).toEqual(["BAD_CONFIG", `camera.front.${key}`]);
      expect(message).toContain(says);
    });
  }
});

/** The keys of what is wrong with tables. */
function mistakes(tables: Readonly<Record<string, CameraTable>>, ...pools: readonly string[]): unknown[] {
  return [...mistakesInCameras(tables, { pools })].map(({ details }) => details["key"]);
}

test("what no pipeline can bring is a mistake in the configuration, and says which key has it", () => {
  const wrong: [Partial<CameraTable>, key: string, says: string][] = [
    [{ width: 641, format: "YU12" }, "width", "is a multiple of 2 in YU12"],
    [{ height: 481, format: "NV12" }, "height", "is a multiple of 2 in NV12"],
    [{ width: 32_768, height: 32_768 }, "width", "a slot has at most"],
    [{ pipeline: "rpicam" }, "format", "the pipeline rpicam delivers YU12, MJPG, H264, and not BGR3"],
    [{ pipeline: "rpicam", format: "YU12", width: 100 }, "width", "multiples of 128 pixels, and 100 is none"],
    [{ pipeline: "gstreamer", width: 100 }, "width", "a multiple of 8"],
    [{ pipeline: "rtsp" }, "source", "the pipeline needs a URL"],
    [{ pipeline: ["my-capture", "{heigth}"] }, "pipeline", "there is no place {heigth}, but {width}, {height}, {fps}, {format}, {source}"],
    [{ pipeline: ["my-capture", "{source}"] }, "source", "the pipeline has a place for it"],
  ];
  for (const [said, key, says] of wrong) {
    const [mistake] = mistakesInCameras({ front: { ...table, ...said } }, {});
    expect([mistake?.code, mistake?.details["key"]]).toEqual(["BAD_CONFIG", `camera.front.${key}`]);
    expect(mistake?.message).toStartWith(`camera.front.${key}: `);
    expect(mistake?.message).toContain(says);
  }
});

test("a device is the same by whichever of its names", () => {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-"));
  try {
    const link = join(folder, "usb-camera");
    symlinkSync("/dev/null", link);
    expect(deviceOf({ pipeline: "v4l2", source: link })).toBe("/dev/null");
  } finally {
    rmSync(folder, { recursive: true });
  }
  const first = deviceOf({ pipeline: "v4l2" });
  for (const source of ["0", "00", "/dev/video0", "/dev/../dev//video0"]) expect(deviceOf({ pipeline: "v4l2", source })).toBe(first);
  expect(deviceOf({ pipeline: "gstreamer" })).toBe(first);
  expect(deviceOf({ pipeline: "gstreamer", source: "v4l2src device=/dev/video0 ! decodebin" })).toBe(first);
  expect(deviceOf({ pipeline: ["ffmpeg", "-f", "v4l2", "-i", "/dev/video0", "-"] })).toBe(first);
  expect([deviceOf({ pipeline: "gstreamer", source: "videotestsrc" }), deviceOf({ pipeline: ["cat", "/dev/zero"] })]).toEqual([null, null]);
});

test("a camera that a client has made has its device, too, and says so", () => {
  const created = { side: { ...table, source: "/dev/video2" } };
  const [mistake] = mistakesInCameras({ front: { ...table, source: "2" } }, { created });
  expect(mistake?.message).toBe("camera.front.source: /dev/video2 is that of camera side, which a client has made, already");
  expect([...mistakesInCameras({ side: { ...table, source: "/dev/video2" } }, { created })]).toEqual([]);
});

test("no camera is called as the preview of another one is", () => {
  const [mistake] = mistakesInCameras({ front: table, "front-preview": { ...table, source: "1" } }, {});
  expect(mistake?.message).toBe("camera.front-preview: its pool would be that of camera front's preview");
});

test("no two cameras have one device, whether they name it or mean it", () => {
  expect(mistakes({ a: table, b: { ...table, source: "/dev/video0" } })).toEqual(["camera.b.source"]);
  expect(mistakes({ a: table, b: { ...table, source: "/dev/video2" } })).toEqual([]);
  expect(
    mistakes({ a: { ...table, pipeline: "rtsp", source: "rtsp://x" }, b: { ...table, pipeline: "rtsp", source: "rtsp://x" } }),
  ).toEqual([]);
  const own = { ...table, pipeline: ["my-capture", "{source}"], source: "/dev/video0" };
  expect(mistakes({ a: table, b: own })).toEqual(["camera.b.source"]);
  expect([deviceOf(own), deviceOf({ pipeline: "test" })]).toEqual(["/dev/video0", null]);
});

test("a camera makes its pools itself, and pauses for no longer than it may", () => {
  expect(mistakes({ front: table }, "front")).toEqual(["camera.front"]);
  expect(mistakes({ front: table }, "front-preview")).toEqual(["camera.front"]);
  expect(mistakes({ front: { ...table, backoffMs: 1000, maxBackoffMs: 10 } })).toEqual(["camera.front.backoffMs"]);
  expect(mistakes({ "no name": table })).toEqual(['camera."no name"']);
});

test("what a table does not say is as it is by default", () => {
  expect(cameraSettings({ ...table, fps: undefined })).toMatchObject({
    fps: 30,
    format: "BGR3",
    slots: 12,
    autostart: true,
    restart: "on-failure",
  });
  expect(previewSettings({ ...table, width: 1920, height: 1080 })).toMatchObject({ width: 640, height: 360, fps: 5 });
  expect(previewSettings({ ...table, width: 320, height: 240 })).toMatchObject({ width: 320, height: 240 });
});
