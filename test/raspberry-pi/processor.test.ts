import { expect } from "bun:test";
import { readFileSync } from "node:fs";
import { type Stage, story } from "../integration/processes.ts";
import { Shell } from "../integration/shell.ts";

// The Cortex-A53 of QEMU's Raspberry Pi 3B, and of a Zero 2 W, has nothing that came after the first arm64 processors. A runtime that was
// compiled for newer ones, or whose compilers take them for granted, ends there with SIGILL: at its start, or when code gets hot.

/** Enough that the loops on both sides of it are compiled. */
const FRAMES = 300;

/** The line of /proc/cpuinfo that has this name, of the first core. */
function cpuinfo(name: string): string {
  return new RegExp(`^${name}\\s*: (.*)$`, "m").exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1] ?? "";
}

function typedStory(name: string, tell: (shell: Shell, stage: Stage) => Promise<void>): void {
  const served = async (stage: Stage) => {
    await stage.serve();
    await using shell = new Shell(stage.folder, { HOLDFAST_SOCKET: stage.socket });
    await tell(shell, stage);
  };
  story(name, served, "chardev");
}

typedStory("on a Cortex-A53, which has no atomic instructions of its own (LSE), the supervisor and the command line run", async (shell) => {
  expect(cpuinfo("CPU part")).toBe("0xd03");
  expect(cpuinfo("Features").split(" ")).not.toContain("atomics");
  expect(await shell.status()).toMatchObject({ backend: "chardev", state: "running" });
});

typedStory("there the thread of waves keeps the time of a blink", async (_, stage) => {
  const pin = await (await stage.connect()).output("GPIO17");
  expect(await pin.blink({ onMs: 5, offMs: 5, n: 200, ack: "done" })).toMatchObject({ outcome: "done" });
});

typedStory(`there ${FRAMES} frames go through shared memory`, async (shell) => {
  const bench = await shell.ok("frames", "bench", "--size", "64x64", "-n", String(FRAMES), "--json");
  expect(JSON.parse(bench)).toMatchObject({ frames: FRAMES, consumers: 1 });
});
