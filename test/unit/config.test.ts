import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseConfig } from "../../src/config/parse-config.ts";
import { readConfig } from "../../src/config/read-config.ts";
import { HoldfastError } from "../../src/protocol/errors.ts";
import { defaultLimits } from "../../src/protocol/limits.ts";

const FILE = "/etc/holdfast/holdfast.toml";

/** The error of a text that is no configuration. */
function mistakeIn(text: string): HoldfastError {
  try {
    parseConfig(text, FILE);
  } catch (error) {
    if (error instanceof HoldfastError) return error;
    throw error;
  }
  throw new Error("it was taken");
}

test("a file says limits, the folder of frames, and pools and pins by name", () => {
  const text = `
    [limits]
    clients = 64
    maxOnMs = 1500.5

    [frames]
    directory = "/run/holdfast"

    [pool.cam0]
    slots = 6
    format = "BGR3"
    width = 1920
    height = 1080

    [pool.bytes]
    slots = 2
    bytes = 65_536

    [pin.GPIO17]
    maxOnMs = 30_000
    closeLevel = "off"

    [pin."*"]
    closeLevel = "keep"

    [listen.pigpio]
    port = 18_888

    [listen.remoteio]
    address = "0.0.0.0"
    insecure = true
  `;
  expect(parseConfig(text, FILE)).toEqual({
    limits: { clients: 64, maxOnMs: 1500.5 },
    frames: { directory: "/run/holdfast" },
    pools: {
      cam0: { slots: 6, fourcc: "BGR3", width: 1920, height: 1080 },
      bytes: { slots: 2, bytes: 65_536 },
    },
    pins: { GPIO17: { maxOnMs: 30_000, closeLevel: "off" }, "*": { closeLevel: "keep" } },
    processes: {},
    cameras: {},
    actors: {},
    listen: { pigpio: { port: 18_888 }, remoteio: { address: "0.0.0.0", insecure: true } },
    access: {},
  });
});

test("cameras share a pipeline by its name, which may be that of one that is built in", () => {
  const camera = (name: string, pipeline: string) => `[camera.${name}]\npipeline = "${pipeline}"\nwidth = 64\nheight = 48\n`;
  const own = '[pipeline.v4l2]\ncommand = ["mine", "{source}"]\n[pipeline.microscope]\ncommand = ["scope"]\n';
  const cameras = [camera("left", "v4l2"), camera("right", "v4l2"), camera("small", "microscope"), camera("test", "test")];
  const shared = { pipeline: ["mine", "{source}"], width: 64, height: 48 };
  expect(parseConfig([...cameras, own].join(""), FILE).cameras).toEqual({
    left: shared,
    right: shared,
    small: { ...shared, pipeline: ["scope"] },
    test: { ...shared, pipeline: "test" },
  });
});

test("an empty file asks for nothing", () => {
  expect(parseConfig("# nothing yet\n", FILE)).toEqual({
    limits: {},
    frames: {},
    pools: {},
    pins: {},
    processes: {},
    cameras: {},
    actors: {},
    listen: {},
    access: {},
  });
});

describe("what is not TOML is named by line and column", () => {
  const broken: [text: string, line: number, column: number, reason: string][] = [
    ["[limits]\nclients = \n", 2, 11, "invalid value"],
    ["[pool.cam0]\nslots = 6\nslots = 7\n", 3, 1, "trying to redefine an already defined table or value"],
    ["[pool.cam0]\nslots = 6x\n", 2, 10, "illegal character in numeric literal"],
  ];
  for (const [text, line, column, reason] of broken) {
    test(JSON.stringify(text), () => {
      const { code, message, details } = mistakeIn(text);
      expect(message).toBe(`${FILE}, line ${line}, column ${column}: ${reason}`);
      expect({ code, details }).toEqual({ code: "BAD_CONFIG", details: { file: FILE, line, column } });
    });
  }
});

