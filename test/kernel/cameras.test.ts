import { expect } from "bun:test";
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { libc } from "../../src/gpio/chardev/libc.ts";
import type { Frame } from "../../src/index.ts";
import { type CameraStage, cameraStory, framesOf } from "../camera/camera-stage.ts";
import { codeOf, eventually, type Stage, story } from "../integration/processes.ts";
import { VirtualCamera } from "./virtual-camera.ts";

/** The guests of another architecture than the machine's have no ffmpeg. */
const hasFfmpeg = existsSync("/bin/ffmpeg");

/** An emulated machine takes half a minute to start ffmpeg, and as long as it likes for a frame. */
const patience = "startMs = 240000\nstallPeriods = 5000\ngraceMs = 60000\nbackoffMs = 100\nmaxBackoffMs = 500\n";

/** A camera that is not started yet. */
const front = (more: string) => `[camera.front]\nautostart = false\nfps = 10\n${patience}${more}\n`;

const asked = 'pipeline = "v4l2"\nwidth = 320\nheight = 180';

/** One that a client makes. */
const small = { pipeline: "v4l2", width: 320, height: 180, fps: 10, autostart: false, startMs: 240_000 } as const;

/** A test with the kernel's camera, and a supervisor that knows it as `front`. */
function deviceStory(name: string, table: string, tell: (device: VirtualCamera, stage: CameraStage) => Promise<void>): void {
  cameraStory(name, front(table), (stage) => tell(stage.stage.resources.use(new VirtualCamera(stage.stage)), stage));
}

/** How much blue, green and red there is at a point. */
function colourAt({ data, stride }: Frame, x: number, y: number): number[] {
  const at = y * (stride ?? 0) + 3 * x;
  return [...data.subarray(at, at + 3)];
}

/** Blue, green and red of the picture's lower part, where nothing is written. */
const seen = (frame: Frame) => colourAt(frame, 160, 170);

/** The colour, give or take what its ways through YUV cost. */
const isAbout = (colour: readonly number[], wanted: readonly number[]) =>
  colour.length === wanted.length && colour.every((part, i) => Math.abs(part - (wanted[i] ?? 0)) <= 25);

/** From the left: grey, yellow, cyan, green, magenta, red, blue, black, at three quarters of their brightness. */
const bars = [
  [191, 191, 191],
  [0, 191, 191],
  [191, 191, 0],
  [0, 191, 0],
  [191, 0, 191],
  [0, 0, 191],
  [191, 0, 0],
  [0, 0, 0],
];

