/** A consumer with the library: `bun consumer.ts SOCKET HABITS`. It looks at every line of each frame, holds it, and looks again. */
import type { Frame, FrameOptions, HoldfastClient } from "../../src/index.ts";
import { identityIn, look } from "./content.ts";
import { goOn, type Tally, tellFault } from "./library-peer.ts";
import { Random } from "./random.ts";

/** How a consumer takes frames. */
export interface Habits {
  readonly name: string;
  readonly pool: string;
  readonly options: FrameOptions;
  /** The longest that it usually holds one, and one in ten of them. */
  readonly holdMs: number;
  readonly longHoldMs: number;
  readonly seed: number;
}

const [socket, habitsText] = process.argv.slice(2) as [string, string];
const habits: Habits = JSON.parse(habitsText);
const random = new Random(habits.seed);
const tally: Tally = { frames: 0, held: 0, revoked: 0 };
const lastSeq = { epoch: 0, seq: 0 };

async function consume(client: HoldfastClient): Promise<void> {
  await using pool = await client.pool(habits.pool);
  for await (using frame of pool.frames(habits.options)) await judge(frame);
}

async function judge(frame: Frame): Promise<void> {
  const { epoch, seq } = frame;
  const announced = identityIn(frame.meta);
  const first = look(frame.data, announced);
  await Bun.sleep(random.next() * (random.below(10) === 0 ? habits.longHoldMs : habits.holdMs));
  const last = look(frame.data, announced);
  const intact = frame.intact();
  const valid = await frame.release();

  const isRight = first === "right" && last === "right";
  const story = `${habits.name}: frame ${seq} in slot ${frame.slot} of ${epoch.toString(16)}, ${JSON.stringify(announced)}, was ${first} and then ${last}`;
  if (!isRight && valid) tellFault(`${story}, and its release said that it was valid`);
  if (!isRight && intact) tellFault(`${story}, and intact() that it was what it was`);
  // Its lease ended with the connection, for the supervisor was killed: nobody had a right to its slot.
  if (!valid && habits.options.maxHoldMs === undefined) {
    if (!isRight) tellFault(`${story}, though it could not be revoked`);
    tally.held++;
  } else if (!valid) tally.revoked++;
  if (valid && epoch === lastSeq.epoch && seq <= lastSeq.seq) tellFault(`${story}, and came behind frame ${lastSeq.seq}`);
  lastSeq.epoch = epoch;
  lastSeq.seq = seq;
  tally.frames++;
}

await goOn(socket, habits.name, tally, consume);
