// A conveyor: the belt stops when a parcel breaks the light barrier, the camera takes a picture of it, and the belt runs on.
// Where nobody publishes frames, no parcel passes.
//
//   holdfast serve --actors .        in this folder; it needs nothing else
//   holdfast pool create cam0 --slots 4 --format GREY --size 64x48
//   holdfast frames send cam0 --test-pattern
//   holdfast sub conveyor/parcel

import { defineActor } from "holdfast";
import { assign, setup } from "xstate";

export default defineActor({
  name: "conveyor",
  pins: {
    belt: { out: "GPIO17" },
    barrier: { in: "GPIO4", bias: "pull-up", debounceUs: 1000 }, // the level falls while something is in the way
  },
  pools: { camera: { consume: "cam0" } },
  topics: { parcel: { publish: "conveyor/parcel" } },
  machine: ({ pins, pools, topics, types }) =>
    setup({ types: { ...types, context: {} as { parcels: number } } }).createMachine({
      context: { parcels: 0 },
      initial: "running",
      states: {
        running: { entry: pins.belt.on(), on: { "barrier.falling": "looking" } },
        looking: {
          entry: [pins.belt.off(), pools.camera.take()],
          on: {
            // The next frame that is published: the parcel is on it, and stands still.
            "camera.frame": {
              target: "running",
              actions: [
                assign({ parcels: ({ context }) => context.parcels + 1 }),
                topics.parcel.publish(({ context, event }) => ({ parcel: context.parcels, brightness: meanOf(event.frame.data) })),
                pools.camera.release(),
              ],
            },
          },
        },
      },
    }),
});

/** The mean of all bytes: of a grey picture, how bright it is, from 0 to 255. */
function meanOf(pixels: Uint8Array): number {
  return Math.round(pixels.reduce((sum, byte) => sum + byte, 0) / pixels.length);
}
