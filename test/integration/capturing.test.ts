import { expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Capture, type CaptureOptions, type CaptureSettings } from "../../src/cameras/capture.ts";
import { timestampNs } from "../../src/clock/clock.ts";
import { RealClock } from "../../src/clock/real.ts";
import { FolderSharedMemory } from "../../src/frames/folder.ts";
import { createSupervisor, type FramePool, type HoldfastClient, SimBackend } from "../../src/index.ts";
import { statOf } from "../../src/processes/process-stat.ts";
import { codeOf, eventually } from "./processes.ts";

const BYTES = 64 * 48;

/** A pool, and what captures into it. */
interface Scene {
  readonly client: HoldfastClient;
  readonly pool: FramePool;
  /** Goes in the end. */
  readonly folder: string;
  /** Begins to capture from a program. @returns what captures, and its end */
  capture(
    source: Readonly<Record<string, unknown>> | readonly string[],
    settings?: Partial<CaptureSettings>,
    tell?: CaptureOptions["tell"],
  ): Capturing;
}

interface Capturing {
  readonly capture: Capture;
  readonly ended: Promise<void>;
}

function scene(name: string, play: (scene: Scene) => Promise<void>): void {
  test(name, async () => {
    const folder = mkdtempSync(join(tmpdir(), "holdfast-"));
    const begun: Capturing[] = [];
    const clock = new RealClock();
    const before = new Set(ownChildren());
    try {
      await using supervisor = await createSupervisor({ backend: new SimBackend({ clock }), memory: new FolderSharedMemory(folder) });
      const client = await supervisor.client();
      const pool = await client.createPool("cam0", { slots: 6, fourcc: "GREY", width: 64, height: 48 });
      const capture: Scene["capture"] = (source, settings = {}, tell) => {
        const pipeline = Array.isArray(source)
          ? (source as string[])
          : [process.execPath, join(import.meta.dir, "frame-source.mjs"), JSON.stringify({ bytes: BYTES, ...source })];
        const made = new Capture(pool, { pipeline, source: null, width: 64, height: 48, fps: 30, format: "GREY", ...settings }, clock, {
          ...(tell && { tell }),
        });
        const capturing = { capture: made, ended: made.run() };
        capturing.ended.catch(() => {});
        begun.push(capturing);
        return capturing;
      };
      await play({ client, pool, folder, capture });
      for (const { capture: one } of begun) one.stop();
      await Promise.allSettled(begun.map(({ ended }) => ended));
      expect(ownChildren().filter((pid) => !before.has(pid))).toEqual([]);
    } finally {
      for (const { capture: one } of begun) one.stop();
      rmSync(folder, { recursive: true });
    }
  }, 240_000);
}

/** How many frames the only pool has had. */
async function publishedIn(client: HoldfastClient): Promise<number> {
  return (await client.pools())[0]?.published ?? 0;
}

/** Of this process, zombies too. */
function ownChildren(): string[] {
  return readdirSync("/proc/self/task").flatMap((task) => {
    try {
      return readFileSync(`/proc/self/task/${task}/children`, "utf8").split(" ").filter(Boolean);
    } catch {
      return [];
    }
  });
}

scene("what a program that brings nothing has said is told when it is ended, once", async ({ folder, capture }) => {
  const told: string[] = [];
  const tell = (said: string) => void told.push(said);
  const mark = join(folder, "said");
  const { capture: silent, ended } = capture(
    ["sh", "-c", `echo 'the cable is loose' >&2; sleep 1.2; touch ${mark}; exec sleep 1000`],
    {},
    tell,
  );
  await eventually("it has said it a while ago", () => existsSync(mark));
  silent.stop();
  silent.stop();
  await ended;
  expect(told).toEqual(["the cable is loose"]);
});

