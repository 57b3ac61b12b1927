// Tests of the conveyor, on simulated pins and in simulated time, with frames in real memory:  bun test

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { FolderSharedMemory } from "holdfast";
import { simulate, World } from "holdfast/testing";
import conveyor from "./conveyor.ts";

test("each parcel stops the belt until there is a picture of it, and is told of with that", async () => {
  const folder = mkdtempSync(join(tmpdir(), "conveyor-"));
  const world = new World({ memory: new FolderSharedMemory(folder) });
  const camera = await world.connect({ name: "camera" });
  const pool = await camera.createPool("cam0", { slots: 4, fourcc: "GREY", width: 8, height: 8 });
  const parcels = await camera.topic("conveyor/parcel");
  const actor = await simulate(conveyor, { world });
  await world.pass(1000);

  for (const [index, brightness] of [40, 200].entries()) {
    actor.wire("barrier").script([{ level: 0, ms: 300 }]);
    await world.pass(500);
    assert.deepEqual([actor.state, actor.wire("belt").level], ["looking", 0]);

    const slot = await pool.produce();
    slot.data.fill(brightness);
    await slot.publish();
    const { value: message } = await parcels.next();
    assert.deepEqual(message?.value, { parcel: index + 1, brightness });
    await world.pass(1000);
    assert.deepEqual([actor.state, actor.wire("belt").level], ["running", 1]);
  }

  await actor.stop();
  world.shutdown();
  await world.pass(1000);
  assert(world.stopped);
  rmSync(folder, { recursive: true });
});