/** The first line that has the last name of a key, or the first of all: that of the table where it is missing. */
function lineOf(text: string, key: string): number {
  const name = /[^."]+"?$/.exec(key)?.[0] ?? key;
  return (
    Math.max(
      0,
      text.split("\n").findIndex((line) => line.includes(name)),
    ) + 1
  );
}

describe("a mistake is named by file, line and key", () => {
  const image = 'format = "BGR3"\nwidth = 640\nheight = 480';
  const mistakes: [text: string, key: string, says: string | RegExp][] = [
    ["[limit]\nclients = 1", "limit", "there is no such key (did you mean limits?)"],
    [
      "[sensors]\nx = 1",
      "sensors",
      "there is no such key; known are listen, limits, frames, pool, pin, process, pipeline, camera, actors, access",
    ],
    ["[limits]\nclient = 1", "limits.client", "did you mean clients?"],
    ['[camera.front]\npipeline = "vl42"\nwidth = 64\nheight = 48', "camera.front.pipeline", "did you mean v4l2?"],
    ['[camera.front]\npipeline = "a b"\nwidth = 64\nheight = 48', "camera.front.pipeline", 'there is no pipeline "a b": v4l2, '],
    ["[camera.front]\npipeline = []\nwidth = 64\nheight = 48", "camera.front.pipeline", "must have at least 1 item"],
    ["[pipeline.mine]\ncommand = []", "pipeline.mine.command", "must have at least 1 item"],
    ["[pipeline.mine]\ncmd = [1]", "pipeline.mine.cmd", "known are command"],
    ['[pipeline."a b"]\ncommand = ["x"]', 'pipeline."a b"', "must be letters"],
    ["[limits]\nclients = 0", "limits.clients", "must be at least 1"],
    ["[limits]\nclients = 1.5", "limits.clients", "must be a whole number"],
    ["[limits]\nclients = 1e300", "limits.clients", /line 2: limits.clients: must be at most \d+$/],
    ['[limits]\nclients = "1"', "limits.clients", "must be a number"],
    ["[limits]\nmaxOnMs = inf", "limits.maxOnMs", "must be a number"],
    ['[frames]\ndirectory = "frames"', "frames.directory", "must be a path from the root: /run/holdfast"],
    ["[frames]\nfolder = 1", "frames.folder", "known are directory"],
    [`[pool.cam0]\nslots = 1\n${image}`, "pool.cam0.slots", "must be at least 2"],
    [`[pool.cam0]\n${image}`, "pool.cam0.slots", "is missing"],
    [`[pool.cam0]\nslots = 6\nfourcc = "BGR3"`, "pool.cam0.fourcc", "known are slots, format, width, height, stride, bytes"],
    ['[pool.cam0]\nslots = 6\nformat = "BGR9"\nwidth = 2\nheight = 2', "pool.cam0.format", '"BGR9" is no format that a pool may have'],
    ['[pool.cam0]\nslots = 6\nformat = "BGR3"\nwidth = 2', "pool.cam0.height", "a pool of BGR3 needs"],
    ['[pool.cam0]\nslots = 6\nformat = "NV12"\nwidth = 3\nheight = 2', "pool.cam0.width", "is a multiple of 2 in NV12"],
    ["[pool.cam0]\nslots = 6", "pool.cam0.bytes", "a pool of RAW needs"],
    [`[pool."front door"]\nslots = 6\nbytes = 1`, 'pool."front door"', "must be letters, digits"],
    [`[pool."__proto__"]\nslots = 6\nbytes = 1`, "pool.__proto__", "is no name"],
    ['[pin."__proto__"]', "pin.__proto__", "is no name"],
    ["[pin.GPIO17]\nmaxOn = 1", "pin.GPIO17.maxOn", "did you mean maxOnMs?"],
    ["[pin.GPIO17]\nmax_on_ms = 1", "pin.GPIO17.max_on_ms", "did you mean maxOnMs?"],
    ["[pin.GPIO17]\nmaxOnMs = 0", "pin.GPIO17.maxOnMs", "must be at least 0.001"],
    ['[pin."gpio:17"]\ncloseLevel = "low"', 'pin."gpio:17".closeLevel', /off.*on.*keep/],
    ["[listen.telnet]", "listen.telnet", "known are tcp, pigpio, remoteio"],
    ["[listen.remoteio]\nprot = 8509", "listen.remoteio.prot", "did you mean port?"],
    ['[listen.pigpio]\naddress = "0.0.0.0"', "listen.pigpio.address", "say insecure = true if that is wanted"],
    ['[listen.pigpio]\naddress = "pi.local"', "listen.pigpio.address", "must be an address of this machine"],
    ['[process.algo]\nrestart = "never"', "process.algo.command", "is missing"],
    ['[process.algo]\ncommand = "algo.py"', "process.algo.command", "must be a list"],
    ["[process.algo]\ncommand = []", "process.algo.command", "must have at least 1 item"],
    ['[process.algo]\ncommand = ["a"]\nrestart = "sometimes"', "process.algo.restart", '"always", "on-failure" or "never"'],
    ['[process.algo]\ncommand = ["a"]\ndirectory = "algo"', "process.algo.directory", "must be a path from the root: /srv/algo"],
    ['[process.algo]\ncommand = ["a"]\nenv = 1', "process.algo.env", "there is no such key; known are command"],
    ['[process.algo]\ncommand = ["a"]\nrestartLimit = 1001', "process.algo.restartLimit", "must be at most 1000"],
    ['[process.algo]\ncommand = ["a"]\nenvironment = { "A=B" = "" }', 'process.algo.environment."A=B"', "must be the name of a variable"],
    ['[process."a b"]\ncommand = ["a"]', 'process."a b"', "must be letters, digits"],
    ["pin = 17", "pin", "must be a table"],
    ["[[pool]]\nslots = 6", "pool", "must be a table"],
    ["pool = 6", "pool", "must be a table"],
  ];
  for (const [text, key, says] of mistakes) {
    test(`${JSON.stringify(text)}: ${key}`, () => {
      const { code, message, details } = mistakeIn(text);
      const line = lineOf(text, key);
      expect({ code, details }).toEqual({ code: "BAD_CONFIG", details: { file: FILE, key, line } });
      expect(message).toStartWith(`${FILE}, line ${line}: ${key}: `);
      expect(message).toMatch(says);
    });
  }

  test("a misspelt key comes before the one that is missing because of it", () => {
    expect(mistakeIn("[pool.cam0]\nslot = 6\nbytes = 1").message).toBe(
      `${FILE}, line 2: pool.cam0.slot: there is no such key (did you mean slots?); line 1: pool.cam0.slots: is missing`,
    );
  });
});

describe("the file", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "holdfast-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const codeOf = (attempt: Promise<unknown>) => attempt.then(String, ({ code, message }: HoldfastError) => `${code}: ${message}`);

  test("the default one need not be there", async () => {
    const found = {
      source: null,
      config: { limits: {}, frames: {}, pools: {}, pins: {}, processes: {}, cameras: {}, actors: {}, listen: {}, access: {} },
    };
    expect(await readConfig(undefined, join(folder, "holdfast.toml"))).toEqual(found);
    expect(await readConfig(undefined, join(folder, "none", "holdfast.toml"))).toEqual(found);
  });

  test("the default one is read where it is", async () => {
    const file = join(folder, "holdfast.toml");
    writeFileSync(file, "[limits]\nclients = 3\n");
    expect(await readConfig(undefined, file)).toMatchObject({ source: { file }, config: { limits: { clients: 3 } } });
  });

  test("one that is named must be there, and be a file of text", async () => {
    const missing = join(folder, "none.toml");
    expect(await codeOf(readConfig(missing))).toBe(`BAD_CONFIG: there is no configuration file ${missing}`);
    expect(await codeOf(readConfig(folder))).toBe(`BAD_CONFIG: ${folder} is a folder, and no configuration file`);
    const binary = join(folder, "binary.toml");
    writeFileSync(binary, new Uint8Array([0x23, 0xff, 0xfe]));
    expect(await codeOf(readConfig(binary))).toBe(`BAD_CONFIG: ${binary} is not text in UTF-8`);
  });

  test("one without an end is not read for ever", async () => {
    expect(await codeOf(readConfig("/dev/zero"))).toBe("BAD_CONFIG: /dev/zero is no configuration file: it is longer than 1.0 MB");
    expect(await readConfig("/dev/null")).toMatchObject({ config: { pools: {} } });
  });

  test("names a folder for frames that is there, also when it has no pool", async () => {
    const file = join(folder, "its.toml");
    const naming = (directory: string) => {
      writeFileSync(file, `frames.directory = "${directory}"\n`);
      return codeOf(readConfig(file));
    };
    expect(await naming(`${folder}/none`)).toBe(`BAD_CONFIG: ${file}, line 1: frames.directory: there is no folder ${folder}/none`);
    expect(await naming(file)).toBe(`BAD_CONFIG: ${file}, line 1: frames.directory: ${file} is no folder`);
    expect(await naming(folder)).not.toContain("BAD_CONFIG");
  });

  test("one that is there and can't be read is no reason to go on without it", async () => {
    const file = join(folder, "loop.toml");
    symlinkSync(file, file);
    expect(await codeOf(readConfig(undefined, file))).toStartWith(`BAD_CONFIG: the configuration file ${file} can't be read: ELOOP`);
  });
});