scene("frames of a program are published as they come, with the time at which they came", async ({ client, pool, capture }) => {
  const clock = new RealClock();
  const reading = (async () => {
    const seen = [];
    for await (using frame of pool.frames({ policy: "drop-oldest", depth: 3 })) {
      seen.push({
        seq: frame.seq,
        timestampNs: frame.timestampNs,
        value: frame.data[0],
        isWhole: frame.data.every((byte) => byte === frame.data[0]),
      });
      if (seen.length === 3) break;
    }
    return seen;
  })();
  await eventually("a consumer is there", async () => (await client.pools())[0]?.groups.length === 1);
  const beforeNs = timestampNs(clock);
  const { ended } = capture({ frames: 3, periodMs: 30, status: 0 });
  const seen = await reading;
  expect(seen).toMatchObject([1, 2, 3].map((number) => ({ seq: number, value: number, isWhole: true })));
  const times = [beforeNs, ...seen.map((frame) => frame.timestampNs), timestampNs(clock)];
  expect(times.toSorted((a, b) => Number(a - b))).toEqual(times);
  expect(await codeOf(ended)).toBe("PIPELINE_EXITED");
});

scene("a frame that is not whole is never published: its slot is free again", async ({ client, capture }) => {
  const { capture: made, ended } = capture({ frames: 2, rest: 100, status: 7 });
  await expect(ended).rejects.toMatchObject({ code: "FRAME_TRUNCATED", details: { status: 7 } });
  expect(made.counters).toEqual({ frames: 2, skipped: 0, discarded: 0, truncated: 1 });
  await eventually("no slot is written", async () => (await client.pools())[0]?.slots.every(({ state }) => state !== "writing") === true);
  expect(await publishedIn(client)).toBe(2);
});

scene("who holds all slots stops no capture: frames are skipped and counted", async ({ client, pool, capture }) => {
  const held = [];
  for (let slot = 0; slot < pool.layout.slots; slot++) held.push(await pool.produce());
  const { capture: made } = capture({ periodMs: 2 });
  await eventually("frames are skipped", () => made.counters.skipped > 5);
  for (const slot of held) await slot.abort();
  await eventually("frames are published", async () => (await publishedIn(client)) > 5);
});

scene("while it is paused nothing is published and the program runs on; it goes on with the next frame", async ({ client, capture }) => {
  const { capture: made } = capture({ periodMs: 2 });
  const published = () => publishedIn(client);
  await eventually("frames are published", async () => (await published()) > 3);
  made.pause();
  await eventually("frames are discarded", () => made.counters.discarded > 3);
  const paused = await published();
  const { discarded } = made.counters;
  await eventually("more are discarded", () => made.counters.discarded > discarded + 5);
  expect(await published()).toBe(paused);
  await made.resume();
  expect(await published()).toBeGreaterThan(paused);
});

scene("another rate has the program started anew, and is there with its first frame", async ({ capture }) => {
  const { capture: made, ended } = capture(["/bin/sh", "-c", `test {fps} = 30 || printf '%03072d' 0; exec sleep 60`]);
  await made.change({ fps: 15 });
  made.stop();
  await ended;
  expect(made.counters).toEqual({ frames: 1, skipped: 0, discarded: 0, truncated: 0 });
});

/** What a pipeline may start that is to end with it: a child, one that leaves its group and session, one that comes when it hears that it is to end. */
const kin: Readonly<Record<string, string>> = {
  "a child": `sh -c 'echo $$ >> "$0"; exec sleep 5000' "$0" &`,
  "one that leaves its session and is no child any more": `(setsid sh -c 'echo $$ >> "$0"; exec sleep 5000' "$0" &);`,
  "one that is started when it is to end": `trap 'setsid sh -c "echo \\$\\$ >> $0; exec sleep 5000" & sleep 0.1; exit' TERM; echo $$ >> "$0";`,
};

for (const [whom, start] of Object.entries(kin)) {
  scene(`a program is started anew as a whole: nobody stays with the device in its hand, not ${whom}`, async ({ capture, folder }) => {
    const begun = join(folder, "begun");
    writeFileSync(begun, "");
    const script = `${start} while :; do head -c ${BYTES} /dev/zero; sleep 0.02; done`;
    const { capture: one, ended } = capture(["/bin/sh", "-c", script, begun]);
    const pids = () => readFileSync(begun, "utf8").split("\n").slice(0, -1).map(Number);
    const living = () => pids().filter((pid) => statOf(pid)?.isZombie === false);
    await eventually("it has begun", () => pids().length === 1);
    // Each that stays would have a thread of ours wait for what it writes, and there are few of those.
    for (const fps of [5, 10, 15]) {
      const before = pids();
      await one.change({ fps });
      await eventually("another one has begun", () => pids().some((pid) => !before.includes(pid) && living().includes(pid)));
      expect(living().filter((pid) => before.includes(pid))).toEqual([]);
      expect(living().length).toBe(1);
    }
    one.stop();
    await ended;
    expect(living()).toEqual([]);
  });
}

