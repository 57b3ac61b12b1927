import { expect } from "bun:test";
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { HoldfastClient, UserActorInfo } from "../../src/index.ts";
import { codeOf, eventually, executable, type ServeProcess, type Stage, story } from "./processes.ts";

/** An actor with one output and many ways to fail. @param pin the output @param said what else its definition says */
function door(pin: string, said = ""): string {
  return `import { setup } from "xstate";
import { defineActor } from "holdfast";

export default defineActor({
  ${said}
  pins: { relay: { out: "${pin}" } },
  events: { open: {}, fail: {}, hang: {}, halt: {} },
  machine: ({ pins, types }) =>
    setup({ types }).createMachine({
      initial: "shut",
      on: {
        fail: { actions: () => { throw new TypeError("no such key"); } },
        hang: { actions: () => { for (;;); } },
        halt: ".halted",
      },
      states: {
        shut: { on: { open: "opened" } },
        opened: { entry: pins.relay.on({ durationMs: 300 }) },
        halted: { type: "final" },
      },
    }),
});
`;
}

/** Where the action that fails throws: the line of `throw` above. */
const FAILING_LINE = 12;

/** A supervisor with a folder of actors, and a client of it. */
class Scene {
  private constructor(
    readonly stage: Stage,
    readonly supervisor: ServeProcess,
    readonly client: HoldfastClient,
  ) {}

  /** @param options blockedMs: a machine that is busy is no actor that hangs */
  static async of(
    stage: Stage,
    files: Readonly<Record<string, string>>,
    { blockedMs = 60_000, flags = [] as string[] } = {},
  ): Promise<Scene> {
    mkdirSync(join(stage.folder, "actors"));
    for (const [name, text] of Object.entries(files)) write(stage, name, text);
    const config = stage.file("holdfast.toml", `[actors]\nblockedMs = ${blockedMs}\n`);
    const supervisor = await stage.serve("--config", config, "--actors", join(stage.folder, "actors"), ...flags);
    return new Scene(stage, supervisor, await stage.connect());
  }

  async info(name: string): Promise<UserActorInfo | undefined> {
    return (await this.client.status()).actors.find(({ actor }) => actor === name);
  }

  /** Waits until an actor is in a state of its life, and has been started so often at least. */
  async until(name: string, state: UserActorInfo["state"], starts = 1): Promise<UserActorInfo> {
    let info: UserActorInfo | undefined;
    await eventually(`${name} is ${state}`, async () => {
      info = await this.info(name);
      return info?.state === state && info.starts >= starts;
    });
    return info as UserActorInfo;
  }

  /** Who holds a pin. */
  async holder(pin: string): Promise<string | undefined> {
    return (await this.client.status()).pins.find((info) => info.pin === pin)?.holders[0]?.name;
  }

  log(msg: string): Record<string, unknown>[] {
    const lines = this.supervisor.errors.split("\n").filter((line) => line.startsWith("{") && line.endsWith("}"));
    return lines.map((line) => JSON.parse(line)).filter((entry) => entry.msg === msg);
  }
}

