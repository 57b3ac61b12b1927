import { describe, expect } from "bun:test";
import { executable } from "./processes.ts";
import { shellStory } from "./shell.ts";

describe("read", () => {
  shellStory("prints the level of any pin", async (shell) => {
    expect(await shell.ok("read", "4")).toBe("0\n");
    await shell.ok("sim", "set", "4", "1");
    expect(await shell.ok("read", "BOARD7")).toBe("1\n");
    await shell.ok("value", "17", "0.5");
    expect(JSON.parse(await shell.ok("read", "17", "--json"))).toEqual({
      pin: "GPIO17",
      level: expect.any(Number),
      value: 0.5,
      state: "on",
      timestampNs: expect.any(Number),
    });
    expect((await shell.pin("GPIO4")).state).toBe("closed");
  });
});

describe("watch", () => {
  shellStory("prints an edge a line, and ends after -n", async (shell) => {
    const watch = shell.start("watch", "4", "-n", "3");
    await shell.eventually("GPIO4", "is watched", ({ state }) => state === "watching");
    for (const level of ["1", "0", "1"]) await shell.ok("sim", "set", "4", level);
    const { status, out, err } = await watch.ended;
    expect({ status, err }).toEqual({ status: 0, err: "" });
    const lines = out.trimEnd().split("\n");
    expect(lines.map((line) => line.replace(/^\d+\.\d{9} /, ""))).toEqual([
      " GPIO4   rising   #1",
      " GPIO4   falling  #2",
      " GPIO4   rising   #3",
    ]);
    const times = lines.map((line) => Number.parseFloat(line));
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    await shell.eventually("GPIO4", "is given back", ({ state }) => state === "closed");
  });

  shellStory("several processes and several pins, each as it wants it", async (shell) => {
    const both = shell.start("watch", "4", "5", "--json", "-n", "3");
    const falling = shell.start("watch", "GPIO5", "--edge", "falling", "-n", "1", "--json");
    await shell.eventually("GPIO4", "is watched", ({ holders }) => holders.length === 1);
    await shell.eventually("GPIO5", "is watched by two", ({ holders }) => holders.length === 2);
    for (const [pin, level] of [
      ["4", "1"],
      ["5", "1"],
      ["5", "0"],
    ] as const)
      await shell.ok("sim", "set", pin, level);
    const events = (out: string) =>
      out
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line));
    const timestampNs = expect.any(Number);
    expect(events((await both.ended).out)).toEqual([
      { ev: "edge", pin: "GPIO4", level: 1, timestampNs, seq: 1, lost: 0, edge: "rising" },
      { ev: "edge", pin: "GPIO5", level: 1, timestampNs, seq: 1, lost: 0, edge: "rising" },
      { ev: "edge", pin: "GPIO5", level: 0, timestampNs, seq: 2, lost: 0, edge: "falling" },
    ]);
    expect(events((await falling.ended).out)).toEqual([
      { ev: "edge", pin: "GPIO5", level: 0, timestampNs, seq: 1, lost: 0, edge: "falling" },
    ]);
  });

  shellStory("tells of silence, once, until the next edge", async (shell) => {
    const watch = shell.start("watch", "4", "--silence", "60ms", "-n", "3");
    const json = shell.start("watch", "4", "--silence", "60ms", "-n", "1", "--json");
    await watch.printed(1);
    await json.printed(1);
    await shell.ok("sim", "set", "4", "1");
    const { status, out } = await watch.ended;
    expect(status).toBe(0);
    const lines = out.trimEnd().split("\n");
    expect(lines.map((line) => line.replace(/^\d+\.\d{9} /, ""))).toEqual([" GPIO4   silent", " GPIO4   rising   #1", " GPIO4   silent"]);
    const [, rising = 0, silent] = lines.map((line) => Number.parseFloat(line));
    expect(silent).toBeCloseTo(rising + 0.06, 6);
    expect(JSON.parse((await json.ended).out)).toEqual({ ev: "silence", pin: "GPIO4", silenceMs: 60, timestampNs: expect.any(Number) });
  });

  shellStory("takes bias, active-low and debounce", async (shell) => {
    const watch = shell.start("watch", "4", "--bias", "pull-up", "--active-low", "--debounce", "1.5ms", "-n", "1");
    await shell.eventually("GPIO4", "is watched", ({ state }) => state === "watching");
    expect((await shell.pin("GPIO4")).settings).toMatchObject({ bias: "pull-up", activeLow: true, debounceUs: 1500 });
    await shell.ok("sim", "set", "4", "0");
    expect((await watch.ended).out).toMatch(/GPIO4 {3}rising {3}#1\n$/);
  });

  shellStory("--state prints what an output does that another drives", async (shell, stage) => {
    const conveyor = await stage.connect({ name: "conveyor" });
    const pin = await conveyor.output(17);
    const watch = shell.start("watch", "--state", "17", "-n", "4");
    const json = shell.start("watch", "--state", "17", "-n", "2", "--json");
    await watch.printed(1);
    await json.printed(1);
    await pin.blink({ onMs: 1000, offMs: 1000 });
    await watch.printed(2);
    await pin.value(0.5, { mode: "nowait" });
    await watch.printed(3);
    await pin.close({ hard: true });
    expect((await watch.ended).out.split("\n")).toEqual([
      "GPIO17  idle",
      'GPIO17  blinking  command 1 by "conveyor"',
      'GPIO17  on at 0.5  command 2 by "conveyor"',
      expect.stringMatching(/^GPIO17 {2}clos(ing|ed)/),
      "",
    ]);
    expect(
      (await json.ended).out
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).toEqual([
      { ev: "state", pin: "GPIO17", state: "idle", level: 0, value: 0, command: null, by: null, lost: 0 },
      { ev: "state", pin: "GPIO17", state: "blinking", level: null, value: null, command: 1, by: "conveyor", lost: 0 },
    ]);
  });

  shellStory("ends with Ctrl-C as every program does, and lets go of the pin", async (shell) => {
    const watch = shell.start("watch", "4");
    await shell.eventually("GPIO4", "is watched", ({ state }) => state === "watching");
    watch.kill("SIGINT");
    expect(await watch.ended).toEqual({ status: 130, out: "", err: "" });
    await shell.eventually("GPIO4", "is given back", ({ state }) => state === "closed");
  });

  shellStory("ends quietly when its reader has gone", async (shell) => {
    const piped = shell.startAs(["bash", "-c", `"${executable}" watch 4 | head -1; echo "status \${PIPESTATUS[0]}"`]);
    await shell.eventually("GPIO4", "is watched", ({ state }) => state === "watching");
    await shell.ok("sim", "set", "4", "1");
    await piped.printed(1);
    let level = 0;
    await shell.eventually("GPIO4", "is given back", ({ state }) => {
      if (state !== "closed") void shell.run("sim", "set", "4", String(level)).then(() => {});
      level = 1 - level;
      return state === "closed";
    });
    const { out, err } = await piped.ended;
    expect(err).toBe("");
    expect(out).toMatch(/^\S+ {2}GPIO4 {3}rising {3}#1\nstatus 0\n$/);
  });

  shellStory("says so when the supervisor ends", async (shell, _, supervisor) => {
    const watch = shell.start("watch", "4");
    await shell.eventually("GPIO4", "is watched", ({ state }) => state === "watching");
    supervisor.kill("SIGTERM");
    const { status, out, err } = await watch.ended;
    expect({ status, out }).toEqual({ status: 1, out: "" });
    expect(err).toMatch(/^(SHUTTING_DOWN: the supervisor has closed the pin|DISCONNECTED: .*)\.\n {2}.*holdfast/);
  });
});