scene("a frame that is being published when another rate is asked for is none of that rate", async ({ client, pool, capture }) => {
  const produce = pool.produce.bind(pool);
  const [begun, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  pool.produce = async (options) => {
    const slot = await produce(options);
    const publish = slot.publish.bind(slot);
    return Object.assign(slot, {
      publish: async (frame: Parameters<typeof publish>[0]) => {
        begun.resolve();
        await held.promise;
        return publish(frame);
      },
    });
  };
  const { capture: one } = capture(["/bin/sh", "-c", `test {fps} = 30 && printf '%03072d' 0; exec sleep 60`]);
  await begun.promise;
  let isThere = false;
  void one.change({ fps: 15 }).then(
    () => {
      isThere = true;
    },
    () => {},
  );
  held.resolve();
  await eventually("the frame has been published", async () => (await publishedIn(client)) === 1);
  expect(isThere).toBe(false);
});

scene("a program that does not listen is ended all the same", async ({ capture }) => {
  const { capture: made, ended } = capture({ periodMs: 2, deaf: true });
  await eventually("frames come", () => made.counters.frames > 1);
  made.stop();
  await ended;
});

scene("a program that leaves another one behind with its stdout has ended when it has ended", async ({ capture }) => {
  const { ended } = capture(["/bin/sh", "-c", "sleep 2 & exit 3"]);
  await expect(ended).rejects.toMatchObject({ code: "PIPELINE_EXITED", details: { status: 3 } });
});

scene("what a program that has ended in the middle of a frame has left behind keeps no slot", async ({ client, capture, folder }) => {
  const path = join(folder, "left");
  const { ended } = capture(["/bin/sh", "-c", `head -c 1000 /dev/zero; env -i setsid sleep 5000 & echo $! > "$0"; exit 3`, path]);
  await expect(ended).rejects.toMatchObject({ code: "FRAME_TRUNCATED" });
  const left = Number(readFileSync(path, "utf8"));
  try {
    // Nobody knows any more whose it is, and it may yet write.
    expect(statOf(left)?.isZombie).toBe(false);
    await eventually("all slots are free", async () => (await client.pools())[0]?.slots.every(({ state }) => state === "free") === true);
  } finally {
    process.kill(left, "SIGKILL");
  }
});

scene("a program that never rests keeps nobody from pausing and stopping its capture", async ({ client, capture }) => {
  const { capture: made, ended } = capture({});
  await eventually("frames are published", async () => (await publishedIn(client)) > 100);
  made.pause();
  await eventually("frames are discarded", () => made.counters.discarded > 100);
  await made.resume();
  made.stop();
  await ended;
});

scene("a program that is not there is missing, and it is said which package of Debian has it", async ({ capture }) => {
  await expect(capture(["/nowhere/camera"]).ended).rejects.toMatchObject({
    code: "PROGRAM_MISSING",
    details: { program: "/nowhere/camera" },
  });
});

for (const [line, code] of [
  ["[video4linux2,v4l2 @ 0x55] ioctl(VIDIOC_STREAMON): Device or resource busy", "DEVICE_BUSY"],
  ["/dev/video7: No such file or directory", "DEVICE_GONE"],
  ["/dev/video0: Permission denied", "PERMISSION_DENIED"],
  ["something else", "PIPELINE_EXITED"],
]) {
  scene(`a program that ends with "${line}" is ${code}`, async ({ capture }) => {
    const { ended } = capture({ frames: 0, say: line, status: 1 });
    await expect(ended).rejects.toMatchObject({ code, details: { status: 1, stderr: [line] } });
  });
}

scene("a camera that takes another size than it was asked for is refused, before it ends by itself", async ({ capture }) => {
  const { ended } = capture({ frames: 0, say: "[video4linux2,v4l2 @ 0x55] The V4L2 driver changed the video from 64x48 to 640x480" });
  await expect(ended).rejects.toMatchObject({ code: "DEVICE_REFUSED", details: { asked: "64x48", offered: "640x480" } });
});