function write({ folder }: Stage, name: string, text: string): void {
  const path = join(folder, "actors", name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

story("one that throws is told with its source line, lets go of its pins softly, and is started again", async (stage) => {
  const scene = await Scene.of(stage, { "door.ts": door("GPIO17"), "light.ts": door("GPIO4") });
  await scene.until("door", "running");
  await scene.until("light", "running");
  await scene.client.send("actor/door", { type: "open" });
  expect(await codeOf(scene.client.send("actor/door", { type: "fail" }))).toBe("ACTOR_FAILED");
  const { end } = await scene.until("door", "running", 2);
  // It has begun anew: nobody has asked for the failure since, so it is still told.
  expect(end).toMatchObject({ reason: "failed", line: FAILING_LINE, file: join(stage.folder, "actors", "door.ts") });
  const [told] = scene.log("actor failed: it is started again");
  expect(told).toMatchObject({ actor: "door", line: FAILING_LINE, reason: "TypeError: no such key" });
  expect(String(told?.["source"])).toContain("throw new TypeError");
  expect((await scene.info("light"))?.starts).toBe(1);
});

story("one that loops for ever stops nobody else's pins, and is ended and started again", async (stage) => {
  const scene = await Scene.of(stage, { "door.ts": door("GPIO17") }, { blockedMs: 4000 });
  await scene.until("door", "running");
  const led = await scene.client.output("GPIO4");
  const button = await scene.client.input("GPIO5");
  await scene.client.simWire("GPIO4", "GPIO5");
  const edges = (await button.edges())[Symbol.asyncIterator]();
  const blinked = led.blink({ onMs: 20, offMs: 20, n: 120, ack: "done" });
  let isOver = false;
  const hung = codeOf(scene.client.send("actor/door", { type: "hang" })).finally(() => {
    isOver = true;
  });
  const next = async () => (await edges.next()).value;
  const first = await next();
  for (let seen = 1; seen <= 10; seen++) expect((await next())?.seq).toBe(Number(first?.seq) + seen);
  expect(isOver).toBe(false);
  expect(await hung).toBe("ACTOR_FAILED");
  expect((await blinked).outcome).toBe("done");
  expect((await scene.client.status()).counters.lostEvents).toBe(0);
  await scene.until("door", "running", 2);
  expect(scene.log("actor blocks its thread: it is ended")).toHaveLength(1);
});

story("what is no actor is named with its place, and the others start", async (stage) => {
  const files = {
    "a-parse.ts": "export default defineActor({\n  machine: ) => 1,\n});\n",
    "b-none.ts": "export const door = 1;\n",
    "c-throws.js": "const doors = new Map();\ndoors.get(1).open();\n",
    "d-loops.mjs": "for (;;);\n",
    "e-twice.ts": door("GPIO5", 'name: "door",'),
    "f-taken.ts": door("GPIO6"),
    "door.ts": door("GPIO17"),
    "z-types.d.ts": "export {};\n",
    "lib/wall.ts": "not even TypeScript\n",
  };
  const scene = await Scene.of(stage, files, { blockedMs: 4000 });
  for (const name of ["a-parse", "b-none", "c-throws"]) await scene.until(name, "failed");
  expect((await scene.info("a-parse"))?.end).toMatchObject({
    code: "BAD_ACTOR",
    line: 2,
    file: join(stage.folder, "actors", "a-parse.ts"),
  });
  expect((await scene.info("b-none"))?.end).toMatchObject({ code: "BAD_ACTOR" });
  expect((await scene.info("c-throws"))?.end).toMatchObject({ code: "BAD_ACTOR", line: 2 });
  await scene.until("door", "running");
  const twice = await scene.until("e-twice", "failed");
  expect(twice.end?.message).toContain('there is an actor "door" already');
  expect(twice.end).toMatchObject({ file: join(stage.folder, "actors", "e-twice.ts"), line: 5 });
  await eventually("the one that loops is ended", async () => (await scene.info("d-loops"))?.end?.reason === "blocked");
  expect((await scene.client.status()).actors.map(({ actor }) => actor).sort()).toEqual([
    "a-parse",
    "b-none",
    "c-throws",
    "d-loops",
    "door",
    "e-twice",
    "f-taken",
  ]);
});

story("one whose pin another client holds has failed with PIN_BUSY, and runs when it can be had", async (stage) => {
  const scene = await Scene.of(stage, {});
  const led = await scene.client.output("GPIO17");
  write(stage, "door.ts", door("GPIO17"));
  await scene.client.reload();
  await eventually("it has failed", async () => (await scene.info("door"))?.end !== null);
  expect((await scene.info("door"))?.end).toMatchObject({
    reason: "failed",
    code: "PIN_BUSY",
    line: 6,
    file: join(stage.folder, "actors", "door.ts"),
  });
  await led.close();
  await scene.until("door", "running", 2);
});

story("an edit and a reload swap the actor, with a soft close of what it held; a broken edit swaps nothing", async (stage) => {
  const scene = await Scene.of(stage, { "door.ts": door("GPIO17"), "light.ts": door("GPIO4") });
  await scene.until("door", "running");
  await scene.until("light", "running");
  await scene.client.send("actor/door", { type: "open" });
  write(stage, "door.ts", door("GPIO17").replace('initial: "shut"', 'initial: "opened"'));
  await scene.client.reload();
  await scene.until("door", "running", 2);
  expect((await scene.client.actors("actor/door"))[0]?.state).toBe("opened");
  write(stage, "door.ts", "export default 1 +;\n");
  const refused = await scene.client.reload().then(
    () => null,
    (error) => error,
  );
  expect(refused).toMatchObject({ code: "BAD_ACTOR", details: { line: 1, actor: "door" } });
  expect((await scene.info("door"))?.starts).toBe(2);
  expect(await scene.holder("GPIO17")).toBe("door");
  expect((await scene.info("light"))?.starts).toBe(1);
  expect(scene.log("actor can't be reloaded: what runs goes on")).toHaveLength(1);
});

story("SIGHUP does the same, for a file that is imported as well, and new and removed files", async (stage) => {
  const text = door("GPIO17").replace("export default", 'import { pin } from "./lib/pin.ts";\nexport default').replace('"GPIO17"', "pin");
  const scene = await Scene.of(stage, { "door.ts": text, "lib/pin.ts": 'export const pin = "GPIO17";\n', "old.ts": door("GPIO5") });
  await scene.until("door", "running");
  await scene.until("old", "running");
  write(stage, "lib/pin.ts", 'export const pin = "GPIO22";\n');
  write(stage, "new.ts", door("GPIO6"));
  rmSync(join(stage.folder, "actors", "old.ts"));
  scene.supervisor.kill("SIGHUP");
  await scene.until("door", "running", 2);
  await scene.until("new", "running");
  expect([await scene.holder("GPIO22"), await scene.holder("GPIO17")]).toEqual(["door", undefined]);
  await eventually("the old one has gone", async () => (await scene.info("old")) === undefined);
});

story("with --watch a change is enough", async (stage) => {
  const scene = await Scene.of(stage, { "door.ts": door("GPIO17") }, { flags: ["--watch"] });
  await scene.until("door", "running");
  write(stage, "door.ts", door("GPIO22"));
  await scene.until("door", "running", 2);
  expect(await scene.holder("GPIO22")).toBe("door");
  write(stage, "lib/wall.ts", "export const wall = 1;\n");
  write(
    stage,
    "gate.ts",
    door("GPIO4").replace("export default", 'import { wall } from "./lib/wall.ts";\nconsole.log(wall);\nexport default'),
  );
  await scene.until("gate", "running");
  write(stage, "lib/wall.ts", "export const wall = 2;\n");
  await scene.until("gate", "running", 2);
});

story("with --watch a folder may be removed, made anew, and swapped: what was there goes on until another one is", async (stage) => {
  const scene = await Scene.of(stage, { "door.ts": door("GPIO17") }, { flags: ["--watch"] });
  await scene.until("door", "running");
  const folder = join(stage.folder, "actors");
  rmSync(folder, { recursive: true });
  await eventually("its end is told", () => scene.log("no actor can be looked for: what runs goes on").length > 0);
  expect((await scene.info("door"))?.state).toBe("running");
  write(stage, "gate.ts", door("GPIO4"));
  await scene.until("gate", "running");
  write(stage, "gate.ts", door("GPIO22"));
  await scene.until("gate", "running", 2);
  renameSync(folder, join(stage.folder, "before"));
  write(stage, "flap.ts", door("GPIO17"));
  await scene.until("flap", "running");
});

story("one that sleeps where nobody can wake it is given up: its pins are closed, and nobody waits for it at the end", async (stage) => {
  const asleep = door("GPIO17").replace("for (;;);", "Bun.sleepSync(1_000_000);");
  const scene = await Scene.of(stage, { "door.ts": asleep }, { blockedMs: 2000 });
  await scene.until("door", "running");
  void scene.client.send("actor/door", { type: "hang" }).catch(() => {});
  expect((await scene.until("door", "running", 2)).end).toMatchObject({ reason: "blocked" });
  expect(await scene.holder("GPIO17")).toBe("door");
  scene.supervisor.kill("SIGTERM");
  expect(await scene.supervisor.ended()).toBe(0);
});

story("SIGTERM ends them softly: what was accepted is done", async (stage) => {
  const scene = await Scene.of(stage, { "door.ts": door("GPIO17").replace("300", "2000"), "light.ts": door("GPIO4") });
  await scene.until("door", "running");
  await scene.until("light", "running");
  const watched = await scene.client.observe("GPIO17");
  const states: string[] = [];
  const watching = (async () => {
    for await (const { state } of watched) states.push(state);
  })().catch(() => {});
  await scene.client.send("actor/door", { type: "open" });
  scene.supervisor.kill("SIGTERM");
  expect(await scene.supervisor.ended()).toBe(0);
  await watching;
  expect(states).toContain("closing");
  expect(states.at(-1)).toBe("closed");
  expect(
    scene
      .log("actor stopped")
      .map(({ actor }) => actor)
      .sort(),
  ).toEqual(["door", "light"]);
});

story("SIGKILL leaves no thread behind, whatever it does", async (stage) => {
  const scene = await Scene.of(stage, { "door.ts": door("GPIO17") });
  await scene.until("door", "running");
  void scene.client.send("actor/door", { type: "hang" }).catch(() => {});
  const { pid } = scene.supervisor;
  scene.supervisor.kill("SIGKILL");
  await scene.supervisor.ended();
  await eventually("nothing of the process is left", () => {
    try {
      return /\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
    } catch {
      return true;
    }
  });
});

story("serve --check says which files are actors and what is wrong with the others, and starts none", async (stage) => {
  write(stage, "door.ts", door("GPIO17"));
  write(stage, "gate.ts", "export default defineActor({\n  machine: ) => 1,\n});\n");
  const args = ["serve", "--check", "--backend", "sim", "--config", "/dev/null", "--actors", join(stage.folder, "actors")];
  const { status, stdout } = await stage.run(executable, ...args);
  expect(status).toBe(1);
  expect(stdout).toContain(`ok    ${join(stage.folder, "actors", "door.ts")}: the actor door`);
  expect(stdout).toContain(`fail  ${join(stage.folder, "actors", "gate.ts")}, line 2, column`);
});

story("a folder that is not there stops the start", async (stage) => {
  const supervisor = stage.startServe(stage.socket, ["--actors", join(stage.folder, "nowhere")]);
  expect(await supervisor.ended()).toBe(1);
  expect(supervisor.errors).toContain(`actors.folder: there is no folder ${join(stage.folder, "nowhere")}`);
});
