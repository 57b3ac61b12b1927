import { expect } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CameraInfo, HoldfastClient } from "../../src/index.ts";
import { eventually, type ServeProcess, type Stage, story } from "./processes.ts";
import { Shell } from "./shell.ts";

const BYTES = 64 * 48;

/** Frames without end. */
const frames = `while :; do head -c ${BYTES} /dev/zero; sleep 0.02; done`;

/** The same, beside a process with a session of its own, and one with a group of its own. */
const strayFrames = `(setsid sleep 5000 &); timeout 5000 sleep 5000 & ${frames}`;

interface Scene {
  readonly supervisor: ServeProcess;
  readonly client: HoldfastClient;
  readonly shell: Shell;
  info(): Promise<CameraInfo>;
}

/** A supervisor with one camera, `front`, whose pipeline is a script. */
async function sceneOf(stage: Stage, script: string, ...lines: readonly string[]): Promise<Scene> {
  // A machine that is busy is no camera that hangs.
  const patience = ["startMs = 60000", ...(lines.some((line) => line.startsWith("stall")) ? [] : ["stallPeriods = 3000"])];
  const pipeline = stage.file("pipeline.sh", script);
  const format = lines.some((line) => line.startsWith("format")) ? [] : ['format = "GREY"'];
  const table = ["[camera.front]", `pipeline = ["/bin/sh", ${JSON.stringify(pipeline)}]`, ...format, "width = 64", "height = 48"];
  const config = [
    "[frames]",
    `directory = ${JSON.stringify(stage.folder)}`,
    ...table,
    "backoffMs = 20",
    "maxBackoffMs = 100",
    ...patience,
    ...lines,
  ];
  const supervisor = await stage.serve("--config", stage.file("holdfast.toml", config.join("\n")));
  const shell = new Shell(stage.folder, { HOLDFAST_SOCKET: stage.socket });
  stage.resources.defer(() => void shell[Symbol.asyncDispose]());
  stage.resources.defer(() => {
    for (const pid of startedBy(stage)) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It has ended meanwhile.
      }
    }
  });
  const client = await stage.connect();
  const info = async () => (await client.cameras())[0] as CameraInfo;
  return { supervisor, client, shell, info };
}

/** The processes that the supervisor of a stage has started, and those that these have: they are told where it is. */
function startedBy({ socket }: Stage): number[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => {
    try {
      const variables = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
      return (
        variables.includes(`HOLDFAST_SOCKET=${socket}`) && variables.some((variable) => variable.startsWith("HOLDFAST_PROCESS=camera/"))
      );
    } catch {
      return false;
    }
  });
}

function poolFiles({ folder }: Stage): string[] {
  return readdirSync(folder).filter((name) => name.startsWith("holdfast-front"));
}

story("a camera fills its pool from the start on, and when it has stopped nothing of it is left", async (stage) => {
  const { client, shell } = await sceneOf(stage, frames);
  await shell.ok("camera", "start", "front");
  expect(await shell.ok("camera")).toContain("capturing");
  const pool = await client.pool("front");
  expect(pool.layout).toMatchObject({ slots: 12, fourcc: "GREY", width: 64, height: 48 });
  for await (using frame of pool.frames()) {
    expect(frame.data.length).toBe(BYTES);
    break;
  }
  await pool.close();
  expect([startedBy(stage).length > 1, poolFiles(stage).length]).toEqual([true, 1]);
  await shell.ok("camera", "stop", "front");
  expect([startedBy(stage), poolFiles(stage)]).toEqual([[], []]);
  expect((await shell.run("camera", "pause", "front")).err).toStartWith("CAMERA_STOPPED: camera front is stopped");
});

story("other frames a second are there when a camera that is paused says so, and not those of the program before", async (stage) => {
  const begun = JSON.stringify(join(stage.folder, "begun"));
  // The first one goes on for as long as it may; the second one can't do it.
  const script = `if [ -e ${begun} ]; then echo 'no such rate' >&2; exit 1; fi; touch ${begun}; trap '' TERM; ${frames}`;
  const { client, info } = await sceneOf(stage, script);
  await eventually("it captures", async () => (await info()).state === "capturing");
  await client.pauseCamera("front");
  await expect(client.setCameraFps("front", 5)).rejects.toThrow("camera front: ");
  expect((await info()).fps).toBe(30);
});

story("the command line says what to do about a camera that is paused, and which rates there are", async (stage) => {
  const { shell } = await sceneOf(stage, frames);
  await shell.ok("camera", "start", "front");
  await shell.ok("camera", "pause", "front");
  const remedy = "camera front is paused.\n  To have it capture: holdfast camera resume front\n";
  expect((await shell.run("camera", "preview", "front", "on")).err).toEndWith(remedy);
  expect((await shell.run("camera", "snapshot", "front", "now.png")).err).toEndWith(remedy);
  for (const rate of ["0.001", "1001"]) {
    expect((await shell.run("camera", "fps", "front", rate)).err).toContain("It must be a number from 0.01 to 1000");
  }
});

