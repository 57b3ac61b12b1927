import { type Command, Option } from "commander";
import { MAX_DEPTH } from "../protocol/limits.ts";
import type { Policy } from "../protocol/requests.ts";
import { count, duration, examples, frameRate, oneOf, pictureSize, wholeNumber } from "./arguments.ts";
import type { BenchFlags } from "./frames/bench.ts";
import type { SendFlags } from "./frames/send.ts";
import type { TapFlags } from "./frames/tap.ts";
import { POOL } from "./pool.ts";

/** `holdfast frames send`, `tap` and `bench`, as they are typed. What they are made of is loaded when one of them runs. */
export function addFrames(program: Command): void {
  const frames = program
    .command("frames")
    .summary("Send, look at and measure frames")
    .description(
      "Send frames to a pool, look at those that others send, and measure what they cost. Pools are made by `holdfast pool create`.",
    );
  addSend(frames);
  addTap(frames);
  addBench(frames);
  examples(frames, {
    "holdfast frames send cam0 --test-pattern": "30 frames a second, until Ctrl-C",
    "holdfast frames tap cam0": "a line for each, in another terminal",
  });
}

const policies = ["latest", "drop-oldest", "drop-newest", "block"] as const satisfies readonly Policy[];

function addSend(frames: Command): void {
  const send = frames
    .command("send")
    .summary("Publish frames from a file, stdin or a test pattern")
    .description(
      "Publish the bytes of a file, or of stdin, as frames. Of images that are not compressed, and of RAW, a file may hold many, one after the " +
        "other; of a compressed format it is one frame. Or publish moving bars with the number of the frame in large digits. A frame for " +
        "which there is no slot waits for one.",
    )
    .argument("<pool>", POOL)
    .argument("[file]", "- or nothing: stdin")
    .option("--test-pattern", "draw the frames, instead of reading them")
    .option("--fps <rate>", "frames a second (default: 30 of the test pattern; of a file as fast as there are slots)", frameRate)
    .option("-n, --count <n>", "end after so many frames (default: at the end of the file)", count)
    .action(async (pool: string, file: string | undefined, flags: SendFlags, command: Command) => {
      if (flags.testPattern && file !== undefined)
        command.error("error: a file has its own pictures: leave out the file or --test-pattern");
      const { sendFrames } = await import("./frames/send.ts");
      await sendFrames(pool, flags.testPattern ? undefined : (file ?? "-"), flags, command);
    });
  examples(send, {
    "holdfast frames send cam0 --test-pattern --fps 60": "until Ctrl-C",
    "holdfast frames send photos photo.jpg": "one frame",
    "ffmpeg -i film.mp4 -pix_fmt bgr24 -f rawvideo - | holdfast frames send cam0 --fps 25": "a film, for a pool of BGR3 of its size",
  });
}

function addTap(frames: Command): void {
  const tap = frames
    .command("tap")
    .summary("Print or save frames as they come")
    .description(
      "Print a line for each frame: when it was captured in seconds since boot, its number, its bytes, its age when it came here, and how many " +
        "were dropped before it if any. With --save its picture goes to a file. Ends with Ctrl-C (exit status 130; a file that is being written is " +
        "finished, and the summary printed) or after -n frames (0).",
    )
    .argument("<pool>", POOL)
    .option("--group <name>", "share the frames with all that name this group (default: every frame)")
    .addOption(oneOf("--policy <policy>", "what happens when there is no room for the next frame (default: latest)", policies))
    .option("--depth <n>", "with a policy other than latest: how many frames may wait (default: 2)", wholeNumber(1, MAX_DEPTH))
    .option("--deadline <duration>", "with block: how long a producer may be kept waiting", duration)
    .option("--max-hold <duration>", "have a frame taken away that is held for longer", duration)
    .option("--latest", "begin with the latest frame that there is")
    .option("-n, --count <n>", "end after so many frames", count)
    .option(
      "--save <pattern>",
      "write each to a file: .png for pictures, .jpg for JPEG and MJPG as they are, .raw for anything; %d is its number",
    )
    .option("--summary", "print nothing but what they were together, in the end")
    .option("--json", "print each frame as one line of JSON; byte strings of its meta are base64")
    .addOption(oneOf("--orphaned <deed>", "end with stdin, in the way of `frames bench`", ["end", "remove-pool"]).hideHelp())
    .action(async (pool: string, flags: TapFlags, command: Command) => {
      if (flags.policy === "block" && flags.deadline === undefined) {
        command.error("error: --policy block needs --deadline: for how long a producer may be kept waiting");
      }
      if (flags.policy !== "block" && flags.policy !== undefined && flags.deadline !== undefined) {
        command.error("error: --deadline is for --policy block");
      }
      const { tapFrames } = await import("./frames/tap.ts");
      await tapFrames(pool, flags, command);
    });
  examples(tap, {
    "holdfast frames tap cam0": "a line for each frame that it has time for",
    "holdfast frames tap cam0 --latest -n 1 --save now.png": "a picture",
    "holdfast frames tap cam0 --policy drop-oldest --depth 4 --save out-%05d.raw": "all that the disk can keep up with",
    "holdfast frames tap cam0 -n 300 --summary": "how old they are when they come",
  });
}

function addBench(frames: Command): void {
  const bench = frames
    .command("bench")
    .summary("Measure what a frame costs")
    .description(
      "Publish frames as fast as their consumers, each a process of its own, take them, and print frames a second, how long one takes from " +
        "publishing to delivery, and the supervisor's CPU time. Nothing is written to the frames: it is the cost of passing them on. Makes a " +
        "pool for it and removes it again, unless one is named.",
    )
    .argument("[pool]", "use this pool; others who use it are part of the figures")
    .option("--consumers <n>", "how many", wholeNumber(1, 64), 1)
    .option("-n, --count <n>", "how many frames", count, 3000)
    .addOption(new Option("--format <fourcc>", "of its own pool").default("YU12"))
    .addOption(new Option("--size <size>", "of its own pool").argParser(pictureSize).default({ width: 640, height: 480 }, "640x480"))
    .option("--json", "print the figures")
    .action(async (pool: string | undefined, flags: BenchFlags, command: Command) => {
      const said = ["format", "size"].filter((name) => command.getOptionValueSource(name) === "cli");
      if (pool !== undefined && said.length > 0) {
        command.error(`error: pool ${pool} has its own format and size: leave out --${said.join(" and --")}, or the pool`);
      }
      const { benchFrames } = await import("./frames/bench.ts");
      await benchFrames(pool, flags, command);
    });
  examples(bench, {
    "holdfast frames bench": "one consumer",
    "holdfast frames bench --consumers 4 --size 3840x2160": "it is not the pixels that cost",
  });
}
