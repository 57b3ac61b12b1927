import { join } from "node:path";
import { $ } from "bun";
import { cached } from "./cache.ts";
import { install, run } from "./debian.ts";
import { hostProgram } from "./host-program.ts";
import { folder, type GuestFile } from "./initramfs.ts";

/** The package that Node reaches libgpiod through, and what it is compiled with. */
const ADDON = "node-libgpiod@0.5.3";
const compilers = ["libgpiod-dev", "g++", "make", "python3"];

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
  return [
    ...(await hostProgram(node, addon)),
    ...["node-libgpiod", "bindings", "file-uri-to-path"].flatMap((name) => folder(join(modules, name), join(packages, name))),
  ];
}
