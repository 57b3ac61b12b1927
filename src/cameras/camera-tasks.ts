import type { HoldfastClient } from "../client/client.ts";
import { RealClock } from "../clock/real.ts";
import { HoldfastError } from "../protocol/errors.ts";
import type { CameraOrders } from "../protocol/replies.ts";
import type { CameraPartName } from "../protocol/requests.ts";
import type { CameraTask, TellState } from "./camera-duty.ts";
import { Capture } from "./capture.ts";
import { Preview } from "./preview.ts";
import { Recording } from "./recording.ts";
import { SavedFiles } from "./saved-files.ts";
import { Snapshots } from "./snapshots.ts";

/** Makes the work of a process of a camera from what the supervisor says. */
export type BeginTask = (client: HoldfastClient, camera: string, settings: CameraOrders, tell: TellState) => Promise<CameraTask>;

/** What the processes of a camera do. */
export const cameraTasks: { readonly [P in CameraPartName]: BeginTask } = {
  capture: async (client, camera, settings, tell) => {
    const options = { isPaused: settings.paused, tell: (said: string) => void process.stderr.write(`${said}\n`) };
    const capture = new Capture(await client.pool(camera), settings, new RealClock(), options);
    // One that is paused has nothing else to show that it works.
    if (settings.paused) {
      capture.nextFrame().then(
        () => tell("paused"),
        () => {},
      );
    }
    return capture;
  },
  preview: async (client, camera, settings) => {
    const { preview } = settings;
    if (preview === null) throw undescribed("preview");
    const [source, target] = [await client.pool(camera), await client.pool(preview.pool)];
    return new Preview(source, target, { ...preview, camera: settings }, new RealClock());
  },
  record: async (client, camera, settings, tell) => {
    const { save } = settings;
    if (save === null) throw undescribed("save");
    const files = new SavedFiles(camera, save);
    return new Recording(await client.pool(camera), { ...save, camera: settings }, files, new RealClock(), () => tell("running"));
  },
  snapshot: async (client, camera, settings, tell) => {
    const { save } = settings;
    if (save === null) throw undescribed("save");
    const snapshots = new Snapshots(await client.pool(camera), settings, new SavedFiles(camera, save), new RealClock());
    tell("running");
    return snapshots;
  },
};

function undescribed(what: string): HoldfastError {
  return new HoldfastError("INTERNAL", `the supervisor has not said what to ${what}`);
}
