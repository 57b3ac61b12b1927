import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { $ } from "bun";
import { type Boundaries, EncodedStream } from "../../src/cameras/splitting/encoded-stream.ts";
import { H264Boundaries } from "../../src/cameras/splitting/h264-boundaries.ts";
import { JpegBoundaries } from "../../src/cameras/splitting/jpeg-boundaries.ts";

/** Lengths of the pieces in which a stream comes. */
const PIECES = [1, 13, 4096, 1_000_000];

/** Longer than any frame of these streams. */
const LONG_ENOUGH = 1_000_000;

/** Where a frame begins in its stream, and whether it can be decoded by itself. */
interface Start {
  readonly at: number;
  readonly isKey: boolean;
}

/** Cuts a stream that comes in pieces of one length. @throws Error when a frame is not what stands there in the stream */
function cut(boundaries: Boundaries, bytes: Buffer, piece: number): { readonly starts: Start[]; readonly end: number } {
  const stream = new EncodedStream(boundaries, LONG_ENOUGH);
  const starts: Start[] = [];
  let end = 0;
  for (let came = 0; came < bytes.length; ) {
    const room = stream.room();
    const next = bytes.subarray(came, came + Math.min(piece, room.length));
    room.set(next);
    came += next.length;
    stream.came(next.length, 0n);
    for (let frame = stream.next(); frame !== null; frame = stream.next()) {
      const at = bytes.indexOf(frame.data, end);
      if (at < 0) throw new Error("there is no such frame in the stream");
      starts.push({ at, isKey: frame.isKey });
      end = at + frame.data.length;
    }
  }
  expect(stream.losses).toEqual({ broken: 0, tooLong: 0 });
  return { starts, end };
}

/** A test with a folder for the streams. */
function streamTest(name: string, tell: (folder: string) => Promise<void>): void {
  test(name, async () => {
    const folder = mkdtempSync(join(tmpdir(), "holdfast-"));
    try {
      await tell(folder);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}

/** Where the frames of a file begin, and the last one ends, as ffmpeg takes it apart. It says of those of MJPEG only how long they are. */
async function byFfmpeg(path: string): Promise<{ readonly starts: Start[]; readonly end: number }> {
  const packets = await $`ffprobe -v error -show_entries packet=size,flags -of csv=p=0 ${path}`.text();
  let end = 0;
  const starts = packets
    .trim()
    .split("\n")
    .map((line) => {
      const at = end;
      end += Number(line.split(",")[0]);
      return { at, isKey: line.includes("K") };
    });
  return { starts, end };
}

const moving = ["-v", "error", "-f", "lavfi", "-i", "testsrc2=size=160x128:rate=30", "-frames:v", "45"];
const x264 = (...options: readonly string[]) => ["ffmpeg", ...moving, "-c:v", "libx264", "-g", "15", ...options, "-f", "h264"];
const openh264 = (...options: readonly string[]) =>
  [
    ...["gst-launch-1.0", "-q", "videotestsrc", "num-buffers=45", "pattern=ball", "!", "video/x-raw,width=160,height=128", "!"],
    ...["openh264enc", "gop-size=15", ...options, "!", "video/x-h264,stream-format=byte-stream", "!", "filesink"],
  ] as const;

const encoders: readonly (readonly [string, readonly string[]])[] = [
  ["x264 as it is", x264()],
  ["x264 with four slices a picture", x264("-x264-params", "slices=4")],
  ["x264 with slices of at most 200 bytes", x264("-x264-params", "slice-max-size=200:bframes=0")],
  ["x264 without latency, with slices for its threads", x264("-tune", "zerolatency", "-threads", "4")],
  ["x264 with delimiters and many B-frames", x264("-x264-params", "aud=1:bframes=5:b-pyramid=normal:keyint=15:scenecut=0")],
  [
    "x264 with parameter sets and timing in SEI",
    x264("-x264-params", "repeat-headers=1:nal-hrd=vbr:pic-struct=1", "-b:v", "300k", "-maxrate", "300k", "-bufsize", "300k"),
  ],
  [
    "x264 with filler data",
    x264("-x264-params", "nal-hrd=cbr:filler=1", "-b:v", "800k", "-minrate", "800k", "-maxrate", "800k", "-bufsize", "800k"),
  ],
  ["x264 with interlaced pictures", x264("-x264-params", "tff=1")],
  ["x264 in the baseline profile, without CABAC", x264("-profile:v", "baseline", "-pix_fmt", "yuv420p")],
  ["openh264 as it is", openh264()],
  ["openh264 with four slices a picture", openh264("slice-mode=n-slices", "num-slices=4")],
];

for (const [what, command] of encoders) {
  streamTest(`access units of ${what} are cut where ffmpeg cuts them`, async (folder) => {
    const path = join(folder, "stream.h264");
    const to = command[0] === "ffmpeg" ? path : `location=${path}`;
    await $`${[...command, to]}`.quiet();
    const [bytes, expected] = [readFileSync(path), await byFfmpeg(path)];
    expect([expected.starts.length, expected.end]).toEqual([45, bytes.length]);
    for (const piece of PIECES) {
      const { starts, end } = cut(new H264Boundaries(), bytes, piece);
      // The last one ends with the stream, and is none before another begins.
      expect(starts).toEqual(expected.starts.slice(0, -1));
      expect(end).toBe(expected.starts.at(-1)?.at as number);
    }
  });
}

for (const [what, command] of [
  ["ffmpeg", ["ffmpeg", ...moving, "-c:v", "mjpeg", "-q:v", "2", "-threads", "1", "-f", "mjpeg"]],
  [
    "ffmpeg with restart markers between slices",
    ["ffmpeg", ...moving, "-c:v", "mjpeg", "-q:v", "2", "-threads", "4", "-thread_type", "slice", "-slices", "4", "-f", "mjpeg"],
  ],
  [
    "GStreamer's jpegenc",
    ["gst-launch-1.0", "-q", "videotestsrc", "num-buffers=45", "pattern=snow", "!", "jpegenc", "quality=95", "!", "filesink"],
  ],
] as const) {
  streamTest(`pictures of ${what} are cut where ffmpeg cuts them`, async (folder) => {
    const path = join(folder, "stream.mjpeg");
    const to = command[0] === "ffmpeg" ? path : `location=${path}`;
    await $`${[...command, to]}`.quiet();
    const [bytes, expected] = [readFileSync(path), await byFfmpeg(path)];
    expect([expected.starts.length, expected.end]).toEqual([45, bytes.length]);
    for (const piece of PIECES) {
      expect(cut(new JpegBoundaries(), bytes, piece)).toEqual(expected);
    }
  });
}

streamTest("pictures with restarts, in several scans, and with a thumbnail in their header are cut where they end", async (folder) => {
  const path = join(folder, "stream.mjpeg");
  const lengths: number[] = await $`/usr/bin/python3 ${join(import.meta.dir, "pictures.py")} ${path}`.json();
  const bytes = readFileSync(path);
  let at = 0;
  const expected = lengths.map((length) => {
    at += length;
    return at - length;
  });
  for (const piece of PIECES) {
    const { starts, end } = cut(new JpegBoundaries(), bytes, piece);
    expect(starts.map((start) => start.at)).toEqual(expected);
    expect(end).toBe(bytes.length);
  }
});
