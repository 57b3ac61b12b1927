import { describe, expect } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { decode } from "fast-png";
import { consumers, framesStory, poolsOf } from "./frames-shell.ts";
import { eventually, executable } from "./processes.ts";

const linesOf = (out: string) => out.trimEnd().split("\n");

describe("pool", () => {
  framesStory("create is quiet, list shows every slot, remove deletes the file", async (shell, stage) => {
    expect(await shell.ok("pool", "list")).toBe("There is no pool.\n");
    expect(await shell.ok(..."pool create cam0 --slots 4 --format BGR3 --size 64x48".split(" "))).toBe("");
    expect(linesOf(await shell.ok("pool", "list"))).toEqual([
      "Pool cam0: 4 slots of 9.2 kB, BGR3 64x48; 0 published",
      "",
      "SLOT  STATE  FRAME  AGE  HELD BY",
      "0     free   -      -    -",
      "1     free   -      -    -",
      "2     free   -      -    -",
      "3     free   -      -    -",
    ]);
    expect(readdirSync(join(stage.folder, "shm"))).toHaveLength(1);
    expect(await shell.ok("pool", "remove", "cam0")).toBe("");
    expect(readdirSync(join(stage.folder, "shm"))).toEqual([]);
  });

  framesStory("create takes bytes with a unit, and prints the layout when it is asked to", async (shell) => {
    const layout = JSON.parse(await shell.ok(..."pool create lidar --slots 4 --bytes 1.5MB --json".split(" ")));
    expect(layout).toMatchObject({ pool: "lidar", fourcc: "RAW", slots: 4, bytes: 1_500_000 });
    const padded = await shell.ok(..."pool create cam1 --slots 4 --format GREY --size 60x4 --stride 64 --bytes 1KiB --json".split(" "));
    expect(JSON.parse(padded)).toMatchObject({ fourcc: "GREY", stride: 64, bytes: 1024 });
  });

  framesStory("what can't be is refused, with what to do, and nothing is changed", async (shell, stage) => {
    // Said at once, for it is what whoever made it will wonder about later.
    expect(await shell.run(..."pool create cam0 --slots 2 --bytes 16".split(" "))).toEqual({
      status: 0,
      out: "",
      err: "Note: no consumer can subscribe to pool cam0, which has 2 slots. One needs 4: reader 1 + waiting 1 + writer 1 + latest 1.\n",
    });
    const refused: [line: string, says: string][] = [
      [
        "pool create cam0 --slots 2 --bytes 16",
        "POOL_EXISTS: there is a pool cam0 already.\n  Use that one, or remove it first: holdfast pool remove cam0\n",
      ],
      ["pool create x --slots 1024 --bytes 1GiB", "MEMORY_FULL: pool x needs 1.1 TB of shared memory and "],
      ["pool create x --slots 1024 --bytes 1GiB", `what uses it: holdfast pool list, and df ${join(stage.folder, "shm")}\n`],
      ["pool remove none", "POOL_UNKNOWN: there is no pool none.\n  Every pool there is: holdfast pool list\n"],
      ["frames tap none", "POOL_UNKNOWN: "],
      ["frames send none --test-pattern", "POOL_UNKNOWN: "],
      ["frames tap cam0", "POOL_SLOTS: pool cam0 has 2 slots; "],
    ];
    for (const [line, says] of refused) {
      const { status, out, err } = await shell.run(...line.split(" "));
      expect({ line, status, out, err }).toEqual({ line, status: 1, out: "", err: expect.stringContaining(says) });
    }
    const mistyped: [line: string, says: string][] = [
      ["pool create x --bytes 1", "required option '--slots <n>'"],
      ["pool create x --slots 1 --bytes 1", "whole number from 2 to 1024"],
      ["pool create x --slots 2 --size 3", "It is written WIDTHxHEIGHT"],
      ["pool create x --slots 2 --format BGR9 --size 2x2", 'FORMAT_UNKNOWN: "BGR9" is no format'],
      [
        "pool create x --slots 2 --format BGR3",
        "MISSING_FIELD: a pool of BGR3 needs --size.\n  How it is written: holdfast pool create --help\n",
      ],
      ["pool create x --slots 2", "MISSING_FIELD: a pool of RAW needs --bytes.\n"],
      ["pool create x --slots 2 --bytes 9 --size 2x2", "BAD_FIELD: --size: is for images, and RAW is none.\n"],
      ["pool create ../x --slots 2 --bytes 1", "BAD_FIELD: pool.create: pool: must be letters"],
      ["frames tap cam0 --policy block", "error: --policy block needs --deadline"],
      ["frames tap cam0 --policy latest --deadline 1s", "error: --deadline is for --policy block"],
      [
        "frames bench cam0 --size 8x8 --format GREY",
        "error: pool cam0 has its own format and size: leave out --format and --size, or the pool",
      ],
    ];
    for (const [line, says] of mistyped) {
      const { status, out, err } = await shell.run(...line.split(" "));
      expect({ line, status, out, err }).toEqual({ line, status: 2, out: "", err: expect.stringContaining(says) });
    }
    expect(await poolsOf(shell)).toHaveLength(1);
    expect(readdirSync(join(stage.folder, "shm"))).toHaveLength(1);
  });
});

