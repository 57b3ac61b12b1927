import { describe, expect } from "bun:test";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { executable, type Stage, story } from "./processes.ts";

/** Writes the stage's configuration, of which the pools' files go to a folder of its own, and returns the two paths. */
function configure(stage: Stage, text: string): { file: string; folder: string } {
  const [file, folder] = [join(stage.folder, "its.toml"), join(stage.folder, "frames")];
  mkdirSync(folder);
  writeFileSync(file, `frames.directory = "${folder}"\n${text}`);
  return { file, folder };
}

/** How a supervisor ends that can't start. */
async function failed(stage: Stage, ...args: readonly string[]): Promise<string> {
  const supervisor = stage.startServe(stage.socket, args);
  expect(await supervisor.ready).toBe(false);
  expect(await supervisor.ended()).toBe(1);
  return supervisor.errors;
}

story("the pools of the file are there when the supervisor is ready, and gone when it has ended", async (stage) => {
  const { file, folder } = configure(
    stage,
    '[pool.cam0]\nslots = 6\nformat = "BGR3"\nwidth = 64\nheight = 48\n[pool.lidar]\nslots = 2\nbytes = 1000\n',
  );
  const supervisor = await stage.serve("--config", file);
  const client = await stage.connect();
  const layouts = (await client.pools()).map(({ layout }) => layout);
  expect(layouts).toMatchObject([
    { pool: "cam0", slots: 6, fourcc: "BGR3", width: 64, height: 48, stride: 192, bytes: 9216 },
    { pool: "lidar", slots: 2, fourcc: "RAW", width: null, bytes: 1000 },
  ]);
  expect(layouts.map(({ path }) => path).sort()).toEqual(
    readdirSync(folder)
      .sort()
      .map((name) => join(folder, name)),
  );
  expect(supervisor.errors).toContain(`"config":"${file}"`);
  supervisor.kill("SIGTERM");
  expect(await supervisor.ended()).toBe(0);
  expect(readdirSync(folder)).toEqual([]);
});

story("its limits hold, and what the command line says wins over them", async (stage) => {
  const { file } = configure(stage, "[limits]\npools = 1\nsubscriptions = 1\n");
  await stage.serve("--config", file, "--limit", "pools=2");
  const client = await stage.connect();
  for (const name of ["a", "b"]) await client.createPool(name, { slots: 2, bytes: 1 });
  await expect(client.createPool("c", { slots: 2, bytes: 1 })).rejects.toMatchObject({ code: "LIMIT_POOLS" });
  await client.observe("GPIO4");
  await expect(client.observe("GPIO5")).rejects.toMatchObject({ code: "LIMIT_SUBSCRIPTIONS" });
});

story("the doctor looks at the file that it is told to, and where the supervisor has its pools", async (stage) => {
  const { file, folder } = configure(stage, "[pool.lidar]\nslots = 4\nbytes = 1000\n");
  const doctor = async (...args: string[]) => {
    const { stdout } = await stage.run(executable, "--socket", stage.socket, "doctor", "--json", ...args);
    return JSON.parse(stdout).findings as { readonly subject: string; readonly verdict: string; readonly finding: string }[];
  };
  expect((await doctor("--config", file)).map(({ subject }) => subject)).toContain(folder);
  expect(await doctor("--config", join(stage.folder, "none.toml"))).toContainEqual(
    expect.objectContaining({
      subject: "configuration",
      verdict: "fail",
      finding: expect.stringContaining("there is no configuration file"),
    }),
  );
  expect((await doctor("--config", "/dev/null")).map(({ subject }) => subject)).not.toContain(folder);
  await stage.serve("--config", file);
  expect((await doctor("--config", "/dev/null")).map(({ subject }) => subject)).toContain(folder);
});

story("what it says of pins holds, whatever clients ask for", async (stage) => {
  const { file } = configure(stage, '[pin.BOARD11]\nmaxOnMs = 40\n[pin."*"]\ncloseLevel = "off"\n');
  await stage.serve("--config", file);
  const client = await stage.connect();
  const pin = await client.output("GPIO17", { maxOnMs: 60_000 });
  expect(await pin.on({ ack: "done" })).toMatchObject({ outcome: "cancelled", reason: "MAX_ON" });
  expect((await client.status()).pins).toMatchObject([{ pin: "GPIO17", settings: { maxOnMs: 40 } }]);
  await expect(client.output("GPIO27", { closeLevel: "keep" })).rejects.toMatchObject({ code: "PIN_CONFLICT" });
});

describe("a supervisor does not start", () => {
  story("when its folder for frames is not there, also without a pool", async (stage) => {
    const file = stage.file("its.toml", `frames.directory = "${stage.folder}/none"\n`);
    expect(await failed(stage, "--config", file)).toStartWith(
      `BAD_CONFIG: ${file}, line 1: frames.directory: there is no folder ${stage.folder}/none.`,
    );
  });

  story("with a table of a pin that there is not", async (stage) => {
    const { file } = configure(stage, "[pin.GPIO71]\nmaxOnMs = 40\n");
    expect(await failed(stage, "--config", file)).toStartWith(
      `BAD_CONFIG: ${file}, line 2: pin.GPIO71: no line is called "GPIO71"; did you mean`,
    );
  });

  story("with a mistake in its file", async (stage) => {
    const { file } = configure(stage, '[pool.cam0]\nslots = 1\nformat = "BGR3"\nwidth = 64\nheight = 48\n');
    expect(await failed(stage, "--config", file)).toStartWith(`BAD_CONFIG: ${file}, line 3: pool.cam0.slots: `);
  });

  story("with a file that is no TOML", async (stage) => {
    const { file } = configure(stage, "[pool.cam0\n");
    expect(await failed(stage, "--config", file)).toStartWith(`BAD_CONFIG: ${file}, line 2, column 11: `);
  });

  story("without the file that it is told to read", async (stage) => {
    const file = join(stage.folder, "none.toml");
    expect(await failed(stage, "--config", file)).toStartWith(`BAD_CONFIG: there is no configuration file ${file}.`);
  });

  story("when the memory has no room for a pool, and leaves nothing of the others", async (stage) => {
    const { file, folder } = configure(stage, "[pool.small]\nslots = 2\nbytes = 1000\n[pool.large]\nslots = 1024\nbytes = 1_073_741_824\n");
    const errors = await failed(stage, "--config", file);
    expect(errors).toContain("MEMORY_FULL: pool large needs");
    expect(readdirSync(folder)).toEqual([]);
    expect(readdirSync(stage.folder).sort()).toEqual(["frames", "its.toml"]);
  });
});

story("a holdfast.toml in the current folder is not read", async (stage) => {
  writeFileSync(join(stage.folder, "holdfast.toml"), "[pool.cam0]\nslots = 2\nbytes = 1\n");
  await stage.serve();
  expect(await (await stage.connect()).pools()).not.toContainEqual(expect.objectContaining({ pool: "cam0" }));
});
