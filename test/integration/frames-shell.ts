import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { PoolInfo } from "../../src/index.ts";
import { eventually, type ServeProcess, type Stage, story } from "./processes.ts";
import { Shell } from "./shell.ts";

/** A test of what a person types, beside a supervisor whose pools are in a folder of the stage. */
export function framesStory(name: string, tell: (shell: Shell, stage: Stage, supervisor: ServeProcess) => Promise<void>): void {
  story(name, async (stage) => {
    mkdirSync(join(stage.folder, "shm"));
    const supervisor = await stage.serve("--config", stage.file("its.toml", `frames.directory = "${join(stage.folder, "shm")}"\n`));
    await using shell = new Shell(stage.folder, { HOLDFAST_SOCKET: stage.socket });
    await tell(shell, stage, supervisor);
  });
}

/** The pools as `pool list --json` has them. */
export async function poolsOf(shell: Shell): Promise<PoolInfo[]> {
  return JSON.parse(await shell.ok("pool", "list", "--json")).pools;
}

/** Waits until so many consumers take frames of the only pool. */
export function consumers(shell: Shell, number: number): Promise<void> {
  return eventually(`${number} consumers`, async () => {
    const [pool] = await poolsOf(shell);
    return pool?.groups.reduce((sum, group) => sum + group.consumers.length, 0) === number;
  });
}
