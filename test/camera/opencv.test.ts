import { expect } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { eventually, type Stage } from "../integration/processes.ts";
import { cameraStory, numbersIn } from "./camera-stage.ts";

const root = join(import.meta.dir, "..", "..");

/** The programs of docs/cameras.md, by their names. */
const programs = Object.fromEntries(
  [...readFileSync(join(root, "docs", "cameras.md"), "utf8").matchAll(/```python\n# (\S+)\n(.*?)```/gs)].map(([, name = "", text = ""]) => [
    name,
    text,
  ]),
);

const table = '[camera.front]\npipeline = "test"\nwidth = 320\nheight = 240\nslots = 12';

/** A program in Debian's Python, and the lines that it has printed. */
interface Running {
  readonly lines: readonly string[];
  end(): Promise<void>;
}

/** Runs a program of the page until the test ends. */
function run(stage: Stage, name: string): Running {
  const lines: string[] = [];
  const child = Bun.spawn(["/usr/bin/python3", stage.file(name, programs[name] ?? "")], {
    cwd: stage.folder,
    env: { PATH: "/usr/bin:/bin", HOLDFAST_SOCKET: stage.socket, PYTHONPATH: join(root, "python"), PYTHONDONTWRITEBYTECODE: "1" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  void (async () => {
    let rest = "";
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      const [last = "", ...whole] = (rest + text).split("\n").reverse();
      rest = last;
      lines.push(...whole.reverse());
    }
  })();
  return {
    lines,
    end: async () => {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

/** What a line says: the frame's number, and how many were lost before it. */
function lost(line: string): number {
  return Number(/(\d+) lost before it$/.exec(line)?.[1]);
}

cameraStory("two programs with OpenCV see one camera, each at its own pace", table, async ({ stage, client, eventually: wait }) => {
  await wait("front", "captures", ({ state }) => state === "capturing");
  const [numbers, slowly] = [run(stage, "number.py"), run(stage, "slowly.py")];
  try {
    await eventually("both have seen frames", () => numbers.lines.length >= 20 && slowly.lines.length >= 4);
    let before = -1;
    for (const line of numbers.lines) {
      const [, seq, number] = /^frame (\d+) has number (\d+), \d+ lost before it$/.exec(line) ?? [];
      // The first one drawn is 0, the first one published 1. More are drawn than published when frames are skipped.
      expect(Number(number)).toBeGreaterThanOrEqual(Number(seq) - 1);
      expect(Number(number)).toBeGreaterThan(before);
      before = Number(number);
    }
    // Half a second is fifteen frames. What a machine with other work brings of them is fewer.
    expect(slowly.lines.slice(1).every((line) => lost(line) > 0)).toBe(true);
    expect((await client.pools())[0]?.groups).toHaveLength(2);
  } finally {
    await Promise.all([numbers.end(), slowly.end()]);
  }
});

cameraStory("a button has a picture of its moment taken", table, async ({ stage, client, eventually: wait }) => {
  await wait("front", "captures", ({ state }) => state === "capturing");
  const doorbell = run(stage, "doorbell.py");
  try {
    await eventually("it is ready", () => doorbell.lines.includes("ready"));
    await eventually("a picture is taken", async () => {
      // Who is there begins to listen only after it has said so.
      for (const level of [1, 0] as const) await client.simSet("GPIO4", level);
      return doorbell.lines.length > 1;
    });
    const [, file = "", seq] = /^((\d+)\.jpg), captured -?\d+ ms before/.exec(doorbell.lines[1] ?? "") ?? [];
    expect(existsSync(join(stage.folder, file))).toBe(true);
    const [number = -1] = await numbersIn(stage, join(stage.folder, file), 320, 240);
    expect(number).toBeGreaterThanOrEqual(Number(seq) - 1);
  } finally {
    await doorbell.end();
  }
});
