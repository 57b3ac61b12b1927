import { expect } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { codeOf, eventually, type Stage } from "../integration/processes.ts";
import { Shell } from "../integration/shell.ts";
import { type CameraStage, cameraStory, framesInFile, framesOf } from "./camera-stage.ts";

const PASSWORD = "s3cret-of-the-camera";

/** A camera on the network, which runs until it is killed. */
interface NetworkCamera extends AsyncDisposable {
  readonly port: string;
  kill(): Promise<void>;
}

/** @param port 0: the kernel chooses one @param login the name of a user and the password; none: everybody is let in */
async function networkCamera(stage: Stage, port = "0", login: readonly string[] = []): Promise<NetworkCamera> {
  const child = Bun.spawn(["/usr/bin/python3", join(import.meta.dir, "rtsp-server.py"), port, ...login], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  const kill = async () => {
    child.kill("SIGKILL");
    await child.exited;
  };
  stage.resources.defer(() => void kill());
  const { value } = await child.stdout.getReader().read();
  return {
    port: Buffer.from(value ?? [])
      .toString()
      .trim(),
    kill,
    [Symbol.asyncDispose]: kill,
  };
}

/** A camera of the supervisor that takes what comes from there. */
function watch(
  { client }: CameraStage,
  source: string,
  format: "BGR3" | "H264",
  more: { readonly autostart?: boolean } = {},
): Promise<unknown> {
  const size = { width: 160, height: 120, fps: 15, slots: 32 };
  return client.createCamera("far", {
    pipeline: "rtsp",
    source,
    format,
    ...size,
    backoffMs: 50,
    maxBackoffMs: 200,
    startMs: 60_000,
    ...more,
  });
}

cameraStory("H264 of a camera on the network comes as it sends it, as whole frames", "", async (scene) => {
  const { stage, client, eventually: wait } = scene;
  await using far = await networkCamera(stage);
  await watch(scene, `rtsp://127.0.0.1:${far.port}/stream`, "H264");
  await wait("far", "captures", ({ state }) => state === "capturing");
  await using pool = await client.pool("far");
  let units: Uint8Array[] = [];
  for await (using frame of pool.frames({ policy: "drop-oldest", depth: 16 })) {
    if (frame.lost > 0 || (units.length === 0 && frame.meta["key"] !== true)) units = [];
    else units.push(frame.data.slice());
    if (units.length === 20) break;
  }
  const path = join(stage.folder, "units.h264");
  writeFileSync(path, Buffer.concat(units));
  expect(await framesInFile(stage, path)).toBe(20);
});

cameraStory("images of a camera on the network have its colours; it is captured again when it has been away", "", async (scene) => {
  const { stage, client, camera, eventually: wait } = scene;
  const far = await networkCamera(stage);
  await watch(scene, `rtsp://127.0.0.1:${far.port}/stream`, "BGR3");
  await wait("far", "captures", ({ state }) => state === "capturing");
  const [blue, white] = (
    await framesOf(client, "far", 1, ({ data, stride }) => [150, 10].map((x) => [...data.slice(20 * (stride ?? 0) + 3 * x).slice(0, 3)]))
  )[0] as [number[], number[]];
  expect(blue.map((sample) => sample > 127)).toEqual([true, false, false]);
  expect(Math.min(...white)).toBeGreaterThan(200);
  const { starts } = await camera("far");
  await far.kill();
  await wait("far", "is tried again and again", (info) => info.starts > starts + 1 && info.fault?.code === "DEVICE_GONE");
  await wait("far", "pauses", ({ state, nextStartMs }) => state === "backoff" && nextStartMs !== null);
  await using _back = await networkCamera(stage, far.port);
  await wait("far", "captures again", ({ state }) => state === "capturing");
  await framesOf(client, "far", 2, () => null);
});

cameraStory("a path that is not there, and a password that is wrong or missing, are told; no password is ever shown", "", async (scene) => {
  const { stage, client, supervisor, camera, eventually: wait } = scene;
  await using far = await networkCamera(stage, "0", ["admin", PASSWORD]);
  const shell = new Shell(stage.folder, { HOLDFAST_SOCKET: stage.socket });
  stage.resources.defer(() => void shell[Symbol.asyncDispose]());
  const shown: string[] = [];
  void (async () => {
    for await (const event of await client.trace()) shown.push(Bun.inspect(event));
  })().catch(() => {});
  const show = async () => {
    for (const command of [["camera"], ["camera", "list", "--json"], ["camera", "status", "far"], ["actors", "camera/far"], ["status"]]) {
      const { out, err } = await shell.run(...command);
      shown.push(out, err);
    }
  };
  for (const [login, path, code] of [
    [`admin:${PASSWORD}@`, "other", "DEVICE_GONE"],
    [`admin:not-${PASSWORD}@`, "stream", "PERMISSION_DENIED"],
    ["", "stream", "PERMISSION_DENIED"],
  ] as const) {
    await watch(scene, `rtsp://${login}127.0.0.1:${far.port}/${path}`, "BGR3", { autostart: false });
    const starting = client.startCamera("far");
    expect(await codeOf(starting)).toBe(code);
    await starting.catch((error) => shown.push(Bun.inspect([error.message, error.details])));
    await show();
    await client.removeCamera("far");
  }
  await watch(scene, `rtsp://admin:${PASSWORD}@127.0.0.1:${far.port}/stream`, "BGR3");
  await wait("far", "is let in", ({ state }) => state === "capturing");
  await show();
  expect((await camera("far")).source).toBe(`rtsp://admin:***@127.0.0.1:${far.port}/stream`);
  await eventually("the log tells of all that", () => supervisor.errors.includes("401"));
  expect(shown.join("\n")).toContain("rtsp://admin:***@");
  expect([...shown, supervisor.errors].filter((text) => text.includes(PASSWORD))).toEqual([]);
});
