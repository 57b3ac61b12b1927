/** A consumer of a camera with the library: `bun camera-consumer.ts SOCKET POOL HOLD_MS`. Every byte of an image is the same, whenever it looks. */
import type { HoldfastClient } from "../../src/index.ts";
import { goOn, type Tally, tellFault } from "./library-peer.ts";

const [socket, name, holdMs] = process.argv.slice(2) as [string, string, string];
const tally: Tally = { frames: 0, held: 0, revoked: 0 };
const last = { epoch: 0, seq: 0 };

/** What an image is made of, without the markers around it that a picture of a preview has. */
function contentOf(data: Uint8Array): Uint8Array {
  return data[0] === 0xff && data[1] === 0xd8 ? data.subarray(6, -2) : data;
}

function isWhole(content: Uint8Array): boolean {
  return content.length > 0 && content.every((byte) => byte === content[0]);
}

async function consume(client: HoldfastClient): Promise<void> {
  await using pool = await client.pool(name);
  for await (using frame of pool.frames()) {
    const { epoch, seq } = frame;
    const content = contentOf(frame.data);
    const [first] = content;
    const wasWhole = isWhole(content);
    await Bun.sleep(Number(holdMs));
    const isSame = isWhole(content) && content[0] === first;
    const isValid = await frame.release();
    const story = `frame ${seq} of ${name} in slot ${frame.slot} of ${epoch.toString(16)}`;
    if (isValid && !(wasWhole && isSame)) tellFault(`${story} was ${wasWhole ? "whole, and then" : ""} not whole`);
    if (isValid && epoch === last.epoch && seq <= last.seq) tellFault(`${story} came behind frame ${last.seq}`);
    Object.assign(last, { epoch, seq });
    tally[isValid ? "frames" : "revoked"]++;
  }
}

await goOn(socket, `consumer of ${name}`, tally, consume);
