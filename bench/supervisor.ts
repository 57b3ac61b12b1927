import { existsSync } from "node:fs";
import { join } from "node:path";
import { connect } from "../src/client/connect.ts";

/** What is measured: the executable, as it is shipped. */
const executable = join(import.meta.dir, "..", "dist", "holdfast");

/** @throws Error when it has not been built */
export function assertBuilt(): void {
  if (!existsSync(executable)) throw new Error("there is no dist/holdfast: run `make build` first");
}

/** A supervisor on simulated pins, from its exec to its first reply. */
export async function startSupervisor(
  socket: string,
  ...args: readonly string[]
): Promise<{ readonly child: Bun.Subprocess; readonly readyMs: number }> {
  const began = performance.now();
  const child = Bun.spawn([executable, "serve", "--backend", "sim", "--socket", socket, "--log-level", "silent", ...args], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  for (;;) {
    try {
      const client = await connect({ socket, name: "bench" });
      const readyMs = performance.now() - began;
      await client.close();
      return { child, readyMs };
    } catch {
      if (child.exitCode !== null) throw new Error("the supervisor has ended at once");
      await Bun.sleep(1);
    }
  }
}

/** Ends a process, and waits for its end. */
export async function stop(child: Bun.Subprocess): Promise<void> {
  child.kill();
  await child.exited;
}
