import { describe, expect } from "bun:test";
import { shellStory } from "./shell.ts";

const silent = { status: 0, out: "", err: "" };

describe("a pin stays as a command has set it, and nothing is printed that nobody asked for", () => {
  shellStory("on, then off", async (shell) => {
    expect(await shell.run("on", "17")).toEqual(silent);
    expect(await shell.pin("GPIO17")).toMatchObject({ state: "on", level: 1, direction: "out", holders: [], unowned: true });
    expect(await shell.run("off", "GPIO17")).toEqual(silent);
    expect(await shell.pin("GPIO17")).toMatchObject({ state: "idle", level: 0, holders: [], unowned: true });
  });

  const commands: [line: string, state: string, value: number | null][] = [
    ["toggle 17", "on", 1],
    ["value 17 0.25", "on", 0.25],
    ["value 17 25%", "on", 0.25],
    ["blink 17", "blinking", null],
    ["pulse 17 --fade-in 1s --fade-out 2s", "pulsing", null],
    ["pattern 17 1:100ms 0:50ms 1:300ms", "blinking", null],
  ];
  for (const [line, state, value] of commands) {
    shellStory(`${line}: ${state}`, async (shell) => {
      expect(await shell.run(...line.split(" "))).toEqual(silent);
      expect(await shell.pin("GPIO17")).toMatchObject({ state, value, unowned: true });
    });
  }

  shellStory("toggle turns anything off", async (shell) => {
    await shell.ok("blink", "17");
    await shell.ok("toggle", "17");
    expect(await shell.pin("GPIO17")).toMatchObject({ state: "idle", level: 0 });
  });

  shellStory("but not with --on-disconnect close", async (shell) => {
    await shell.ok("on", "17", "--on-disconnect", "close");
    await shell.eventually("GPIO17", "is closed", ({ state }) => state === "closed");
  });
});

describe("a command has its time", () => {
  shellStory("--for: then the pin goes off", async (shell) => {
    await shell.ok("on", "17", "--for", "50ms");
    await shell.eventually("GPIO17", "is off", ({ state, level }) => state === "idle" && level === 0);
  });

  shellStory("--done waits until it has really been done", async (shell) => {
    const startedMs = performance.now();
    await shell.ok(..."blink 17 --on 10ms --off 40ms -n 5 --for 300ms --done".split(" "));
    expect(performance.now() - startedMs).toBeGreaterThan(300);
    expect((await shell.status()).counters).toMatchObject({ accepted: 1, done: 1, cancelled: 0 });
  });

  shellStory("--done of a command that others cut short: exit status 1, and why", async (shell) => {
    const blink = shell.start(..."blink 17 -n 1000 --done --share".split(" "));
    await shell.eventually("GPIO17", "blinks", ({ state }) => state === "blinking");
    await shell.ok("off", "17", "--share");
    expect(await blink.ended).toEqual({
      status: 1,
      out: "",
      err: "CANCELLED: GPIO17: blink has ended before its time: another command took its place.\n",
    });
  });

  shellStory(
    "--done of a command that was on for too long",
    async (shell) => {
      const { status, err } = await shell.run("on", "17", "--for", "1h", "--done");
      expect(status).toBe(1);
      expect(err).toBe(
        "CANCELLED: GPIO17: on has ended before its time: it was on for as long as it may be without a break (holdfast pins --json has its maxOnMs).\n",
      );
      expect(await shell.ok("read", "17")).toBe("0\n");
    },
    "--max-on",
    "50ms",
  );

  shellStory("--max-on limits one pin, for whoever commands it", async (shell) => {
    await shell.ok("on", "17", "--max-on", "50ms");
    expect((await shell.pin("GPIO17")).settings?.maxOnMs).toBe(50);
    await shell.eventually("GPIO17", "is off", ({ level }) => level === 0);
    const { status, err } = await shell.run("on", "17", "--max-on", "1h");
    expect(status).toBe(1);
    expect(err).toStartWith("PIN_CONFLICT: GPIO17 is open with maxOnMs 50, not 3600000.\n");
  });

  shellStory("--started waits for its turn", async (shell) => {
    await shell.ok("on", "17", "--for", "50ms");
    const reply = JSON.parse(await shell.ok("blink", "17", "--queue", "--started", "--json"));
    expect(reply).toEqual({ pin: "GPIO17", state: "blinking", queued: 0, command: 2, outcome: "started" });
  });
});

