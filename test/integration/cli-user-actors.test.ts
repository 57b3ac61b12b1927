import { expect } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readDump } from "../unit/vcd-reader.ts";
import { eventually, type Stage, story } from "./processes.ts";
import { Shell } from "./shell.ts";

const DOOR = `
import { defineActor } from "holdfast";
import { assign, setup } from "xstate";
import { z } from "zod";

export default defineActor({
  pins: { relay: { out: "GPIO17" }, sensor: { in: "GPIO4" } },
  events: { open: {}, speed: { mmPerS: z.number().positive(), gently: z.boolean().optional() }, position: {} },
  machine: ({ pins, types, reply }) =>
    setup({ types: { ...types, context: {} as { mmPerS: number; gently: boolean } } }).createMachine({
      context: { mmPerS: 10, gently: false },
      initial: "shut",
      on: {
        speed: { actions: assign({ mmPerS: ({ event }) => event.mmPerS, gently: ({ event }) => event.gently ?? false }) },
        position: { actions: reply(({ context }) => context) },
      },
      states: {
        shut: { entry: pins.relay.off(), on: { open: "moving" } },
        moving: { initial: "up", states: { up: { entry: pins.relay.blink({ onMs: 5, offMs: 5 }) } }, on: { "sensor.rising": "opened" } },
        opened: { entry: pins.relay.on() },
      },
    }),
});
`;

/** A test of what is typed beside a door that runs. */
function doorStory(name: string, tell: (shell: Shell, stage: Stage) => Promise<void>): void {
  story(name, async (stage) => {
    mkdirSync(join(stage.folder, "actors.d"));
    writeFileSync(join(stage.folder, "actors.d", "door.ts"), DOOR);
    await stage.serve("--actors", join(stage.folder, "actors.d"));
    await using shell = new Shell(stage.folder, { HOLDFAST_SOCKET: stage.socket });
    await is(shell, "shut");
    await tell(shell, stage);
  });
}

/** Waits until the door is in this state. */
function is(shell: Shell, state: string): Promise<void> {
  return eventually(
    `the door ${state}`,
    async () => JSON.parse((await shell.run("actors", "actor/door", "--json")).out || '{"actors":[{}]}').actors[0].state === state,
  );
}

doorStory("a user's actor is sent events, asked, observed and drawn by its address", async (shell) => {
  const observed = shell.start("observe", "actor/door", "-n", "4", "--json");
  await observed.printed(1);
  expect(await shell.ok("send", "actor/door", "speed", "mmPerS=20", "gently=true")).toBe("");
  expect(JSON.parse(await shell.ok("ask", "actor/door", "position"))).toEqual({ mmPerS: 20, gently: true });
  await shell.ok("send", "actor/door", "open");
  await is(shell, "moving.up");
  await shell.ok("sim", "set", "4", "1");
  await is(shell, "opened");
  await shell.eventually("GPIO17", "on", ({ state }) => state === "on");
  const told = (await observed.ended).out
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(told.map(({ event, from, state, data }) => [event, from, state, data.mmPerS])).toEqual([
    [null, null, "shut", 10],
    ["speed", "shut", "shut", 20],
    ["open", "shut", "moving.up", 20],
    ["sensor.rising", "moving.up", "opened", 20],
  ]);
  const graph = (await shell.ok("graph", "actor/door")).split("\n").map((line) => line.trim());
  for (const line of ["s1 --> s2 : open", "s2 --> s4 : sensor.rising", "s1 : entry / relay.off", "s4 : entry / relay.on"])
    expect(graph).toContain(line);
  const { accepts } = JSON.parse(await shell.ok("graph", "actor/door", "--json"));
  expect(accepts.map(({ type }: { type: string }) => type)).toEqual(["open", "speed", "position"]);
});

