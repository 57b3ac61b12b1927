import { join } from "node:path";
import { $ } from "bun";
import { cached } from "./cache.ts";
import { install, run } from "./debian.ts";
import { folder, type GuestFile } from "./initramfs.ts";

/** The package that Node reaches libgpiod through, and what it is compiled with. */
const ADDON = "node-libgpiod@0.5.3";
const compilers = ["libgpiod-dev", "g++", "make", "python3"];

/** Where Node and the libraries that it was linked with are in a guest, apart from the guest's own. */
const AT = "node";

/**
 * This machine's Node for a guest of the same architecture, as bin/node, and the packages that `node-libgpiod` consists of.
 * @param modules the guest's folder of packages
 */
export async function nodeFiles(modules: string): Promise<[string, GuestFile][]> {
  const node = (await $`node --print process.execPath`.text()).trim();
  const version = (await $`node --version`.text()).trim();
  const made = await cached("node-libgpiod", [ADDON, version], async (into) => {
    await install(...compilers);
    await Bun.write(join(into, "package.json"), "{}");
    await run(["npm", "install", "--no-audit", "--no-fund", "--no-save", ADDON], into);
  });
  const packages = join(made, "node_modules");
  const addon = join(packages, "node-libgpiod", "build", "Release", "node-libgpiod.node");
  const libraries = [...(await librariesOf(node)), ...(await librariesOf(addon))];
  const loader = libraries.find(([name]) => name.startsWith("ld-linux"))?.[0];
  if (loader === undefined) throw new Error(`${node} has no loader: ldd does not name one`);
  return [
    ["bin/node", { text: `#!/bin/sh\nexec /${AT}/${loader} --library-path /${AT} /${AT}/node "$@"\n`, mode: 0o755 }],
    [join(AT, "node"), { from: node }],
    ...libraries.map(([name, from]): [string, GuestFile] => [join(AT, name), { from }]),
    ...["node-libgpiod", "bindings", "file-uri-to-path"].flatMap((name) => folder(join(modules, name), join(packages, name))),
  ];
}

/** The shared libraries that a program needs, by their names, and the loader. */
async function librariesOf(program: string): Promise<[string, string][]> {
  const listed = await $`ldd ${program}`.text();
  return [...listed.matchAll(/(\/\S+) \(0x/g)].map(([, path = ""]) => [path.slice(path.lastIndexOf("/") + 1), path]);
}
