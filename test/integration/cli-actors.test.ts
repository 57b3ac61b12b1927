import { describe, expect } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createMachine } from "xstate";
import { type Dump, readDump } from "../unit/vcd-reader.ts";
import { eventually } from "./processes.ts";
import { shellStory } from "./shell.ts";

/** Lines of a trace without their times. */
function untimed(out: string): string[] {
  return out
    .trimEnd()
    .split("\n")
    .map((line) => line.replace(/^\d+\.\d{9} {2}/, ""));
}

/** The waveforms of a file; null: it is being written. */
function wavesSoFar(file: string): Dump["waves"] | null {
  try {
    return readDump(readFileSync(file, "latin1")).waves;
  } catch {
    return null;
  }
}

describe("actors", () => {
  shellStory("shows what there is as a tree, with states", async (shell) => {
    await shell.ok("on", "17");
    await shell.ok("pool", "create", "cam0", "--slots", "4", "--bytes", "64");
    const tree = (await shell.ok("actors")).trimEnd().split("\n");
    expect(tree.map((line) => line.replace(/client\/\d+/, "client/N"))).toEqual([
      "ADDRESS                 STATE",
      "supervisor              running",
      "├─ pin/GPIO17           on",
      "├─ pool/cam0            open",
      "│  ├─ pool/cam0/slot/0  free",
      "│  ├─ pool/cam0/slot/1  free",
      "│  ├─ pool/cam0/slot/2  free",
      "│  └─ pool/cam0/slot/3  free",
      "└─ client/N             connected",
    ]);
    expect(await shell.ok("actors", "pool/cam0/slot/1")).toBe("ADDRESS           STATE\npool/cam0/slot/1  free\n");
    expect(JSON.parse(await shell.ok("actors", "pin/GPIO17", "--json"))).toEqual({
      actors: [{ address: "pin/GPIO17", kind: "pin", parent: "supervisor", state: "on" }],
    });
    expect(await shell.run("actors", "pool/cam1")).toEqual({
      status: 1,
      out: "",
      err: "ACTOR_UNKNOWN: there is no pool/cam1; did you mean pool/cam0?\n  Every actor there is: holdfast actors\n",
    });
  });
});

describe("send and ask", () => {
  shellStory("tell an actor what was typed, and print what it answers", async (shell) => {
    await shell.ok("pool", "create", "cam0", "--slots", "4", "--bytes", "64");
    expect(JSON.parse(await shell.ok("ask", "pin/GPIO4", "read"))).toMatchObject({ pin: "GPIO4", level: 0, state: "closed" });
    expect(await shell.ok("send", "pool/cam0", "remove")).toBe("");
    expect(await shell.ok("pool", "list", "--json")).toBe('{"pools":[]}\n');
  });

  shellStory("to a pin that nobody holds says what opens one", async (shell) => {
    await shell.ok("on", "17");
    const remedy = "  These commands open it first: holdfast on, off, blink and so on\n";
    expect((await shell.run("send", "pin/GPIO17", "off")).err).toEndWith(remedy);
    expect((await shell.run("ask", "pin/GPIO27", "on")).err).toEndWith(remedy);
  });

  shellStory("say what is wrong with what was typed", async (shell) => {
    const hint = "What it takes, with the fields: holdfast graph supervisor --json";
    expect(await shell.run("send", "supervisor", "explode")).toEqual({
      status: 1,
      out: "",
      err: `EVENT_UNKNOWN: supervisor takes no event "explode": it takes shutdown, reload.\n  ${hint}\n`,
    });
    expect(await shell.run("ask", "supervisor", "shutdown", "hard=yes")).toEqual({
      status: 1,
      out: "",
      err: `EVENT_INVALID: shutdown: hard: must be true or false.\n  ${hint}\n`,
    });
    expect(await shell.run("send", "garage", "open")).toMatchObject({ status: 2, err: expect.stringContaining("BAD_FIELD: address:") });
    for (const [typed, complaint] of [
      [["hard"], "error: a field is written field=value, not hard\n"],
      [["type=on"], "error: which event it is stands before its fields\n"],
      [["hard=true", "--json", "{}"], "error: the fields are written one by one, or all with --json\n"],
      [["--json", "[]"], 'error: --json takes an object: {"mmPerS": 20}\n'],
      [["--json", "{"], "error: --json is no JSON: "],
    ] as const) {
      expect(await shell.run("send", "supervisor", "shutdown", ...typed)).toMatchObject({
        status: 2,
        err: expect.stringContaining(complaint),
      });
    }
    expect((await shell.status()).state).toBe("running");
    expect(await shell.ok("send", "supervisor", "shutdown", "--json", '{"hard": true}')).toBe("");
  });
});

