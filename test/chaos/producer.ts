/** A producer with the library: `bun producer.ts SOCKET POOL NUMBER`. It stores its frames in pieces, so that a kill may come between them. */
import type { HoldfastClient } from "../../src/index.ts";
import { fill, junk, LINE_BYTES } from "./content.ts";
import { goOn, type Tally } from "./library-peer.ts";
import { Random } from "./random.ts";

const PIECES = 6;
const LONGEST_PAUSE_MS = 2;
/** One frame of so many is given up half-way. */
const GIVEN_UP = 50;
const WAIT_MS = 1000;

const [socket, poolName, producer] = process.argv.slice(2) as [string, string, string];
const random = new Random(Number(producer));
const tally: Tally = { frames: 0, held: 0, revoked: 0 };
let number = 0;

async function produce(client: HoldfastClient): Promise<void> {
  await using pool = await client.pool(poolName);
  for (;;) {
    using frame = await pool.produce({ waitMs: WAIT_MS });
    const { data } = frame;
    const givesUp = random.below(GIVEN_UP) === 0;
    const identity = givesUp ? junk : { producer: Number(producer), number: ++number };
    const lines = 1 + random.below(data.length / LINE_BYTES);
    for (let piece = 0; piece < PIECES; piece++) {
      fill(data, identity, Math.floor((lines * piece) / PIECES), Math.floor((lines * (piece + 1)) / PIECES));
      await Bun.sleep(random.next() * LONGEST_PAUSE_MS);
    }
    if (givesUp) continue;
    await frame.publish({ bytes: lines * LINE_BYTES, meta: { ...identity } });
    tally.frames++;
  }
}

await goOn(socket, `producer ${producer}`, tally, produce);
