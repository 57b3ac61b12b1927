import { Argument, type Command } from "commander";
import { captureCamera } from "../cameras/capture-worker.ts";
import { connectToFirst } from "../client/connect.ts";
import { destinationOf } from "./destination.ts";

/** `holdfast camera-worker capture NAME`: a process of a camera, which the supervisor starts. Nobody types it. */
export function addCameraWorker(program: Command): void {
  program
    .command("camera-worker", { hidden: true })
    .description("Does the work of a camera beside the supervisor, which starts it.")
    .addArgument(new Argument("<part>", "what it does").choices(["capture"]))
    .argument("<camera>", "the camera's name")
    .action(async (_part: "capture", camera: string, _flags: unknown, command: Command) => {
      const ended = new AbortController();
      for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => ended.abort());
      const { addresses, credentials } = destinationOf(command);
      const { client } = await connectToFirst(addresses, { name: `camera ${camera}`, ...credentials });
      try {
        await captureCamera(client, camera, ended.signal);
      } finally {
        await client.close();
      }
    });
}