describe("observe", () => {
  shellStory("prints the state of one actor, and each transition of it", async (shell) => {
    const [lines, json] = [shell.start("observe", "pin/GPIO17", "-n", "3"), shell.start("observe", "pin/GPIO17", "--json")];
    await Promise.all([lines.printed(1), json.printed(1)]);
    await shell.ok("on", "17");
    const { status, out } = await lines.ended;
    expect(status).toBe(0);
    const told = untimed(out).map((line) => /^(.*?) {2}(\{.*\})$/.exec(line)?.slice(1) ?? []);
    expect(told.map(([line]) => line)).toEqual(["pin/GPIO17  closed", "pin/GPIO17  closed → on  open", "pin/GPIO17  on → on  on"]);
    expect(told.map(([, data = ""]) => JSON.parse(data).level)).toEqual([null, 1, 1]);
    await json.printed(3);
    json.kill("SIGINT");
    expect((await json.ended).status).toBe(130);
    expect(JSON.parse(json.out.split("\n")[2] ?? "")).toMatchObject({ ev: "transition", from: "on", state: "on", event: "on", lost: 0 });
  });
});

describe("trace", () => {
  shellStory("prints what all do, of those that come later too, and the edges of pins", async (shell) => {
    const trace = shell.start("trace");
    await trace.printed(2);
    await shell.ok("blink", "17", "--on", "1ms", "--off", "1ms", "-n", "2", "--done");
    await eventually("the end of what was traced", () => trace.out.includes("pin/GPIO17  blinking → idle"));
    const ofPin = untimed(trace.out).filter((line) => line.startsWith("pin/GPIO17"));
    expect(ofPin.filter((line) => !/rising|falling/.test(line)).slice(0, 3)).toEqual([
      "pin/GPIO17  idle  open",
      "pin/GPIO17  idle → blinking  blink",
      "pin/GPIO17  blinking → idle  ended",
    ]);
    expect(ofPin.filter((line) => /rising|falling/.test(line))).toEqual([
      "pin/GPIO17  rising  #1",
      "pin/GPIO17  falling  #2",
      "pin/GPIO17  rising  #3",
      "pin/GPIO17  falling  #4",
    ]);
    expect(untimed(trace.out)[0]).toBe("supervisor  running");
    expect(trace.out).toMatch(/client\/\d+ {2}connected/);
  });

  shellStory("ends after a time, or after so many lines", async (shell) => {
    expect(untimed(await shell.ok("trace", "pin/GPIO17", "--for", "500ms"))).toEqual(["pin/GPIO17  closed"]);
    const [line = ""] = (await shell.ok("trace", "-n", "1", "--json")).split("\n");
    expect(JSON.parse(line)).toMatchObject({ ev: "transition", address: "supervisor", event: null, from: null, state: "running" });
  });

  shellStory("says that the supervisor has gone", async (shell, _stage, supervisor) => {
    const trace = shell.start("trace", "supervisor");
    await trace.printed(1);
    supervisor.kill("SIGKILL");
    expect(await trace.ended).toMatchObject({ status: 1, err: expect.stringContaining("DISCONNECTED") });
  });

  shellStory("draws waveforms in a file, which is whole however the trace ends", async (shell) => {
    for (const [signal, status] of [
      ["SIGINT", 130],
      ["SIGKILL", 137],
    ] as const) {
      const file = join(shell.folder, `${signal}.vcd`);
      const trace = shell.start("trace", "--vcd", file);
      await eventually("the supervisor in the file", () => wavesSoFar(file)?.has("supervisor supervisor=running") === true);
      await shell.ok("blink", "17", "--on", "1ms", "--off", "1ms", "-n", "3", "--done");
      await shell.ok("close", "17");
      await eventually("the closed pin in the file", () => wavesSoFar(file)?.get("pin GPIO17/state")?.at(-1)?.[1] === "closed");
      trace.kill(signal);
      expect(await trace.ended).toMatchObject({ status, out: "", err: "" });
      const { waves } = readDump(readFileSync(file, "latin1"));
      const levels = (waves.get("pin GPIO17") ?? []).map(([, level]) => level);
      expect(levels.filter((level, index) => level !== levels[index - 1]).join("")).toBe("z0101010z");
      expect(waves.get("pin GPIO17=blinking")?.map(([, value]) => value)).toEqual(["0", "1", "0"]);
    }
  });

  shellStory("refuses a file that can't be one", async (shell) => {
    const { status, err } = await shell.run("trace", "--vcd", "/dev/null");
    expect({ status, err }).toEqual({
      status: 1,
      err: "FILE_FAILED: /dev/null is no regular file: what comes later is written at its top too.\n",
    });
    expect(await shell.run("trace", "--vcd", shell.folder)).toMatchObject({ status: 1, err: expect.stringContaining("can't be written") });
  });
});

