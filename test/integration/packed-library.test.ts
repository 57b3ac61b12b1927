import { afterAll, beforeAll, expect } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { InstalledLibrary, runtimes } from "./library-project.ts";
import { authority, tlsKeys } from "./network-stage.ts";
import { type Stage, story } from "./processes.ts";

const library = new InstalledLibrary();
beforeAll(() => library.install(), 240_000);
afterAll(() => library.remove(), 240_000);

/** Runs a program of the project's. */
async function run(stage: Stage, runtime: string, folder: string, source: string) {
  const program = join(folder, "program.mjs");
  writeFileSync(program, source);
  return stage.run(runtime, program, stage.folder);
}

/** What a bundle of a program of the project's is made of: its source files, from the folder of the library, and the names of packages. */
async function bundled(folder: string, source: string): Promise<readonly string[]> {
  const { metafile } = await build({
    stdin: { contents: source, resolveDir: folder },
    bundle: true,
    write: false,
    metafile: true,
    platform: "node",
    format: "esm",
    logLevel: "silent",
  });
  const inputs = Object.values(metafile.outputs).flatMap((output) => Object.entries(output.inputs));
  const used = inputs.flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path.split("node_modules/").at(-1) ?? path] : []));
  return [
    ...new Set(used.map((path) => (path.startsWith("holdfast/") ? path.slice("holdfast/".length) : path.slice(0, path.indexOf("/"))))),
  ];
}

for (const [name, runtime] of Object.entries(runtimes)) {
  story(
    `the packed library works in ${name}: as a client, embedded, on simulated time, serving a socket and a port with TLS, and with frames`,
    async (stage) => {
      await stage.serve();
      tlsKeys(stage);
      stage.file("ca.pem", authority.certificate);
      const program = readFileSync(join(import.meta.dir, "library-program.mjs"), "utf8");
      expect(await run(stage, runtime, library.project(stage), program)).toEqual({
        status: 0,
        stdout: "talkToExecutable\nembed\nsimulateTime\nserve\nserveNetwork\nshareFrames\nrunOutOfSlots\nleaveWhileItIsRead\n",
        stderr: "",
      });
    },
  );

  story(`actors from files are supervised in ${name}: one that throws, one that hangs, one that does not parse`, async (stage) => {
    const folder = library.project(stage);
    mkdirSync(join(folder, "actors"));
    writeFileSync(join(folder, "actors", "broken.mjs"), "export default 1 +;\n");
    writeFileSync(
      join(folder, "actors", "door.mjs"),
      `import { setup } from "xstate";
import { defineActor } from "holdfast";

const fail = () => {
  throw new TypeError("no such key");
};
const hang = () => {
  for (;;);
};

export default defineActor({
  pins: { relay: { out: "GPIO17" } },
  events: { who: {}, fail: {}, hang: {} },
  machine: ({ reply }) => setup({}).createMachine({ on: { who: { actions: reply("door") }, fail: { actions: fail }, hang: { actions: hang } } }),
});
`,
    );
    const source = `import { createSupervisor, RealClock, SimBackend } from "holdfast";
      const clock = new RealClock();
      const actors = { folder: ${JSON.stringify(join(folder, "actors"))}, backoffMs: 10, maxBackoffMs: 20, blockedMs: 4000 };
      const supervisor = await createSupervisor({ backend: new SimBackend({ clock }), clock, actors });
      const actor = (name) => supervisor.status().actors.find((info) => info.actor === name);
      const until = async (isSo) => {
        while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
      };
      const runs = (starts) => until(() => actor("door").state === "running" && actor("door").starts >= starts);
      const client = await supervisor.client();
      await runs(1);
      console.log(await client.ask("actor/door", { type: "who" }), supervisor.status().pins[0].holders[0].name);
      await client.send("actor/door", { type: "fail" }).catch(({ code, details: { line } }) => console.log(code, line));
      await runs(2);
      await client.send("actor/door", { type: "hang" }).catch(({ code }) => console.log(code));
      await runs(3);
      await until(() => actor("broken").state === "failed");
      console.log(actor("door").end.reason, actor("broken").end.code);
      await supervisor.shutdown();`;
    expect(await run(stage, runtime, folder, source)).toEqual({
      status: 0,
      stdout: "door door\nACTOR_FAILED 5\nACTOR_FAILED\nblocked BAD_ACTOR\n",
      stderr: "",
    });
  });

  story(`to import any of the library in ${name} opens nothing and starts nothing`, async (stage) => {
    const folder = library.project(stage);
    const source = `import { readdirSync } from "node:fs";
      // The runtime itself opens files as it loads the first module.
      for (const of of ["node:assert", "node:net", "node:tls", "zod", "xstate"]) await import(of);
      const state = () => JSON.stringify([process.getActiveResourcesInfo?.() ?? [], readdirSync("/proc/self/fd").length, Object.keys(globalThis).length, process.eventNames()]);
      const before = state();
      for (const part of ["/client", "/machines", "/testing", ""]) await import("holdfast" + part);
      const after = state();
      console.log(after === before ? "as before" : before + after);`;
    expect(await run(stage, runtime, folder, source)).toEqual({ status: 0, stdout: "as before\n", stderr: "" });
  });
}

story("what is imported from holdfast/client brings no supervisor, no GPIO and no machine into a bundle", async (stage) => {
  const folder = library.project(stage);
  const client = await bundled(folder, 'export { connect } from "holdfast/client";');
  const parts = new Set(client.map((path) => path.replace(/^(src\/[^/]+)\/.*/, "$1")));
  expect([...parts].sort()).toEqual(["cbor-x", "src/client", "src/frames", "src/libc.js", "src/protocol", "zod"]);
});

story("a bundle has those of the library's modules that it uses", async (stage) => {
  const folder = library.project(stage);
  expect(await bundled(folder, 'export { HoldfastError } from "holdfast";')).toEqual(["src/protocol/errors.js"]);
  expect(await bundled(folder, 'export { SimulatedClock } from "holdfast";')).toEqual(["src/clock/simulated.js"]);
  const machines = await bundled(folder, 'export { pinMachine } from "holdfast/machines";');
  expect(machines.filter((path) => !path.startsWith("actors/"))).toEqual(["xstate"]);
});

story("the entries of the library are one library: what one throws the others know", async (stage) => {
  const folder = library.project(stage);
  const source = `import * as whole from "holdfast"; import * as client from "holdfast/client"; import * as machines from "holdfast/machines"; import * as testing from "holdfast/testing";
    console.log([...Object.keys(client), ...Object.keys(machines)].filter((name) => whole[name] !== { ...client, ...machines }[name]).length, testing.SimulatedClock === whole.SimulatedClock);
    await client.connect({ socket: "/nowhere" }).catch((error) => console.log(error instanceof whole.HoldfastError, error.code));`;
  expect(await run(stage, runtimes["Node"] as string, folder, source)).toEqual({
    status: 0,
    stdout: "0 true\ntrue NOT_RUNNING\n",
    stderr: "",
  });
});

story("without node-libgpiod the backend of that name says what to install", async (stage) => {
  const folder = library.project(stage);
  const source = `import { LibgpiodBackend } from "holdfast";
    try { new LibgpiodBackend(); } catch (error) { console.log(error.code, error.message); }`;
  const { stdout } = await run(stage, runtimes["Node"] as string, folder, source);
  expect(stdout).toMatch(/^NO_BACKEND .*npm install node-libgpiod/);
});
