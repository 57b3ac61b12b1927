import { describe, expect, test } from "bun:test";
import { parseConfig } from "../../src/config/parse-config.ts";
import { type CameraTable, cameraSettings, deviceOf, mistakesInCameras, previewSettings } from "../../src/protocol/camera-table.ts";
import { refusal } from "../refusal.ts";

const table: CameraTable = { pipeline: "v4l2", width: 640, height: 480 };

describe("a table is refused that is wrong by itself", () => {
  const size = "width = 640\nheight = 480";
  const wrong: [lines: string, key: string, says: string][] = [
    [size, "pipeline", "is missing"],
    ['pipeline = "v4l2"\nwidth = 640', "height", "is missing"],
    [`pipeline = "v4l"\n${size}`, "pipeline", '"v4l2"'],
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
  return [...mistakesInCameras(tables, pools)].map(({ details }) => details["key"]);
}

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

test("a camera makes its pool itself, and pauses for no longer than it may", () => {
  expect(mistakes({ front: table }, "front")).toEqual(["camera.front"]);
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
