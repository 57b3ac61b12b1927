/**
 * Makes the library, dist/lib: a package for Node and Bun, with declarations, that `npm install ./dist/lib` takes.
 * Each module of ours stays a file of its own, so that a program which bundles the library gets those that it uses, and no others. The
 * dependencies stay dependencies: the declarations speak of XState's and zod's types, so the program that imports them must get the very
 * copies that we use, and npm can update and share them.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { $ } from "bun";
import { type BuildOptions, build, type Plugin } from "esbuild";
import project from "../package.json";

const root = join(import.meta.dir, "..");
const out = join(root, "dist", "lib");
const tsc = join(root, "node_modules", ".bin", "tsc");

/** What a program may import, and the source of each: `holdfast/client`. */
const entries: Readonly<Record<string, string>> = {
  ".": "src/index",
  "./client": "src/index-client",
  "./machines": "src/index-machines",
  "./testing": "src/index-testing",
};

/** Used where they are there, by the program's choice. */
const optional: Readonly<Record<string, string>> = { "fast-check": `^${project.devDependencies["fast-check"]}`, "node-libgpiod": "^0.5.3" };

const options = {
  absWorkingDir: root,
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
  packages: "external",
  external: ["bun:*"],
  metafile: true,
  logLevel: "warning",
} satisfies BuildOptions;

/** Leaves each import of a module of ours an import, of the file that it becomes. */
const separate: Plugin = {
  name: "separate",
  setup: ({ onResolve }) => {
    onResolve({ filter: /^\.{1,2}\/.*\.ts$/ }, ({ kind, path }) =>
      kind === "entry-point" ? null : { path: path.replace(/\.ts$/, ".js"), external: true },
    );
  },
};

/** The modules that the entries need, in JavaScript. Returns the packages that they import. */
async function compile(): Promise<string[]> {
  const entryPoints = Object.values(entries).map((entry) => `${entry}.ts`);
  const whole = await build({ ...options, entryPoints, outdir: "out", write: false });
  const modules = Object.keys(whole.metafile.inputs).filter((path) => path.endsWith(".ts"));
  await build({
    ...options,
    entryPoints: modules.map((path) => `./${path}`),
    outbase: root,
    outdir: out,
    plugins: [separate],
    sourcemap: "linked",
    sourcesContent: true,
  });
  const imported = Object.values(whole.metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path));
  const names = imported.map((path) => path.split("/", path.startsWith("@") ? 2 : 1).join("/"));
  return [...new Set(names)].filter((name) => Object.hasOwn(project.dependencies, name)).sort();
}

/** The declarations of the entries and of all that they name, beside the modules. */
async function declare(): Promise<void> {
  await run($`${tsc} --project tsconfig.lib.json --outDir ${out}`.cwd(root));
  for (const file of readdirSync(out, { recursive: true, encoding: "utf8" })) {
    if (!file.endsWith(".d.ts")) continue;
    const path = join(out, file);
    // Sources name each other with .ts; a consumer's compiler looks for the declarations of a .js.
    writeFileSync(path, readFileSync(path, "utf8").replace(/((?:from |import\(|import )"\.{1,2}\/[^"]*)\.ts"/g, '$1.js"'));
  }
}

/** The package.json of the library. Ranges instead of exact versions, so that npm may share a copy with the program. */
function describe(imported: readonly string[]): void {
  const { name, version, description, license, type, engines } = project;
  const exports = Object.entries(entries).map(([path, entry]) => [path, { types: `./${entry}.d.ts`, default: `./${entry}.js` }]);
  const manifest = {
    name,
    version,
    description,
    license,
    type,
    engines,
    exports: { ...Object.fromEntries(exports), "./package.json": "./package.json" },
    types: `./${entries["."]}.d.ts`,
    sideEffects: false,
    dependencies: Object.fromEntries(imported.map((each) => [each, `^${project.dependencies[each as keyof typeof project.dependencies]}`])),
    peerDependencies: optional,
    peerDependenciesMeta: Object.fromEntries(Object.keys(optional).map((each) => [each, { optional: true }])),
  };
  writeFileSync(join(out, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  for (const file of ["LICENSE", "README.md", "CHANGELOG.md"]) {
    if (existsSync(join(root, file))) writeFileSync(join(out, file), readFileSync(join(root, file)));
  }
}

/** Type-checks a small program against each entry of the library, as the two usual kinds of project do, and loads them in Node. */
async function check(): Promise<void> {
  const directory = join(root, "dist", ".consumer");
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(join(directory, "node_modules"), { recursive: true });
  symlinkSync(out, join(directory, "node_modules", project.name));
  const compilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: false,
    types: ["node"],
    target: "es2022",
    lib: ["es2024", "esnext.disposable"],
  };
  writeFileSync(join(directory, "package.json"), '{ "type": "module" }');
  writeFileSync(join(directory, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["program.ts"] }));
  const specifiers = Object.keys(entries).map((path) => project.name + path.slice(1));
  const program = specifiers.map((specifier) => `if (Object.keys(await import("${specifier}")).length === 0) process.exit(1);\n`).join("");
  writeFileSync(join(directory, "program.ts"), `${program}export {};\n`);
  await run($`${tsc} --module nodenext --moduleResolution nodenext`.cwd(directory));
  await run($`${tsc} --module esnext --moduleResolution bundler`.cwd(directory));
  await run($`node --input-type=module --eval ${program}`.cwd(directory));
  rmSync(directory, { recursive: true });
}

/** Runs a command that is silent unless it fails. */
async function run(command: ReturnType<typeof $>): Promise<void> {
  const { exitCode, stdout, stderr } = await command.nothrow().quiet();
  if (exitCode !== 0) throw new Error(`exit code ${exitCode}\n${stdout}${stderr}`);
}

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const imported = await compile();
await declare();
describe(imported);
await check();
console.log(`dist/lib  needs ${imported.join(", ")}`);