describe("frames", () => {
  framesStory("of a file come out as they went in, one after the other", async (shell, stage) => {
    await shell.ok(..."pool create cam0 --slots 6 --format GREY --size 8x2".split(" "));
    const bytes = Uint8Array.from({ length: 48 }, (_, at) => at);
    writeFileSync(join(stage.folder, "three.grey"), bytes);
    const tap = shell.start(..."frames tap cam0 --policy block --depth 3 --deadline 10s -n 3 --save out-%03d.raw --json".split(" "));
    await consumers(shell, 1);
    expect(await shell.ok("frames", "send", "cam0", "three.grey")).toBe("");
    const { status, out, err } = await tap.ended;
    expect({ status, err }).toEqual({ status: 0, err: "" });
    expect(linesOf(out).map((line) => JSON.parse(line))).toEqual(
      [1, 2, 3].map((seq) => ({
        seq,
        bytes: 16,
        timestampNs: expect.any(Number),
        ageMs: expect.any(Number),
        lost: 0,
        meta: {},
        valid: true,
        revoked: false,
        saved: `out-00${seq}.raw`,
      })),
    );
    const saved = [1, 2, 3].map((seq) => readFileSync(join(stage.folder, `out-00${seq}.raw`)));
    expect(Buffer.concat(saved)).toEqual(Buffer.from(bytes));
  });

  framesStory("of stdin too; an image that is not whole is not sent, and its slot is free again", async (shell) => {
    await shell.ok(..."pool create cam0 --slots 4 --format GREY --size 8x2".split(" "));
    const { status, err } = await shell.startAs(["sh", "-c", `printf %040d 7 | ${executable} frames send cam0`]).ended;
    expect({ status, err }).toEqual({
      status: 1,
      err: "FILE_FAILED: stdin ends within frame 3: it has 8 bytes of the 16 of one image.\n",
    });
    await eventually(
      "the slot is free",
      async () => (await poolsOf(shell))[0]?.slots.every(({ holders }) => holders.length === 0) === true,
    );
    // What comes to its end has given no frame up.
    expect((await poolsOf(shell))[0]).toMatchObject({ published: 2, aborted: 0 });
  });

  framesStory("of a compressed format are one to a file, which must fit", async (shell, stage) => {
    await shell.ok(..."pool create photos --slots 4 --format MJPG --size 8x8 --bytes 128".split(" "));
    writeFileSync(join(stage.folder, "a.jpg"), "no more than looks like one");
    await shell.ok("frames", "send", "photos", "a.jpg");
    await shell.ok(..."frames tap photos --latest -n 1 --save b.jpg".split(" "));
    expect(readFileSync(join(stage.folder, "b.jpg"), "utf8")).toBe("no more than looks like one");
    writeFileSync(join(stage.folder, "large.jpg"), Buffer.alloc(129));
    const { err } = await shell.run("frames", "send", "photos", "large.jpg");
    expect(err).toStartWith("FILE_FAILED: large.jpg is longer than a slot of pool photos, which holds 128 bytes.");
    for (const [file, says] of [
      ["none.jpg", "can't be opened: ENOENT"],
      ["empty.jpg", "is empty"],
    ] as const) {
      writeFileSync(join(stage.folder, "empty.jpg"), "");
      expect((await shell.run("frames", "send", "photos", file)).err).toContain(`FILE_FAILED: ${file} ${says}`);
    }
  });

  framesStory("of the test pattern are pictures that PNG keeps", async (shell, stage) => {
    await shell.ok(..."pool create cam0 --slots 4 --format YU12 --size 128x32".split(" "));
    await shell.ok(..."frames send cam0 --test-pattern --fps 1000 -n 7".split(" "));
    const line = await shell.ok(..."frames tap cam0 --latest -n 1 --save now.png".split(" "));
    expect(line).toMatch(/^\d+\.\d{9} {2}#7 {2}6\.1 kB {2}age \d+\.\d ms {2}now\.png\n$/);
    const { width, height, channels } = decode(readFileSync(join(stage.folder, "now.png")));
    expect({ width, height, channels }).toEqual({ width: 128, height: 32, channels: 3 });
  });

  framesStory("that can't be saved so are refused before the first one", async (shell) => {
    await shell.ok(..."pool create lidar --slots 4 --bytes 16".split(" "));
    const { status, err } = await shell.run("frames", "tap", "lidar", "--save", "x.png");
    expect({ status, err }).toEqual({ status: 2, err: expect.stringContaining("BAD_FIELD: --save x.png: no picture can be made of RAW") });
  });

  framesStory("are shown by status with who holds them, and are free again when a consumer is killed", async (shell) => {
    await shell.ok(..."pool create cam0 --slots 4 --bytes 16".split(" "));
    const tap = shell.start("frames", "tap", "cam0", "--group", "algo");
    await consumers(shell, 1);
    // Stopped, it takes frames and gives none back.
    tap.kill("SIGSTOP");
    await shell.ok(..."frames send cam0 --test-pattern --fps 100 -n 3".split(" "));
    await eventually("a frame is held", async () => (await shell.ok("status")).includes(`"holdfast frames tap" (pid ${tap.pid}) for`));
    const [group] = (await shell.status()).pools[0]?.groups ?? [];
    expect(group).toMatchObject({ group: "algo", policy: "latest", published: 3, delivered: 1, dropped: { stale: 1 }, queued: 1 });
    tap.kill("SIGKILL");
    await consumers(shell, 0);
    expect((await poolsOf(shell))[0]?.slots.map(({ state }) => state).toSorted()).toEqual(["free", "free", "free", "ready"]);
  });

  framesStory("bench measures, and removes the pool that it made", async (shell, stage) => {
    const figures = JSON.parse(await shell.ok(..."frames bench --consumers 2 -n 50 --json".split(" ")));
    expect(figures).toMatchObject({ fourcc: "YU12", slotBytes: 460_800, frames: 50, consumers: 2 });
    expect(figures.fps).toBeGreaterThan(0);
    expect(figures.latencyMs.p99).toBeGreaterThanOrEqual(figures.latencyMs.p50);
    expect(readdirSync(join(stage.folder, "shm"))).toEqual([]);
    const said = await shell.ok(..."frames bench -n 20 --format GREY --size 64x64".split(" "));
    expect(said).toMatch(/^20 frames of 4\.1 kB \(GREY\) to 1 consumer, not written to\nframes .* a second\nlatency .*\nsupervisor .*\n$/);
  });
});
