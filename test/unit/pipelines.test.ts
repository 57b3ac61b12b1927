import { expect, test } from "bun:test";
import { pipelineCommand, pipelineNames } from "../../src/cameras/pipeline-command.ts";
import type { StreamSettings } from "../../src/cameras/pipelines/pipeline.ts";
import { cameraFormatSchema, pipelineNameSchema } from "../../src/protocol/camera-table.ts";
import { refusal } from "../refusal.ts";

const stream: StreamSettings = { source: null, width: 640, height: 480, fps: 30, format: "BGR3" };
const line = (pipeline: string | readonly string[], settings: Partial<StreamSettings> = {}) =>
  pipelineCommand(pipeline, { ...stream, ...settings }).command.join(" ");

test("every pipeline that the configuration knows is there, and delivers formats that it knows", () => {
  expect([...pipelineNames].sort()).toEqual([...pipelineNameSchema.options].sort());
  for (const pipeline of pipelineNames) {
    const delivered = cameraFormatSchema.options.filter((format) => {
      try {
        return pipelineCommand(pipeline, { ...stream, source: "/dev/video0", format }).command.length > 1;
      } catch {
        return false;
      }
    });
    expect(delivered.length).toBeGreaterThan(2);
  }
});

test("raw images of a camera of V4L2 are asked for by size and rate, and are never of another size", () => {
  const command = line("v4l2", { source: "/dev/video2", fps: 7.5 });
  expect(command).toContain("-f v4l2 -framerate 7.5 -video_size 640x480 -i /dev/video2");
  expect(command).toContain("-vf crop=640:480 -pix_fmt bgr24");
  expect(command).toEndWith("-f rawvideo pipe:1");
});

test("what a camera encodes is passed on as it is", () => {
  expect(line("v4l2", { format: "MJPG" })).toMatch(/-input_format mjpeg .*-i \/dev\/video0 -c:v copy .*-f mjpeg pipe:1$/);
  expect(line("v4l2", { format: "H264" })).toMatch(/-input_format h264 .*-c:v copy .*-f h264 pipe:1$/);
  expect(line("rtsp", { format: "H264", source: "rtsp://cam/1" })).toMatch(/-i rtsp:\/\/cam\/1 -c:v copy/);
  // A Raspberry Pi 5 has ffmpeg's libraries encode, which must be told what to write to a pipe.
  expect(line("rpicam", { format: "H264" })).toContain("--codec h264 --inline --libav-format h264 --low-latency --output -");
});

test("the source of GStreamer is a device or elements", () => {
  expect(line("gstreamer")).toContain(
    "v4l2src device=/dev/video0 ! videoconvert ! video/x-raw,format=BGR,width=640,height=480,framerate=30/1 ! fdsink",
  );
  expect(line("gstreamer", { source: "videotestsrc is-live=true", fps: 12.5 })).toMatch(
    /^gst-launch-1.0 --quiet videotestsrc is-live=true ! .*framerate=12500\/1000/,
  );
});

test("a board of Rockchip scales and converts on its own hardware, from a device or the network", () => {
  expect(line("rkmpp", { source: "/dev/video11" })).toMatch(
    /-f v4l2 .*-vf hwupload,scale_rkrga=w=640:h=480:format=bgr24:force_original_aspect_ratio=disable,hwdownload,format=bgr24/,
  );
  expect(line("rkmpp", { source: "rtsp://cam/1", format: "H264" })).toMatch(
    /-hwaccel rkmpp .*-rtsp_transport tcp -timeout \d+ -i rtsp:\/\/cam\/1 -vf fps=30,scale_rkrga.* -c:v h264_rkmpp -g 30/,
  );
  expect(line("rkmpp", { source: "/srv/film.mkv" })).toContain("-re -stream_loop -1 -i /srv/film.mkv -vf fps=30,scale_rkrga");
});

test("a program of one's own has its places filled in", () => {
  const own = ["my-camera", "--size={width}x{height}", "{fps}", "{format}", "{source}", "{}", "{{"];
  expect(pipelineCommand(own, { ...stream, source: "a b" })).toEqual({
    command: ["my-camera", "--size=640x480", "30", "BGR3", "a b", "{}", "{{"],
    debianPackage: null,
  });
  expect(pipelineCommand(["ffmpeg"], stream).debianPackage).toBe("ffmpeg");
});

test("what a pipeline can't deliver is refused, by the field", () => {
  expect(refusal(() => line("vl42"))).toMatchObject({ code: "BAD_FIELD", details: { field: "pipeline" } });
  expect(refusal(() => line("constructor"))).toMatchObject({ code: "BAD_FIELD", details: { field: "pipeline" } });
  expect(refusal(() => line("rpicam"))).toMatchObject({ code: "BAD_FIELD", details: { field: "format", known: ["YU12", "MJPG", "H264"] } });
  expect(refusal(() => line("rpicam", { format: "YU12", width: 960 }))).toMatchObject({ code: "BAD_FIELD", details: { field: "width" } });
  expect(refusal(() => line("gstreamer", { width: 642 }))).toMatchObject({ code: "BAD_FIELD", details: { field: "width" } });
  expect(refusal(() => line("rtsp"))).toMatchObject({ code: "MISSING_FIELD", details: { field: "source" } });
  expect(refusal(() => line(["cam", "{source}"]))).toMatchObject({ code: "MISSING_FIELD", details: { field: "source" } });
  expect(refusal(() => line(["cam", "{with}"]))).toMatchObject({ code: "BAD_FIELD", details: { field: "pipeline" } });
});