story("when its pipeline ends the camera says why, and captures again as soon as that goes", async (stage) => {
  const gone = join(stage.folder, "gone");
  const { client, info } = await sceneOf(stage, `[ -e ${gone} ] && { echo '/dev/video0: No such device' >&2; exit 1; }\n${frames}`);
  await client.startCamera("front");
  const published = async () => (await client.pools())[0]?.published ?? 0;
  const pool = await client.pool("front");
  const seen: number[] = [];
  const reading = (async () => {
    for await (using frame of pool.frames()) seen.push(frame.seq);
  })();
  await eventually("frames come", () => seen.length > 0);
  writeFileSync(gone, "");
  const { pid } = await info();
  process.kill(-(pid as number), "SIGKILL");
  await eventually("it has been tried several times", async () => (await info()).starts > 3);
  expect(await info()).toMatchObject({ fault: { code: expect.stringMatching(/^(DEVICE_GONE|PIPELINE_EXITED)$/) } });
  const before = await published();
  rmSync(gone);
  await eventually("it captures", async () => (await info()).state === "capturing");
  await eventually("its consumer goes on", () => (seen.at(-1) ?? 0) > before);
  await pool.close();
  await reading;
});

story("a pipeline that brings nothing any more is ended, and started again", async (stage) => {
  const { client, info } = await sceneOf(stage, `head -c ${BYTES} /dev/zero; exec sleep 1000`, "stallPeriods = 1");
  await client.startCamera("front");
  await eventually("it has been started again", async () => (await info()).starts > 1);
  expect((await info()).fault?.code).toBe("CAMERA_STALLED");
});

story("a frame that is cut short is not published", async (stage) => {
  const { client, info } = await sceneOf(stage, `head -c ${2 * BYTES + 100} /dev/zero`, 'restart = "never"', "autostart = false");
  await client.startCamera("front").catch(() => {});
  await eventually("it has failed", async () => (await info()).state === "failed");
  expect(await info()).toMatchObject({ fault: { code: "FRAME_TRUNCATED" }, counters: { frames: 2, truncated: 1 } });
});

/** Waits until the worker, the pipeline, and both that it has started are there. */
const allStarted = (stage: Stage) => eventually("all have been started", () => startedBy(stage).length >= 5);

story("who leaves the group of a pipeline ends with it: when the camera stops, and when its worker is killed", async (stage) => {
  const { client, info } = await sceneOf(stage, strayFrames);
  for (const hard of [false, true]) {
    await client.startCamera("front");
    await allStarted(stage);
    await client.stopCamera("front", { hard });
    expect(startedBy(stage)).toEqual([]);
  }
  await client.startCamera("front");
  await allStarted(stage);
  const before = startedBy(stage);
  process.kill((await info()).pid as number, "SIGKILL");
  await eventually("it captures again", async () => (await info()).starts > 3 && (await info()).state === "capturing");
  expect(startedBy(stage).filter((pid) => before.includes(pid))).toEqual([]);
});

story("after SIGKILL of the supervisor no process of a camera is left, and the next one removes its pool", async (stage) => {
  const { client, supervisor } = await sceneOf(stage, strayFrames);
  await client.startCamera("front");
  await allStarted(stage);
  supervisor.kill("SIGKILL");
  await eventually("no process is left", () => startedBy(stage).length === 0);
  expect(poolFiles(stage).length).toBe(1);
  await stage.serve("--config", stage.file("other.toml", `[frames]\ndirectory = ${JSON.stringify(stage.folder)}`));
  expect(poolFiles(stage)).toEqual([]);
});

story("one that is paused publishes nothing until it goes on, and other frames a second are soon there", async (stage) => {
  const { client, shell, info } = await sceneOf(stage, frames);
  await client.startCamera("front");
  await shell.ok("camera", "pause", "front");
  const published = async () => (await client.pools())[0]?.published;
  const before = await published();
  await eventually("frames are thrown away", async () => (await info()).counters.discarded > 5);
  expect(await published()).toBe(before);
  await shell.ok("camera", "resume", "front");
  await shell.ok("camera", "fps", "front", "5");
  expect(await info()).toMatchObject({ state: "capturing", fps: 5 });
});

story("who takes its frames is shown, and the next one is saved", async (stage) => {
  const { client, shell } = await sceneOf(stage, frames);
  expect((await shell.run("camera", "snapshot", "back", "now.png")).err).toStartWith("CAMERA_UNKNOWN");
  await client.startCamera("front");
  await using pool = await client.pool("front");
  const stream = pool.frames({ group: "algo" });
  using first = (await stream.next()).value;
  expect(first?.data.length).toBe(BYTES);
  expect(await shell.ok("camera", "status", "front")).toMatch(/front +capturing.*Who takes the frames of front:.*algo +latest/s);
  expect(await shell.ok("camera", "snapshot", "front", "now.png")).toBe("");
  expect(readFileSync(join(stage.folder, "now.png")).subarray(1, 4).toString()).toBe("PNG");
  await client.stopCamera("front");
  expect((await shell.run("camera", "snapshot", "front", "now.png")).err).toStartWith("CAMERA_STOPPED: camera front is stopped");
});