describe("docs/configuration.md", () => {
  const page = readFileSync(join(import.meta.dir, "..", "..", "docs", "configuration.md"), "utf8");

  test("has an example that is taken as it stands", () => {
    const [, example = ""] = /```toml\n(.*?)```/s.exec(page) ?? [];
    expect(Object.keys(parseConfig(example, FILE).pools)).toEqual(["cam0", "lidar"]);
  });

  test("lists every limit with its default", () => {
    const rows = [...page.matchAll(/^\| `(\w+)` \| (\d+|none) \|.* \| `--/gm)].map(([, name, otherwise]) => [name, otherwise]);
    const told = (limit: number) => (limit === Number.POSITIVE_INFINITY ? "none" : String(limit));
    expect(rows).toEqual(Object.entries(defaultLimits).map(([name, limit]) => [name, told(limit)]));
  });

  for (const kind of ["pool", "pin"]) {
    test(`lists every key of a ${kind}`, () => {
      const { message } = mistakeIn(`[${kind}.x]\nnothing = 1`);
      const [, known = ""] = /known are ([\w, ]+)/.exec(message) ?? [];
      const [section = ""] = page.split(`## \`[${kind}.NAME]\``)[1]?.split("\n## ") ?? [];
      expect(known.split(", ").filter((key) => !section.includes(`\`${key}\``))).toEqual([]);
    });
  }
});

test("the folder of actors is beside the file that speaks of it, unless it is said otherwise", () => {
  expect(parseConfig('[actors]\nfolder = "actors.d"\nrestart = "never"', "/etc/holdfast/holdfast.toml").actors).toEqual({
    folder: "/etc/holdfast/actors.d",
    restart: "never",
  });
  expect(parseConfig('[actors]\nfolder = "/srv/actors"', "/etc/holdfast/holdfast.toml").actors).toEqual({ folder: "/srv/actors" });
});
