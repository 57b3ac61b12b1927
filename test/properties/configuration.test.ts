import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { type Config, parseConfig } from "../../src/config/parse-config.ts";
import { createSupervisor } from "../../src/create-supervisor.ts";
import { dryRun } from "../../src/dry-run.ts";
import { SimSharedMemory } from "../../src/frames/sim.ts";
import { SimBackend } from "../../src/gpio/sim.ts";
import { SimulatedClock } from "../../src/index.ts";
import { HoldfastError } from "../../src/protocol/errors.ts";
import { property } from "./property.ts";

const FILE = "/etc/holdfast/holdfast.toml";

const good = `# a board with a pump
[limits]
clients = 64
maxOnMs = 30_000
pools = 2

[pin.GPIO17]
alias = "lamp"
initial = 1
maxOnMs = 5000
closeLevel = "off"

[pin.BOARD13]
alias = "pump"

[pin."*"]
closeLevel = "off"

[pool.cam0]
slots = 4
format = "BGR3"
width = 16
height = 8

[pool.lidar]
slots = 2
bytes = 100

[listen.remoteio]
address = "127.0.0.1"
port = 0
mode = "nowait"
access = "guests"

[access.guests]
read = ["lamp", "GPIO4"]
command = ["pump"]
admin = true
`;
const goodLines = good.split("\n");
const line = fc.integer({ min: 0, max: goodLines.length - 1 });
const words = [
  "0",
  "1",
  "-1",
  "1e9",
  '"',
  "[",
  "]",
  "=",
  "#",
  ".",
  "\n",
  "true",
  "maxOnMs",
  "GPIO71",
  "GPIO17",
  "lamp",
  "closeLevel",
  '"keep"',
  "[pin.GPIO27]\n",
  "[pool.x]\n",
];

/** What somebody may do to a file. */
const edit: fc.Arbitrary<(lines: string[]) => void> = fc.oneof(
  fc.tuple(line, fc.nat(40), fc.constantFrom(...words)).map(([at, column, word]) => (lines: string[]) => {
    const text = lines[at] ?? "";
    lines[at] = text.slice(0, column) + word + text.slice(column);
  }),
  fc.tuple(line, fc.nat(40), fc.integer({ min: 1, max: 5 })).map(([at, column, length]) => (lines: string[]) => {
    const text = lines[at] ?? "";
    lines[at] = text.slice(0, column) + text.slice(column + length);
  }),
  fc.tuple(line, line).map(
    ([from, to]) =>
      (lines: string[]) =>
        void lines.splice(to, 0, lines[from] ?? ""),
  ),
  line.map((at) => (lines: string[]) => void lines.splice(at, 1)),
  fc.tuple(line, line).map(
    ([from, to]) =>
      (lines: string[]) =>
        void lines.splice(to, 0, ...lines.splice(from, 1)),
  ),
);

const edited = fc.array(edit, { maxLength: 3 }).map((edits) => {
  const lines = [...goodLines];
  for (const each of edits) each(lines);
  return lines.join("\n");
});

/** The configuration; null: it is refused, with the place of the mistake. */
function parsed(text: string): Config | null {
  try {
    return parseConfig(text, FILE);
  } catch (error) {
    assert(error instanceof HoldfastError && error.code === "BAD_CONFIG", String(error));
    const { line, column, key, file } = error.details;
    assert.equal(file, FILE);
    assert(typeof line === "number" ? error.message.startsWith(`${FILE}, line ${line}`) : typeof key === "string");
    assert(typeof key === "string" || typeof column === "number", "a place is told");
    return null;
  }
}

property(
  "whatever is done to a good file, it is obeyed as a whole or refused as a whole, and serve --check says which",
  edited,
  async (text) => {
    const config = parsed(text);
    if (config === null) return;
    const folder = mkdtempSync(join(tmpdir(), "holdfast-"));
    try {
      const clock = new SimulatedClock();
      let closed = false;
      const backend = Object.assign(new SimBackend({ clock }), { close: () => (closed = true) });
      const memory = new SimSharedMemory();
      const { mistakes } = dryRun(config, { backend, folder, isServed: false });
      const started = await createSupervisor({ backend, clock, memory, ...config }).catch((error) => {
        assert(error instanceof HoldfastError && error.code !== "INTERNAL", String(error));
        return null;
      });
      assert.equal(
        started !== null,
        mistakes.length === 0,
        `the check says ${mistakes.map(({ message }) => message).join("; ") || "nothing"}`,
      );
      if (started !== null) {
        assert.deepEqual(
          started
            .status()
            .pools.map(({ pool }) => pool)
            .sort(),
          Object.keys(config.pools).sort(),
        );
        await started.shutdown({ hard: true });
      }
      assert(closed, "the chips are let go of");
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
  200,
);
