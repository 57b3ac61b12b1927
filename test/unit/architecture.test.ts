import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

interface Rule {
  /** The parts whose files it may import, beside its own. */
  readonly may: readonly string[];
  /** The parts of which it may name types only. */
  readonly types?: readonly string[];
  /** The packages and built-in modules that it may import; absent: any but sockets. */
  readonly outside?: readonly string[];
  /** It may open sockets. */
  readonly sockets?: true;
}

/**
 * Who may import whom. A part is a folder of src/, a file directly in src/, or actors/. What a row does not name is forbidden,
 * and a part without a row is an error: whoever adds one says here what it may know.
 */
const rules: Record<string, Rule> = {
  actors: { may: [], types: ["protocol"], outside: ["xstate"] },
  protocol: { may: [] },
  libc: { may: ["protocol"] },
  "gpio-group": { may: [] },
  "output-lines": { may: [] },
  "machine-definition": { may: [], outside: ["xstate"] },
  access: { may: ["protocol"] },
  clock: { may: ["libc"] },
  gpio: { may: ["protocol", "clock", "libc"], types: ["actors"] },
  frames: { may: ["protocol", "libc", "gpio-group"] },
  processes: { may: ["libc", "protocol"], types: ["clock"] },
  supervisor: {
    may: ["access", "actors", "cameras", "machine-definition", "gpio", "frames", "protocol", "clock", "output-lines", "version"],
    types: ["client", "processes", "user-actors"],
  },
  client: { may: ["frames", "protocol"], sockets: true },
  "user-actors": { may: ["client", "clock", "index-client", "machine-definition", "protocol"], types: ["actors"] },
  cameras: { may: ["clock", "libc", "output-lines", "processes", "protocol"], types: ["client"] },
  transports: { may: ["access", "protocol", "clock", "libc", "gpio-group"], types: ["supervisor", "client"], sockets: true },
  version: { may: ["package.json"] },
  "dry-run": {
    may: ["access", "cameras", "frames", "gpio", "processes", "protocol", "reconfigure", "supervisor", "transports", "actor-plan"],
  },
  "create-supervisor": {
    may: [
      "access",
      "listeners",
      "reconfigure",
      "supervisor",
      "transports",
      "client",
      "frames",
      "processes",
      "clock",
      "protocol",
      "actor-plan",
      "actor-watch",
      "user-actors",
    ],
    types: ["gpio"],
  },
  listeners: { may: ["protocol"], types: ["transports"] },
  "actor-plan": { may: ["protocol", "user-actors"], types: ["supervisor"] },
  "actor-watch": { may: ["protocol", "user-actors"], types: ["clock", "supervisor"] },
  "actor-trial": { may: ["actor-plan", "clock", "protocol", "supervisor", "user-actors"] },
  reconfigure: { may: ["access", "protocol", "actor-plan", "supervisor"], types: ["listeners"] },
  index: {
    may: ["create-supervisor", "index-client", "index-machines", "user-actors", "gpio", "frames", "clock", "protocol"],
    types: ["reconfigure", "supervisor"],
  },
  "index-client": { may: ["client", "protocol"], types: ["frames"] },
  "index-machines": { may: ["actors"] },
  testing: { may: ["client", "clock", "frames", "gpio", "processes", "protocol", "supervisor", "transports", "user-actors"] },
  "index-testing": { may: ["clock", "gpio", "testing"] },
  config: { may: ["frames", "protocol"] },
  cli: {
    may: [
      "access",
      "cameras",
      "create-supervisor",
      "dry-run",
      "client",
      "config",
      "gpio",
      "frames",
      "clock",
      "protocol",
      "version",
      "actor-trial",
    ],
    types: ["machine-definition"],
  },
  main: { may: ["cli", "gpio", "user-actors"] },
};

/** Pieces of transports that are none themselves; beside them, no transport knows another. */
const piecesOfTransports = ["connection", "listener", "peer-credentials", "plain-tcp", "refuse", "socket-server"].map(
  (piece) => `src/transports/${piece}.ts`,
);

const socketModules = ["net", "tls", "dgram", "http", "https", "http2"].map((name) => `node:${name}`);

/** Names that say nothing of what a file is about. */
const emptyName = /(^|[-.])(utils?|helpers?|types|managers?|common|misc|shared)([-.]|$)/;

interface Import {
  /** The file that imports, from the top of the repository. */
  readonly from: string;
  /** A file of ours from the top of the repository, or the name of a package. */
  readonly to: string;
  readonly typeOnly: boolean;
}

const staticImport = /^(?:import|export)\s+(type\s+)?([\w\s{},*$]*?)\s*from\s+"([^"]+)"/gm;
const bareImport = /^import\s+"([^"]+)"/gm;
const callImport = /(typeof\s+)?\bimport\(\s*"([^"]+)"/g;

