import { expect, test } from "bun:test";
import { poolTables } from "../../src/cli/pool-tables.ts";
import { PoolStage } from "./pool-stage.ts";

/** The line of the only consumer. */
async function consumerLine(stage: PoolStage): Promise<string> {
  await stage.world.settle();
  return poolTables([stage.info]).trimEnd().split("\n").at(-1) ?? "";
}

test("a consumer that holds a frame of the pool's old file holds none of the slots that are shown", async () => {
  const stage = await PoolStage.open();
  const camera = stage.join("camera", 10);
  await stage.consumer("algo", 20);
  stage.publish(camera);
  expect(await consumerLine(stage)).toEndWith('"algo" (pid 20) holds slot 0');
  stage.world.memory.vanish(stage.info.layout.path);
  camera.ask({ op: "pool.open", pool: "cam0" });
  expect(await consumerLine(stage)).toEndWith('"algo" (pid 20) holds slot 0 of the old file');
});

test("no pool is said to be none", () => {
  expect(poolTables([])).toBe("There is no pool.");
});
