import { describe, expect, test } from "bun:test";
import { reasonIn, troubleOf } from "../../src/cameras/pipeline-trouble.ts";

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

/** What programs have said on stderr when they ended, and what a person is to be told. */
const ends: readonly (readonly [name: string, code: string, told: string, lines: string])[] = [
  [
    "a picture that is too small, behind warnings",
    "DEVICE_REFUSED",
    "the camera has no such size: Invalid too big or non positive size for width '64' or height '64'",
    `[swscaler @ 0x55de5a4b3840] [swscaler @ 0x55de5a4c0b00] deprecated pixel format used, make sure you did set range correctly
[Parsed_crop_1 @ 0x55de5a4ae9c0] Invalid too big or non positive size for width '64' or height '64'
[Parsed_crop_1 @ 0x55de5a4ae9c0] Failed to configure input pad on Parsed_crop_1
Error reinitializing filters!
Failed to inject frame into filter network: Invalid argument
Error while processing the decoded data for stream #0:0`,
  ],
  [
    "hardware that this ffmpeg does not know",
    "PROGRAM_MISSING",
    'the program lacks a part: Invalid device specification "rkmpp=rk": unknown device type',
    `Invalid device specification "rkmpp=rk": unknown device type
Failed to set value 'rkmpp=rk' for option 'init_hw_device': Invalid argument
Error parsing global options: Invalid argument`,
  ],
  [
    "a file that is no video",
    "PIPELINE_EXITED",
    "there is no video in what comes from there: /etc/passwd: Invalid data found when processing input",
    "/etc/passwd: Invalid data found when processing input",
  ],
  [
    "a device that is no camera",
    "DEVICE_REFUSED",
    "this is no camera: ioctl(VIDIOC_QUERYCAP): Inappropriate ioctl for device",
    `[video4linux2,v4l2 @ 0x5590] ioctl(VIDIOC_QUERYCAP): Inappropriate ioctl for device
/dev/null: Inappropriate ioctl for device`,
  ],
  [
    "a camera on the network that wants a password",
    "PERMISSION_DENIED",
    "the camera does not let us in: method DESCRIBE failed: 401 Unauthorized",
    `[rtsp @ 0x5611] method DESCRIBE failed: 401 Unauthorized
rtsp://127.0.0.1:8554/x: Server returned 401 Unauthorized (authorization failed)`,
  ],
  [
    "a program of one's own, with a last line that says nothing",
    "PIPELINE_EXITED",
    "program has ended with status 1: RuntimeError: the lens is dirty",
    `frame=  120 fps= 30 q=-0.0 size=  101250kB time=00:00:04.00 bitrate=207360.0kbits/s speed=   1x
Traceback (most recent call last):
  File "capture.py", line 7, in <module>
RuntimeError: the lens is dirty
Conversion failed!
    Last message repeated 3 times`,
  ],
  [
    "one that gives no reason, only warnings",
    "PIPELINE_EXITED",
    "program has ended with status 1",
    `[swscaler @ 0x55de] deprecated pixel format used, make sure you did set range correctly
frame=  120 fps= 30 q=-0.0 size=  101250kB time=00:00:04.00 bitrate=207360.0kbits/s speed=   1x`,
  ],
  ["one that says nothing", "PIPELINE_EXITED", "program has ended with status 1", ""],
  ["one that says what none else does", "PIPELINE_EXITED", "program has ended with status 1: goodbye", "hello\ngoodbye"],
];

describe("of what a program has said, the reason is told", () => {
  for (const [name, code, told, lines] of ends) {
    test(name, () => {
      const { code: found, message } = troubleOf("program", { status: 1 }, lines.split("\n").filter(Boolean));
      expect([found, message]).toEqual([code, told]);
    });
  }
});

test("a recording that has no room is told so, and not what follows from that", () => {
  const said = [
    "[libx264 @ 0x5566] deprecated pixel format",
    "av_interleaved_write_frame(): No space left on device",
    "Error writing trailer of /srv/video/x.mkv.part: No space left on device",
    "Conversion failed!",
  ];
  expect(reasonIn(said)).toBe("Error writing trailer of /srv/video/x.mkv.part: No space left on device");
});
