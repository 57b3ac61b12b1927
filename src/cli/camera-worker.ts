import { Argument, type Command } from "commander";
import { doDuty } from "../cameras/camera-duty.ts";
import { cameraTasks } from "../cameras/camera-tasks.ts";
import { connectToFirst } from "../client/connect.ts";
import { type CameraPartName, cameraPartSchema } from "../protocol/requests.ts";
import { destinationOf } from "./destination.ts";

/** `holdfast camera-worker PART NAME`: a process of a camera, which the supervisor starts. Nobody types it. */
export function addCameraWorker(program: Command): void {
  program
    .command("camera-worker", { hidden: true })
    .description("Does a part of the work of a camera, beside the supervisor, which starts it.")
    .addArgument(new Argument("<part>", "what it does").choices(cameraPartSchema.options))
    .argument("<camera>", "the camera's name")
    .action(async (part: CameraPartName, camera: string, _flags: unknown, command: Command) => {
      const ended = new AbortController();
      for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => ended.abort());
      const { addresses, credentials } = destinationOf(command);
      const { client } = await connectToFirst(addresses, { name: `camera ${camera} ${part}`, ...credentials });
      try {
        await doDuty(client, { camera, part }, ended.signal, (settings, tell) => cameraTasks[part](client, camera, settings, tell));
      } finally {
        await client.close();
      }
    });
}
