/**
 * Makes the wheel of the Python package, dist/holdfast-VERSION-py3-none-any.whl: what `pip wheel ./python` would make, without a Python
 * (PEP 427). test/python/test_packaging.py compares the two.
 */
import { createHash } from "node:crypto";
import { globSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "smol-toml";
import { z } from "zod";
import { version } from "../package.json";
import { storedZip, type ZipEntry } from "./stored-zip.ts";

const root = join(import.meta.dir, "..");
const sources = join(root, "python");
const dist = join(root, "dist");

/** What is read of python/pyproject.toml. */
const projectSchema = z.object({
  project: z.object({
    name: z.string(),
    description: z.string(),
    readme: z.string(),
    license: z.object({ text: z.string() }),
    "requires-python": z.string(),
    dependencies: z.array(z.string()),
    "optional-dependencies": z.record(z.string(), z.array(z.string())),
    "entry-points": z.record(z.string(), z.record(z.string(), z.string())),
  }),
});

const { project } = projectSchema.parse(parse(readFileSync(join(sources, "pyproject.toml"), "utf8")));

/** What the package says of itself (core metadata, 2.1). */
function metadata(): string {
  const extras = Object.entries(project["optional-dependencies"]);
  return [
    "Metadata-Version: 2.1",
    `Name: ${project.name}`,
    `Version: ${version}`,
    `Summary: ${project.description}`,
    `License: ${project.license.text}`,
    `Requires-Python: ${project["requires-python"]}`,
    "Description-Content-Type: text/markdown",
    "License-File: LICENSE",
    ...project.dependencies.map((each) => `Requires-Dist: ${each}`),
    ...extras.flatMap(([extra, needed]) => [
      `Provides-Extra: ${extra}`,
      ...needed.map((each) => `Requires-Dist: ${each}; extra == '${extra}'`),
    ]),
    "",
    readFileSync(join(sources, project.readme), "utf8"),
  ].join("\n");
}

function entryPoints(): string {
  const groups = Object.entries(project["entry-points"]);
  const lines = groups.flatMap(([group, points]) => [`[${group}]`, ...Object.entries(points).map(([name, at]) => `${name} = ${at}`), ""]);
  return lines.join("\n");
}

const wheelTag = "py3-none-any";
const wheelFile = `Wheel-Version: 1.0\nGenerator: holdfast (${version})\nRoot-Is-Purelib: true\nTag: ${wheelTag}\n`;

/** One line a file: its path, its check sum, how long it is. Of the list itself there is neither. */
function record(entries: readonly ZipEntry[], own: string): string {
  const lines = entries.map(({ path, content }) => {
    const sum = createHash("sha256").update(content).digest("base64url");
    return `${path},sha256=${sum},${content.length}`;
  });
  return `${[...lines, `${own},,`].join("\n")}\n`;
}

const modules = globSync("holdfast/**/{*.py,py.typed}", { cwd: sources }).sort();
const info = `${project.name}-${version}.dist-info`;
const entries: ZipEntry[] = [
  ...modules.map((path) => ({ path, content: readFileSync(join(sources, path)) })),
  { path: `${info}/LICENSE`, content: readFileSync(join(root, "LICENSE")) },
  { path: `${info}/METADATA`, content: Buffer.from(metadata()) },
  { path: `${info}/WHEEL`, content: Buffer.from(wheelFile) },
  { path: `${info}/entry_points.txt`, content: Buffer.from(entryPoints()) },
];
const list = `${info}/RECORD`;
const wheel = storedZip([...entries, { path: list, content: Buffer.from(record(entries, list)) }]);

mkdirSync(dist, { recursive: true });
for (const old of readdirSync(dist).filter((name) => name.endsWith(".whl"))) rmSync(join(dist, old));
const file = `${project.name}-${version}-${wheelTag}.whl`;
writeFileSync(join(dist, file), wheel);
console.log(`dist/${file}  ${(wheel.length / 1e3).toFixed(0)} kB`);
