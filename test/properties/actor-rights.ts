import fc from "fast-check";
import type { AccessTable } from "../../src/protocol/access.ts";

const names = (all: readonly string[]) => fc.oneof({ weight: 3, arbitrary: fc.subarray([...all]) }, fc.constant("*" as const));

/** What a client may do with some pins, pools, a camera, and two actors. */
export const accessTables: fc.Arbitrary<AccessTable> = fc.record(
  {
    read: names(["GPIO4", "GPIO17"]),
    watch: names(["GPIO4", "BOARD11"]),
    command: names(["4", "17", "27"]),
    frames: names(["cam0", "cam1", "front"]),
    actors: names(["door", "gate"]),
    admin: fc.boolean(),
  },
  { requiredKeys: [] },
);
