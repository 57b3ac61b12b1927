import { expect, test } from "bun:test";
import { troubleOf } from "../../src/cameras/pipeline-trouble.ts";

const inUse = "failed to acquire camera /base/axi/pcie@1000120000/rp1/i2c@88000/imx708@1a";

/** What programs say, line by line, and what it is taken for. */
const sayings: readonly (readonly [string, string, string, string])[] = [
  ["ffmpeg", "[video4linux2,v4l2 @ 0x55] Cannot open video device /dev/video9: No such file or directory", "DEVICE_GONE", "Cannot open"],
  ["ffmpeg", "rtsp://cam/x: Server returned 401 Unauthorized (authorization failed)", "PERMISSION_DENIED", "401"],
  ["ffmpeg", "rtsp://cam/x: Server returned 404 Not Found", "DEVICE_GONE", "404"],
  ["ffmpeg", "Unknown encoder 'h264_rkmpp'", "PROGRAM_MISSING", "h264_rkmpp"],
  ["ffmpeg", 'Invalid device specification "rkmpp=rk": unknown device type', "PROGRAM_MISSING", "unknown device type"],
  ["ffmpeg", "[AVFilterGraph @ 0x55] No such filter: 'scale_rkrga'", "PROGRAM_MISSING", "scale_rkrga"],
  ["rpicam-vid", "ERROR: *** no cameras available ***", "DEVICE_GONE", ": no cameras available"],
  ["rpicam-vid", "ERROR: *** selected camera is not available ***", "DEVICE_GONE", ": selected camera is not available"],
  ["rpicam-vid", `ERROR: *** ${inUse} ***`, "DEVICE_BUSY", inUse],
  ["rpicam-vid", "ERROR: *** failed to configure streams ***", "DEVICE_REFUSED", "failed to configure streams"],
  ["rpicam-vid", "ERROR: *** unrecognised option '--low-latency' ***", "PROGRAM_MISSING", "--low-latency"],
  ["rpicam-vid", "ERROR: *** Unable to find an appropriate H.264 codec ***", "PROGRAM_MISSING", "H.264"],
  ["rpicam-vid", "ERROR: *** libav: cannot find video encoder libx264 ***", "PROGRAM_MISSING", "libx264"],
  [
    "gst-launch-1.0",
    "ERROR: from element /GstPipeline:pipeline0/GstV4l2Src:v4l2src0: Device '/dev/video0' is busy",
    "DEVICE_BUSY",
    ": Device",
  ],
];

for (const [program, line, code, said] of sayings) {
  test(`${program} says "${line}": ${code}`, () => {
    const trouble = troubleOf(program, { status: 255 }, [line]);
    expect(trouble).toMatchObject({ code, message: expect.stringContaining(said), details: { program, status: 255, stderr: [line] } });
  });
}

test("who lacks an element of GStreamer is told which package of Debian has it, where that is known", () => {
  const lacking = (element: string) => troubleOf("gst-launch-1.0", { status: 1 }, [`WARNING: erroneous pipeline: no element "${element}"`]);
  expect(lacking("h264parse")).toMatchObject({
    code: "PROGRAM_MISSING",
    message: `the program lacks a part: no element "h264parse"; it is in Debian's package gstreamer1.0-plugins-bad`,
    details: { package: "gstreamer1.0-plugins-bad" },
  });
  expect(lacking("constructor").message).toBe('the program lacks a part: no element "constructor"');
});

test("where nothing is known of what is said, the error that comes first is told, and not what follows from it", () => {
  const lines = [
    "Setting up",
    "ERROR: from element /GstPipeline:pipeline0/GstFoo:foo0: It is broken.",
    "Failed to set pipeline to PAUSED.",
  ];
  expect(troubleOf("gst-launch-1.0", { status: 255 }, lines).message).toBe("gst-launch-1.0 has ended with status 255: It is broken.");
  expect(troubleOf("my-capture", { signal: "SIGSEGV" }, ["one", "two"]).message).toBe("my-capture has ended by SIGSEGV: two");
});
