import { Argument, type Command } from "commander";
import { HoldfastError } from "../protocol/errors.ts";
import { cameraFrameRate, examples } from "./arguments.ts";
import { cameraStatus, cameraTable } from "./camera-tables.ts";
import { addOnEach, type OnEach } from "./on-each.ts";
import { print, printJson } from "./print.ts";
import { withClient } from "./session.ts";

/** What `--help` says of a camera. */
const CAMERA = "a camera's name";

/** `holdfast camera list`, `start`, `stop`, `pause`, `resume`, `fps`, `preview`, `save` and `snapshot`. */
export function addCamera(program: Command): void {
  const camera = program
    .command("camera")
    .summary("List, start, stop and pause cameras")
    .description(
      "List, start, stop and pause the cameras that the supervisor runs. Their frames are in pools of the same names. Without a command: list.",
    );
  addList(camera);
  addStatus(camera);
  for (const command of [start, stop, pause, resume]) addOnEach(camera, CAMERA, command);
  addFps(camera);
  addSwitch(camera, preview);
  addSwitch(camera, save);
  addSnapshot(camera);
  examples(camera, {
    "holdfast camera": "which capture, and which have failed",
    "holdfast camera start front && holdfast frames tap front": "its frames",
  });
}

function addList(camera: Command): void {
  const list = camera
    .command("list", { isDefault: true })
    .summary("List the cameras, and what they do")
    .description(
      "List the cameras: what they do, since when, the frames that they bring, how old the last one is, and how they failed last.",
    )
    .option("--json", "print all that is known, as the reply to the protocol's `cameras`")
    .action(({ json }: { readonly json?: true }, command: Command) =>
      withClient(command, async (client) => {
        const cameras = await client.cameras();
        if (json) await printJson({ cameras });
        else await print(cameraTable(cameras, await client.pools()));
      }),
    );
  examples(list, {
    "holdfast camera list": "for a person",
    "holdfast camera list --json | jq '.cameras[] | {camera, state, fault}'": "for a program",
  });
}

function addStatus(camera: Command): void {
  const status = camera
    .command("status")
    .summary("Show cameras, and who takes their frames")
    .description(
      "Show cameras as `list` does, and of each who takes its frames: how many a second, how old they are then, and how many were dropped.",
    )
    .argument("[name...]", `${CAMERA} (default: all)`)
    .action((names: string[], _: object, command: Command) =>
      withClient(command, async (client) => {
        const cameras = await client.cameras();
        const unknown = names.find((name) => !cameras.some((each) => each.camera === name));
        if (unknown !== undefined) {
          throw new HoldfastError("CAMERA_UNKNOWN", `there is no camera ${unknown}`, { field: "camera", camera: unknown });
        }
        const shown = names.length === 0 ? cameras : cameras.filter((each) => names.includes(each.camera));
        await print(cameraStatus(shown, await client.pools()));
      }),
    );
  examples(status, { "holdfast camera status front": "what comes of its frames" });
}

const start: OnEach = {
  act: "start",
  summary: "Start cameras",
  description: "Start cameras. Each is waited for until its first frame is in its pool; otherwise the error says why it does not capture.",
  perform: (client, name) => client.startCamera(name),
  examples: { "holdfast camera start front": "and wait for its first frame" },
};

const stop: OnEach = {
  act: "stop",
  summary: "End the capture of cameras",
  description:
    "Ask the programs of cameras to end (SIGTERM); who has not after the grace that is configured, is ended (SIGKILL). Each is waited for, and its pool is removed. " +
    "A stopped camera stays so until it is started, or the supervisor is.",
  hard: "end them at once",
  perform: (client, name, options) => client.stopCamera(name, options),
  examples: { "holdfast camera stop front": "and wait until nothing is left of it" },
};

const pause: OnEach = {
  act: "pause",
  summary: "Have cameras publish nothing for a while",
  description: "Have cameras publish nothing until they are resumed. Their programs run on, and their devices stay open.",
  perform: (client, name) => client.pauseCamera(name),
  examples: { "holdfast camera pause front": "nothing comes behind this" },
};

const resume: OnEach = {
  act: "resume",
  summary: "Have cameras that are paused publish again",
  description: "Have cameras that are paused publish again, at once.",
  perform: (client, name) => client.resumeCamera(name),
  examples: { "holdfast camera resume front": "go on" },
};

function addFps(camera: Command): void {
  const fps = camera
    .command("fps")
    .summary("Have a camera bring more or fewer frames")
    .description(
      "Have a camera bring so many frames a second, until it is configured anew. Its program is started again for that; the pool stays.",
    )
    .argument("<name>", CAMERA)
    .argument("<rate>", "frames a second", cameraFrameRate)
    .action((name: string, rate: number, _: object, command: Command) =>
      withClient(command, async (client) => void (await client.setCameraFps(name, rate))),
    );
  examples(fps, { "holdfast camera fps front 5": "and wait for the first of them" });
}

/** What is done with the frames of a camera. */
interface Switch {
  readonly name: "preview" | "save";
  readonly summary: string;
  readonly description: string;
  readonly example: string;
}

const preview: Switch = {
  name: "preview",
  summary: "Begin or end the preview of a camera",
  description:
    "Begin or end the preview of a camera: smaller frames, fewer of them, as JPEG in the pool NAME-preview. Its first frame is waited for.",
  example: "and: holdfast frames tap front-preview --save now.jpg -n 1",
};

const save: Switch = {
  name: "save",
  summary: "Begin or end to save what a camera captures",
  description:
    "Begin or end to save what a camera captures, to the folder that is configured. It returns when something is written, or when all of it is.",
  example: "with segments of video, or every n-th frame, as configured",
};

function addSwitch(camera: Command, { name, summary, description, example }: Switch): void {
  const command = camera
    .command(name)
    .summary(summary)
    .description(description)
    .argument("<name>", CAMERA)
    .addArgument(new Argument("<state>", "begin or end it").choices(["on", "off"]))
    .action((asked: string, state: "on" | "off", _: object, acting: Command) =>
      withClient(acting, async (client) => void (await client[`${name}Camera`](asked, state === "on"))),
    );
  examples(command, { [`holdfast camera ${name} front on`]: example });
}

function addSnapshot(camera: Command): void {
  const snapshot = camera
    .command("snapshot")
    .summary("Save the next frame of a camera")
    .description(
      "Save the next frame of a camera that captures: as .png, as .jpg of one with format MJPG, or as .raw. Without a file the supervisor saves " +
        "it as .jpg in the folder that is configured for what this camera saves, and its path is printed when it is there.",
    )
    .argument("<name>", CAMERA)
    .argument("[file]", "where to")
    .action(async (name: string, file: string | undefined, _: object, command: Command) => {
      if (file === undefined) {
        await withClient(command, async (client) => print((await client.snapshotCamera(name)).file));
        return;
      }
      const { saveSnapshot } = await import("./frames/snapshot.ts");
      await saveSnapshot(name, file, command);
    });
  examples(snapshot, {
    "holdfast camera snapshot front now.png": "a picture, where you are",
    "holdfast camera snapshot front": "a picture in the folder of its recordings",
  });
}
