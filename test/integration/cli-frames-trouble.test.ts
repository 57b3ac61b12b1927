import { describe, expect } from "bun:test";
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { consumers, framesStory, poolsOf } from "./frames-shell.ts";
import { eventually } from "./processes.ts";
import type { Shell } from "./shell.ts";

async function epochOf(shell: Shell): Promise<number | undefined> {
  return (await poolsOf(shell))[0]?.layout.epoch;
}

describe("frames send", () => {
  framesStory("waits for a group that may miss no frame for longer than that keeps it waiting", async (shell) => {
    await shell.ok(..."pool create q --slots 6 --bytes 16".split(" "));
    const tap = shell.start(..."frames tap q --policy block --deadline 20ms -n 20 --summary --json".split(" "));
    await consumers(shell, 1);
    tap.kill("SIGSTOP");
    const send = shell.start(..."frames send q --test-pattern --fps 1000 -n 20".split(" "));
    await eventually("it has been refused some times", async () => ((await poolsOf(shell))[0]?.refused ?? 0) > 3);
    tap.kill("SIGCONT");
    expect(await send.ended).toEqual({ status: 0, out: "", err: "" });
    expect(JSON.parse((await tap.ended).out)).toMatchObject({ frames: 20, dropped: 0 });
    expect((await poolsOf(shell))[0]).toMatchObject({ published: 20, aborted: 0 });
  });

  framesStory("and tap go on when the pool's file is deleted under way", async (shell, stage) => {
    await shell.ok(..."pool create q --slots 6 --bytes 16".split(" "));
    const before = await epochOf(shell);
    const tap = shell.start("frames", "tap", "q");
    await consumers(shell, 1);
    const send = shell.start(..."frames send q --test-pattern --fps 200".split(" "));
    await tap.printed(3);
    for (const name of readdirSync(join(stage.folder, "shm"))) rmSync(join(stage.folder, "shm", name));
    await eventually("the pool has another file", async () => (await epochOf(shell)) !== before);
    const seen = tap.out.split("\n").length;
    await tap.printed(seen + 20);
    send.kill("SIGINT");
    tap.kill("SIGINT");
    expect([await send.ended, await tap.ended]).toMatchObject([
      { status: 130, err: "" },
      { status: 130, err: "" },
    ]);
  });
});

describe("frames tap that a signal ends", () => {
  framesStory("prints the summary of what has come so far", async (shell) => {
    await shell.ok(..."pool create q --slots 6 --bytes 16".split(" "));
    const tap = shell.start("frames", "tap", "q", "--summary", "--json");
    await consumers(shell, 1);
    await shell.ok(..."frames send q --test-pattern --fps 100 -n 3".split(" "));
    await eventually("it has given a frame back", async () => {
      const [pool] = await poolsOf(shell);
      return (pool?.groups[0]?.delivered ?? 0) > 0 && pool?.slots.every(({ holders }) => holders.length === 0) === true;
    });
    tap.kill("SIGINT");
    const { status, out, err } = await tap.ended;
    expect({ status, err }).toEqual({ status: 130, err: "" });
    expect(JSON.parse(out).frames).toBeGreaterThan(0);
  });

  framesStory("leaves whole files, and nothing else", async (shell, stage) => {
    mkdirSync(join(stage.folder, "out"));
    await shell.ok(..."pool create q --slots 6 --format BGR3 --size 1280x720".split(" "));
    const tap = shell.start("frames", "tap", "q", "--save", "out/%d.png");
    await consumers(shell, 1);
    const send = shell.start(..."frames send q --test-pattern --fps 100".split(" "));
    await tap.printed(2);
    await eventually("a file is being written", () => readdirSync(join(stage.folder, "out")).some((name) => name.startsWith(".")));
    tap.kill("SIGTERM");
    expect((await tap.ended).status).toBe(143);
    send.kill("SIGKILL");
    expect(readdirSync(join(stage.folder, "out")).filter((name) => !/^\d+\.png$/.test(name))).toEqual([]);
  });
});

describe("frames bench that ends before its time", () => {
  for (const signal of ["SIGKILL", "SIGINT", "SIGTERM"] as const) {
    framesStory(`by ${signal} leaves neither consumers nor its pool, and prints nothing`, async (shell, stage) => {
      const bench = shell.start(..."frames bench --consumers 2 -n 1000000000".split(" "));
      await consumers(shell, 2);
      bench.kill(signal);
      expect(await bench.ended).toMatchObject({ out: "", err: "" });
      await eventually("its pool has gone", () => readdirSync(join(stage.folder, "shm")).length === 0);
      await eventually("its consumers have gone", async () => (await shell.status()).clients.length === 1);
    });
  }

  framesStory("leaves the pool that it was given, and no consumers", async (shell) => {
    await shell.ok(..."pool create q --slots 8 --bytes 16".split(" "));
    const bench = shell.start(..."frames bench q -n 1000000000".split(" "));
    await consumers(shell, 1);
    bench.kill("SIGKILL");
    await consumers(shell, 0);
    expect(await poolsOf(shell)).toHaveLength(1);
  });

  framesStory("because a pool is too small says so once", async (shell) => {
    await shell.ok(..."pool create q --slots 4 --bytes 16".split(" "));
    expect(await shell.run(..."frames bench q --consumers 2".split(" "))).toEqual({
      status: 1,
      out: "",
      err: expect.stringMatching(/^POOL_SLOTS: pool q has 4 slots; .* needed\.\n.*\n$/),
    });
  });
});