if (hasFfmpeg) {
  deviceStory("what the kernel's camera sees comes as images of the size and format asked for", asked, async (device, { client }) => {
    await device.show("bars");
    const beforeNs = libc().monotonicNs();
    await client.startCamera("front");
    expect(await device.format()).toStartWith("320x180 ");
    await using pool = await client.pool("front");
    const about: { seq: number; timestampNs: bigint }[] = [];
    for await (using frame of pool.frames()) {
      expect(frame).toMatchObject({ fourcc: "BGR3", width: 320, height: 180, stride: 960, bytes: 960 * 180 });
      for (const [i, bar] of bars.entries()) {
        const colour = colourAt(frame, 20 + 40 * i, 170);
        if (!isAbout(colour, bar)) throw new Error(`bar ${i} is ${colour}, and not ${bar}`);
      }
      about.push({ seq: frame.seq, timestampNs: frame.timestampNs });
      if (about.length === 5) break;
    }
    for (const [i, { seq, timestampNs }] of about.entries()) {
      expect(seq).toBeGreaterThan(about[i - 1]?.seq ?? 0);
      expect(timestampNs).toBeGreaterThan(about[i - 1]?.timestampNs ?? beforeNs);
      expect(timestampNs).toBeLessThan(libc().monotonicNs());
    }
    // It is this camera: what is put before it is seen.
    for (const [name, colour] of [
      ["red", [0, 0, 255]],
      ["blue", [255, 0, 0]],
    ] as const) {
      await device.show(name);
      await eventually(name, async () => isAbout((await framesOf(client, "front", 1, seen))[0] ?? [], colour));
    }
  });

  deviceStory(
    "a pipeline of one's own takes YUYV from the kernel's camera, and images come",
    `pipeline = ["ffmpeg", "-v", "error", "-nostdin", "-f", "v4l2", "-input_format", "yuyv422", "-video_size", "{width}x{height}", "-i", "{source}",
      "-f", "rawvideo", "-pix_fmt", "bgr24", "pipe:1"]\nsource = "/dev/video0"\nwidth = 320\nheight = 180`,
    async (device, { client }) => {
      await device.show("green");
      await client.startCamera("front");
      expect(await device.format()).toBe("320x180 YUYV");
      const [colour = []] = await framesOf(client, "front", 1, seen);
      expect(isAbout(colour, [0, 255, 0])).toBe(true);
    },
  );

  deviceStory("sizes and formats that the camera lacks are refused, and it is left alone", asked, async (device, stage) => {
    const { client, camera } = stage;
    await client.removeCamera("front");
    const refusals = {
      "333x222": [{ width: 333, height: 222 }, "the camera has no frames of 333x222; it offers 320x180"],
      "4000x2300": [{ width: 4000, height: 2300, slots: 4, format: "GREY" }, "the camera has no frames of 4000x2300; it offers 3840x2160"],
      MJPG: [{ format: "MJPG" }, "list_formats"],
      H264: [{ format: "H264" }, "list_formats"],
    } as const;
    for (const [name, [changed, message]] of Object.entries(refusals)) {
      await client.createCamera(name, { ...small, ...changed });
      const refused = client.startCamera(name);
      expect(await codeOf(refused)).toBe("DEVICE_REFUSED");
      await stage.eventually(name, "has failed", ({ state }) => state === "failed");
      const { fault } = await camera(name);
      expect(fault?.code).toBe("DEVICE_REFUSED");
      expect(fault?.message).toContain(message);
      expect(device.holders()).toEqual([]);
      await client.removeCamera(name);
    }
    expect(await device.streams()).toBe(true);
  });

  deviceStory("a camera is that of one table", asked, async (device, { client, stage }) => {
    const link = join(stage.folder, "camera");
    symlinkSync(device.path, link);
    for (const source of [device.path, link]) {
      const second = await client.createCamera("second", { pipeline: "v4l2", source, width: 320, height: 180 }).catch((error) => error);
      expect(second).toMatchObject({ code: "DEVICE_BUSY", message: "/dev/video0 is that of camera front already" });
    }
    const both = stage.file("both.toml", `[camera.a]\n${asked}\n[camera.b]\n${asked}\nsource = "/dev/video0"\n`);
    const other = stage.startServe(join(stage.folder, "other.sock"), ["--config", both]);
    expect(await other.ended()).toBe(1);
    expect(other.errors).toContain("camera.b.source: /dev/video0 is that of camera a already");
  });

  deviceStory("a camera that somebody else uses is tried again until it is free", asked, async (device, stage) => {
    const { client } = stage;
    const other = await streaming(stage.stage, device);
    expect(await codeOf(client.startCamera("front"))).toBe("DEVICE_BUSY");
    expect(device.holders()).toContain(other.pid);
    const busy = await stage.eventually("front", "is tried again", ({ starts }) => starts > 1);
    expect(busy.fault?.code).toBe("DEVICE_BUSY");
    other.kill();
    await stage.eventually("front", "captures", ({ state }) => state === "capturing");
    expect(await device.streams()).toBe(false);
    // That another node is the same device only the kernel knows.
    const node = join(stage.stage.folder, "camera");
    expect((await stage.stage.run("mknod", node, "c", "81", "0")).status).toBe(0);
    await client.createCamera("second", { ...small, source: node });
    expect(await codeOf(client.startCamera("second"))).toBe("DEVICE_BUSY");
    await client.stopCamera("second");
    expect(await framesOf(client, "front", 2, ({ lost }) => lost)).toBeArrayOfSize(2);
  });

  deviceStory("a camera that is unplugged is waited for, and who reads its frames goes on", asked, async (device, stage) => {
    const { client } = stage;
    await client.startCamera("front");
    await using pool = await client.pool("front");
    const frames = pool.frames();
    const next = async () => {
      const { value } = await frames.next();
      using frame = value;
      return frame?.seq ?? Number.NaN;
    };
    const before = await next();
    device.unplug();
    const gone = await stage.eventually("front", "fails", ({ fault }) => fault !== null);
    expect(gone.fault?.code).toBe("DEVICE_GONE");
    const absent = await stage.eventually("front", "is tried again", ({ starts }) => starts > 2);
    expect(absent.fault?.code).toBe("DEVICE_GONE");
    device.plug();
    await stage.eventually("front", "captures again", ({ state }) => state === "capturing");
    expect(await next()).toBeGreaterThan(before);
    await frames.return();
  });

  deviceStory("a camera that is stopped is given back, and so is that of a supervisor that is killed", asked, async (device, stage) => {
    const { client, supervisor } = stage;
    await client.startCamera("front");
    expect(device.holders()).toBeArrayOfSize(1);
    expect(await device.streams()).toBe(false);
    await client.stopCamera("front");
    expect(device.holders()).toEqual([]);
    expect(await device.streams()).toBe(true);
    await client.startCamera("front");
    expect(await device.streams()).toBe(false);
    supervisor.kill("SIGKILL");
    await eventually("nobody has it", () => device.holders().length === 0);
    expect(await device.streams()).toBe(true);
    // It is the next one that takes away what is left in shared memory.
    const next = await stage.stage.serve("--config", join(stage.stage.folder, "its.toml"));
    next.kill("SIGTERM");
    expect(await next.ended()).toBe(0);
  });

  story("a camera that the supervisor may not open is tried again until it may", async (stage) => {
    const device = stage.resources.use(new VirtualCamera(stage));
    const shm = join(stage.folder, "shm");
    mkdirSync(shm);
    for (const path of [stage.folder, shm]) chownSync(path, 1000, 1000);
    chmodSync(stage.folder, 0o755);
    const config = stage.file("its.toml", `frames.directory = "${shm}"\n${front(asked)}`);
    const asUser = ["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups"];
    const supervisor = stage.startServe(stage.socket, ["--config", config], asUser);
    expect(await supervisor.ready).toBe(true);
    const client = await stage.connect();
    expect(await codeOf(client.startCamera("front"))).toBe("PERMISSION_DENIED");
    device.permit(true);
    await eventually("it captures", async () => (await client.cameras())[0]?.state === "capturing");
    const [holder = 0] = device.holders();
    expect(readFileSync(`/proc/${holder}/status`, "utf8")).toMatch(/^Uid:\t1000\t/m);
    supervisor.kill("SIGTERM");
    expect(await supervisor.ended()).toBe(0);
    expect(device.holders()).toEqual([]);
  });
}

/** Another program that uses the camera, once it does. */
async function streaming(stage: Stage, device: VirtualCamera): Promise<Bun.Subprocess> {
  const output = join(stage.folder, "streamed");
  const program = Bun.spawn(["v4l2-ctl", "--device", device.path, "--stream-mmap", "--stream-to", output], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "ignore",
  });
  stage.resources.defer(() => program.kill("SIGKILL"));
  await eventually("another program has frames", () => existsSync(output) && Bun.file(output).size > 0);
  return program;
}
