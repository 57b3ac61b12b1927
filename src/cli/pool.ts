import type { Command } from "commander";
import { LEAST_SLOTS_TO_READ, MAX_SLOTS, MIN_SLOTS } from "../protocol/limits.ts";
import type { PoolSettings } from "../protocol/requests.ts";
import { byteSize, examples, pictureSize, wholeNumber } from "./arguments.ts";
import { addOnEach, type OnEach } from "./on-each.ts";
import { poolTables } from "./pool-tables.ts";
import { counted, print, printJson } from "./print.ts";
import { withClient } from "./session.ts";
import type { PictureSize } from "./sizes.ts";

/** What `--help` says of a pool. */
export const POOL = "a pool's name";

/** `holdfast pool create`, `list` and `remove`. */
export function addPool(program: Command): void {
  const pool = program
    .command("pool")
    .summary("Make, list and remove pools of frames")
    .description("Make, list and remove pools: shared memory in which frames go from producers to consumers, each in a slot of its own.");
  addCreate(pool);
  addList(pool);
  addOnEach(pool, POOL, remove);
  examples(pool, {
    "holdfast pool create cam0 --slots 6 --format BGR3 --size 1920x1080": "room for six frames",
    "holdfast pool list": "what is in each slot, and who holds it",
  });
}

interface CreateFlags {
  readonly slots: number;
  readonly format?: string;
  readonly size?: PictureSize;
  readonly stride?: number;
  readonly bytes?: number;
  readonly json?: true;
}

function addCreate(pool: Command): void {
  const create = pool
    .command("create")
    .summary("Make a pool")
    .description(
      "Make a pool, and reserve the memory of all its slots now. It stays until it is removed or the supervisor ends; one that is always to be " +
        "there belongs into the configuration file.",
    )
    .argument("<name>", "letters, digits, and . _ - behind the first")
    .requiredOption("--slots <n>", "how many frames there is room for; one consumer needs 4", wholeNumber(MIN_SLOTS, MAX_SLOTS))
    .option("--format <fourcc>", "a V4L2 pixel format such as BGR3, YUYV, NV12, MJPG (default: RAW, just bytes)")
    .option("--size <size>", "of the pictures, in pixels: 1920x1080; every format but RAW needs it", pictureSize)
    .option("--stride <bytes>", "from one line of pixels to the next (default: no padding)", byteSize)
    .option(
      "--bytes <bytes>",
      "what a slot holds: 65536, 64KiB, 1.5MB; RAW needs it (default: one image, of compressed ones 2 bytes a pixel, 64 KiB at least)",
      byteSize,
    )
    .option("--json", "print how the pool's file is laid out")
    .action((name: string, { format: fourcc, size, json, ...rest }: CreateFlags, command: Command) =>
      withClient(command, async (client) => {
        const settings: PoolSettings = { ...rest, fourcc, ...size };
        const { layout } = await client.createPool(name, settings);
        if (json) await printJson(layout);
        if (rest.slots < LEAST_SLOTS_TO_READ) process.stderr.write(`${tooFewToRead(name, rest.slots)}\n`);
      }),
    );
  examples(create, {
    "holdfast pool create cam0 --slots 6 --format BGR3 --size 1920x1080": "pictures",
    "holdfast pool create front --slots 8 --format MJPG --size 1280x720 --bytes 512KiB": "compressed ones, of at most so many bytes",
    "holdfast pool create lidar --slots 4 --bytes 1.5MB": "anything",
  });
}

function tooFewToRead(pool: string, slots: number): string {
  return (
    `Note: no consumer can subscribe to pool ${pool}, which has ${counted(slots, "slot")}. One needs ${LEAST_SLOTS_TO_READ}: ` +
    "reader 1 + waiting 1 + writer 1 + latest 1."
  );
}

function addList(pool: Command): void {
  const list = pool
    .command("list")
    .summary("List the pools, and who holds what")
    .description(
      "List the pools with each of their slots: what it is for, the frame in it, how old that is, and who has held it for how long; and " +
        "their groups of consumers, with what each was delivered and what was dropped.",
    )
    .option("--json", "print all that is known, as the reply to the protocol's `pools`")
    .action(({ json }: { readonly json?: true }, command: Command) =>
      withClient(command, async (client) => {
        const pools = await client.pools();
        if (json) await printJson({ pools });
        else await print(poolTables(pools));
      }),
    );
  examples(list, {
    "holdfast pool list": "for a person",
    "holdfast pool list --json | jq '.pools[].groups[] | {group, dropped}'": "for a program",
  });
}

const remove: OnEach = {
  act: "remove",
  summary: "Remove pools",
  description: "Remove pools, whoever made them, and give their memory back. Who holds a frame reads on; nobody gets another one.",
  perform: (client, pool) => client.request("pool.remove", { pool }),
  examples: { "holdfast pool remove cam0": "its subscribers are told that it has gone" },
};