/** Every import and re-export of a file. */
function importsOf(file: string, source: string): Import[] {
  const at = (specifier: string | undefined, typeOnly: boolean): Import => ({
    from: file,
    to: specifier?.startsWith(".") ? join(dirname(file), specifier) : String(specifier),
    typeOnly,
  });
  return [
    ...[...source.matchAll(staticImport)].map(([, type, names = "", specifier]) =>
      at(specifier, type !== undefined || namesTypesOnly(names)),
    ),
    ...[...source.matchAll(bareImport)].map(([, specifier]) => at(specifier, false)),
    ...[...source.matchAll(callImport)].map(([, type, specifier]) => at(specifier, type !== undefined)),
  ];
}

/** Whether `{ type A, type B }` leaves nothing at run time. */
function namesTypesOnly(names: string): boolean {
  const [, list] = /^\{([^}]*)\}$/.exec(names.trim()) ?? [];
  if (list === undefined) return false;
  return list
    .split(",")
    .filter((name) => name.trim() !== "")
    .every((name) => /^\s*type\s/.test(name));
}

/** The part that a file of ours belongs to. */
function partOf(file: string): string {
  const [top = "", second = ""] = file.split("/");
  return top === "src" ? basename(second, ".ts") : top;
}

function isOurs(target: string): boolean {
  return /^(actors|src)\/|^package\.json$/.test(target);
}

/** What an import breaks, as a sentence; undefined when it breaks nothing. */
function fault({ from, to, typeOnly }: Import): string | undefined {
  const part = partOf(from);
  const rule = rules[part];
  if (rule === undefined) return `${from}: "${part}" has no row in the table of this test`;
  if (!isOurs(to)) {
    if (rule.outside !== undefined && !rule.outside.includes(to)) return `${from} imports ${to}; ${part} may import ${rule.outside} only`;
    if (rule.sockets === undefined && socketModules.includes(to) && !typeOnly) return `${from} imports ${to}; ${part} knows no sockets`;
    return undefined;
  }
  const target = partOf(to);
  if (target !== part && !rule.may.includes(target) && !(typeOnly && rule.types?.includes(target))) {
    return `${from} imports ${to}; ${part} may not import ${target}`;
  }
  if (part === "transports" && target === part && transportOf(from) !== transportOf(to) && !piecesOfTransports.includes(to)) {
    return `${from} imports ${to}; no transport knows another`;
  }
  return undefined;
}

/** Each transport is one file or one folder. */
function transportOf(file: string): string {
  return basename(file.split("/")[2] ?? "", ".ts");
}

