import { afterAll, beforeAll, expect } from "bun:test";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import type { HoldfastClient } from "../../src/index.ts";
import { InstalledLibrary, runtimes } from "./library-project.ts";
import { eventually, type Stage, story } from "./processes.ts";
import { Shell, type Typed } from "./shell.ts";

const root = join(import.meta.dir, "..", "..");

const library = new InstalledLibrary();
beforeAll(() => library.install(), 240_000);
afterAll(() => library.remove(), 240_000);

/** A folder in a project that has installed the library, and what runs its programs there. */
class Example implements AsyncDisposable {
  readonly #folder: string;
  readonly #shell: Shell;

  constructor(stage: Stage, name: string, environment: Readonly<Record<string, string>> = {}) {
    this.#folder = join(library.project(stage), name);
    cpSync(join(root, "examples", name), this.#folder, { recursive: true });
    this.#shell = new Shell(this.#folder, { HOLDFAST_SOCKET: stage.socket, ...environment });
  }

  /** Starts one of its programs. */
  async start(runtime: string, program: string): Promise<Typed> {
    const [command, file] = await runnable(runtime, this.#folder, program);
    return this.#shell.startAs([command, file]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#shell[Symbol.asyncDispose]();
  }
}

/** What runs a program: Bun takes it as it is, and for Node it is compiled, as Node.js 20 needs it. */
async function runnable(runtime: string, folder: string, program: string): Promise<readonly [command: string, file: string]> {
  const [command, file] = [runtimes[runtime] as string, join(folder, program)];
  if (runtime === "Bun") return [command, file];
  const outfile = file.replace(/ts$/, "mjs");
  await build({ entryPoints: [file], outfile, bundle: true, packages: "external", platform: "node", format: "esm", target: "node20" });
  return [command, outfile];
}

/** Runs a file of tests, which must pass. */
async function passes(runtime: string, folder: string, file: string): Promise<void> {
  const [command, path] = await runnable(runtime, folder, file);
  const words = runtime === "Bun" ? ["test", "--timeout", "240000", path] : ["--test", path];
  await using shell = new Shell(folder, { FC_RUNS: "15" });
  const { status, out, err } = await shell.startAs([command, ...words]).ended;
  expect(status, out + err).toBe(0);
  expect(out + err).toMatch(/(^# pass|^\s*) [1-9]\d*( pass)?$/m);
}

for (const runtime of Object.keys(runtimes)) {
  story(`examples/one-button, in ${runtime}: both programs see each press, and neither knows of the other`, async (stage) => {
    await stage.serve();
    await using example = new Example(stage, "one-button");
    const [lamp, presses] = [await example.start(runtime, "lamp.ts"), await example.start(runtime, "presses.ts")];
    const board = await stage.connect();
    const holders = async () => (await board.pins()).find(({ pin }) => pin === "GPIO4")?.holders ?? [];
    const isLit = async () => (await board.read("GPIO17")).level === 1;
    await eventually("both have the button", async () => (await holders()).length === 2);
    const watching = async () => (await board.status()).clients.filter(({ subscriptions }) => subscriptions > 0).length;
    await eventually("both watch it", async () => (await watching()) === 2);
    for (const press of [1, 2]) {
      await board.simSet("GPIO4", 0);
      await eventually("the lamp is toggled", async () => (await isLit()) === (press === 1));
      await board.simSet("GPIO4", null);
      await presses.printed(press);
    }
    expect(presses.out).toMatch(/^(pressed for \d+ ms\n){2}$/);
    expect([lamp.out, lamp.err, presses.err]).toEqual(["", "", ""]);
  });

  story(`examples/garden, in ${runtime}: waters when it is asked to, refuses what makes no sense, and shares the board`, async (stage) => {
    await using example = new Example(stage, "garden", { PORT: "0", SOCKET: stage.socket });
    const garden = await example.start(runtime, "garden.ts");
    await garden.printed(1);
    const port = /port: (\d+)/.exec(garden.out)?.[1];
    const ask = async (method: string, path: string) => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, { method });
      return [response.status, (await response.text()).trim()];
    };
    expect(await ask("GET", "/")).toEqual([200, "dry"]);
    expect(await ask("POST", "/water?seconds=90")).toEqual([200, "watering"]);
    expect(await ask("POST", "/water?seconds=soon")).toEqual([400, expect.stringContaining("durationMs")]);
    const other = await stage.connect();
    await expect(other.output("valve")).rejects.toMatchObject({ code: "PIN_BUSY", details: { holder: "garden" } });
    await (await other.output("GPIO27")).on();
    expect(await ask("POST", "/stop")).toEqual([200, "dry"]);
    garden.kill("SIGTERM");
    expect((await garden.ended).status).toBe(0);
  });

  for (const [example, tests] of Object.entries({ "garage-door": "door.test.ts", conveyor: "conveyor.test.ts" })) {
    story(`examples/${example}, in ${runtime}: its own tests pass`, async (stage) => {
      const folder = join(library.project(stage), example);
      cpSync(join(root, "examples", example), folder, { recursive: true });
      await passes(runtime, folder, tests);
    });
  }

  story(`docs/testing.md, in ${runtime}: the tests of its actor pass, and its other programs do what it says`, async (stage) => {
    const folder = library.project(stage);
    const programs = [...readFileSync(join(root, "docs", "testing.md"), "utf8").matchAll(/^```ts\n(.*?)^```$/gms)];
    for (const [index, [, text = ""]] of programs.entries()) {
      const [, name = `${index}.ts`] = /^\/\/ (\S+)\n/.exec(text) ?? [];
      writeFileSync(join(folder, name), text);
      if (name.startsWith("stairs")) continue;
      const [command, file] = await runnable(runtime, folder, name);
      expect(await stage.run(command, file)).toMatchObject({ status: 0, stderr: "" });
    }
    await passes(runtime, folder, "stairs.test.ts");
  });
}

story("examples/garage-door runs in the executable as it is: the door opens until it is at its end stop", async (stage) => {
  const board = await served(stage, "garage-door");
  const state = async () => (await board.actors("actor/door"))[0]?.state;
  const isUp = async () => (await board.read("GPIO17")).level === 1;
  await eventually("the door is there", async () => (await state()) === "ajar");
  await board.simSet("GPIO23", 0);
  await eventually("it knows that it is closed", async () => (await state()) === "closed");
  await board.send("actor/door", { type: "open" });
  await eventually("its motor runs", isUp);
  await board.simSet("GPIO23", null);
  await board.simSet("GPIO22", 0);
  await eventually("its motor stops", async () => !(await isUp()));
  await eventually("it is open", async () => (await state()) === "open");
  await expect(board.send("actor/door", { type: "opne" })).rejects.toMatchObject({ code: "EVENT_UNKNOWN" });
});

story("examples/conveyor runs in the executable as it is: a parcel stops the belt until there is a frame of it", async (stage) => {
  const board = await served(stage, "conveyor");
  const runs = async () => (await board.read("GPIO17")).level === 1;
  await eventually("the belt runs", runs);
  await using pool = await board.createPool("cam0", { slots: 4, fourcc: "GREY", width: 8, height: 8 });
  const parcels = await board.topic("conveyor/parcel");
  await board.simSet("GPIO4", 0);
  await eventually("the belt stops", async () => !(await runs()));
  await eventually("it waits for a frame", async () => (await board.pools()).some(({ groups }) => groups.length > 0));
  using slot = await pool.produce();
  slot.data.fill(99);
  await slot.publish({ next: false });
  expect((await parcels.next()).value?.value).toEqual({ parcel: 1, brightness: 99 });
  await eventually("the belt runs again", runs);
});

/** A client of the executable, which runs the actors of an example. No module is beside them. */
async function served(stage: Stage, example: string): Promise<HoldfastClient> {
  const folder = join(stage.folder, example);
  cpSync(join(root, "examples", example), folder, { recursive: true });
  await stage.serve("--actors", folder);
  return stage.connect();
}