describe("simulated pins", () => {
  shellStory("a wire carries what one pin drives to another", async (shell) => {
    expect(await shell.run("sim", "wire", "17", "27")).toEqual({ status: 0, out: "", err: "" });
    await shell.ok("on", "17");
    expect(await shell.ok("read", "27")).toBe("1\n");
  });

  shellStory("a free wire follows the pull", async (shell) => {
    await shell.ok("sim", "set", "4", "0");
    const watch = shell.start("watch", "4", "--bias", "pull-up", "-n", "1");
    await shell.eventually("GPIO4", "is watched", ({ state }) => state === "watching");
    await shell.ok("sim", "set", "4", "free");
    expect((await watch.ended).out).toContain("rising");
  });
});

describe("pins", () => {
  shellStory("lists every line: who holds it, and what it does", async (shell) => {
    await shell.ok("blink", "17");
    const watch = shell.start("watch", "4");
    await shell.eventually("GPIO4", "is watched", ({ state }) => state === "watching");
    const lines = (await shell.ok("pins")).trimEnd().split("\n");
    expect(lines[0]).toMatch(/^PIN +LINE +NAMES +STATE +LEVEL +QUEUED +USED BY +HELD BY$/);
    expect(lines).toHaveLength(29);
    const row = (pin: string) => lines.find((line) => line.startsWith(`${pin} `));
    expect(row("GPIO17")).toMatch(/^GPIO17 +holdfast-sim:17 +17 BOARD11 +blinking +- +- +- +nobody$/);
    expect(row("GPIO4")).toMatch(
      new RegExp(`watching +0 +- +- +"holdfast watch" \\(pid ${watch.pid}, uid ${process.getuid?.()}\\) for \\d+ m?s$`),
    );
    expect(row("GPIO27")).toMatch(/ closed +- +- +- +-$/);
    const open = (await shell.ok("pins", "--open")).trimEnd().split("\n");
    expect(open.map((line) => line.split(" ")[0])).toEqual(["PIN", "GPIO4", "GPIO17"]);
    expect(JSON.parse(await shell.ok("pins", "--open", "--json")).pins).toMatchObject([
      { pin: "GPIO4", direction: "in", holders: [{ name: "holdfast watch", pid: watch.pid }] },
      { pin: "GPIO17", direction: "out", unowned: true },
    ]);
  });
});