describe("a command takes the place of what runs, or waits for it", () => {
  shellStory("now", async (shell) => {
    await shell.ok("on", "17", "--for", "1h");
    await shell.ok("blink", "17");
    expect(await shell.pin("GPIO17")).toMatchObject({ state: "blinking", queued: 0, command: 2 });
  });

  shellStory("--queue, in the order given", async (shell) => {
    await shell.ok("on", "17", "--for", "8s");
    expect(JSON.parse(await shell.ok(..."pulse 17 -n 1000 --queue --json".split(" ")))).toEqual({
      pin: "GPIO17",
      state: "on",
      queued: 1,
      command: 2,
    });
    await shell.ok("blink", "17", "--queue");
    await shell.eventually("GPIO17", "pulses", ({ state, queued }) => state === "pulsing" && queued === 1);
    expect((await shell.status()).counters).toMatchObject({ accepted: 3, done: 1, cancelled: 0 });
  });
});

describe("the settings of a pin", () => {
  shellStory("are those of the first command, and the next ones need not name them", async (shell) => {
    await shell.ok(..."on 17 --active-low --bias pull-up --drive open-drain --close-level keep".split(" "));
    await shell.ok("off", "17");
    await shell.ok("on", "17", "--active-low");
    expect(await shell.pin("GPIO17")).toMatchObject({
      level: 1,
      mode: "wait",
      settings: { activeLow: true, bias: "pull-up", drive: "open-drain", closeLevel: "keep" },
    });
  });

  shellStory("--initial is the level before the first command", async (shell) => {
    const { status } = await shell.run("off", "17", "--initial", "1");
    expect(status).toBe(0);
    expect(await shell.ok("read", "17")).toBe("0\n");
  });

  shellStory("on never drives a line off on its way to on", async (shell) => {
    await shell.ok("sim", "wire", "17", "27");
    await shell.ok("sim", "set", "17", "1");
    const watch = shell.start("watch", "27");
    await shell.eventually("GPIO27", "is watched", ({ state }) => state === "watching");
    await shell.ok("sim", "set", "17", "free");
    await shell.ok("on", "17");
    await shell.ok("off", "17");
    await watch.printed(1);
    watch.kill("SIGINT");
    expect((await watch.ended).out).toMatch(/^\S+ {2}GPIO27 {2}falling {2}#1\n$/);
  });
});

describe("a command that is refused leaves all as it was", () => {
  const refused: [line: string, says: string][] = [
    ["blink 17 --on 1us --off 1us", "--on: makes a cycle of 0.002 ms"],
    [`pattern 17 ${"1:1us 0:1us ".repeat(60).trim()}`, "steps: has 120 steps in 0.12 ms"],
    ["pattern 17 10:10ms", "GPIO17 is one line, and was given 2 levels."],
    ["pattern 17 1:10ms 10:10ms", "GPIO17 is one line, and was given 2 levels."],
    ["write 17 10", "GPIO17 is one line, and was given 2 levels."],
  ];
  for (const [line, says] of refused) {
    shellStory(`closed: ${line.slice(0, 30)}`, async (shell) => {
      const { status, out, err } = await shell.run(...line.split(" "));
      expect({ status, out }).toEqual({ status: 2, out: "" });
      expect(err).toStartWith(`BAD_FIELD: ${says}`);
      expect(await shell.ok("pins", "--open")).toBe("");
      expect(await shell.ok("read", "17")).toBe("0\n");
    });
  }

  for (const line of ["pattern 17 1:10ms 10:10ms --close-level on", "pattern 17+22 1:10ms 10:10ms 101:10ms --close-level on"]) {
    shellStory(`it does not even drive the line: ${line}`, async (shell) => {
      await shell.ok("sim", "wire", "17", "27");
      const watch = shell.start("watch", "27");
      await shell.eventually("GPIO27", "is watched", ({ state }) => state === "watching");
      const { status, err } = await shell.run(...line.split(" "));
      expect({ status, err }).toMatchObject({ status: 2, err: expect.stringMatching(/^BAD_FIELD: /) });
      expect(await shell.ok("pins", "--open")).not.toContain("GPIO17");
      expect((await shell.status()).counters.edges).toBe(0);
      watch.kill("SIGINT");
      expect((await watch.ended).out).toBe("");
    });
  }

  shellStory("open, whatever it was to do afterwards", async (shell) => {
    await shell.ok("on", "17");
    expect((await shell.run("pattern", "17", "1:10ms", "10:10ms", "--on-disconnect", "close")).status).toBe(2);
    await shell.ok("on", "27");
    expect(await shell.pin("GPIO17")).toMatchObject({ state: "on", unowned: true, command: 1 });
  });
});

describe("close", () => {
  shellStory("lets what was accepted run, and gives the pin back", async (shell) => {
    await shell.ok("blink", "17", "--on", "20ms", "--off", "20ms", "-n", "5");
    await shell.ok("on", "27");
    expect(await shell.run("close", "17", "27")).toEqual(silent);
    expect((await shell.pin("GPIO17")).state).toBe("closed");
    expect((await shell.pin("GPIO27")).state).toBe("closed");
    expect((await shell.status()).counters).toMatchObject({ accepted: 2, done: 2, cancelled: 0 });
  });

  shellStory("--hard drops it", async (shell) => {
    await shell.ok("on", "17", "--for", "1h");
    await shell.ok("blink", "17", "--queue");
    await shell.ok("close", "17", "--hard");
    expect((await shell.pin("GPIO17")).state).toBe("closed");
    expect((await shell.status()).counters).toMatchObject({ accepted: 2, done: 0, cancelled: 2 });
  });
});

shellStory("of several pins to close, one that can't be keeps none of the others open; each refusal is told", async (shell, stage) => {
  const conveyor = await stage.connect({ name: "conveyor" });
  await conveyor.output(5);
  for (const pin of ["17", "27"]) await shell.ok("on", pin);
  const { status, out, err } = await shell.run("close", "17", "5", "GPIO6", "27");
  expect({ status, out }).toEqual({ status: 1, out: "" });
  expect(err.split("\n").filter((line) => !line.startsWith(" "))).toEqual([
    expect.stringMatching(/^PIN_BUSY: GPIO5 is held by "conveyor"/),
    "PIN_NOT_OPEN: GPIO6 is not open.",
    "",
  ]);
  for (const pin of ["GPIO17", "GPIO27"]) expect((await shell.pin(pin)).state).toBe("closed");
});

describe("several lines are one group, with + between their names", () => {
  const group = "GPIO17+GPIO27+GPIO22";

  shellStory("write sets each, read prints each, on and off set all", async (shell) => {
    expect(await shell.run("write", "17+27+BOARD15", "101")).toEqual(silent);
    expect(await shell.ok("read", group)).toBe("101\n");
    expect(await shell.ok("read", "GPIO27")).toBe("0\n");
    expect(await shell.pin("GPIO22")).toMatchObject({ level: 1, group, unowned: true });
    await shell.ok("on", group);
    expect(await shell.ok("read", group)).toBe("111\n");
    expect(await shell.ok("pins", "--open")).toMatch(/GPIO27 .* GPIO17\+GPIO27\+GPIO22/);
    await shell.ok("close", group);
    expect(await shell.pin("GPIO17")).toMatchObject({ state: "closed", level: null });
  });

  shellStory("a pattern has a level for each line in each step", async (shell) => {
    await shell.ok(..."pattern 17+27 10:5ms 01:5ms -n 3 --done".split(" "));
    expect(await shell.ok("read", "17+27")).toBe("00\n");
  });

  shellStory("a line of it is busy, and the refusal says for which group", async (shell) => {
    await shell.ok("on", group);
    const { status, err } = await shell.run("on", "27");
    expect(status).toBe(1);
    expect(err).toStartWith(`PIN_BUSY: GPIO27 is part of ${group}, which is open and held by nobody.\n`);
    expect(err).toContain(`holdfast close ${group}`);
  });

  shellStory("the same lines in another order are another group", async (shell) => {
    await shell.ok("on", "17+27");
    const { status, err } = await shell.run("close", "27+17");
    expect(status).toBe(1);
    expect(err).toBe(
      "PIN_NOT_OPEN: GPIO27+GPIO17 is not open: GPIO17+GPIO27 is, which has the same lines in another order.\n" +
        "  Name it as it is open: GPIO17+GPIO27\n",
    );
  });

  shellStory("what can't be a group is misuse", async (shell) => {
    expect(await shell.run("write", "17+BOARD11", "10")).toMatchObject({ status: 2, out: "" });
    expect((await shell.run("write", "17+27", "101")).err).toStartWith("BAD_FIELD: GPIO17+GPIO27 has 2 lines, and was given 3 levels.\n");
    expect(await shell.run("write", "17", "2")).toMatchObject({ status: 2, out: "" });
  });
});