doorStory("what no schema of its author accepts is refused, with what is", async (shell) => {
  const hint = "What it takes, with the fields: holdfast graph actor/door --json";
  const unknown = await shell.run("send", "actor/door", "close");
  expect(unknown.err).toMatch(/^EVENT_UNKNOWN: .*open, speed, position/);
  expect(unknown.err).toContain(hint);
  const invalid = await shell.run("send", "actor/door", "speed", "mmPerS=fast");
  expect(invalid.err).toMatch(/^EVENT_INVALID: .*mmPerS/);
  expect(invalid.err).toContain(hint);
  expect([unknown.status, invalid.status]).toEqual([1, 1]);
  const silent = await shell.run("ask", "actor/door", "open", "--timeout", "50ms");
  expect(silent).toMatchObject({ status: 1, err: expect.stringMatching(/^ASK_TIMEOUT: /) });
});

doorStory("the machine of one that has never run can't be drawn", async (shell, { folder }) => {
  writeFileSync(join(folder, "actors.d", "gate.ts"), "export default {};\n");
  expect((await shell.run("reload")).err).toMatch(/^BAD_ACTOR: /);
  const { status, err } = await shell.run("graph", "actor/gate");
  expect([status, err]).toEqual([1, expect.stringContaining("ACTOR_NOT_RUNNING: actor/gate has not run, and its machine is not known")]);
});

doorStory("a trace draws it beside its pins", async (shell, { folder }) => {
  const file = join(folder, "door.vcd");
  const trace = shell.start("trace", "--vcd", file);
  await eventually("the door in the file", () => trace.err !== "" || isThere(file, "actor door=shut"));
  await shell.ok("send", "actor/door", "open");
  await eventually("the moving door in the file", () => isThere(file, "actor door=moving_up"));
  await shell.ok("sim", "set", "4", "1");
  await eventually("the open door in the file", () => isThere(file, "actor door=opened"));
  trace.kill("SIGINT");
  expect(await trace.ended).toEqual({ status: 130, out: "", err: "" });
  const { waves } = readDump(readFileSync(file, "latin1"));
  const begins = (wave: string) => waves.get(wave)?.find(([, value]) => value === "1")?.[0] ?? Number.NaN;
  expect(begins("actor door=opened")).toBeGreaterThanOrEqual(begins("pin GPIO4"));
});

/** Whether a file of waveforms has this one. */
function isThere(file: string, wave: string): boolean {
  try {
    return readDump(readFileSync(file, "latin1")).waves.has(wave);
  } catch {
    return false;
  }
}

doorStory("it is stopped, started, listed, and swapped when its file has changed", async (shell, { folder }) => {
  const listed = async () => JSON.parse(await shell.ok("actor", "list", "--json")).actors[0];
  await shell.ok("send", "actor/door", "open");
  expect(await shell.ok("actor", "stop", "door")).toBe("");
  expect(await listed()).toMatchObject({ actor: "door", state: "stopped" });
  expect(await shell.ok("actor", "start", "door")).toBe("");
  await is(shell, "shut");
  await shell.ok("actor", "restart", "door");
  expect(await listed()).toMatchObject({ actor: "door", state: "running", end: null });
  expect(await shell.ok("actor")).toContain(join(folder, "actors.d", "door.ts"));
  writeFileSync(join(folder, "actors.d", "door.ts"), DOOR.replaceAll("shut", "closed"));
  expect(await shell.ok("reload")).toBe("");
  await is(shell, "closed");
  writeFileSync(join(folder, "actors.d", "door.ts"), "export default {");
  const refused = await shell.run("reload");
  expect(refused.err).toMatch(/^BAD_ACTOR: .*\n {2}\S+\/actors\.d\/door\.ts:1:\d+: export default \{\n$/);
  expect(refused.status).toBe(1);
  await is(shell, "closed");
  expect(await shell.run("actor", "start", "gate")).toMatchObject({ status: 1, err: expect.stringMatching(/^ACTOR_UNKNOWN: /) });
});
