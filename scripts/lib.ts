/**
 * Makes the library, dist/lib: a package for Node and Bun, with declarations, that `npm install ./dist/lib` takes.
 * Our own modules become one file. The dependencies stay dependencies: the declarations speak of XState's and zod's types, so the
 * program that imports them must get the very copies that we use, and npm can update and share them.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { $ } from "bun";
import { build } from "esbuild";
import project from "../package.json";

const root = join(import.meta.dir, "..");
const out = join(root, "dist", "lib");
const tsc = join(root, "node_modules", ".bin", "tsc");

/** The bundle, as index.js. Returns the packages that it imports. */
async function bundle(): Promise<string[]> {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: ["src/index.ts"],
    outfile: join(out, "index.js"),
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    packages: "external",
    external: ["bun:*"],
    sourcemap: "linked",
    sourcesContent: true,
    metafile: true,
    logLevel: "warning",
  });
  const imported = Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path));
  const names = imported.map((path) => path.split("/", path.startsWith("@") ? 2 : 1).join("/"));
  return [...new Set(names)].filter((name) => Object.hasOwn(project.dependencies, name)).sort();
}

/** The declarations of src/index.ts and of all that it names, in types/. */
async function declare(): Promise<void> {
  await run($`${tsc} --project tsconfig.lib.json --outDir ${join(out, "types")}`.cwd(root));
  for (const file of readdirSync(join(out, "types"), { recursive: true, encoding: "utf8" })) {
    if (!file.endsWith(".d.ts")) continue;
    const path = join(out, "types", file);
    // Sources name each other with .ts; a consumer's compiler looks for the declarations of a .js.
    writeFileSync(path, readFileSync(path, "utf8").replace(/((?:from |import\(|import )"\.{1,2}\/[^"]*)\.ts"/g, '$1.js"'));
  }
}

/** The package.json of the library. Ranges instead of exact versions, so that npm may share a copy with the program. */
function describe(imported: readonly string[]): void {
  const { name, version, description, license, type, engines } = project;
  const dependencies = Object.fromEntries(
    imported.map((each) => [each, `^${project.dependencies[each as keyof typeof project.dependencies]}`]),
  );
  const exports = { ".": { types: "./types/src/index.d.ts", default: "./index.js" }, "./package.json": "./package.json" };
  const manifest = {
    name,
    version,
    description,
    license,
    type,
    engines,
    exports,
    types: exports["."].types,
    sideEffects: false,
    dependencies,
  };
  writeFileSync(join(out, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  for (const file of ["LICENSE", "README.md", "CHANGELOG.md"]) {
    if (existsSync(join(root, file))) writeFileSync(join(out, file), readFileSync(join(root, file)));
  }
}

/** Type-checks a small program against the library, as the two usual kinds of project do, and loads it in Node. */
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
  writeFileSync(
    join(directory, "program.ts"),
    `import * as holdfast from "${project.name}";\nexport const names: readonly string[] = Object.keys(holdfast);\n`,
  );
  await run($`${tsc} --module nodenext --moduleResolution nodenext`.cwd(directory));
  await run($`${tsc} --module esnext --moduleResolution bundler`.cwd(directory));
  await run(
    $`node --input-type=module --eval ${`import * as library from "${project.name}"; if (Object.keys(library).length === 0) process.exit(1);`}`.cwd(
      directory,
    ),
  );
  rmSync(directory, { recursive: true });
}

/** Runs a command that is silent unless it fails. */
async function run(command: ReturnType<typeof $>): Promise<void> {
  const { exitCode, stdout, stderr } = await command.nothrow().quiet();
  if (exitCode !== 0) throw new Error(`exit code ${exitCode}\n${stdout}${stderr}`);
}

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const imported = await bundle();
await declare();
describe(imported);
await check();
console.log(`dist/lib  needs ${imported.join(", ")}`);