describe("graph", () => {
  shellStory("prints a machine for Mermaid, Graphviz and XState", async (shell) => {
    const mermaid = await shell.ok("graph", "supervisor");
    expect(mermaid).toStartWith("stateDiagram-v2\n  [*] --> s1\n");
    expect(mermaid).toContain('state "draining" as');
    const dot = await shell.ok("graph", "supervisor", "--dot");
    expect(dot).toStartWith('digraph "supervisor" {\n');
    expect(dot).toEndWith("\n}\n");
    const { machine, accepts } = JSON.parse(await shell.ok("graph", "pin/GPIO17", "--json"));
    expect(Object.keys(createMachine(machine).states)).toContain("blinking");
    expect(accepts.map(({ type }: { type: string }) => type)).toContain("blink");
    await shell.ok("pool", "create", "cam0", "--slots", "4", "--bytes", "64");
    expect(await shell.run("graph", "pool/cam0")).toMatchObject({ status: 2, err: expect.stringContaining("pool/cam0 is no machine") });
  });
});

describe("inspect", () => {
  shellStory("serves what Stately Inspector takes, to who knows the address", async (shell) => {
    const inspect = shell.start("inspect", "--json");
    await inspect.printed(1);
    const { url, socketUrl } = JSON.parse(inspect.out);
    expect(await (await fetch(url)).text()).toContain("https://stately.ai/inspect");
    const seen: { type: string; sessionId: string; snapshot?: { value?: unknown } }[] = [];
    const socket = new WebSocket(socketUrl);
    socket.onmessage = ({ data }) => seen.push(JSON.parse(data as string));
    await eventually("the supervisor", () => seen.some(({ type, sessionId }) => type === "@xstate.actor" && sessionId === "supervisor"));
    await shell.ok("on", "17");
    const isOn = () => seen.some(({ sessionId, snapshot }) => sessionId === "pin/GPIO17" && snapshot?.value === "on");
    await eventually("the pin that is on", isOn);
    expect(seen.filter(({ sessionId }) => sessionId === "pin/GPIO17")[0]).toMatchObject({ type: "@xstate.actor", parentId: "supervisor" });
    const closed = new Promise((resolve) => {
      socket.onclose = resolve;
    });
    inspect.kill("SIGINT");
    expect((await inspect.ended).status).toBe(130);
    await closed;
  });
});

describe("reload", () => {
  shellStory("has the configuration read again, or says what is wrong with it", async (shell) => {
    expect(await shell.ok("reload")).toBe("");
  });
});
