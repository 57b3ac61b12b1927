/**
 * Stands for the ffmpeg of a preview and of a recording: takes GREY frames whose bytes are all the same, and writes for each a picture to stdout that is as JPEG
 * is laid out, or that many bytes to the file that is its last argument.
 */
import { appendFileSync, writeSync } from "node:fs";

const args = process.argv.slice(2);
const [width, height] = args[args.indexOf("-video_size") + 1].split("x").map(Number);
const output = args.at(-1);
const begin = [0xff, 0xd8, 0xff, 0xda, 0x00, 0x02];
const end = [0xff, 0xd9];

let waiting = Buffer.alloc(0);
for await (const chunk of process.stdin) {
  waiting = Buffer.concat([waiting, chunk]);
  for (; waiting.length >= width * height; waiting = waiting.subarray(width * height)) {
    const picture = Buffer.from([...begin, ...new Uint8Array(1000).fill(waiting[0] & 0x7f), ...end]);
    if (output !== "pipe:1") appendFileSync(output, picture);
    else for (let done = 0; done < picture.length; ) done += writeSync(1, picture, done);
  }
}
