import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Command } from "commander";
import { createProgram } from "../../src/cli/program.ts";

const root = join(import.meta.dir, "..", "..");
const pages = [
  "README.md",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
  "examples/README.md",
  "python/README.md",
  "test/README.md",
  ...new Bun.Glob("docs/**/*.md").scanSync({ cwd: root }),
].sort();

/** A page's text without its blocks of code. */
function proseOf(page: string): string {
  return readFileSync(join(root, page), "utf8").replace(/^```.*?^```$/gms, "");
}

/** The anchors that a page's headings have. */
function anchorsOf(page: string): string[] {
  return [...proseOf(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

/** What a page links to within the project and is not there. */
function deadLinks(page: string): string[] {
  const targets = [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = ""]) => target)
    .filter((target) => !/^\w+:/.test(target));
  return targets.filter((target) => {
    const [path = "", anchor] = target.split("#");
    const file = path === "" ? page : join(dirname(page), path);
    return !existsSync(join(root, file)) || (anchor !== undefined && !anchorsOf(file).includes(anchor));
  });
}

describe("every link within the project leads somewhere", () => {
  for (const page of pages) test(page, () => expect(deadLinks(page)).toEqual([]));
});

test("the README leads to every page of docs/", () => {
  const readme = proseOf("README.md");
  const missing = pages.filter((page) => /^docs\/[^/]+$/.test(page) && !readme.includes(`](${page})`));
  expect(missing).toEqual([]);
});

test("test/README.md tells of every file of properties", () => {
  const files = [...new Bun.Glob("*.test.ts").scanSync({ cwd: join(root, "test", "properties") })];
  const told = proseOf("test/README.md");
  expect(files.filter((file) => !told.includes(`\`${file}\``))).toEqual([]);
});

test("the README's table names every command", () => {
  const typed = ({ name, commands }: { name: string; commands: readonly Command[] }): string[] =>
    commands.length === 0 ? [name] : commands.flatMap((sub) => typed({ name: `${name} ${sub.name()}`.trim(), commands: sub.commands }));
  const commands = typed({ name: "", commands: createProgram().commands });
  const cells = [...readFileSync(join(root, "README.md"), "utf8").matchAll(/^\| (`.*?) \| /gm)].flatMap(([, cell = ""]) =>
    [...cell.matchAll(/`([^`]+)`/g)].flatMap(([, text = ""]) => {
      const [, group = "", choices = ""] = /^(\w+ )?([\w\\|]+)/.exec(text) ?? [];
      return [text, ...choices.split("\\|").map((choice) => `${group}${choice}`)];
    }),
  );
  expect(commands.length).toBeGreaterThan(20);
  expect(commands.filter((command) => !cells.some((cell) => `${cell} `.startsWith(`${command} `)))).toEqual([]);
});

/** What the snippets of a page build on: those before them have it. */
const preamble = 'import { connect, HoldfastError } from "holdfast";\nconst holdfast = await connect();\n';

test("every snippet of TypeScript is one that the compiler takes", async () => {
  mkdirSync(join(root, "dist"), { recursive: true });
  const folder = mkdtempSync(join(root, "dist", ".snippets-"));
  try {
    for (const page of ["README.md", "docs/library.md", "docs/network.md", "docs/actors.md", "docs/testing.md"]) {
      const snippets = readFileSync(join(root, page), "utf8").matchAll(/^```ts\n(.*?)^```$/gms);
      for (const [index, [, snippet = ""]] of [...snippets].entries()) {
        const whole = snippet.includes("import ") ? snippet : preamble + snippet;
        const [, name = `${page.replace("/", "-")}-${index}.ts`] = /^\/\/ (?:\S+\/)?(\S+\.ts)$/m.exec(snippet) ?? [];
        writeFileSync(join(folder, name), `${whole.replaceAll("…", "void 0;")}\nexport {};\n`);
      }
    }
    expect(readdirSync(folder).length).toBeGreaterThan(5);
    const entries = {
      holdfast: "index",
      "holdfast/client": "index-client",
      "holdfast/machines": "index-machines",
      "holdfast/testing": "index-testing",
    };
    const paths = Object.fromEntries(Object.entries(entries).map(([name, file]) => [name, [`../../src/${file}.ts`]]));
    const compilerOptions = { noUnusedLocals: false, paths };
    writeFileSync(
      join(folder, "tsconfig.json"),
      JSON.stringify({ extends: "../../tsconfig.json", compilerOptions, include: ["*.ts"], exclude: [] }),
    );
    const tsc = Bun.spawn([join(root, "node_modules/.bin/tsc"), "--noEmit", "--project", folder], { stdout: "pipe", cwd: root });
    expect(await tsc.stdout.text()).toBe("");
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 240_000);