/** One cycle of the graph as the path that closes it, or undefined. */
function cycle(edges: ReadonlyMap<string, ReadonlySet<string>>): readonly string[] | undefined {
  const finished = new Set<string>();
  const visit = (node: string, path: readonly string[]): readonly string[] | undefined => {
    if (path.includes(node)) return [...path.slice(path.indexOf(node)), node];
    if (finished.has(node)) return undefined;
    for (const next of edges.get(node) ?? []) {
      const found = visit(next, [...path, node]);
      if (found !== undefined) return found;
    }
    finished.add(node);
    return undefined;
  };
  for (const node of edges.keys()) {
    const found = visit(node, []);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The imports between things of ours, each file put under the name that `nameOf` gives it. */
function graph(imports: readonly Import[], nameOf: (file: string) => string): Map<string, Set<string>> {
  const edges = new Map<string, Set<string>>();
  for (const { from, to } of imports) {
    if (!isOurs(to) || nameOf(from) === nameOf(to)) continue;
    edges.set(nameOf(from), (edges.get(nameOf(from)) ?? new Set()).add(nameOf(to)));
  }
  return edges;
}

const root = join(import.meta.dir, "..", "..");
const files = [...new Bun.Glob("{actors,src}/**/*.ts").scanSync({ cwd: root })].sort();
const imports = files.flatMap((file) => importsOf(file, readFileSync(join(root, file), "utf8")));

describe("the sources", () => {
  for (const part of new Set([...files.map(partOf), ...Object.keys(rules)])) {
    test(`${part} imports only what its row allows`, () => {
      expect(imports.filter(({ from }) => partOf(from) === part).flatMap((each) => fault(each) ?? [])).toEqual([]);
    });
  }

  test("no row allows what its part does not do", () => {
    const idle = Object.entries(rules).flatMap(([part, { may, types = [] }]) => {
      const own = imports.filter(({ from, to }) => partOf(from) === part && isOurs(to));
      const unused = [
        ...may.filter((target) => !own.some(({ to, typeOnly }) => partOf(to) === target && !typeOnly)),
        ...types.filter((target) => !own.some(({ to }) => partOf(to) === target)),
      ];
      return unused.map((target) => `${part} does not import ${target}`);
    });
    expect(idle).toEqual([]);
  });

  test("every import of ours names a file that exists", () => {
    const known = new Set([...files, "package.json"]);
    expect(imports.filter(({ to }) => to.startsWith("..") || (isOurs(to) && !known.has(to)))).toEqual([]);
  });

  test("no folder imports itself by way of another", () => {
    expect(cycle(graph(imports, partOf))).toBeUndefined();
  });

  // Two classes of one folder may know each other by type; which of them is made first must never matter.
  test("no file imports itself by way of others at run time", () => {
    expect(
      cycle(
        graph(
          imports.filter(({ typeOnly }) => !typeOnly),
          (file) => file,
        ),
      ),
    ).toBeUndefined();
  });

  test("every name says what is in the file", () => {
    expect(files.filter((file) => file.split("/").some((name) => emptyName.test(name)))).toEqual([]);
  });
});

test("docs/architecture.md has the same table", () => {
  const page = readFileSync(join(root, "docs", "architecture.md"), "utf8");
  const rows = [...page.matchAll(/^\| `([\w/.-]+)` \| (.*) \|$/gm)].map(([, part = "", cell = ""]) => {
    const [may = "", types = ""] = cell.split("types of ");
    const names = (text: string) => [...text.matchAll(/`([\w.-]+)`/g)].map(([, name]) => name as string);
    return [basename(part, ".ts"), { may: names(may).sort(), types: names(types).sort() }];
  });
  const wanted = Object.entries(rules).map(([part, { may, types = [] }]) => [part, { may: [...may].sort(), types: [...types].sort() }]);
  expect(Object.fromEntries(rows)).toEqual(Object.fromEntries(wanted));
});

describe("the rule can be broken", () => {
  const broken: [file: string, line: string][] = [
    ["actors/pin.ts", 'import { readFileSync } from "node:fs";'],
    ["actors/pin.ts", 'import { HoldfastError } from "../src/protocol/errors.ts";'],
    ["actors/pin.ts", 'import type { Clock } from "../src/clock/clock.ts";'],
    ["src/protocol/codec.ts", 'import type { Clock } from "../clock/clock.ts";'],
    ["src/clock/real.ts", 'export { HoldfastError } from "../protocol/errors.ts";'],
    ["src/gpio/sim.ts", 'import { type Wave, waveOf } from "../../actors/wave.ts";'],
    ["src/gpio/sim.ts", 'const { x } = await import("../supervisor/pin.ts");'],
    ["src/supervisor/pin.ts", 'import { createServer } from "node:net";'],
    ["src/supervisor/pin.ts", 'import "../transports/unix.ts";'],
    ["src/client/client.ts", 'import {\n  a,\n  b,\n} from "../supervisor/pin.ts";'],
    ["src/transports/tcp.ts", 'import { listen } from "./unix.ts";'],
    ["src/index.ts", 'export * from "./cli/on.ts";'],
    ["src/extras/x.ts", 'import { z } from "zod";'],
  ];
  for (const [file, line] of broken) {
    test(`${file}: ${line.replace(/\s+/g, " ")}`, () => {
      expect(importsOf(file, `/** A file. */\n${line}\n`).map(fault)).toEqual([expect.any(String)]);
    });
  }

  const kept: [file: string, line: string][] = [
    ["actors/pin.ts", 'import type { Level } from "../src/protocol/requests.ts";'],
    ["actors/pin.ts", 'import { type Level, type Mode } from "../src/protocol/requests.ts";'],
    ["src/gpio/sim.ts", 'import type { Wave } from "../../actors/wave.ts";'],
    ["src/transports/tcp.ts", 'import { Connection } from "./connection.ts";'],
    ["src/transports/pigpio/listen.ts", 'import { parse } from "./parse.ts";'],
    ["src/main.ts", 'import { program } from "./cli/program.ts";'],
  ];
  for (const [file, line] of kept) {
    test(`but not by ${file}: ${line}`, () => {
      expect(importsOf(file, line).map(fault)).toEqual([undefined]);
    });
  }

  test("a cycle of three is found, with its path", () => {
    const ring = [
      ["src/a/x.ts", "src/b/x.ts"],
      ["src/b/x.ts", "src/c/x.ts"],
      ["src/c/x.ts", "src/a/x.ts"],
    ].map(([from = "", to = ""]) => ({ from, to, typeOnly: true }));
    expect(cycle(graph(ring, partOf))).toEqual(["a", "b", "c", "a"]);
  });
});
