import type { Command } from "commander";
import { HoldfastError } from "../../protocol/errors.ts";
import { withClient } from "../session.ts";
import { frameSaver, save } from "./saved-frame.ts";

/**
 * Saves the next frame of a camera that captures.
 * @param path ends in .png, .jpg or .raw
 * @throws HoldfastError `CAMERA_UNKNOWN`, `CAMERA_STOPPED`, `BAD_FIELD`, `POOL_GONE`; FileFailed
 */
export async function saveSnapshot(camera: string, path: string, command: Command): Promise<void> {
  await withClient(command, async (client) => {
    const info = (await client.cameras()).find((each) => each.camera === camera);
    if (info === undefined) throw new HoldfastError("CAMERA_UNKNOWN", `there is no camera ${camera}`, { field: "camera", camera });
    if (info.state !== "capturing") {
      throw new HoldfastError("CAMERA_STOPPED", `camera ${camera} is ${info.state}`, { field: "camera", camera, state: info.state });
    }
    await using pool = await client.pool(camera);
    const take = await frameSaver(path, pool.layout, path);
    for await (using frame of pool.frames()) {
      const saved = take(frame);
      // What was read of a frame that was taken away meanwhile may be of another one.
      if (!(await frame.release())) continue;
      await save(saved);
      return;
    }
  });
}