/** A picture of the shortest kind, as bytes and as a shell prints it. */
const jpeg = Buffer.from("ffd8ffda000200ffd9", "hex");
const pictures = `while :; do printf '\\377\\330\\377\\332\\0\\2\\0\\377\\331'; sleep 0.02; done`;

story("snapshots are saved as files of their own, and whoever has asked is told which", async (stage) => {
  const folder = join(stage.folder, "video");
  mkdirSync(folder);
  const save = `save = { folder = ${JSON.stringify(folder)} }`;
  const { client, shell, info } = await sceneOf(stage, pictures, 'format = "MJPG"', save);
  await client.startCamera("front");
  const before = await info();
  const other = await stage.connect();
  const snapshots = await Promise.all([client.snapshotCamera("front"), other.snapshotCamera("front")]);
  const reply = (await client.ask("camera/front", { type: "snapshot" })) as (typeof snapshots)[number];
  const printed = (await shell.ok("camera", "snapshot", "front")).trim();
  const files = [...snapshots.map(({ file }) => file), reply.file, printed];
  expect(files.map((file) => readFileSync(file))).toEqual([jpeg, jpeg, jpeg, jpeg]);
  expect(
    readdirSync(folder)
      .map((name) => join(folder, name))
      .sort(),
  ).toEqual(files.sort());
  expect(snapshots.map(({ bytes }) => bytes)).toEqual([jpeg.length, jpeg.length]);
  expect(snapshots[0]?.seq).not.toBe(snapshots[1]?.seq);
  rmSync(folder, { recursive: true });
  expect((await shell.run("camera", "snapshot", "front")).err).toStartWith("SAVE_FAILED: camera front, snapshot: nothing can be saved in");
  await eventually("the process has gone", () =>
    startedBy(stage).every((pid) => !readFileSync(`/proc/${pid}/cmdline`).includes("snapshot")),
  );
  expect(await info()).toMatchObject({ state: "capturing", starts: 1, pid: before.pid, fault: null });
});

story("a camera is driven by what shells publish, and tells on topics what it does", async (stage) => {
  const { client, shell, info } = await sceneOf(stage, frames);
  await client.startCamera("front");
  const told: string[] = [];
  const messages = await client.topic("camera/front/+");
  const listening = (async () => {
    for await (const { topic, value } of messages) {
      const { type, ok, state } = value as { readonly type?: string; readonly ok?: boolean; readonly state?: string };
      if (topic.endsWith("/done")) told.push(`${type} ${ok}`);
      if (topic.endsWith("/state")) told.push(`${state}`);
    }
  })();
  await shell.ok("pub", "camera/front/set", "pause");
  await eventually("it is paused", () => told.includes("pause true"));
  expect(told).toEqual(["capturing", "paused", "pause true"]);
  await shell.ok("pub", "--json", "camera/front/set", '{"type": "fps", "fps": 4}');
  await shell.ok("pub", "camera/front/set", "resume");
  await eventually("it has another pace", () => told.includes("fps true") && told.includes("resume true"));
  expect(await info()).toMatchObject({ state: "capturing", fps: 4 });
  await messages.return();
  await listening;
});

story("cameras that share a pipeline of the file run what it says anew, and the others go on", async (stage) => {
  const [before, after] = [stage.file("before.sh", frames), stage.file("after.sh", frames)];
  const camera = (name: string, pipeline: string) =>
    `[camera.${name}]\npipeline = ${pipeline}\nformat = "GREY"\nwidth = 64\nheight = 48\nstartMs = 60000\nstallPeriods = 3000\n`;
  const config = (script: string) =>
    [
      `[frames]\ndirectory = ${JSON.stringify(stage.folder)}\n[pipeline.v4l2]\ncommand = ["/bin/sh", ${JSON.stringify(script)}]\n`,
      camera("left", '"v4l2"'),
      camera("right", '"v4l2"'),
      camera("own", JSON.stringify(["/bin/sh", before])),
    ].join("");
  await stage.serve("--config", stage.file("holdfast.toml", config(before)));
  const client = await stage.connect();
  const shown = async () => (await client.cameras()).map(({ camera: name, state, pipeline, pid }) => ({ name, state, pipeline, pid }));
  const capture = (script: string) =>
    eventually(`they capture by ${script}`, async () =>
      (await shown()).every(({ name, state, pipeline }) => state === "capturing" && (name === "own" || pipeline[1] === script)),
    );
  await capture(before);
  const pidOf = async (wanted: string) => (await shown()).find(({ name }) => name === wanted)?.pid;
  const pids = [await pidOf("left"), await pidOf("own")];
  stage.file("holdfast.toml", config(after));
  await using shell = new Shell(stage.folder, { HOLDFAST_SOCKET: stage.socket });
  await shell.ok("reload");
  await capture(after);
  expect([(await pidOf("left")) === pids[0], (await pidOf("own")) === pids[1]]).toEqual([false, true]);
});
